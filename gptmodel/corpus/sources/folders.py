"""What lies on this machine below a file, folder or glob.

Hidden files and folders, links that leave the root, linked folders, and what is no regular file are left out and
counted. Called by locations and listing.
"""

import glob
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path


def walk(root: Path, skipped: Counter[str]) -> Iterator[tuple[str, Path]]:
    """Give the files below a file, folder or glob with their paths relative to it, counting what is left out."""
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
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


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
