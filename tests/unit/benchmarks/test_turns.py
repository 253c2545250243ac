"""Processes in turns: each gets its time, and its clock counts that alone."""

import sys
import time
from pathlib import Path

import pytest

from benchmarks.processes import ProgramError
from benchmarks.turns import Side, take_turns

COUNTING = "import time\nn = 0\nwhile n < {0}:\n    print('at', n)\n    n += 1\n    time.sleep(0.02)"


def counting(number: int) -> Side:
    return Side([sys.executable, "-c", COUNTING.format(number)])


def test_sides_end_by_themselves_and_what_they_wrote_is_kept() -> None:
    sides = [counting(5), counting(9)]
    take_turns(sides, turn_seconds=0.05)
    assert all(side.ended for side in sides)
    assert [line.text for line in sides[0].lines] == [f"at {n}" for n in range(5)]
    assert sides[1].peak_bytes > 1_000_000


def test_a_clock_counts_its_own_turns_alone() -> None:
    sides = [counting(10), counting(10)]
    started = time.time()
    take_turns(sides, turn_seconds=0.05)
    elapsed = time.time() - started
    assert sum(side.seconds for side in sides) <= elapsed
    assert max(side.seconds for side in sides) < elapsed


def test_nothing_is_written_between_turns() -> None:
    side = counting(10_000)
    side.take_turn(0.3)
    time.sleep(0.05)  # what was in the pipe is read
    written, seconds = len(side.lines), side.seconds
    time.sleep(0.2)
    assert (len(side.lines), side.seconds) == (written, seconds)
    side.kill()


def test_a_moment_between_turns_counts_as_the_end_of_the_turn() -> None:
    side = counting(10_000)
    side.take_turn(0.1)
    between = time.time()
    first = side.seconds
    side.take_turn(0.1)
    side.kill()
    assert side.seconds_at(between) == pytest.approx(first)
    assert side.seconds > first


def test_descendants_stop_too(tmp_path: Path) -> None:
    file = tmp_path / "file"
    child = f"import time\nwhile True:\n    open({str(file)!r}, 'a').write('x')\n    time.sleep(0.01)"
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True).wait()"
    side = Side([sys.executable, "-c", code])
    while not file.exists():
        side.take_turn(0.1)
    size = file.stat().st_size
    time.sleep(0.1)
    stopped = file.stat().st_size
    side.kill()
    assert stopped == size


def test_a_side_of_which_there_is_enough_is_killed_and_the_others_go_on() -> None:
    endless, short = counting(10_000), counting(5)
    take_turns([endless, short], enough=lambda side: side is endless and len(side.lines) > 2, turn_seconds=0.05)
    assert endless.ended
    assert len(short.lines) == 5


def test_a_side_that_fails_is_told_and_the_others_are_killed() -> None:
    failing = Side([sys.executable, "-c", "raise SystemExit('something went wrong')"])
    endless = counting(10_000)
    with pytest.raises(ProgramError, match="something went wrong"):
        take_turns([endless, failing], turn_seconds=0.2)
    assert endless.ended
