import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.home import open_home
from gptmodel.errors import StoreError


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_the_environment_names_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "deep" / "home"))
    assert open_home().root == tmp_path / "deep" / "home"


def test_a_tilde_is_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GPTMODEL_HOME", "~/models")
    assert open_home().root == tmp_path / "models"


def test_a_relative_home_does_not_move_with_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GPTMODEL_HOME", "here")
    assert open_home().root == tmp_path / "here"


def test_without_the_environment_the_home_lies_beside_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.home import _root

    monkeypatch.delenv("GPTMODEL_HOME")
    assert _root() == Path(__file__).resolve().parents[3] / ".gptmodel"


def test_the_home_and_what_is_written_later_is_the_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    home = open_home()
    (home.root / "later.txt").write_text("x")
    assert [path for path in (home.root, *home.root.rglob("*")) if path.stat().st_mode & 0o077] == []


def test_opening_twice_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    (open_home().runs_dir / "one.json").write_text("{}")
    assert (open_home().runs_dir / "one.json").read_text() == "{}"


@pytest.mark.parametrize("below", ["", "inside"])
def test_a_file_in_the_way_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str) -> None:
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "taken" / below))
    with pytest.raises(StoreError, match="GPTMODEL_HOME"):
        open_home()
    assert (tmp_path / "taken").read_text() == "a file"


def test_a_folder_that_nobody_may_write_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTMODEL_HOME", "/proc/none/home")
    with pytest.raises(StoreError, match="GPTMODEL_HOME"):
        open_home()
