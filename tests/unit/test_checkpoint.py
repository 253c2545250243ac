"""Checkpoints: what is read is what was written, and damage never counts as done."""

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptmodel import checkpoint as room
from gptmodel.checkpoint import (
    Checkpoint,
    begin_checkpoint,
    commit_checkpoint,
    load_checkpoint,
    save_checkpoint,
    write_state,
)
from gptmodel.errors import DiskFullError, ResumeError
from gptmodel.store import file_digest

FACTS: dict[str, Any] = {
    "inputs": {"pack": "abc", "tokenizer": "def"},
    "model": {"num_layers": 2},
    "training": {"seed": 1, "schedule": "cosine"},
}


def make_checkpoint(step: int, facts: dict[str, Any] = FACTS) -> Checkpoint:
    tensors = {"model.w": torch.full((3,), float(step)), "rng.cpu": torch.get_rng_state()}
    return Checkpoint(step, tensors, facts, {"curve": [{"step": step, "train_loss": 0.1 + step}]})


def test_a_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    written = make_checkpoint(7)
    save_checkpoint(tmp_path, written)
    read = load_checkpoint(tmp_path, FACTS)
    assert read is not None
    assert (read.step, read.facts, read.notes) == (7, written.facts, written.notes)
    assert all(torch.equal(read.tensors[name], tensor) for name, tensor in written.tensors.items())


def test_without_a_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "missing", FACTS) is None


def steps_in(folder: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("step-")) for path in folder.iterdir())


def test_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    for step in (9, 10, 100):
        save_checkpoint(tmp_path, make_checkpoint(step), keep=2)
    assert steps_in(tmp_path) == [10, 100]


def test_the_best_one_is_kept_besides(tmp_path: Path) -> None:
    for step, score in ((1, 3.0), (2, 2.0), (3, None), (4, 2.5), (5, math.nan), (6, 2.25)):
        save_checkpoint(tmp_path, make_checkpoint(step), keep=2, score=score)
    assert steps_in(tmp_path) == [2, 5, 6]


def test_a_better_one_takes_the_best_ones_place(tmp_path: Path) -> None:
    for step, score in ((1, 3.0), (2, 2.0), (3, 1.0), (4, 2.5)):
        save_checkpoint(tmp_path, make_checkpoint(step), keep=1, score=score)
    assert steps_in(tmp_path) == [3, 4]


@given(
    scores=st.lists(st.none() | st.floats(0, 10), min_size=1, max_size=6), keep=st.integers(1, 3),
    damaged=st.integers(0, 6),
)  # fmt: skip
@settings(max_examples=25)
def test_the_newest_is_kept_whatever_the_scores(
    tmp_path_factory: pytest.TempPathFactory, scores: list[float | None], keep: int, damaged: int
) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    for step, score in enumerate(scores):
        written = save_checkpoint(folder, make_checkpoint(step), keep, score)
        if step == damaged and step + 1 < len(scores):
            damage_account(written)
    newest = steps_in(folder)[-keep:]
    assert newest == list(range(len(scores)))[-keep:]
    read = load_checkpoint(folder, FACTS)
    assert read is not None
    assert read.step == len(scores) - 1


def test_a_checkpoint_of_several_files_is_read_as_one(tmp_path: Path) -> None:
    partial = begin_checkpoint(tmp_path, 3)
    files = [write_state(partial, f"rank-{n}.safetensors", {f"w{n}": torch.full((2,), float(n))}) for n in range(3)]
    commit_checkpoint(partial, Checkpoint(3, {}, FACTS), files)
    read = load_checkpoint(tmp_path, FACTS)
    assert read is not None
    assert {name: tensor.tolist() for name, tensor in read.tensors.items()} == {
        "w0": [0.0, 0.0], "w1": [1.0, 1.0], "w2": [2.0, 2.0],
    }  # fmt: skip


def test_a_tensor_in_two_files_is_damage(tmp_path: Path) -> None:
    partial = begin_checkpoint(tmp_path, 3)
    files = [write_state(partial, f"rank-{n}.safetensors", {"w": torch.zeros(1)}) for n in range(2)]
    commit_checkpoint(partial, Checkpoint(3, {}, FACTS), files)
    assert load_checkpoint(tmp_path, FACTS) is None


def test_the_account_lists_each_file_with_size_and_digest(tmp_path: Path) -> None:
    written = save_checkpoint(tmp_path, make_checkpoint(1))
    account = json.loads((written / "checkpoint.json").read_text())
    state = written / "state.safetensors"
    assert account["files"] == [
        {"name": state.name, "num_bytes": state.stat().st_size, "sha256": file_digest(state)},
    ]


def test_a_checkpoint_holds_safetensors_and_json_alone(tmp_path: Path) -> None:
    written = save_checkpoint(tmp_path, make_checkpoint(1))
    assert sorted(path.name for path in written.iterdir()) == ["checkpoint.json", "state.safetensors"]


def test_a_full_disk_is_said_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    save_checkpoint(tmp_path, make_checkpoint(1))
    with monkeypatch.context() as patch:
        patch.setattr(room, "save_tensors", refuse)
        with pytest.raises(DiskFullError):
            save_checkpoint(tmp_path, make_checkpoint(2))
    assert steps_in(tmp_path) == [1]


def test_a_later_damaged_one_does_not_push_a_whole_one_out(tmp_path: Path) -> None:
    damage_bit(save_checkpoint(tmp_path, make_checkpoint(100)))
    save_checkpoint(tmp_path, make_checkpoint(60), keep=1)
    read = load_checkpoint(tmp_path, FACTS)
    assert read is not None
    assert read.step == 60


def damage_cut(path: Path) -> None:
    (path / "state.safetensors").write_bytes(b"")


def damage_bit(path: Path) -> None:
    data = bytearray((path / "state.safetensors").read_bytes())
    data[-1] ^= 1
    (path / "state.safetensors").write_bytes(bytes(data))


def damage_account(path: Path) -> None:
    (path / "checkpoint.json").write_text('{"step": 2')


def damage_curve(path: Path) -> None:
    text = (path / "checkpoint.json").read_text()
    (path / "checkpoint.json").write_text(text.replace('"train_loss": 2.1', '"train_loss": 2.2'))


def damage_missing(path: Path) -> None:
    (path / "state.safetensors").unlink()


@pytest.mark.parametrize("damage", [damage_cut, damage_bit, damage_account, damage_curve, damage_missing])
def test_a_damaged_newest_falls_back_to_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Any
) -> None:
    save_checkpoint(tmp_path, make_checkpoint(1))
    damage(save_checkpoint(tmp_path, make_checkpoint(2)))
    read = load_checkpoint(tmp_path, FACTS)
    assert read is not None
    assert read.step == 1
    assert "step-0000000002 is damaged" in caplog.text


def test_only_damaged_ones_are_as_good_as_none(tmp_path: Path) -> None:
    damage_bit(save_checkpoint(tmp_path, make_checkpoint(2)))
    assert load_checkpoint(tmp_path, FACTS) is None


@pytest.mark.parametrize("moment", ["sync", "write_synced", "file_digest"])
def test_a_kill_in_the_middle_leaves_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    save_checkpoint(tmp_path, make_checkpoint(1))
    with monkeypatch.context() as patch:
        patch.setattr(room, moment, die)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(tmp_path, make_checkpoint(2))
    read = load_checkpoint(tmp_path, FACTS)
    assert read is not None
    assert read.step == 1
    save_checkpoint(tmp_path, make_checkpoint(2))
    assert load_checkpoint(tmp_path, FACTS).step == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({**FACTS, "inputs": {"pack": "other", "tokenizer": "def"}}, r"text \(the packed tokens\)"),
        ({**FACTS, "inputs": {"pack": "abc", "tokenizer": "other"}}, "tokenizer"),
        ({**FACTS, "inputs": {"pack": "x", "tokenizer": "y"}}, r"text \(the packed tokens\), tokenizer"),
        ({**FACTS, "model": {"num_layers": 3}}, r"model\.num_layers \(2, now 3\)"),
        ({**FACTS, "training": {"seed": 1, "schedule": "wsd"}}, r"training\.schedule"),
        ({**FACTS, "training": {"seed": 2, "schedule": "cosine"}}, r"training\.seed \(1, now 2\)"),
        ({"inputs": FACTS["inputs"], "model": FACTS["model"]}, r"training\.schedule, training\.seed"),
    ],
)
def test_other_data_or_settings_are_refused_by_name(tmp_path: Path, facts: dict[str, Any], named: str) -> None:
    save_checkpoint(tmp_path, make_checkpoint(3))
    with pytest.raises(ResumeError, match=rf"step 3 made with another {named}\. Set them back"):
        load_checkpoint(tmp_path, facts)
