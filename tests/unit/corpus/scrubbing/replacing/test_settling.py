"""What replacing brings to light, and how it is taken back into the text."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import Replacement, ScrubbingConfig
from gptmodel.corpus.scrubbing import Finding, Scrubber
from gptmodel.corpus.scrubbing.replacing.replacement import Replacer
from gptmodel.corpus.scrubbing.replacing.settling import Replaced, settled


def finder(pattern: str, kind: str = "SECRET") -> Callable[[str], list[Finding]]:
    return lambda text: [Finding(*match.span(), kind, "test") for match in re.finditer(pattern, text)]


def settle(text: str, find: Callable[[str], list[Finding]], replacer: Replacer) -> list[Finding]:
    return settled(text, find(text), find, replacer)


def values(text: str, found: list[Finding]) -> list[str]:
    return [text[one.start : one.end] for one in found]


def scrubber(way: Replacement) -> Scrubber:
    return Scrubber(ScrubbingConfig(replacement=way))


@pytest.mark.parametrize("way", ["placeholder", "mask", "remove"])
def test_what_a_removed_value_joins_is_taken_whole(way: Replacement) -> None:
    text = "to ada@[192.168.1.1][192.168.1.2]."
    nested = text.replace("[192.168.1.2]", "") if way == "placeholder" else "to ada@ada@[192.168.1.1][192.168.1.2]."
    scrubbed = scrubber(way).scrub(nested).text
    assert scrubber(way).find(scrubbed) == []
    assert scrubbed.startswith("to ")
    assert scrubbed.endswith(".")


def test_halves_that_meet_once_a_value_is_gone_are_one_finding() -> None:
    text, removed = "a<b>c", Replacer(otherwise="remove")
    assert values(text, settle(text, finder("<b>|ac"), removed)) == ["a<b>c"]
    assert values(text, settle(text, finder("<b>|ac"), Replacer())) == ["<b>"]


def test_what_stands_beside_a_removed_value_stays_beside_it() -> None:
    text, removed = "ab<x>cd", Replacer(otherwise="remove")
    assert values(text, settle(text, finder("<x>|cd$|^ab"), removed)) == ["ab", "<x>", "cd"]


def test_values_nested_deeper_than_anybody_writes_them_end_soon() -> None:
    text = "x " * 500 + "ada@" * 4000 + "[192.168.1.1]" * 4000 + " y" * 500
    done = scrubber("remove").scrub(text)
    assert scrubber("remove").find(done.text) == []


def test_values_nested_a_little_take_nothing_else_along() -> None:
    text = f"x {'ada@' * 9}{'[192.168.1.1]' * 9} y"
    assert scrubber("remove").scrub(text).text == "x  y"


def test_a_rule_that_finds_its_own_stand_in_ends() -> None:
    assert values("12 ab", settle("12 ab", finder(r"\S\S"), Replacer(otherwise="mask"))) == ["12", "ab"]
    assert values("12 ab", settle("12 ab", finder("12|SECRET"), Replacer())) == ["12"]


def test_what_lies_far_from_a_stand_in_is_judged_with_all_that_is_around_it() -> None:
    # The stretch around the stand-in begins within the word, of which the end alone would be found.
    text = f"{'-' * 500}not{'b' * 700}{'-' * 300}x{'-' * 500}"
    assert values(text, settle(text, finder("(?<!t)(?<!b)b{3,}|x"), Replacer())) == ["x"]


def test_a_block_that_reaches_farther_than_the_stretches_is_found() -> None:
    body = "MIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu\n" * 60
    text = f"-----BEGIN 8.8.8.8 PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----"
    assert scrubber("remove").scrub(text).text == "\n-----END PRIVATE KEY-----"


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), max_size=6), st.sampled_from(["placeholder", "remove"]),
    st.integers(0, 40), st.integers(1, 20),
)  # fmt: skip
def test_every_stretch_goes_back_to_where_it_came_from(
    places: list[tuple[int, int]], way: Replacement, start: int, length: int
) -> None:
    findings, at = [], 0
    for gap, size in places:
        findings.append(Finding(at + gap, at + gap + size, "SECRET", "test"))
        at += gap + size
    text = "".join(chr(0x4E00 + number) for number in range(at + 9))
    replaced = Replaced(text, findings, Replacer(otherwise=way))
    start = min(start, len(replaced.text) - 1)
    end = min(start + length, len(replaced.text))
    back = replaced._back(Finding(start, end, "EMAIL", "test"))
    visible = {char for char in replaced.text[start:end] if char in text}
    assert visible <= set(text[back.start : back.end])
    for one in findings:
        overlap = min(one.end, back.end) - max(one.start, back.start)
        assert overlap <= 0 or overlap == one.end - one.start
    outside = {char for one in findings for char in text[one.start : one.end]}
    assert set(text[back.start : back.end]) - outside == visible
