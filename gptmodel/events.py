"""The home's event log: promotions, approvals, erasures, deletions, one JSON line each, chained by hashes.

Each line carries the digest of the line before, so that a changed, removed or reordered line is seen; nothing guards
against somebody who rewrites the whole file, unless the newest digest was kept elsewhere (`gptmodel evidence` prints
it). Lines are appended under a lock and synced. No text, value or plain identity of a document stands here.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gptmodel.errors import StoreError
from gptmodel.store import digest_of

EventKind = Literal[
    "promoted", "kept", "blocked", "rolled back", "approval asked", "approved", "declined", "approval expired",
    "retired", "erasure opened", "erased", "erasure closed", "collected",
]  # fmt: skip
Fact = str | int | float | bool | None
Facts = dict[str, Fact]
START = "0" * 64
"""What stands for the digest before the first event."""


class Event(BaseModel):
    """One event."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    number: int
    """From 1, without a gap."""
    time: datetime
    """When it was written, UTC."""
    kind: EventKind
    """What happened."""
    subject: str
    """What it happened to: a version's URI, an erasure request's id, the store."""
    reason: str = ""
    """Why, in a sentence."""
    by: str = ""
    """Who, as typed by that person; empty for the pipeline itself."""
    facts: Facts = {}
    """Numbers and names that belong to it."""
    previous: str
    """Digest of the event before."""
    digest: str
    """sha256 over all other fields."""


class EventLog:
    """A home's events.

    Args:
        path: The file `events.jsonl`; made by the first event.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(
        self, kind: EventKind, subject: str, *, reason: str = "", by: str = "",
        facts: Mapping[str, Fact] = {},
    ) -> Event:  # fmt: skip
        """Write an event after the last; a line that a killed process left half-written is overwritten.

        Raises:
            StoreError: The last line is no event.
        """
        with self._locked() as file:
            whole = file.read().rpartition(b"\n")[0]
            last = self._parsed(whole.rpartition(b"\n")[2]) if whole else None
            event = _event(last, kind, subject, reason, by, dict(facts))
            file.seek(len(whole) + 1 if whole else 0)
            file.truncate()
            file.write(event.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return event

    def read(self) -> list[Event]:
        """Give all events, oldest first; none where nothing happened yet.

        Raises:
            StoreError: A line can't be read, was changed, or is missing: expected, actual and which.
        """
        if not self.path.exists():
            return []
        whole = self.path.read_bytes().rpartition(b"\n")[0]
        events = [self._parsed(line) for line in whole.splitlines()]
        previous = START
        for number, event in enumerate(events, 1):
            if (event.number, event.previous, event.digest) != (number, previous, _digest(event)):
                raise self._broken(f"event {number} was changed, or one before it is missing")
            previous = event.digest
        return events

    @contextlib.contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _parsed(self, line: bytes) -> Event:
        try:
            return Event.model_validate_json(line)
        except ValidationError:
            raise self._broken("a line that is no event") from None

    def _broken(self, what: str) -> StoreError:
        return StoreError(
            expected=f"an unbroken chain of events in {self.path}",
            actual=what,
            mend="Put the file back from a backup of the home: evidence and rollback read it.",
        )


def _event(
    last: Event | None, kind: EventKind, subject: str, reason: str, by: str,
    facts: Facts,
) -> Event:  # fmt: skip
    bare = Event(
        number=last.number + 1 if last else 1, time=datetime.now(UTC), kind=kind, subject=subject, reason=reason,
        by=by, facts=facts, previous=last.digest if last else START, digest="",
    )  # fmt: skip
    return bare.model_copy(update={"digest": _digest(bare)})


def _digest(event: Event) -> str:
    return digest_of(event.model_dump(mode="json", exclude={"digest"}))
