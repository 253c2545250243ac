"""Pieces of text: their cuts make no difference to any id, whatever the text and the vocabulary."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from gptmodel.config import TokenizerConfig
from gptmodel.tokenizer import Tokenizer, learn
from gptmodel.tokenizer.pieces import HAN_RANGES, LETTERS, RARE_HAN, WHITE, cutter

# What the pattern and the cuts tell apart, and characters at the borders of its classes.
ATOMS = [
    *" \t\n\r\x0b\x1c\x85\xa0\u2028\u3000", "  ", "\n\n", " \n ", *"aZé1٣½'’.,!-_<>", "'s", "'RE", "ſ", "don't",
    "e\u0301", "\u0301", "\u093f", "汉", "字汉", "我们我们", "的一", "々", "〇", "〡", "⺀", "⼀", "\uf900",
    "\U00020000", "㐀", "䶵", "龥", "，", "。", "を", "カタカナ", "ー", "한국", "Привет",
    "مرحبا", "हिन्दी", "👩\u200d👧",
    "<EMAIL>", "<|endoftext|>", "\ufffd", "\x00",
]  # fmt: skip
CUT = cutter([b"\x84\xe6", "我们".encode()])
TEXT = (
    "The function's names aren't 12345. 我们的一个汉字，我们我们的一的一。字汉字汉 Привет, мир! カタカナを <EMAIL>\n\n"
    "  x\n"
    "  return!!\n\n\n  \n汉〇汉々 〇1〇 ⺀⺀ é e\u0301 हिन्दी 한국 مرحبا  我们  的一 !汉\n"
)


@pytest.fixture(scope="module", params=[300, 340, 420, 600])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    texts = [TEXT[start:] + TEXT[:start] for start in range(0, len(TEXT), 3)]
    return learn(texts, TokenizerConfig(vocab_size=request.param), ["<EMAIL>", "<E"])


@given(st.lists(st.sampled_from(ATOMS), max_size=20).map("".join))
def test_awkward_text_has_the_ids_that_the_library_gives_it(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.encode_batch([text]) == [tokenizer.encode(text)]


@given(st.text(max_size=60))
def test_any_text_has_the_ids_that_the_library_gives_it(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.encode_batch([text]) == [tokenizer.encode(text)]


@given(st.lists(st.sampled_from(ATOMS), max_size=30).map("".join))
def test_pieces_joined_are_the_text(text: str) -> None:
    pieces = CUT(text)
    assert "".join(pieces) == text
    assert "" not in pieces


def test_a_run_of_han_characters_is_cut_where_no_token_spans() -> None:
    assert cutter(["我们".encode()])("我们我他们") == ["我们", "我", "他", "们"]
    assert cutter([])("汉字 汉") == ["汉", "字", " 汉"]


def test_a_part_of_a_character_in_a_token_holds_the_run_together() -> None:
    token = "汉".encode()[-1:] + "字".encode()[:1]
    assert cutter([token])("汉字") == ["汉字"]


@pytest.mark.parametrize(
    ("inside", "pattern", "relation"),
    [
        (WHITE, r"\s", set.__eq__),
        (LETTERS, r"[\p{L}&&[^\p{Han}]]", set.__le__),
        ("".join(f"{chr(first)}-{chr(last)}" for first, last in HAN_RANGES), r"[\p{L}&&\p{Han}]", set.__le__),
        ("".join(f"{chr(first)}-{chr(last)}" for first, last in HAN_RANGES) + RARE_HAN, r"\p{Han}", set.__ge__),
    ],
    ids=["white space", "letters", "Han", "may be Han"],
)
def test_classes_are_those_of_the_library(inside: str, pattern: str, relation: object) -> None:
    every = "".join(chr(code) for code in range(0x40000) if not 0xD800 <= code <= 0xDFFF)
    others = set("".join(piece for piece, _ in Split(Regex(f"(?:{pattern})+"), "removed").pre_tokenize_str(every)))
    ours = set(re.findall(f"[{inside}]", every))
    assert relation(ours, set(every) - others)  # type: ignore[operator]
