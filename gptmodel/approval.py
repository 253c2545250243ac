"""A person's approval of a version that the comparison would promote: asked, approved, declined or expired.

It stands on the version as tags, so that a run that goes on, in whatever process or home, asks only once. A yes is to
the comparison that was shown: against another champion it counts for nothing. Asking itself, on a dashboard, is the
flows'.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gptmodel import registry
from gptmodel.champions import has_event, told
from gptmodel.decision import Decision
from gptmodel.events import EventKind, EventLog
from gptmodel.registry import Version

APPROVAL_TAG = "gptmodel.approval"  # its first word is the state
AGAINST_TAG = "gptmodel.approval_against"  # whom the version was compared with when it was asked

State = Literal["asked", "approved", "declined", "expired"]
_STATES: tuple[State, ...] = ("asked", "approved", "declined", "expired")
_UNTIL = "until "


class Approval(BaseModel):
    """What a person was asked, and what came of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    state: State
    """Whether it is open, or what came of it."""
    words: str = ""
    """By whom and why; until when an answer counts while it is asked; how long was waited once it expired."""
    against: str = ""
    """URI of the champion that the version was compared with when it was asked; `none` if there was no champion."""

    @property
    def until(self) -> datetime:
        """Last moment at which an answer counts; of a tag that was changed by hand, long past."""
        try:
            return datetime.fromisoformat(self.words.removeprefix(_UNTIL))
        except ValueError:
            return datetime.min.replace(tzinfo=UTC)


def approval_of(version: Version) -> Approval | None:
    """Read a version's approval; None if nobody was asked."""
    head, _, words = version.tags.get(APPROVAL_TAG, "").partition(" ")
    state = next((state for state in _STATES if state == head), None)
    return Approval(state=state, words=words, against=version.tags.get(AGAINST_TAG, "")) if state else None


def ask(
    uri: str, events: EventLog, version: Version, decision: Decision, hours: float, against: str
) -> Approval:  # fmt: skip
    """Note that a person is asked, and make the version challenger meanwhile, so that it can be tried.

    A question that is open stays as it is, with its own time.

    Args:
        uri: Address of the tracking server.
        events: The home's event log.
        version: The version.
        decision: Why it would be promoted.
        hours: How long an answer is waited for.
        against: URI of the champion that it was compared with; `none` if there is none.

    Raises:
        ServerError: The server does not answer.
    """
    approval = approval_of(version)
    if approval is None or approval.state != "asked":
        until = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")
        registry.set_tag(uri, version, AGAINST_TAG, against)
        approval = _note(uri, version, Approval(state="asked", words=f"{_UNTIL}{until}", against=against))
    if _log(events, "approval asked", version, approval, decision.reason):
        reason = f"waits for a person's approval {approval.words}: {decision.reason}"
        waiting = decision.model_copy(update={"passed": False, "reason": reason})
        registry.mark_challenger(uri, version.name, version.version, waiting)
    return approval


def approve(uri: str, events: EventLog, version: Version, asked: Approval, by: str, reason: str) -> Approval:
    """Note a person's yes to a question.

    Raises:
        ServerError: The server does not answer.
    """
    _log(events, "approved", version, asked, reason, by)
    return _note(uri, version, Approval(state="approved", words=told(by, reason), against=asked.against))


def decline(uri: str, events: EventLog, version: Version, asked: Approval, by: str, reason: str) -> Approval:
    """Note a person's no to a question, and say so in the description.

    Raises:
        ServerError: The server does not answer.
    """
    _log(events, "declined", version, asked, reason, by)
    return _refuse(uri, version, Approval(state="declined", words=told(by, reason), against=asked.against))


def expire(uri: str, events: EventLog, version: Version, asked: Approval, hours: float) -> Approval:
    """Note that nobody answered a question in time, and say so in the description.

    Raises:
        ServerError: The server does not answer.
    """
    approval = Approval(state="expired", words=f"within {_hours(hours)}", against=asked.against)
    _log(events, "approval expired", version, asked, refusal(version, approval))
    return _refuse(uri, version, approval)


def _log(
    events: EventLog, kind: EventKind, version: Version, asked: Approval, reason: str, by: str = ""
) -> bool:  # fmt: skip
    """Write an event of a question once; its time tells it from others about the same version."""
    until = asked.until.isoformat()
    if has_event(events, kind, version.uri, until=until):
        return False
    events.append(kind, version.uri, reason=reason, by=by, facts={"until": until})
    return True


def _refuse(uri: str, version: Version, approval: Approval) -> Approval:
    decision = Decision(passed=False, reason=refusal(version, approval), scope="a person's approval is asked for")
    registry.note_decision(uri, version.name, version.version, decision)
    return _note(uri, version, approval)


def _note(uri: str, version: Version, approval: Approval) -> Approval:
    registry.set_tag(uri, version, APPROVAL_TAG, f"{approval.state} {approval.words}".rstrip())
    return approval


def refusal(version: Version, approval: Approval) -> str:
    """Say why a version was not promoted: "v2 was declined by Mei: odd answers"."""
    if approval.state == "expired":
        return f"nobody approved v{version.version} {approval.words}"
    return f"v{version.version} was declined{' ' if approval.words.startswith('by ') else ': '}{approval.words}"


def with_approval(decision: Decision, approval: Approval | None) -> Decision:
    """Put a person's yes into a decision's sentence."""
    if approval is None or approval.state != "approved":
        return decision
    joint = " " if approval.words.startswith("by ") else ": "
    return decision.model_copy(update={"reason": f"{decision.reason}; approved{joint}{approval.words}"})


def _hours(hours: float) -> str:
    return "1 hour" if hours == 1 else f"{hours:g} hours"
