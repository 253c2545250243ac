"""Parts: made once, taken over while what they are made from is the same, deleted text included."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from gptmodel.errors import StoreError
from gptmodel.parts import (
    Made,
    Part,
    absent_files,
    clear_but_parts,
    in_turn,
    make_parts,
    make_text_parts,
    rename_key,
    text_parts,
)
from gptmodel.store import Workspace, seal


class Account(BaseModel):
    """What making a part gave."""

    length: int


def write(item: tuple[str, str], folder: Path) -> Account:
    name, text = item
    (folder / "shards").mkdir(exist_ok=True)
    (folder / "shards" / f"{name}.txt").write_text(text)
    (folder / f"{name}.more").write_text(text.upper())
    return Account(length=len(text))


def work_at(folder: Path, **more: Any) -> Workspace:
    folder.mkdir(exist_ok=True)
    return Workspace(folder, {}, **more)


def make(work: Workspace, texts: dict[str, str], mapper: Callable[..., Any] = in_turn) -> Made[Account]:
    parts = [Part(name, text, (name, text)) for name, text in texts.items()]
    return make_parts(work, parts, partial(write, folder=work.path), Account, mapper)


def files(folder: Path) -> set[str]:
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {path for path in paths if not path.startswith("notes")}


def test_each_part_is_made_and_accounted_for(tmp_path: Path) -> None:
    made = make(work_at(tmp_path / "a"), {"00000": "one", "00001": "three"})
    assert {name: account.length for name, account in made.accounts.items()} == {"00000": 3, "00001": 5}
    assert files(tmp_path / "a") == {"shards/00000.txt", "shards/00001.txt", "00000.more", "00001.more"}


def test_a_part_with_the_same_key_is_taken_over(tmp_path: Path) -> None:
    make(work_at(tmp_path / "a"), {"00000": "one", "00001": "three"})
    second = make(work_at(tmp_path / "b", earlier=[tmp_path / "a"]), {"00000": "one", "00001": "other"})
    assert (second.num_reused, second.accounts["00001"].length) == (1, 5)
    assert (tmp_path / "b" / "shards" / "00001.txt").read_text() == "other"
    assert (tmp_path / "b" / "00000.more").read_text() == "ONE"


def test_other_code_makes_every_part_again(tmp_path: Path) -> None:
    make(work_at(tmp_path / "a", code_version="1"), {"00000": "one"})
    second = make(work_at(tmp_path / "b", code_version="2", earlier=[tmp_path / "a"]), {"00000": "one"})
    assert second.num_reused == 0


@pytest.mark.parametrize("harm", ["00000.more", "shards/00000.txt"])
def test_a_damaged_part_is_made_again(tmp_path: Path, harm: str) -> None:
    make(work_at(tmp_path / "a"), {"00000": "one"})
    (tmp_path / "a" / harm).write_text("eno")
    second = make(work_at(tmp_path / "b", earlier=[tmp_path / "a"]), {"00000": "one"})
    assert second.num_reused == 0
    assert (tmp_path / "b" / "shards" / "00000.txt").read_text() == "one"


def test_an_interrupted_attempt_goes_on_at_its_last_finished_part(tmp_path: Path) -> None:
    def two_of_three(function: Any, items: Sequence[Any]) -> Iterable[Any]:
        yield function(items[0])
        yield function(items[1])
        raise KeyboardInterrupt

    texts = {"00000": "a", "00001": "b", "00002": "c"}
    with pytest.raises(KeyboardInterrupt):
        make(work_at(tmp_path / "a"), texts, two_of_three)
    (tmp_path / "a" / "shards" / "00002.tmp").write_text("half")
    work = work_at(tmp_path / "a")
    clear_but_parts(work)
    assert make(work, texts).num_reused == 2
    assert files(tmp_path / "a") == {file for name in texts for file in (f"shards/{name}.txt", f"{name}.more")}


def test_nothing_but_finished_parts_survives_the_clearing(tmp_path: Path) -> None:
    make(work_at(tmp_path / "a"), {"00000": "one"})
    (tmp_path / "a" / "result.json").write_text("of an attempt that was interrupted")
    clear_but_parts(work_at(tmp_path / "a"))
    assert files(tmp_path / "a") == {"shards/00000.txt", "00000.more"}


def test_text_deleted_by_policy_counts_as_there(tmp_path: Path) -> None:
    make(work_at(tmp_path / "a"), {"00000": "one", "00001": "two"})
    (tmp_path / "a" / "shards" / "00000.txt").unlink()
    second = make(work_at(tmp_path / "b", earlier=[tmp_path / "a"]), {"00000": "one", "00001": "two"})
    assert second.num_reused == 2
    assert set(absent_files(tmp_path / "b")) == {"shards/00000.txt"}


def test_an_output_that_holds_deleted_text_has_the_digest_of_one_that_holds_it_all(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"stage": "s", "fingerprint": "f", "code_version": "", "section": {}, "inputs": {}}
    whole = work_at(tmp_path / "a")
    make(whole, {"00000": "one"})
    first = seal(whole, result=Account(length=1), **facts)
    (tmp_path / "a" / "shards" / "00000.txt").unlink()
    partly = work_at(tmp_path / "b", earlier=[tmp_path / "a"])
    make(partly, {"00000": "one"})
    second = seal(partly, result=Account(length=1), absent=absent_files(partly.path), **facts)
    assert (first.digest, first.released, second.digest, second.released) == (first.digest, False, first.digest, True)


def test_deleted_text_that_is_wanted_is_made_again(tmp_path: Path) -> None:
    make(work_at(tmp_path / "a"), {"00000": "one"})
    (tmp_path / "a" / "shards" / "00000.txt").unlink()
    second = make(work_at(tmp_path / "b", earlier=[tmp_path / "a"], wanted={"shards/00000.txt"}), {"00000": "one"})
    assert second.num_reused == 0
    assert (tmp_path / "b" / "shards" / "00000.txt").exists()


def copy(shard: Path, folder: Path) -> Account:
    return write((shard.stem, shard.read_text()), folder)


def copied(folder: Path, source: Path, earlier: Sequence[Path] = (), restore: Any = None) -> Made[Account]:
    folder.mkdir()
    work = Workspace(folder, {"before": source}, earlier=earlier, restore=restore)
    make = partial(copy, folder=folder)
    return make_text_parts(work, "before", text_parts(work, "before"), make, Account)


def sealed(folder: Path, texts: dict[str, str]) -> Path:
    """Commit an output with one shard of text for each."""
    work = work_at(folder)
    make(work, texts)
    facts: dict[str, Any] = {"stage": "before", "fingerprint": "f", "code_version": "", "section": {}, "inputs": {}}
    manifest = seal(work, result=Account(length=1), **facts)
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def test_only_shards_that_changed_need_their_text(tmp_path: Path) -> None:
    first = sealed(tmp_path / "first", {"00000": "one", "00001": "two"})
    copied(tmp_path / "a", first)
    second = sealed(tmp_path / "second", {"00000": "one", "00001": "three"})
    (second / "shards" / "00000.txt").unlink()
    assert copied(tmp_path / "b", second, [tmp_path / "a"]).num_reused == 1


def test_deleted_text_that_a_reader_needs_is_asked_for(tmp_path: Path) -> None:
    before = sealed(tmp_path / "before", {"00000": "one", "00001": "two"})
    (before / "shards" / "00001.txt").unlink()
    asked: list[tuple[str, list[str]]] = []

    def restore(stage: str, names: list[str]) -> None:
        asked.append((stage, names))
        (before / "shards" / "00001.txt").write_text("two")

    assert copied(tmp_path / "a", before, restore=restore).accounts["00001"].length == 3
    assert asked == [("before", ["shards/00001.txt"])]


def test_deleted_text_that_nobody_can_make_again_is_an_error(tmp_path: Path) -> None:
    before = sealed(tmp_path / "before", {"00000": "one"})
    (before / "shards" / "00000.txt").unlink()
    with pytest.raises(StoreError, match="gptmodel run --force 'before'"):
        copied(tmp_path / "a", before)


def test_progress_says_how_many_are_reused(tmp_path: Path) -> None:
    make(work_at(tmp_path / "a"), {"00000": "one"})
    said: list[tuple[float, str]] = []
    work = work_at(tmp_path / "b", earlier=[tmp_path / "a"])
    parts = [Part(name, text, (name, text)) for name, text in {"00000": "one", "00001": "two"}.items()]
    make_parts(work, parts, partial(write, folder=work.path), Account, progress=lambda *words: said.append(words))
    assert said == [(1.0, "1 of 1 shards, 1 reused")]


def write_noted(item: tuple[str, str], folder: Path) -> Account:
    (folder / "notes" / "aside").mkdir(parents=True, exist_ok=True)
    (folder / "notes" / "aside" / f"{item[0]}.txt").write_text(f"beside {item[1]}")
    return write(item, folder)


def make_noted(work: Workspace, texts: dict[str, str], notes_key: str = "k1") -> Made[Account]:
    parts = [
        Part(name, text, (name, text), notes=(f"notes/aside/{name}.txt",), notes_key=notes_key)
        for name, text in texts.items()
    ]
    return make_parts(work, parts, partial(write_noted, folder=work.path), Account)


def test_notes_of_a_part_are_taken_over_with_it(tmp_path: Path) -> None:
    make_noted(work_at(tmp_path / "a"), {"00000": "one"})
    second = make_noted(work_at(tmp_path / "b", earlier=[tmp_path / "a"]), {"00000": "one", "00001": "two"})
    third = make_noted(work_at(tmp_path / "c", earlier=[tmp_path / "b"]), {"00000": "one", "00001": "two"})
    assert (second.num_reused, third.num_reused) == (1, 2)
    assert (tmp_path / "c" / "notes" / "aside" / "00000.txt").read_text() == "beside one"


def test_notes_do_not_shape_the_digest(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"stage": "s", "fingerprint": "f", "code_version": "", "section": {}, "inputs": {}}
    for name, make_one in (("a", make), ("b", make_noted)):
        make_one(work_at(tmp_path / name), {"00000": "one"})
    first, second = (seal(work_at(tmp_path / name), result=Account(length=1), **facts) for name in "ab")
    assert first.digest == second.digest


def test_a_part_without_its_notes_is_made_again(tmp_path: Path) -> None:
    make(work_at(tmp_path / "a"), {"00000": "one"})
    second = make_noted(work_at(tmp_path / "b", earlier=[tmp_path / "a"]), {"00000": "one"})
    assert second.num_reused == 0
    assert (tmp_path / "b" / "notes" / "aside" / "00000.txt").exists()


def test_a_part_whose_notes_were_made_with_another_key_is_made_again(tmp_path: Path) -> None:
    make_noted(work_at(tmp_path / "a"), {"00000": "one"}, "k1")
    assert make_noted(work_at(tmp_path / "b", earlier=[tmp_path / "a"]), {"00000": "one"}, "k2").num_reused == 0


@pytest.mark.parametrize("harm", ["deleted", "changed"])
def test_a_part_whose_notes_are_damaged_is_made_again(tmp_path: Path, harm: str) -> None:
    make_noted(work_at(tmp_path / "a"), {"00000": "one"})
    path = tmp_path / "a" / "notes" / "aside" / "00000.txt"
    path.unlink() if harm == "deleted" else path.write_text("cut")
    assert make_noted(work_at(tmp_path / "b", earlier=[tmp_path / "a"]), {"00000": "one"}).num_reused == 0


def test_notes_of_finished_parts_survive_an_interruption(tmp_path: Path) -> None:
    make_noted(work_at(tmp_path / "a"), {"00000": "one"})
    work = work_at(tmp_path / "a")
    clear_but_parts(work)
    assert make_noted(work, {"00000": "one"}).num_reused == 1


def test_a_part_that_wants_no_notes_is_taken_over_without_them(tmp_path: Path) -> None:
    make_noted(work_at(tmp_path / "a"), {"00000": "one"})
    second = make(work_at(tmp_path / "b", earlier=[tmp_path / "a"]), {"00000": "one"})
    assert second.num_reused == 1
    assert not (tmp_path / "b" / "notes" / "aside").exists()


def test_a_part_is_taken_over_by_what_it_turned_out_to_be_made_from(tmp_path: Path) -> None:
    first = work_at(tmp_path / "a")
    make(first, {"00000": "one"})
    rename_key(first, "00000", "what is in it")
    parts = [Part("00000", "what is in it", ("00000", "never made"))]
    second = work_at(tmp_path / "b", earlier=[first.path])
    assert make_parts(second, parts, partial(write, folder=second.path), Account).num_reused == 1
