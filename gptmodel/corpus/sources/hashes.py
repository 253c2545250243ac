"""The digests of this machine's files, kept from one listing to the next in one JSON file.

A file is hashed again only if its size or modification time changed. Called by listing.

Source: size and modification time as the sign of an unchanged file, as in git's index and rsync's quick check.
"""

import json
import os
from pathlib import Path
from typing import Any

from gptmodel.corpus.sources.folders import readable
from gptmodel.store import file_digest, write_synced

UNREADABLE = "unreadable"
"""Stands in place of a digest where the system refused to read a file."""

_Entry = tuple[int, int, str]


class HashCache:
    """Digests by path, size and time.

    Args:
        path: The JSON file; made by `save` if missing. One that can't be read only costs time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path)
        self._fresh: dict[str, _Entry] = {}

    def digest(self, path: Path, status: os.stat_result) -> str:
        """Give the sha256 of a file's bytes, 64 hex digits, or `unreadable`."""
        key, size, mtime = readable(str(path)), status.st_size, status.st_mtime_ns
        known = self._known.get(key)
        digest = known[2] if known and known[:2] == (size, mtime) else _hash(path)
        if digest != UNREADABLE:
            self._fresh[key] = (size, mtime, digest)
        return digest

    def save(self) -> None:
        """Write what was asked for, and what is known of other files that are still there."""
        kept = {key: entry for key, entry in self._known.items() if os.path.exists(key)} | self._fresh
        if kept != self._known:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_synced(self._path, json.dumps({"version": 1, "files": kept}))


def _hash(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError:
        return UNREADABLE


def _read(path: Path) -> dict[str, _Entry]:
    try:
        data: Any = json.loads(path.read_bytes())
        if data["version"] != 1:
            return {}
        return {name: (int(size), int(mtime), str(sha)) for name, (size, mtime, sha) in data["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
