from typing import Any

import pytest

from gptmodel.page import bars, gate_box, number_text, setting_text


@pytest.mark.parametrize(("value", "text"), [
    (None, "not set"), (True, "yes"), (False, "no"), (1234567, "1,234,567"), (0.123456, "0.1235"),
    (123456.7, "123456.7"), ("x", "x"),
])  # fmt: skip
def test_values_are_written_for_people(value: Any, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(("value", "text"), [([], "none"), (["a", 1], "a, 1"), (True, "yes"), (1000, "1000")])
def test_settings_are_written_as_they_are_typed(value: Any, text: str) -> None:
    assert setting_text(value) == text


def test_bars_are_the_largest_first_with_their_share_of_it() -> None:
    assert bars({"b": 5, "a": 10, "c": 0}) == [("a", "10", 1.0), ("b", "5", 0.5), ("c", "0", 0.0)]
    assert bars({}) == []


@pytest.mark.parametrize(("reason", "passed", "shown"), [
    ("passed: nothing leaked", True, "nothing leaked"), ("passed 2 of 2 checks", True, "2 of 2 checks"),
    ("Blocked by the quality gate: too few.", False, "too few."), ("first version", True, "first version"),
])  # fmt: skip
def test_an_answer_is_not_said_twice(reason: str, passed: bool, shown: str) -> None:
    box = gate_box({"passed": passed, "reason": reason, "scope": ""}, "Yes", "No")
    assert (box["label"], box["reason"]) == ("Yes" if passed else "No", shown)


@pytest.mark.parametrize(("passed", "is_weak", "tone"), [
    (True, False, "passed"), (True, True, "warning"), (False, False, ""), (False, True, ""),
])  # fmt: skip
def test_a_yes_that_says_little_does_not_look_like_one(passed: bool, is_weak: bool, tone: str) -> None:
    assert gate_box({"passed": passed, "reason": "x", "scope": ""}, "Yes", "No", is_weak=is_weak)["tone"] == tone
