"""A training's checkpoints: what can't be written costs a checkpoint, but never gives older weights for the best."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from gptmodel import checkpoint_writer
from gptmodel.errors import DiskFullError
from gptmodel.training.checkpoints import Checkpoints

FACTS = {"inputs": {"pack": "abc"}}
WEIGHTS = {"w": torch.ones(3)}


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Refuse every checkpoint; undo it to have space again."""

    def refuse(*_: Any) -> None:
        raise DiskFullError(expected="space", actual="none", mend="Free some.") from OSError(
            errno.ENOSPC, os.strerror(errno.ENOSPC)
        )

    monkeypatch.setattr(checkpoint_writer, "save_checkpoint", refuse)
    return monkeypatch


def test_the_newest_and_the_best_are_kept_apart(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, FACTS, keep=2)
    checkpoints.save_best(1, WEIGHTS)
    checkpoints.save(2, WEIGHTS, {})
    checkpoints.wait()
    newest, best = checkpoints.newest(), checkpoints.best()
    assert newest is not None
    assert best is not None
    assert (newest.step, best.step) == (2, 1)


def test_a_full_disk_is_counted_and_stops_nothing(tmp_path: Path, full_disk: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(tmp_path, FACTS, keep=2)
    checkpoints.save(1, WEIGHTS, {})
    checkpoints.wait()
    assert checkpoints.num_failed == 1
    full_disk.undo()
    checkpoints.save(2, WEIGHTS, {})
    checkpoints.wait()
    assert (tmp_path / "step-0000000002").is_dir()


def test_best_weights_that_could_not_be_written_are_an_error(tmp_path: Path, full_disk: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(tmp_path, FACTS, keep=2)
    checkpoints.save_best(1, WEIGHTS)
    checkpoints.wait()
    with pytest.raises(DiskFullError):
        checkpoints.best()
