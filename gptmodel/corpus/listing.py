"""What the sources hold right now: every file with its size and digest, without reading one twice.

A listing's digests are what the first stage's fingerprint rests on. A file is hashed again only if its size or
modification time changed; the cache of hashes is one JSON file. Hidden files and links that lead elsewhere are left
out and counted. Called by the pipeline before anything runs, and by ingest, which reads exactly these files.
"""

import glob
import json
import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gptmodel.config import CorpusConfig, SourceConfig
from gptmodel.corpus import builtin
from gptmodel.errors import SourceError
from gptmodel.store import digest_of, file_digest, write_synced

LISTING_FILE = "listing.json"
UNREADABLE = "unreadable"
"""Stands in place of a digest where the system refused to read a file."""

logger = logging.getLogger(__name__)

_Stamp = tuple[int, int, str]


class FileInfo(BaseModel):
    """One file of a source."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: str
    """Absolute path."""
    num_bytes: int
    """Size on disk."""
    mtime_ns: int
    """Modification time in nanoseconds since the epoch."""
    sha256: str
    """Digest of the bytes, or `unreadable`."""


class SourceListing(BaseModel):
    """The files of one source by their path within it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    files: dict[str, FileInfo]
    """Files by path relative to the source's root, in sorted order."""
    skipped: dict[str, int] = {}
    """Entries left out, by reason: hidden, link, special, unreadable_folder."""


class Listing(BaseModel):
    """The files of every source of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    sources: dict[str, SourceListing]
    """Listings by source name, in the config's order."""

    def digests(self) -> dict[str, str]:
        """Give a digest a source, by `source:NAME`; it depends on the files' paths and bytes alone."""
        return {f"source:{name}": self.digest(name) for name in self.sources}

    def digest(self, name: str) -> str:
        """Give one source's digest, 64 hex digits."""
        return digest_of(self._hashes()[name])

    def changes(self, earlier_folder: Path) -> str:
        """Say how the files differ from those an earlier ingest saved in its folder, as `3 new files, 1 changed`.

        Returns:
            The sentence; empty if nothing changed, `other files` if the earlier listing is gone.
        """
        try:
            then = json.loads((earlier_folder / LISTING_FILE).read_bytes())
            before = {(name, path): sha for name, files in then.items() for path, sha in files.items()}
        except (OSError, ValueError, AttributeError):
            return "other files"
        now = {(name, path): sha for name, files in self._hashes().items() for path, sha in files.items()}
        num_changed = sum(now[key] != before[key] for key in now.keys() & before.keys())
        return _sentence(len(now.keys() - before.keys()), num_changed, len(before.keys() - now.keys()))

    def save(self, folder: Path) -> None:
        """Write paths and digests to `listing.json`: nothing that differs on another machine."""
        text = json.dumps(self._hashes(), indent=0, sort_keys=True, ensure_ascii=True)
        (folder / LISTING_FILE).write_text(text + "\n", encoding="utf-8")

    def _hashes(self) -> dict[str, dict[str, str]]:
        return {
            name: {path: info.sha256 for path, info in source.files.items()} for name, source in self.sources.items()
        }


def list_sources(corpus: CorpusConfig, cache_path: Path) -> Listing:
    """List and hash the files of all sources.

    Args:
        corpus: The sources.
        cache_path: JSON file that keeps the hashes from one listing to the next; made if missing.

    Raises:
        SourceError: A source is missing, holds no file, or names something that is no source.

    Source:
        Size and modification time as the sign of an unchanged file: as in git's index and rsync's quick check.
    """
    cache = _read_cache(cache_path)
    found = {source.name: _list(source, cache) for source in corpus.sources}
    fresh = {
        info.path: (info.num_bytes, info.mtime_ns, info.sha256)
        for source in found.values()
        for info in source.files.values()
        if info.sha256 != UNREADABLE
    }
    merged = {path: stamp for path, stamp in cache.items() if path in fresh or os.path.exists(path)} | fresh
    if merged != cache:
        cache_path.parent.mkdir(parents=True, exist_ok=True)
        write_synced(cache_path, json.dumps({"version": 1, "files": merged}))
    return Listing(sources=found)


def root_of(source: SourceConfig) -> Path:
    """Give the file or folder that a source's path names; a glob stays as it is."""
    if source.path == builtin.SAMPLE:
        return builtin.sample_dir()
    if source.path.startswith("builtin:"):
        raise SourceError(
            expected=f"a built-in source: {', '.join(builtin.NAMES)}",
            actual=f"{source.path!r} (source {source.name})",
            mend="Use one of these names, or a path.",
        )
    if "://" in source.path:
        raise SourceError(
            expected=f"a file, folder or glob on this machine (source {source.name})",
            actual="a URL",
            mend="Copy the files here first and name their folder.",
        )
    return Path(os.path.abspath(os.path.expanduser(source.path)))


def walk(root: Path, skipped: Counter[str]) -> Iterator[tuple[str, Path]]:
    """Give the files below a file, folder or glob with their paths relative to it, counting what is left out.

    Hidden files and folders, links that leave the root, linked folders, and what is no regular file are left out.
    """
    if root.is_dir():
        yield from _walk_folder(root, root, skipped)
    elif root.exists():
        if root.is_file():
            yield readable(root.name), root
        else:
            skipped["special"] += 1
    elif glob.has_magic(str(root)):
        yield from _walk_glob(root, skipped)


def readable(path: str) -> str:
    r"""Give a file's path as text that can be stored; bytes that are no UTF-8 are written as `\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _walk_glob(pattern: Path, skipped: Counter[str]) -> Iterator[tuple[str, Path]]:
    parts = pattern.parts
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    base = Path(*parts[:fixed])
    seen: set[Path] = set()
    for match in sorted(glob.iglob(str(pattern), recursive=True)):
        path = Path(match)
        inner = _walk_folder(path, base, skipped) if path.is_dir() else _taken(path, base, skipped)
        for name, file in inner:
            if file not in seen:
                seen.add(file)
                yield name, file


def _walk_folder(folder: Path, root: Path, skipped: Counter[str]) -> Iterator[tuple[str, Path]]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        skipped["unreadable_folder"] += 1
        return
    for entry in listed:
        if entry.name.startswith("."):
            skipped["hidden"] += 1
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk_folder(Path(entry.path), root, skipped)
        elif entry.is_file(follow_symlinks=False):
            yield _relative(entry.path, root), Path(entry.path)
        else:
            yield from _taken(Path(entry.path), root, skipped)


def _taken(path: Path, root: Path, skipped: Counter[str]) -> Iterator[tuple[str, Path]]:
    """Give a glob's match or a link, if it is a file within the root."""
    if path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(root.resolve())):
        skipped["link"] += 1
    elif not path.is_file():
        skipped["special"] += 1
    else:
        yield _relative(str(path), root), path


def _relative(path: str, root: Path) -> str:
    return readable(os.path.relpath(path, root).replace(os.sep, "/"))


def _list(source: SourceConfig, cache: dict[str, _Stamp]) -> SourceListing:
    skipped: Counter[str] = Counter()
    if source.path == builtin.PYTHON_DOCS:
        found = builtin.python_docs_files()
    else:
        root = root_of(source)
        found = _walked(source, root, skipped)
        _refuse_nothing(source, root, found, skipped)
    if skipped:
        logger.warning("source %s: left out %s", source.name, _counts(skipped))
    files = {name: info for name in sorted(found) if (info := _inspect(found[name], cache)) is not None}
    return SourceListing(files=files, skipped=dict(sorted(skipped.items())))


def _walked(source: SourceConfig, root: Path, skipped: Counter[str]) -> dict[str, Path]:
    try:
        return dict(walk(root, skipped))
    except OSError as error:
        raise SourceError(
            expected=f"a path that can be read (source {source.name})",
            actual=error.strerror or "an error of the system",
            mend="Check the path and its permissions.",
        ) from error


def _refuse_nothing(source: SourceConfig, root: Path, found: dict[str, Path], skipped: Counter[str]) -> None:
    if found:
        return
    actual = "an empty folder" if root.is_dir() else "nothing there"
    if skipped:
        actual = f"only what is left out ({_counts(skipped)})"
    raise SourceError(
        expected=f"a file, folder or glob with text at {source.path!r} (source {source.name})",
        actual=actual,
        mend="Check the path (it is taken from the current folder) and that there are text files below it.",
    )


def _counts(skipped: Counter[str]) -> str:
    return ", ".join(f"{num} {reason.replace('_', ' ')}" for reason, num in sorted(skipped.items()))


def _inspect(path: Path, cache: dict[str, _Stamp]) -> FileInfo | None:
    try:
        status = path.stat()
    except OSError:
        return None  # gone since its folder was read
    if not stat.S_ISREG(status.st_mode):
        return None
    key, size, mtime = readable(str(path)), status.st_size, status.st_mtime_ns
    known = cache.get(key)
    sha256 = known[2] if known and known[:2] == (size, mtime) else _hash(path)
    return FileInfo(path=os.fspath(path), num_bytes=size, mtime_ns=mtime, sha256=sha256)


def _hash(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError:
        return UNREADABLE


def _read_cache(path: Path) -> dict[str, _Stamp]:
    try:
        data: Any = json.loads(path.read_bytes())
        if data["version"] != 1:
            return {}
        return {name: (int(size), int(mtime), str(sha)) for name, (size, mtime, sha) in data["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # a cache that can't be read only costs time


def _sentence(num_new: int, num_changed: int, num_gone: int) -> str:
    counts = ((num_new, "new"), (num_changed, "changed"), (num_gone, "gone"))
    said = [(num, word) for num, word in counts if num]
    words = [f"{num} {word}" for num, word in said]
    if words:
        number, _, word = words[0].partition(" ")
        files = "file" if number == "1" else "files"
        words[0] = f"{number} {word} {files}"
    return ", ".join(words)
