"""A stage's output made in parts, mapped over workers; a part is made again only if what it was made from changed.

A part is a set of files that share a stem (`shards/00003.parquet`, `drops/00003.parquet`), with a small account. Its
key says all that it was made from. A part with the same key in an earlier output of the stage, or in an interrupted
attempt's folder, is linked instead of made. Text that was deleted by policy counts as there: it is made again only
when somebody reads it. What is known of the whole set alone is the stage's own business, after the parts.

Files under `notes/` may go with a part too: they are linked with it, yet lie outside the output's digest, since they
depend on more than the part's key (the home's own key). A part without them, or with others, is made again.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from gptmodel.store import (
    MANIFEST,
    PARTS_DIR,
    TEXT_DIR,
    FileEntry,
    Manifest,
    Workspace,
    data_files,
    digest_of,
    entry_of,
    file_digest,
    sync,
    write_synced,
)  # fmt: skip

Item = TypeVar("Item")
Result = TypeVar("Result")
Account = TypeVar("Account", bound=BaseModel)
Progress = Callable[[float, str], None]


class Mapper(Protocol):
    """Applies a function to items, wherever that happens, and gives the results in the items' order.

    The function and the items must be such that another process can be told of them: functions of a module, `partial`s
    of those, and plain values.
    """

    def __call__(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterable[Result]:
        """Apply the function to each item."""


def in_turn(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterable[Result]:
    """Apply a function to the items one after the other, in this process."""
    return map(function, items)


@dataclass(frozen=True)
class Part(Generic[Item]):
    """One part to be made.

    Attributes:
        name: Stem of its files; a file's stem may go on after a `-`.
        key: JSON value of all that it is made from: settings, and digests of what it reads; the code is known.
        item: What the function that makes it is called with.
        notes: Files under `notes/` that go with it, relative to the output's folder.
        notes_key: What those are made from besides; empty if nothing.
    """

    name: str
    key: Any
    item: Item
    notes: tuple[str, ...] = ()
    notes_key: str = ""


@dataclass(frozen=True)
class Made(Generic[Account]):
    """What `make_parts` did.

    Attributes:
        accounts: The account of each part, in the parts' order.
        num_reused: Parts that were not made again.
    """

    accounts: dict[str, Account]
    num_reused: int

    @property
    def runtime(self) -> "PartsRuntime":
        """What differs between equal outputs: how much was made anew."""
        return PartsRuntime(num_parts=len(self.accounts), num_reused=self.num_reused)


class PartsRuntime(BaseModel):
    """How much of a stage's output was made anew; it stands under `runtime`, outside the output's digest."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_parts: int = 0
    """Parts (shards) of the output."""
    num_reused: int = 0
    """Parts taken over from an earlier output, because what they are made from is the same."""


class _Marker(BaseModel):
    """What is noted of a finished part."""

    key: str
    files: dict[str, FileEntry]
    account: dict[str, Any]
    notes: dict[str, FileEntry] = {}
    notes_key: str = ""


def make_parts(
    work: Workspace, parts: Sequence[Part[Item]], make: Callable[[Item], Account], kind: type[Account],
    mapper: Mapper = in_turn, progress: Progress | None = None,
) -> Made[Account]:  # fmt: skip
    """Make the parts of a stage's output, taking over those that are there already.

    A stage may call this several times, with other names.

    Args:
        work: The folder to write into.
        parts: The parts; their names are unique.
        make: Writes a part's files into `work.path` and gives its account.
        kind: Class of the account.
        mapper: Where the parts are made.
        progress: Called with the share of parts done (0 to 1) and a few words.
    """
    keys = {part.name: digest_of({"code": work.code_version, "key": part.key}) for part in parts}
    found = {part.name: _taken_over(work, part, keys[part.name]) for part in parts}
    missing = [part for part in parts if found[part.name] is None]
    num_reused = len(parts) - len(missing)
    for number, (part, account) in enumerate(
        zip(missing, mapper(make, [part.item for part in missing]), strict=True), 1
    ):
        found[part.name] = _finish(work.path, part, keys[part.name], account)
        if progress:
            reused = f", {num_reused} reused" if num_reused else ""
            progress((num_reused + number) / len(parts), f"{number} of {len(missing)} shards{reused}")
    accounts = {name: kind.model_validate(marker.account) for name, marker in found.items() if marker}
    return Made(accounts, num_reused)


def rename_key(work: Workspace, name: str, key: Any) -> None:
    """Note what a finished part was made from, where that is known only once it is made.

    Args:
        work: The folder.
        name: The part.
        key: See `Part`.
    """
    path = _marker_path(work.path, name)
    marker, renamed = _read_marker(path), digest_of({"code": work.code_version, "key": key})
    if marker is not None and marker.key != renamed:
        write_synced(path, marker.model_copy(update={"key": renamed}).model_dump_json())


def clear_but_parts(work: Workspace) -> None:
    """Remove what an interrupted attempt left, its finished parts aside; a stage made of parts calls this first."""
    markers = {path: _read_marker(path) for path in (work.path / PARTS_DIR).glob("*.json")}
    kept = {work.path / name for marker in markers.values() if marker for name in (*marker.files, *marker.notes)}
    kept |= {path for path, marker in markers.items() if marker}
    for path in [path for path in work.path.rglob("*") if path.is_file() and path not in kept]:
        path.unlink()


def input_digests(work: Workspace, stage: str, folder: str = TEXT_DIR) -> dict[str, str]:
    """Give the digests of an input's files in one of its folders, by name; deleted text has its digest still."""
    root = work.inputs[stage]
    manifest = root / MANIFEST
    if manifest.is_file():
        entries = Manifest.model_validate_json(manifest.read_bytes()).files
        return {name: entry.sha256 for name, entry in entries.items() if name.startswith(f"{folder}/")}
    return {path.relative_to(root).as_posix(): file_digest(path) for path in sorted((root / folder).glob("[!.]*"))}


def text_parts(work: Workspace, stage: str, settings: Any = None) -> list[Part[Path]]:
    """Give one part for each shard of text of an input, in order; its item is the shard's path.

    Args:
        work: The folder written into; reads `stage`.
        stage: The stage whose shards are read.
        settings: JSON value of the settings that shape a part.
    """
    return [
        Part(Path(name).stem, [settings, digest], work.inputs[stage] / name)
        for name, digest in sorted(input_digests(work, stage).items())
    ]


def make_text_parts(
    work: Workspace, stage: str, parts: Sequence[Part[Path]], make: Callable[[Path], Account], kind: type[Account],
    mapper: Mapper = in_turn, progress: Progress | None = None,
) -> Made[Account]:  # fmt: skip
    """Do as `make_parts` for parts that read shards of text, which is made again first where it was deleted."""

    def mapped(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterable[Result]:
        work.ensure_text(stage, [f"{TEXT_DIR}/{item.name}" for item in items if isinstance(item, Path)])
        return mapper(function, items)

    return make_parts(work, parts, make, kind, mapped, progress)


def absent_files(folder: Path) -> dict[str, FileEntry]:
    """Give size and digest of the text that belongs to an output, by its markers, but was deleted by policy."""
    markers = [_read_marker(path) for path in sorted((folder / PARTS_DIR).glob("*.json"))]
    entries = {name: entry for marker in markers if marker for name, entry in marker.files.items()}
    return {name: entry for name, entry in entries.items() if not (folder / name).exists()}


def _taken_over(work: Workspace, part: Part[Any], key: str) -> _Marker | None:
    for folder in (work.path, *work.earlier):
        marker = _read_marker(_marker_path(folder, part.name))
        if marker is None or marker.key != key or not _has_notes(folder, part, marker):
            continue
        taken = marker.model_copy(update={"notes": {name: marker.notes[name] for name in part.notes}})
        if _adopt(work, folder, taken):
            write_synced(_marker_path(work.path, part.name), taken.model_dump_json())
            return taken
    return None


def _has_notes(folder: Path, part: Part[Any], marker: _Marker) -> bool:
    """Tell whether all notes that go with a part lie in a folder, made from what they would be made from here."""
    if part.notes and marker.notes_key != part.notes_key:
        return False
    return all(name in marker.notes and _is_as_noted(folder / name, marker.notes[name]) for name in part.notes)


def _is_as_noted(path: Path, entry: FileEntry) -> bool:
    return path.exists() and entry_of(path) == entry


def _adopt(work: Workspace, folder: Path, marker: _Marker) -> bool:
    """Link a part's files into the workspace; all of them or none count."""
    absent = [name for name in marker.files if not (folder / name).exists()]
    if any(not name.startswith(f"{TEXT_DIR}/") or work.is_wanted(name) for name in absent):
        return False
    present = [name for name in marker.files if name not in absent]
    if any(entry_of(folder / name) != marker.files[name] for name in present):
        return False
    for name in (*present, *marker.notes):
        target = work.path / name
        if folder != work.path:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            _link(folder / name, target)
    _marker_path(work.path, "").parent.mkdir(parents=True, exist_ok=True)
    return True


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def _finish(folder: Path, part: Part[Any], key: str, account: BaseModel) -> _Marker:
    files = {path: entry_of(folder / path) for path, _ in data_files(folder, _belongs_to(part.name))}
    notes = {path: entry_of(folder / path) for path in part.notes}
    for name in notes:  # the commit syncs the data alone
        sync(folder / name)
    marker = _Marker(
        key=key, files=files, account=account.model_dump(mode="json"), notes=notes, notes_key=part.notes_key
    )
    path = _marker_path(folder, part.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_synced(path, marker.model_dump_json())
    return marker


def _belongs_to(name: str) -> Callable[[Path], bool]:
    return lambda path: path.stem == name or path.stem.startswith(f"{name}-")


def _read_marker(path: Path) -> _Marker | None:
    try:
        return _Marker.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None


def _marker_path(folder: Path, name: str) -> Path:
    return folder / PARTS_DIR / f"{name}.json"
