"""The rules for a team's own text, each just inside and just outside its limit."""

import pytest

from gptmodel.config import CleaningConfig
from gptmodel.corpus.documents import Document
from gptmodel.corpus.rules import apply_rules

SENTENCE = "The garden behind the house is open to everyone who likes old trees and quiet afternoons."


def reason(text: str, lang: str = "und", **settings: object) -> str:
    return apply_rules(Document("0", "notes", "a.txt", text, lang), CleaningConfig(**settings)).reason


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE,
        "床前明月光，疑是地上霜。举头望明月，低头思故乡。",
        "句\n上官昭容\n勢如連璧友，心似臭蘭人。",
        "我已经写完信了。",
        "x = [1, 2, 3]\nfor item in x:\n    print(item + 1)\n",
        "- Fixed a crash (#123)\n- Fixed a leak (#124)\n- Updated docs (#125)",
        '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /presentations/logstash/index.html HTTP/1.1" 200 "Mozilla"',
        "ok see u at 8 then :) dont be late haha",
        "ประโยคภาษาไทยที่มีความหมาย",
    ],
)
def test_text_of_every_kind_stays(text: str) -> None:
    assert reason(text) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x" * 20, ""), ("x" * 19, "too short"), ("山" * 6, ""), ("山" * 5, "too short"), ("가" * 7, "too short")],
)
def test_a_text_is_too_short_in_the_measure_of_its_script(text: str, expected: str) -> None:
    assert reason(text, min_compressed_ratio=0) == expected


@pytest.mark.parametrize(("num_broken", "expected"), [(1, ""), (2, "broken text")])
def test_one_broken_character_in_a_hundred_is_the_limit(num_broken: int, expected: str) -> None:
    assert reason((SENTENCE * 2)[: 100 - num_broken] + "\ufffd" * num_broken) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc 1234567 abcabc 89012345678901", ""),
        ("abc 1234567 abcab 890123456789012", "not text"),
        ("三百年 1234567 三百年三百年 89012345678901", ""),
    ],
)
def test_three_letters_in_ten_are_the_limit(text: str, expected: str) -> None:
    assert reason(text) == expected


@pytest.mark.parametrize(("times", "expected"), [(3, ""), (4, "repeated lines")])
def test_lines_that_occurred_before_are_held_against_their_limit(times: int, expected: str) -> None:
    assert reason("\n".join([SENTENCE] * times)) == expected


@pytest.mark.parametrize("phrase", ["buy cheap watches now! ", "哈哈", "spam\tspam "])
def test_one_phrase_over_and_over_is_repeated_text(phrase: str) -> None:
    assert [reason(phrase * number) for number in (4, 500)] == ["", "repeated text"]


@pytest.mark.parametrize(("lang", "expected"), [("en", ""), ("und", ""), ("fr", "other language")])
def test_only_wanted_and_undetermined_languages_stay(lang: str, expected: str) -> None:
    text = "1999 2001 Bern abcdef 2003" if lang == "und" else SENTENCE
    assert reason(text, lang, languages=("en", "zh")) == expected


def test_a_language_that_no_source_names_is_found() -> None:
    assert reason(SENTENCE, languages=("fr",)) == "other language"


@pytest.mark.parametrize(
    ("text", "off"),
    [
        ("Too short.", {"min_chars": 0}),
        ("0123 4567 8910 1112 1314 (15) [16] = 17", {"min_letter_ratio": 0}),
        (SENTENCE + "\ufffd" * 5, {"max_replacement_ratio": 1}),
        ("\n".join([SENTENCE] * 5), {"max_repeated_line_ratio": 1}),
        ("spam " * 500, {"min_compressed_ratio": 0}),
        ("La pluie tombe sur la ville et les toits.", {"languages": ()}),
    ],
)
def test_the_off_value_of_a_limit_keeps_all(text: str, off: dict[str, object]) -> None:
    assert reason(text, **off) == ""
