import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.home import Home, one_promotion_at_a_time, open_home
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


def test_a_second_promotion_of_a_model_waits_for_the_first_and_one_of_another_model_does_not(tmp_path: Path) -> None:
    home = Home(tmp_path)
    order: list[str] = []

    def second(name: str) -> None:
        with one_promotion_at_a_time(home, name):
            order.append(name)

    threads = [threading.Thread(target=second, args=(name,)) for name in ("gpt", "other/model")]
    with one_promotion_at_a_time(home, "gpt"):
        for thread in threads:
            thread.start()
        threads[1].join()
        order.append("first")
    threads[0].join()
    assert order == ["other/model", "first", "gpt"]
