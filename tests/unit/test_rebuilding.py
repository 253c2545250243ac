"""The clean store of a rebuild: empty at first, gone at the end, and never taken for another's."""

from pathlib import Path

import pytest

from gptmodel.errors import StoreBusyError
from gptmodel.rebuilding import clean_store, is_rebuilding, remove_leftovers


def test_the_store_is_empty_at_first_and_gone_at_the_end(tmp_path: Path) -> None:
    with clean_store(tmp_path, "gpt", 3) as store:
        assert list(store.root.iterdir()) == []
        (store.root / "raw").write_text("text from before scrubbing")
        assert is_rebuilding(tmp_path)
    assert not store.root.exists()
    assert not is_rebuilding(tmp_path)


def test_it_is_gone_after_an_interrupt_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), clean_store(tmp_path, "gpt", 3) as store:
        raise KeyboardInterrupt
    assert not store.root.exists()


def test_what_a_killed_rebuild_left_is_removed_by_the_next_of_any_version(tmp_path: Path) -> None:
    left = tmp_path / "gpt" / "2.partial"
    left.mkdir(parents=True)
    (left / "raw").write_text("text from before scrubbing")
    left.with_suffix(".lock").write_text("{}")
    with clean_store(tmp_path, "gpt", 3):
        assert not left.exists()


def test_one_that_lives_is_left_alone_and_not_shared(tmp_path: Path) -> None:
    with clean_store(tmp_path, "gpt", 3) as store:
        remove_leftovers(tmp_path)
        assert store.root.exists()
        with pytest.raises(StoreBusyError), clean_store(tmp_path, "gpt", 3):
            pass
        assert store.root.exists()
