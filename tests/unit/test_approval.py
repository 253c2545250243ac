"""An approval as it stands on a version."""

from datetime import UTC, datetime

import pytest

from gptmodel.approval import Approval, approval_of, refusal, with_approval
from gptmodel.decision import Decision
from gptmodel.registry import Version


def version(tag: str = "") -> Version:
    tags = {"gptmodel.approval": tag} if tag else {}
    return Version(name="gpt", version=2, model_id=None, run_id=None, tags=tags, description="")


@pytest.mark.parametrize("tag", ["", "yes", "approve Mei"])
def test_a_version_nobody_was_asked_about_has_none(tag: str) -> None:
    assert approval_of(version(tag)) is None


def test_the_first_word_is_the_state_and_a_question_names_its_end() -> None:
    found = approval_of(version("asked until 2026-11-26T15:00:00+00:00"))
    assert found is not None
    assert (found.state, found.until) == ("asked", datetime(2026, 11, 26, 15, tzinfo=UTC))


def test_a_question_whose_tag_was_changed_by_hand_is_over() -> None:
    assert Approval(state="asked", words="until soon").until < datetime.now(UTC)


@pytest.mark.parametrize(
    ("approval", "words"),
    [
        (Approval(state="declined", words="by Mei: odd"), "v2 was declined by Mei: odd"),
        (Approval(state="declined", words="odd"), "v2 was declined: odd"),
        (Approval(state="expired", words="within 48 hours"), "nobody approved v2 within 48 hours"),
    ],
)
def test_a_refusal_says_by_whom_and_why(approval: Approval, words: str) -> None:
    assert refusal(version(), approval) == words


def test_a_yes_stands_in_the_decisions_sentence_and_nothing_else_does() -> None:
    decision = Decision(passed=True, reason="better")
    assert with_approval(decision, Approval(state="approved", words="by Mei")).reason == "better; approved by Mei"
    assert with_approval(decision, Approval(state="declined", words="by Mei")) == decision
    assert with_approval(decision, None) == decision
