"""What a tag says of who and why."""

import pytest

from gptmodel.champions import _by_and_reason, rolled_back, told, turn_of
from gptmodel.registry import Version


def version(**tags: str) -> Version:
    return Version(name="gpt", version=2, model_id=None, run_id=None, tags=tags, description="")


@pytest.mark.parametrize(
    ("by", "reason", "words"),
    [
        ("Mei", "odd answers", "was rolled back by Mei: odd answers"),
        ("Mei", "", "was rolled back by Mei"),
        ("", "odd\nanswers", "was rolled back: odd answers"),
        ("", "", "was rolled back: no reason given"),
        (" Mei: Chen ", "odd", "was rolled back by Mei Chen: odd"),
    ],
)
def test_who_and_why_make_one_line(by: str, reason: str, words: str) -> None:
    assert rolled_back(told(by, reason)) == words


@pytest.mark.parametrize(("tag", "turn"), [("0012 2026-01-01T00:00:00+00:00", 12), ("yes", 0), ("", 0)])
def test_a_turn_is_the_number_before_its_time(tag: str, turn: int) -> None:
    assert turn_of(version(**{"gptmodel.champion_since": tag})) == turn


def test_a_version_without_a_turn_was_never_champion() -> None:
    assert turn_of(version()) == 0


def test_a_reason_that_begins_with_by_names_nobody() -> None:
    assert _by_and_reason(told("", "by accident: wrong data")) == ("", '"by accident: wrong data"')
    assert _by_and_reason(told("Mei", "by accident")) == ("Mei", "by accident")
