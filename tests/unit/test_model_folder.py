"""Model folders: what is loaded is what was saved, and damage is said."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from gptmodel.errors import DiskFullError, StoreError
from gptmodel.model import GPTModel
from gptmodel.model_folder import load_model, save_model, weights_of


def make_model(tie_embeddings: bool = True) -> GPTModel:
    torch.manual_seed(0)
    return GPTModel(50, 16, 32, 2, 2, context_length=8, tie_embeddings=tie_embeddings)


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
def test_a_full_disk_is_said(tmp_path: Path, fail_to_save: Callable[[str], None], number: int) -> None:
    fail_to_save(f"Error while serializing: I/O error: No space left on device (os error {number})")
    with pytest.raises(DiskFullError):
        save_model(tmp_path, make_model())


def test_what_else_the_system_refuses_is_an_error_of_the_system(
    tmp_path: Path, fail_to_save: Callable[[str], None]
) -> None:
    fail_to_save("I/O error: Input/output error (os error 5)")
    with pytest.raises(OSError, match="Input/output error") as caught:
        save_model(tmp_path, make_model())
    assert caught.value.errno == errno.EIO


def test_a_failure_of_safetensors_itself_stays_one(tmp_path: Path, fail_to_save: Callable[[str], None]) -> None:
    fail_to_save("no data")
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
