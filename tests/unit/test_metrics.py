"""The training's records: whole lines, cut off where a training is taken up, and a rare progress line."""

import json
from pathlib import Path

import pytest

from gptmodel import metrics
from gptmodel.metrics import Meter, MetricsLog, SystemFigures, append_text, read_lines, write_lines


def test_a_line_says_time_step_key_and_value(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m.jsonl", None)
    log.add(3, {"train_loss": 2.5})
    log.flush()
    line = read_lines(tmp_path / "m.jsonl")[0]
    assert line.pop("time") > 1e9
    assert line == {"step": 3, "key": "train_loss", "value": 2.5}


def test_lines_wait_for_the_next_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now[0])
    log = MetricsLog(tmp_path / "m.jsonl", None)
    log.add(1, {"a": 1.0})
    assert read_lines(tmp_path / "m.jsonl") == []
    now[0] += 1
    log.add(2, {"a": 2.0})
    assert [line["step"] for line in read_lines(tmp_path / "m.jsonl")] == [1, 2]


def test_lines_beyond_the_step_gone_on_from_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    write_lines(path, [{"step": step, "key": "a", "value": 1.0} for step in range(6)])
    MetricsLog(path, 3)
    assert [line["step"] for line in read_lines(path)] == [0, 1, 2, 3]


def test_a_beginning_starts_the_file_anew(tmp_path: Path) -> None:
    write_lines(tmp_path / "m.jsonl", [{"step": 0}])
    MetricsLog(tmp_path / "m.jsonl", None)
    assert read_lines(tmp_path / "m.jsonl") == []


def test_a_line_cut_off_by_a_kill_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    append_text(path, json.dumps({"step": 1}) + '\n{"step": 2, "ke')
    MetricsLog(path, 5)
    assert path.read_text() == '{"step": 1}\n'


def test_a_missing_file_has_no_lines(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "missing.jsonl") == []


def test_progress_is_shown_about_twice_a_second_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now[0])
    shown: list[float] = []
    meter = Meter(10, lambda speed: 0.0, lambda ratio, _: shown.append(ratio))
    for step in range(1, 101):
        now[0] += 0.1
        meter.show(step, 100, 1.0)
    assert 15 <= len(shown) <= 22
    assert shown[-1] == 1.0


def test_the_progress_line_tells_step_loss_speed_and_use(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 2.0])
    monkeypatch.setattr(metrics.time, "perf_counter", lambda: next(seconds))
    lines: list[str] = []
    meter = Meter(4000, lambda speed: speed / 5000, lambda _, line: lines.append(line))
    with meter.timed():
        pass
    meter.show(1, 36, 2.4142)
    assert lines == ["step 1/36   loss 2.414   2,000 tokens/s   MFU 40 %"]


def test_a_meter_without_steps_has_no_speed() -> None:
    assert Meter(10, lambda speed: speed, None).tokens_per_second == 0.0


def test_system_figures_are_read_about_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now[0])
    system = SystemFigures("cpu")
    first = system.read()
    assert set(first) == {"memory_bytes", "cpu_percent"}
    assert first["memory_bytes"] > 1e6
    assert system.read() == {}
    now[0] += 1
    assert set(system.read()) == set(first)
