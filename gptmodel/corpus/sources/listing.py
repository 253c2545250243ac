"""What the sources hold right now: every file with its digest, without reading one twice.

A listing's digests are what the first stage's fingerprint rests on. A file behind a URL counts as unchanged as long
as its server says so. What can't be told apart from its next version (a server without marks, a stream without a
revision) is read again each time. A source past its last day is left out. Called by the pipeline before anything
runs, and by ingest, which reads exactly these files.
"""

import json
import logging
import os
import secrets
import stat
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gptmodel.config import CorpusConfig, SourceConfig
from gptmodel.corpus.sources import hub, remote
from gptmodel.corpus.sources.folders import walk
from gptmodel.corpus.sources.hashes import HashCache
from gptmodel.corpus.sources.locations import find_paths, local_stamp, root_of, stamp_now
from gptmodel.errors import SourceError
from gptmodel.store import digest_of

LISTING_FILE = "listing.json"
UNMARKED = "unmarked"
"""Stands in place of a digest where nothing tells a file or stream from its next version."""

logger = logging.getLogger(__name__)


class FileInfo(BaseModel):
    """One file of a source."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: str
    """Absolute path, URL, or name of a data set."""
    num_bytes: int | None
    """Size as stored; None where it is not known."""
    stamp: str
    """What is different when the file is: size and time, or what a server says instead; "" where nothing says it."""
    digest: str
    """sha256 of the bytes, or of the server's mark for them; `unreadable` or `unmarked` where there is none."""


class SourceListing(BaseModel):
    """The files of one source by their path within it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    files: dict[str, FileInfo]
    """Files by path relative to the source's root, in sorted order."""
    skipped: dict[str, int] = {}
    """Entries left out, by reason: hidden, link, special, unreadable_folder."""
    left_out: str = ""
    """Why the source is not used; empty if it is."""


class Listing(BaseModel):
    """The files of every source of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    sources: dict[str, SourceListing]
    """Listings by source name, in the config's order."""
    occasion: str = ""
    """Different in each listing, where a file has no digest: it stands in for it."""

    def digests(self) -> dict[str, str]:
        """Give a digest a source, by `source:NAME`; it depends on the files' paths and bytes alone.

        A source with a file that has no digest of its own has another one in each listing.
        """
        return {f"source:{name}": self._digest(source, self.mark) for name, source in self.sources.items()}

    def digest(self, name: str) -> str:
        """Give one source's digest as far as its files have one, 64 hex digits."""
        return self._digest(self.sources[name], lambda info: info.digest)

    def mark(self, file: FileInfo) -> str:
        """Give what a file's text may be taken over by: its digest, or what is different in each listing."""
        return self.occasion if file.digest == UNMARKED else file.digest

    def _digest(self, source: SourceListing, mark: Callable[[FileInfo], str]) -> str:
        if source.left_out:
            return digest_of({"left_out": source.left_out})
        return digest_of({path: mark(info) for path, info in source.files.items()})

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
        said = _sentence(len(now.keys() - before.keys()), num_changed, len(before.keys() - now.keys()))
        return said or ("files that nothing tells from their next version" if self.occasion else "")

    def save(self, folder: Path) -> None:
        """Write paths and digests to `listing.json`: nothing that differs on another machine."""
        text = json.dumps(self._hashes(), indent=0, sort_keys=True, ensure_ascii=True)
        (folder / LISTING_FILE).write_text(text + "\n", encoding="utf-8")

    def _hashes(self) -> dict[str, dict[str, str]]:
        return {
            name: {path: info.digest for path, info in source.files.items()} for name, source in self.sources.items()
        }


def list_sources(corpus: CorpusConfig, cache_path: Path) -> Listing:
    """List and hash the files of all sources.

    Args:
        corpus: The sources, and the day that counts as today for `keep_until`.
        cache_path: JSON file that keeps the hashes from one listing to the next; made if missing.

    Raises:
        SourceError: A source is missing, holds no file, names something that is no source or can't be reached; or
            every one is past its last day.
    """
    cache, today = HashCache(cache_path), corpus.as_of or date.today()
    found = {source.name: _list(source, today, cache) for source in corpus.sources}
    _refuse_all_left_out(found)
    cache.save()
    is_marked = all(info.digest != UNMARKED for source in found.values() for info in source.files.values())
    return Listing(sources=found, occasion="" if is_marked else secrets.token_hex(16))


def _list(source: SourceConfig, today: date, cache: HashCache) -> SourceListing:
    if source.keep_until is not None and today > source.keep_until:
        logger.warning("source %s is left out: it may be used until %s", source.name, source.keep_until)
        return SourceListing(files={}, left_out=f"may be used until {source.keep_until}")
    skipped: Counter[str] = Counter()
    files = _files_of(source, skipped, cache)
    if not files:
        raise _nothing(source, skipped)
    if skipped:
        logger.warning("source %s: left out %s", source.name, _counts(skipped))
    return SourceListing(files=dict(sorted(files.items())), skipped=dict(sorted(skipped.items())))


def _files_of(source: SourceConfig, skipped: Counter[str], cache: HashCache) -> dict[str, FileInfo]:
    if hub.is_dataset(source.path):
        return {hub.stream_path(source): _dataset_info(source, cache)}
    if remote.is_remote(source.path):
        return {name: _remote_info(file) for name, file in remote.list_url(source.path, skipped).items()}
    found = find_paths(source, skipped)
    return {name: info for name, path in found.items() if (info := _local_info(path, cache)) is not None}


def _dataset_info(source: SourceConfig, cache: HashCache) -> FileInfo:
    """Describe a data set: a folder by its files, one of the hub by its revision."""
    folder = hub.folder_of(source)
    mark: Any = hub.mark_of(source)
    if folder is not None:
        found = [(name, _local_info(path, cache)) for name, path in walk(folder, Counter())]
        mark = [source.subset, source.split, [(name, info.digest) for name, info in found if info]]
    digest = UNMARKED if mark is None else digest_of(mark)
    return FileInfo(path=source.path, num_bytes=None, stamp=stamp_now(source, source.path), digest=digest)


def _remote_info(file: remote.RemoteFile) -> FileInfo:
    digest = digest_of(file.stamp) if file.stamp else UNMARKED
    return FileInfo(path=file.url, num_bytes=file.num_bytes, stamp=file.stamp, digest=digest)


def _local_info(path: Path, cache: HashCache) -> FileInfo | None:
    try:
        status = path.stat()
    except OSError:
        return None  # gone since its folder was read
    if not stat.S_ISREG(status.st_mode):
        return None
    return FileInfo(
        path=os.fspath(path), num_bytes=status.st_size, stamp=local_stamp(status), digest=cache.digest(path, status)
    )


def _nothing(source: SourceConfig, skipped: Counter[str]) -> SourceError:
    is_empty_folder = not remote.is_remote(source.path) and root_of(source).is_dir()
    actual = "an empty folder" if is_empty_folder else "nothing there"
    if skipped:
        actual = f"only what is left out ({_counts(skipped)})"
    return SourceError(
        expected=f"a file, folder or glob with text at {source.path!r} (source {source.name})",
        actual=actual,
        mend="Check the path (it is taken from the current folder) and that there are text files below it.",
    )


def _refuse_all_left_out(found: dict[str, SourceListing]) -> None:
    if all(source.left_out for source in found.values()):
        raise SourceError(
            expected="at least one source that may be used",
            actual=", ".join(f"{name} ({source.left_out})" for name, source in found.items()),
            mend="Name another source, or let its owner set a later keep_until.",
        )


def _counts(skipped: Counter[str]) -> str:
    return ", ".join(f"{num} {reason.replace('_', ' ')}" for reason, num in sorted(skipped.items()))


def _sentence(num_new: int, num_changed: int, num_gone: int) -> str:
    counts = ((num_new, "new"), (num_changed, "changed"), (num_gone, "gone"))
    said = [(num, word) for num, word in counts if num]
    words = [f"{num} {word}" for num, word in said]
    if words:
        number, _, word = words[0].partition(" ")
        files = "file" if number == "1" else "files"
        words[0] = f"{number} {word} {files}"
    return ", ".join(words)
