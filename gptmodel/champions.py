"""Who is champion, who was before, and who shall not be again: the notes on versions behind promotion and rollback.

A version's tags hold its turn as champion and its rollback, so that every home that shares the registry reads the
same; the home's event log holds each promotion and rollback once. The alias is the one step that counts. Each note is
written so that whoever comes next, after a crash between two requests, finishes what is missing and repeats nothing.
Callers hold the home's lock of the model (`flows.promotion`).
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from gptmodel import registry
from gptmodel.decision import Decision
from gptmodel.errors import RegistryError
from gptmodel.events import Event, EventKind, EventLog, Facts
from gptmodel.registry import DECISION_LINE, DECISION_TAG, FINGERPRINT_TAG, REASON_TAG, RETIRED_TAG, Version

CHAMPION_SINCE = "gptmodel.champion_since"  # number of the turn and time; the turns count up over all versions
ROLLED_BACK = "gptmodel.rolled_back"  # why, and by whom; written before the alias is moved
ROLLED_BACK_TO = "gptmodel.rolled_back_to"  # the version that took over; written last
LEAK_TEST_TAG = "gptmodel.leak_test"  # passed or no


class Rollback(BaseModel):
    """A champion that was taken out of service, and the one before it that is champion again."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the registered model."""
    version: int
    """The version that was rolled back."""
    champion: int
    """The version that is champion again."""
    account: str
    """By whom and why."""

    @property
    def sentence(self) -> str:
        """What happened, in a sentence."""
        return f"v{self.champion} of {self.name} is champion again: v{self.version} {rolled_back(self.account)}"


def turn_of(version: Version) -> int:
    """Give the number of a version's last turn as champion, from 1; 0 if it had none."""
    number = version.tags.get(CHAMPION_SINCE, "").partition(" ")[0]
    return int(number) if number.isdigit() else 0


def crown(
    uri: str, events: EventLog, version: Version, decision: Decision, champion: Version | None, by: str = ""
) -> None:  # fmt: skip
    """Make a version the champion, note its turn, and log it.

    Args:
        uri: Address of the tracking server.
        events: The home's event log.
        version: The version.
        decision: Why.
        champion: The champion until now. A turn of its own makes it the one to return to, also if the alias was moved
            to it by hand.
        by: Who wanted it, as typed; empty for the pipeline.

    Raises:
        RegistryError: There is no such version.
        ServerError: The server does not answer.
        StoreError: The event log is broken; nothing was changed.
    """
    events.read()  # a log that can't be written on must stop this before the alias moves
    last = _last_turn(uri, version.name)
    if champion is not None and turn_of(champion) < max(1, last):
        last += 1
        registry.set_tag(uri, champion, CHAMPION_SINCE, _turn(last))
    if turn_of(version):  # else an earlier turn would pass for this one after a crash
        registry.delete_tag(uri, version, CHAMPION_SINCE)
    registry.promote_version(uri, version.name, version.version, decision)
    _begin_turn(uri, events, version, decision, last + 1, by)


def finish_crowning(uri: str, events: EventLog, champion: Version, decision: Decision) -> bool:
    """Note and log what a killed run did not after it moved the alias; tell whether there was anything."""
    if is_crowned(events, champion):
        return False
    turn = turn_of(champion)
    _begin_turn(uri, events, champion, decision, turn or _last_turn(uri, champion.name) + 1)
    return True


def is_crowned(events: EventLog, champion: Version) -> bool:
    """Tell whether a champion's turn is noted and logged here."""
    turn = turn_of(champion)
    return bool(turn) and has_event(events, "promoted", champion.uri, turn=turn)


def _begin_turn(
    uri: str, events: EventLog, version: Version, decision: Decision, turn: int, by: str = ""
) -> None:  # fmt: skip
    registry.set_tag(uri, version, CHAMPION_SINCE, _turn(turn))
    facts: Facts = {"turn": turn, "fingerprint": version.tags.get(FINGERPRINT_TAG, "")}
    events.append("promoted", version.uri, reason=registry.decision_sentence(decision), by=by, facts=facts)


def _turn(number: int) -> str:
    return f"{number:04} {datetime.now(UTC).isoformat(timespec='seconds')}"


def _last_turn(uri: str, name: str) -> int:
    return max(map(turn_of, registry.search_versions(uri, name)), default=0)


def roll_back(uri: str, events: EventLog, name: str, *, reason: str = "", by: str = "") -> Rollback:
    """Return to the champion before the present one, and keep the present one from being promoted again.

    A rollback that was interrupted is finished, with its own reason.

    Args:
        uri: Address of the tracking server.
        events: The home's event log.
        name: Name of the registered model.
        reason: Why, as typed.
        by: Who wanted it, as typed.

    Raises:
        RegistryError: There is no champion, or none before it that may be in service.
        ServerError: The server does not answer.
        StoreError: The event log is broken; nothing was changed.
    """
    events.read()  # as in `crown`
    champion = registry.champion_of(uri, name)
    if champion is None:
        raise RegistryError(
            expected=f"a champion of {name} to roll back", actual="none", mend="`gptmodel status` names the champions."
        )
    begun = next(filter(is_rollback_open, registry.search_versions(uri, name)), None)
    if begun is not None and begun.version != champion.version:  # the alias was moved, what follows it was not done
        return _finish_rollback(uri, events, begun, champion)
    earlier = _champion_before(uri, champion)
    if earlier is None:
        raise RegistryError(
            expected=f"a champion of {name} before v{champion.version} that may be in service",
            actual="none: it was the first, or those before it were deleted, retired or rolled back",
            mend=f"Promote a version by its number: gptmodel promote models:/{name}/NUMBER",
        )
    if begun is None:
        registry.delete_tag(uri, champion, ROLLED_BACK_TO)
        registry.set_tag(uri, champion, ROLLED_BACK, told(by, reason))
    return _finish_rollback(uri, events, registry.read_version(uri, name, champion.version), earlier)


def is_rollback_open(version: Version) -> bool:
    """Tell whether a version's rollback was begun and not finished; a champion put back by hand since is no such."""
    return ROLLED_BACK in version.tags and ROLLED_BACK_TO not in version.tags


def settle_rollback(uri: str, events: EventLog, version: Version, champion: Version | None) -> Version | None:
    """Finish a rollback of the champion or of another version that was interrupted; give the champion after it."""
    if champion is None:
        return None
    if is_rollback_open(champion):
        earlier = _champion_before(uri, champion)
        if earlier is not None:
            _finish_rollback(uri, events, champion, earlier)
        return earlier or champion
    if is_rollback_open(version):
        _finish_rollback(uri, events, version, champion)
    return champion


def _finish_rollback(uri: str, events: EventLog, version: Version, earlier: Version) -> Rollback:
    account = version.tags[ROLLED_BACK]
    registry.move_champion(uri, version.name, earlier.version)
    line = f"{rolled_back(account)}; v{earlier.version} is champion again"
    registry.set_tag(uri, version, DECISION_TAG, "rolled back")
    registry.set_tag(uri, version, REASON_TAG, line)
    text = registry.with_decision_line(version.description, DECISION_LINE + line)
    registry.write_description(uri, version.name, version.version, text)
    turn = turn_of(version)
    if not has_event(events, "rolled back", version.uri, turn=turn, account=account):
        by, reason = _by_and_reason(account)
        facts: Facts = {"turn": turn, "champion": earlier.version, "account": account,
                 "fingerprint": version.tags.get(FINGERPRINT_TAG, "")}  # fmt: skip
        events.append("rolled back", version.uri, reason=reason, by=by, facts=facts)
    registry.set_tag(uri, version, ROLLED_BACK_TO, str(earlier.version))
    return Rollback(name=version.name, version=version.version, champion=earlier.version, account=account)


def _champion_before(uri: str, champion: Version) -> Version | None:
    """Give who was champion last before a version, of those that are there and may be in service."""
    before = turn_of(champion) or float("inf")
    able = [
        version for version in registry.search_versions(uri, champion.name)
        if 0 < turn_of(version) < before and version.version != champion.version
        and not {RETIRED_TAG, ROLLED_BACK} & version.tags.keys() and version.tags.get(LEAK_TEST_TAG) != "no"
    ]  # fmt: skip
    return max(able, key=turn_of, default=None)


def rollback_of(uri: str, events: EventLog, version: Version) -> str:
    """Give by whom and why a version was rolled back, or one of the same fingerprint; empty if none was.

    Tags tell it; of a version that was deleted since, this home's events.
    """
    fingerprint = version.tags.get(FINGERPRINT_TAG, "")
    same = _equal_versions(uri, version)
    noted = next((one.tags[ROLLED_BACK] for one in same if ROLLED_BACK in one.tags), "")
    return noted or (_logged_rollback(events.read(), fingerprint) if fingerprint else "")


def _logged_rollback(events: Iterable[Event], fingerprint: str) -> str:
    account = ""
    for event in events:
        if event.facts.get("fingerprint") == fingerprint and event.kind in ("promoted", "rolled back"):
            account = str(event.facts.get("account", "")) if event.kind == "rolled back" else ""
    return account


def _equal_versions(uri: str, version: Version) -> list[Version]:
    """Give the versions that are the same model, a version itself among them."""
    fingerprint = version.tags.get(FINGERPRINT_TAG, "")
    return registry.search_versions(uri, version.name, {FINGERPRINT_TAG: fingerprint}) if fingerprint else [version]


def lift_rollback(uri: str, version: Version) -> None:
    """Let a version that was rolled back be promoted again, and those of the same fingerprint."""
    for one in _equal_versions(uri, version):
        for key in {ROLLED_BACK, ROLLED_BACK_TO} & one.tags.keys():
            registry.delete_tag(uri, one, key)


def rolled_back(account: str) -> str:
    """Say that a version was rolled back, by whom and why.

    Example:
        >>> rolled_back("by Mei: odd answers"), rolled_back("odd answers")
        ('was rolled back by Mei: odd answers', 'was rolled back: odd answers')
    """
    return f"was rolled back{' ' if account.startswith('by ') else ': '}{account}"


def told(by: str, reason: str) -> str:
    """Give who and why in a few words for a tag, which may not be empty.

    A reason of nobody's that begins with "by" stands in quotes, so that none of it is taken for a name.

    Example:
        >>> told("Mei", "odd answers"), told("", "odd answers"), told("Mei", ""), told("", "")
        ('by Mei: odd answers', 'odd answers', 'by Mei', 'no reason given')
        >>> told("", "by accident: wrong data")
        '"by accident: wrong data"'
    """
    who = " ".join(by.replace(":", " ").split())
    why = " ".join(reason.split())
    if not who and why.startswith("by "):
        return f'"{why}"'
    return ": ".join(part for part in (who and f"by {who}", why) if part) or "no reason given"


def _by_and_reason(account: str) -> tuple[str, str]:
    if not account.startswith("by "):
        return "", account
    who, _, why = account.removeprefix("by ").partition(": ")
    return who, why


def has_event(events: EventLog, kind: EventKind, subject: str, **facts: object) -> bool:
    """Tell whether the log holds an event of a kind about a subject with these facts."""
    return any(
        event.kind == kind and event.subject == subject and facts.items() <= event.facts.items()
        for event in events.read()
    )
