"""Model folders and checkpoints: what is read is what was written, and damage never counts as done."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from gptmodel import checkpoint as room
from gptmodel.checkpoint import Checkpoint, load_checkpoint, load_model, save_checkpoint, save_model, weights_of
from gptmodel.errors import DiskFullError, ResumeError, StoreError
from gptmodel.model import GPTModel

FACTS: dict[str, Any] = {"inputs": {"pack": "abc", "tokenizer": "def"}, "training": {"seed": 1}}


def make_model(tie_embeddings: bool = True) -> GPTModel:
    torch.manual_seed(0)
    return GPTModel(50, 16, 32, 2, 2, context_length=8, tie_embeddings=tie_embeddings)


def make_checkpoint(step: int, facts: dict[str, Any] = FACTS) -> Checkpoint:
    tensors = {"model.w": torch.full((3,), float(step)), "rng.cpu": torch.get_rng_state()}
    return Checkpoint(step, tensors, facts, {"curve": [{"step": step, "train_loss": 0.1 + step}]})


@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_a_loaded_model_gives_the_same_logits(tmp_path: Path, tie_embeddings: bool) -> None:
    model = make_model(tie_embeddings).eval()
    ids = torch.tensor([1, 2, 3, 4])
    save_model(tmp_path, model)
    assert torch.equal(load_model(tmp_path)(ids), model(ids))


def test_a_model_folder_holds_safetensors_and_json_alone(tmp_path: Path) -> None:
    save_model(tmp_path, make_model())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_saving_the_same_weights_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("1", "2"):
        save_model(tmp_path / name, make_model())
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()


def test_a_tied_weight_is_stored_once() -> None:
    assert len(weights_of(make_model(False))) == len(weights_of(make_model(True))) + 1


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named_as_missing(tmp_path: Path, file: str) -> None:
    save_model(tmp_path, make_model())
    (tmp_path / file).unlink()
    with pytest.raises(StoreError, match="a file is missing"):
        load_model(tmp_path)


@pytest.fixture
def fail_to_save(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let safetensors fail with a message, as it does for any error of the system."""

    def make(message: str) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise SafetensorError(message)

        monkeypatch.setattr("safetensors.torch.save_file", fail)

    return make


@pytest.mark.parametrize("number", [28, 122])
def test_a_full_disk_is_said_by_model_and_checkpoint(
    tmp_path: Path, fail_to_save: Callable[[str], None], number: int
) -> None:
    fail_to_save(f"Error while serializing: I/O error: No space left on device (os error {number})")
    with pytest.raises(DiskFullError):
        save_model(tmp_path / "model", make_model())
    with pytest.raises(DiskFullError):
        save_checkpoint(tmp_path / "checkpoints", make_checkpoint(1))
    assert load_checkpoint(tmp_path / "checkpoints", FACTS) is None


@pytest.mark.parametrize("message", ["I/O error: Input/output error (os error 5)", "(os error 281)", "no data"])
def test_another_failure_to_save_is_not_called_a_full_disk(
    tmp_path: Path, fail_to_save: Callable[[str], None], message: str
) -> None:
    fail_to_save(message)
    with pytest.raises(SafetensorError):
        save_model(tmp_path, make_model())


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    save_model(tmp_path, make_model())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_layers": 1}))
    with pytest.raises(StoreError, match="don't fit each other"):
        load_model(tmp_path)


def test_a_cut_model_file_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, make_model())
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(StoreError, match="don't fit each other"):
        load_model(tmp_path)


def test_a_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    written = make_checkpoint(7)
    save_checkpoint(tmp_path, written)
    read = load_checkpoint(tmp_path, FACTS)
    assert read is not None
    assert (read.step, read.facts, read.notes) == (7, written.facts, written.notes)
    assert all(torch.equal(read.tensors[name], tensor) for name, tensor in written.tensors.items())


def test_without_a_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "missing", FACTS) is None


def test_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    for step in (9, 10, 100):
        save_checkpoint(tmp_path, make_checkpoint(step), keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-0000000010", "step-0000000100"]


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


def damage_missing(path: Path) -> None:
    (path / "state.safetensors").unlink()


@pytest.mark.parametrize("damage", [damage_cut, damage_bit, damage_account, damage_missing])
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
        ({**FACTS, "inputs": {"pack": "other", "tokenizer": "def"}}, r"inputs\.pack\."),
        ({**FACTS, "training": {"seed": 2}}, r"training\.seed"),
        ({"inputs": FACTS["inputs"]}, r"training\.seed"),
    ],
)
def test_other_data_or_settings_are_refused_by_name(tmp_path: Path, facts: dict[str, Any], named: str) -> None:
    save_checkpoint(tmp_path, make_checkpoint(3))
    with pytest.raises(ResumeError, match=f"step 3 made with another {named}"):
        load_checkpoint(tmp_path, facts)
