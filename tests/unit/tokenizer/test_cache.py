"""The ids of pieces that are kept: never other ids, and never more than the bound."""

import pytest

from gptmodel.config import TokenizerConfig
from gptmodel.tokenizer import Tokenizer, cache, learn

TEXTS = [f"Line {n}: the names' list (of {n * n}) isn't 使用Python模块 of <EMAIL>.\n\n" * 3 for n in range(30)]


def make_tokenizer() -> Tokenizer:
    return learn(TEXTS, TokenizerConfig(vocab_size=400), ["<EMAIL>", "names"])


@pytest.mark.parametrize(("num_pieces", "num_chars", "block"), [(3, 40, 7), (10**6, 2, 10**6), (0, 0, 1)])
def test_what_is_kept_makes_no_difference(
    monkeypatch: pytest.MonkeyPatch, num_pieces: int, num_chars: int, block: int
) -> None:
    monkeypatch.setattr(cache, "_MAX_PIECES", num_pieces)
    monkeypatch.setattr(cache, "_MAX_PIECE_CHARS", num_chars)
    monkeypatch.setattr(cache, "_PIECES_OF_A_BLOCK", block)
    tokenizer = make_tokenizer()
    assert tokenizer.encode_batch(TEXTS) == [tokenizer.encode(text) for text in TEXTS]


def test_a_text_met_again_has_the_same_ids() -> None:
    tokenizer = make_tokenizer()
    assert tokenizer.encode_batch(TEXTS) == tokenizer.encode_batch(TEXTS)


def test_an_empty_text_has_no_ids() -> None:
    assert make_tokenizer().encode_batch(["", "a", ""])[::2] == [[], []]
