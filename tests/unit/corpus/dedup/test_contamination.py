"""Runs of words that a text shares with evaluation texts."""

import pytest

from gptmodel.corpus.dedup.contamination import ngrams_of, shares_ngram

QUESTION = "which of the seven bridges was built first and by whom was it paid for in the end"
CHINESE = "人工智能的发展离不开大量高质量的训练数据以及严格而独立的评测标准才能让人放心地使用它们"


def shares(text: str, judged: str, length: int = 13) -> bool:
    return bool(shares_ngram([text], ngrams_of([judged], length), length)[0])


def test_a_shared_run_is_found_wherever_it_stands() -> None:
    assert shares(f"some words before {QUESTION} and after", f"question one: {QUESTION}")


@pytest.mark.parametrize(("num_words", "expected"), [(12, False), (13, True)])
def test_a_run_has_to_be_as_long_as_asked(num_words: int, expected: bool) -> None:
    piece = " ".join(QUESTION.split()[:num_words])
    assert shares(f"intro {piece} stop", QUESTION) is expected


@pytest.mark.parametrize(("num_chars", "expected"), [(25, False), (26, True)])
def test_a_run_without_spaces_is_twice_as_many_characters(num_chars: int, expected: bool) -> None:
    assert shares(f"前文{CHINESE[:num_chars]}甲乙", CHINESE) is expected


def test_punctuation_makes_no_difference() -> None:
    assert shares(QUESTION.replace(" ", ", "), QUESTION)


def test_a_run_does_not_go_on_in_the_next_text() -> None:
    words = QUESTION.split()
    ngrams = ngrams_of([QUESTION], 13)
    assert not shares_ngram([" ".join(words[:8]), " ".join(words[8:])], ngrams, 13).any()


def test_no_evaluation_text_finds_nothing() -> None:
    assert not shares(QUESTION, "")
