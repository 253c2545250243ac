import sys

import pytest

from benchmarks.processes import ProgramError, Usage, in_turns, measure, ratio, speed


def usage(cpu_seconds: float, peak_bytes: int = 0) -> Usage:
    return Usage(cpu_seconds, cpu_seconds, peak_bytes, {})


def test_a_programs_cost_holds_that_of_its_children() -> None:
    child = "import time\nwhile time.process_time() < 0.3: pass"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])\nprint('words')\nprint('{{}}')"
    cost = measure([sys.executable, "-c", code])
    assert cost.cpu_seconds > 0.3
    assert cost.peak_bytes > 1_000_000


def test_what_a_program_says_is_its_last_line_if_that_is_an_object() -> None:
    assert measure([sys.executable, "-c", "print('{}'); print('{\"a\": 1}')"]).said == {"a": 1}
    assert measure([sys.executable, "-c", "print('words')"]).said == {}


def test_a_program_that_fails_is_told_with_what_it_wrote() -> None:
    with pytest.raises(ProgramError, match="something went wrong"):
        measure([sys.executable, "-c", "raise SystemExit('something went wrong')"])


def test_sides_take_turns() -> None:
    order: list[str] = []

    def side(name: str) -> Usage:
        order.append(name)
        return usage(1)

    in_turns({"a": lambda: side("a"), "b": lambda: side("b")}, rounds=2)
    assert order == ["a", "b", "a", "b"]


def test_a_speed_is_the_median_and_a_peak_the_largest() -> None:
    said = speed([usage(1, 5_000_000), usage(4, 7_000_000), usage(2, 6_000_000)], num_bytes=10_000_000)
    assert (said["mb_per_cpu_second"], said["peak_mb"]) == (5.0, 7.0)


def test_a_ratio_compares_neighbours() -> None:
    assert ratio([usage(1), usage(2), usage(4)], [usage(10), usage(20), usage(4)]) == 10
