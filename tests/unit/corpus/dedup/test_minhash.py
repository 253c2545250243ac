"""MinHash: estimates near the true similarity, and joins that depend on pairs alone."""

import random

import numpy as np
import pytest

from gptmodel.config import DedupConfig
from gptmodel.corpus.dedup.minhash import MinHasher, Signatures, has_words

CONFIG = DedupConfig()


def sign(texts: list[str], config: DedupConfig = CONFIG) -> Signatures:
    return np.concatenate(list(MinHasher(config).signatures(texts)))


def words(seed: int, count: int) -> list[str]:
    return [f"word{number}" for number in random.Random(seed).choices(range(5000), k=count)]


def shingles(text: str, ngram: int) -> set[tuple[str, ...]]:
    tokens = text.split()
    return {tuple(tokens[at : at + ngram]) for at in range(len(tokens) - ngram + 1)}


def test_the_share_of_equal_places_estimates_the_similarity() -> None:
    config = DedupConfig(num_bands=64, rows_per_band=16)
    base = words(1, 600)
    texts = [" ".join(base), " ".join(base[:450] + words(2, 150))]
    left, right = (shingles(text, config.ngram) for text in texts)
    true = len(left & right) / len(left | right)
    signatures = sign(texts, config)
    assert (signatures[0] == signatures[1]).mean() == pytest.approx(true, abs=0.06)


def test_the_estimate_has_no_bias_over_many_pairs() -> None:
    errors = []
    for seed in range(40):
        base = words(seed, 300)
        texts = [" ".join(base), " ".join(base[:200] + words(seed + 1000, 100))]
        left, right = (shingles(text, CONFIG.ngram) for text in texts)
        signatures = sign(texts)
        errors.append((signatures[0] == signatures[1]).mean() - len(left & right) / len(left | right))
    assert abs(np.mean(errors)) < 0.03


def test_a_text_has_the_same_signature_alone_and_among_others() -> None:
    texts = [" ".join(words(seed, 10 + seed * 37)) for seed in range(30)]
    together = sign(texts)
    assert all((together[row] == sign([text])[0]).all() for row, text in enumerate(texts))


def test_chinese_is_compared_by_characters() -> None:
    text = "今天下午我们在学校的图书馆里讨论了新的教学计划并且决定从下个月开始实行" * 2
    signatures = sign([text + "甲", text + "乙", "完全不同的一段话说的是山里的风景和河边的小路还有远处的村庄" * 2])
    assert (signatures[0] == signatures[1]).mean() > 0.8
    assert (signatures[0] == signatures[2]).mean() < 0.1


def test_punctuation_makes_no_difference() -> None:
    assert (sign(["one, two; three. four five six"]) == sign(["one two three four five six!"])).all()


def test_a_text_shorter_than_a_shingle_is_one_shingle() -> None:
    signatures = sign(["hello world", "hello, world", "hello there"])
    assert (signatures[0] == signatures[1]).all()
    assert (signatures[0] == signatures[2]).mean() < 0.1


def test_texts_without_words_are_told_apart() -> None:
    signatures = sign(["...", "!!!", "", "one two three four five"])
    assert has_words(signatures).tolist() == [False, False, False, True]


def test_another_seed_gives_other_signatures() -> None:
    text = [" ".join(words(1, 50))]
    assert not (sign(text) == sign(text, DedupConfig(seed=2))).any()


def test_signatures_stay_the_same_between_versions() -> None:
    # What is stored under a fingerprint today must be found again tomorrow, with any version of numpy.
    assert sign(["The quick brown fox jumps over the lazy dog"])[0, :3].tolist() == [1840550487, 821656450, 786781092]
