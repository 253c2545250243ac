import json
import os
from pathlib import Path

import pytest

from gptmodel.bundle import BUNDLE_FILES, DIGESTS, LOADER, assemble_bundle, verify_bundle
from gptmodel.errors import RegistryError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "trained"
    model.mkdir()
    (model / "model.safetensors").write_bytes(bytes(range(256)) * 10)
    (model / "config.json").write_text('{"vocab_size": 300}')
    (tmp_path / "tok.json").write_text('{"model": {}}')
    assemble_bundle(tmp_path / "bundle", model_dir=model, tokenizer_path=tmp_path / "tok.json")
    return tmp_path / "bundle"


def test_a_bundle_holds_weights_config_tokenizer_their_loader_and_digests(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*BUNDLE_FILES, LOADER, DIGESTS}


def test_an_untouched_bundle_is_accepted(folder: Path) -> None:
    assert set(verify_bundle(folder).files) == {*BUNDLE_FILES, LOADER}


def test_the_same_model_gives_the_same_digest(folder: Path, tmp_path: Path) -> None:
    again = assemble_bundle(tmp_path / "again", model_dir=folder, tokenizer_path=folder / "tokenizer.json")
    assert again == verify_bundle(folder)


@pytest.mark.parametrize("name", [*BUNDLE_FILES, LOADER])
def test_one_flipped_byte_is_refused(folder: Path, name: str) -> None:
    raw = bytearray((folder / name).read_bytes())
    raw[0] ^= 1
    (folder / name).write_bytes(raw)
    with pytest.raises(RegistryError, match=f"{name} was changed"):
        verify_bundle(folder)


@pytest.mark.parametrize("name", [*BUNDLE_FILES, LOADER])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(RegistryError, match=f"{name} is missing"):
        verify_bundle(folder)


def test_a_file_that_no_digest_names_is_refused(folder: Path) -> None:
    (folder / "weights.pkl").write_bytes(b"")
    with pytest.raises(RegistryError, match=r"weights\.pkl is not named by digests\.json"):
        verify_bundle(folder)


@pytest.mark.parametrize("name", ["__pycache__", ".DS_Store"])
def test_what_python_and_file_managers_leave_is_passed_over(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    verify_bundle(folder)


def test_a_folder_registered_before_there_was_a_loader_is_accepted(folder: Path) -> None:
    digests = json.loads((folder / DIGESTS).read_text())
    del digests["files"][LOADER]
    (folder / DIGESTS).write_text(json.dumps(digests))
    (folder / LOADER).unlink()
    assert set(verify_bundle(folder).files) == set(BUNDLE_FILES)


def test_a_folder_without_digests_is_no_model_folder(folder: Path) -> None:
    (folder / DIGESTS).unlink()
    with pytest.raises(RegistryError, match=r"without a readable digests\.json"):
        verify_bundle(folder)


def test_digests_that_leave_out_the_weights_are_refused(folder: Path) -> None:
    digests = json.loads((folder / DIGESTS).read_text())
    del digests["files"]["model.safetensors"]
    (folder / DIGESTS).write_text(json.dumps(digests))
    with pytest.raises(RegistryError, match="readable"):
        verify_bundle(folder)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/b", ".hidden", ""])
def test_digests_that_name_a_path_outside_are_refused(folder: Path, name: str) -> None:
    digests = json.loads((folder / DIGESTS).read_text())
    digests["files"][name] = {"num_bytes": 1, "sha256": "0" * 64}
    (folder / DIGESTS).write_text(json.dumps(digests))
    with pytest.raises(RegistryError, match="readable"):
        verify_bundle(folder)


def test_a_bundle_shares_no_file_with_the_store(folder: Path) -> None:
    trained = folder.parent / "trained" / "model.safetensors"
    assert not os.path.samefile(trained, folder / "model.safetensors")


def test_a_trained_model_without_tokenizer_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"no nothing\.json"):
        assemble_bundle(tmp_path / "b", model_dir=folder, tokenizer_path=tmp_path / "nothing.json")
