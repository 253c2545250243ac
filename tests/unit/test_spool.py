import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gptmodel.spool import MetricLine, read_new_lines


def line(step: int, value: float = 1.5) -> bytes:
    return json.dumps({"time": 1.25 + step, "step": step, "key": "train_loss", "value": value}).encode() + b"\n"


def test_a_line_comes_with_its_own_time_and_step(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(line(3))
    assert read_new_lines(tmp_path / "m", 0)[0] == [MetricLine("train_loss", 1.5, 4250, 3)]


def test_a_missing_file_has_no_lines(tmp_path: Path) -> None:
    assert read_new_lines(tmp_path / "m", 7) == ([], 7)


def test_a_line_still_being_written_is_left_for_the_next_call(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(line(0) + line(1)[:-4])
    lines, offset = read_new_lines(tmp_path / "m", 0)
    assert ([found.step for found in lines], offset) == ([0], len(line(0)))


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(line(0) + b'{"time": 1, "st\n' + line(2))
    assert [found.step for found in read_new_lines(tmp_path / "m", 0)[0]] == [0, 2]


def test_an_infinite_figure_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(line(0, float("inf")) + line(1))
    assert [found.step for found in read_new_lines(tmp_path / "m", 0)[0]] == [1]


@given(cuts=st.lists(st.integers(0, 600), max_size=8), count=st.integers(0, 12))
def test_every_line_comes_once_and_in_order_however_the_file_grows(
    tmp_path_factory: object, cuts: list[int], count: int
) -> None:
    path = tmp_path_factory.mktemp("spool") / "m"  # type: ignore[attr-defined]
    whole = b"".join(line(step) for step in range(count))
    steps, offset = [], 0
    for cut in [*sorted(cuts), len(whole)]:
        path.write_bytes(whole[:cut])
        lines, offset = read_new_lines(path, offset)
        steps += [found.step for found in lines]
    assert steps == list(range(count))
