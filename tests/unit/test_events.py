"""The event log: appended in order, and a change is seen."""

from pathlib import Path

import pytest

from gptmodel.errors import StoreError
from gptmodel.events import START, EventLog


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    log = EventLog(tmp_path / "events.jsonl")
    log.append("promoted", "models:/gpt/1", reason="first version", facts={"bits_per_byte": 1.8})
    log.append("kept", "models:/gpt/2", reason="no better")
    log.append("rolled back", "models:/gpt/1", by="Mei", reason="odd answers")
    return log


def test_events_are_read_as_they_were_written(log: EventLog) -> None:
    events = log.read()
    assert [(one.number, one.kind, one.subject) for one in events] == [
        (1, "promoted", "models:/gpt/1"), (2, "kept", "models:/gpt/2"), (3, "rolled back", "models:/gpt/1"),
    ]  # fmt: skip
    assert [one.previous for one in events] == [START, events[0].digest, events[1].digest]


def test_a_log_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert EventLog(tmp_path / "events.jsonl").read() == []


@pytest.mark.parametrize("change", ["alter", "remove", "swap"])
def test_a_line_that_was_changed_removed_or_moved_is_seen(log: EventLog, change: str) -> None:
    first, second, third = log.path.read_text().splitlines(keepends=True)
    lines = {"alter": [first.replace("first", "other"), second, third], "remove": [first, third],
             "swap": [second, first, third]}[change]  # fmt: skip
    log.path.write_text("".join(lines))
    with pytest.raises(StoreError, match="event [12] was changed"):
        log.read()


def test_a_half_written_line_is_overwritten_by_the_next_event(log: EventLog) -> None:
    with log.path.open("a") as file:
        file.write('{"number":4,"ti')
    assert len(log.read()) == 3
    log.append("kept", "models:/gpt/3")
    assert [one.number for one in log.read()] == [1, 2, 3, 4]


def test_the_file_is_the_owners_alone(log: EventLog) -> None:
    assert log.path.stat().st_mode & 0o777 == 0o600
