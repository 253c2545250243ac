import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from gptmodel.overlap import Words, distinct_ratio, overlap, repetition_ratio, shuffled_overlap

ENGLISH = ["the cat sat on the mat today", "a function returns its first argument"]
ENGLISH_REFERENCES = ["the cat lay on the mat today", "the function returns its argument"]
CHINESE = ["今天天气很好，我们去公园散步。", "这个函数返回第一个参数。"]
CHINESE_REFERENCES = ["今天天气不好，我们去公园散步。", "这个函数返回它的参数。"]


def test_bleu_and_chrf_equal_sacrebleu():
    found = overlap(ENGLISH, ENGLISH_REFERENCES)
    assert found.bleu == sacrebleu.corpus_bleu(ENGLISH, [ENGLISH_REFERENCES]).score
    assert found.chrf == sacrebleu.corpus_chrf(ENGLISH, [ENGLISH_REFERENCES]).score


def test_chinese_bleu_equals_sacrebleu_by_its_zh_rule():
    found = overlap(CHINESE, CHINESE_REFERENCES)
    assert found.bleu == sacrebleu.corpus_bleu(CHINESE, [CHINESE_REFERENCES], tokenize="zh").score
    assert found.bleu > 40


def test_rouge_equals_rouge_score_on_english():
    scorer = rouge_scorer.RougeScorer(["rougeL"])
    pairs = zip(ENGLISH, ENGLISH_REFERENCES, strict=True)
    expected = [scorer.score(reference, text)["rougeL"].fmeasure for text, reference in pairs]
    assert overlap(ENGLISH, ENGLISH_REFERENCES).rouge_l == pytest.approx(sum(expected) / 2)


def test_rouge_counts_chinese_characters():
    # Four of four and of four characters in order but one: the longest common subsequence is 3.
    assert overlap(["天气很好"], ["天气不好"]).rouge_l == pytest.approx(0.75)


def test_equal_texts_agree_wholly():
    found = overlap(CHINESE, CHINESE)
    assert (found.bleu, found.chrf, found.rouge_l) == (pytest.approx(100), pytest.approx(100), 1.0)


@pytest.mark.parametrize(("references", "rule"), [(ENGLISH_REFERENCES, "tok:13a"), (CHINESE_REFERENCES, "tok:zh")])
def test_signatures_name_the_settings(references: list[str], rule: str):
    signatures = overlap(references, references).signatures
    assert rule in signatures["bleu"]
    assert set(signatures) == {"bleu", "chrf", "rouge_l"}


def test_shuffled_references_agree_less():
    right, shuffled = overlap(ENGLISH, ENGLISH_REFERENCES), shuffled_overlap(ENGLISH, ENGLISH_REFERENCES)
    assert shuffled is not None
    assert shuffled.bleu < right.bleu
    assert shuffled.chrf < right.chrf
    assert shuffled.rouge_l < right.rouge_l


def test_one_text_has_nothing_to_shuffle():
    assert shuffled_overlap(ENGLISH[:1], ENGLISH_REFERENCES[:1]) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world 42", ["hello", "world", "42"]),
        ("GPT模型2号", ["gpt", "模", "型", "2", "号"]),
        ("ひらがな", ["ひ", "ら", "が", "な"]),
        ("naïve café", ["naïve", "café"]),
        ("，。!?", []),
    ],
)
def test_words_are_runs_of_letters_or_single_cjk_characters(text: str, words: list[str]):
    assert Words().tokenize(text) == words


def test_distinct_bigrams_by_hand():
    # a b a b: three bigrams, two of them distinct; the second sequence adds one more, seen already.
    assert distinct_ratio([[1, 2, 1, 2], [1, 2]]) == pytest.approx(2 / 4)


def test_repetition_by_hand():
    # Six 4-grams, the last two of which stood before.
    assert repetition_ratio([[1, 2, 3, 4, 1, 2, 3, 4, 1]]) == pytest.approx(2 / 6)


def test_repetition_is_within_a_sequence_only():
    assert repetition_ratio([[1, 2, 3, 4], [1, 2, 3, 4]]) == 0.0


@given(st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=5))
def test_ratios_stay_between_zero_and_one(sequences: list[list[int]]):
    assert 0 <= distinct_ratio(sequences) <= 1
    assert 0 <= repetition_ratio(sequences) <= 1
