"""From a source's path to its files, wherever they are: on this machine, behind a URL, built in.

Called by listing, reading and survey.
"""

import os
from collections import Counter
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from gptmodel.config import SourceConfig
from gptmodel.corpus.sources import builtin, hub, remote
from gptmodel.corpus.sources.folders import walk
from gptmodel.corpus.sources.streams import InputFile, local_file
from gptmodel.errors import SourceError
from gptmodel.store import digest_of


def is_local(path: str) -> bool:
    """Tell whether a source's path is one of this machine, which may be written relative to the current folder.

    Example:
        >>> is_local("texts/*.txt"), is_local("s3://bucket"), is_local("dataset:a/b"), is_local("builtin:sample")
        (True, False, False, False)
    """
    return "://" not in path and not path.startswith(("builtin:", "dataset:"))


def find_inputs(source: SourceConfig, skipped: Counter[str]) -> dict[str, InputFile]:
    """Give the files of a source as they can be opened, by path within it.

    Args:
        source: The source; not a data set.
        skipped: Counts what is left out, by reason.

    Raises:
        SourceError: A URL can't be listed, or the path names something that is no source.
    """
    if remote.is_remote(source.path):
        found = remote.list_url(source.path, skipped)
        return {name: open_later(name, file.url, file.num_bytes) for name, file in found.items()}
    return {name: local_file(path, name) for name, path in find_paths(source, skipped).items()}


def find_paths(source: SourceConfig, skipped: Counter[str]) -> dict[str, Path]:
    """Give the files of a source on this machine, by path within it.

    Args:
        source: The source; neither a URL nor a data set.
        skipped: Counts what is left out, by reason.

    Raises:
        SourceError: The path names something that is no source, or can't be read.
    """
    if source.path == builtin.PYTHON_DOCS:
        return builtin.python_docs_files()
    try:
        return dict(walk(root_of(source), skipped))
    except OSError as error:
        raise SourceError(
            expected=f"a path that can be read (source {source.name})",
            actual=error.strerror or "an error of the system",
            mend="Check the path and its permissions.",
        ) from error


def root_of(source: SourceConfig) -> Path:
    """Give the file or folder of this machine that a source's path names; a glob stays as it is.

    Raises:
        SourceError: There is no built-in source of that name.
    """
    if source.path == builtin.SAMPLE:
        return builtin.sample_dir()
    if source.path.startswith("builtin:"):
        raise SourceError(
            expected=f"a built-in source: {', '.join(builtin.NAMES)}",
            actual=f"{source.path!r} (source {source.name})",
            mend="Use one of these names, or a path.",
        )
    path = unquote(source.path.removeprefix("file://")) if source.path.startswith("file://") else source.path
    return Path(os.path.abspath(os.path.expanduser(path)))


def open_later(name: str, path: str, num_bytes: int | None) -> InputFile:
    """Give a listed file as it can be opened.

    Args:
        name: Its path within its source.
        path: Absolute path or URL.
        num_bytes: Its size as listed; None where it is not known.
    """
    if remote.is_remote(path):
        opener = partial(remote.open_url, path)
        return InputFile(name, opener, num_bytes, open_anywhere=partial(opener, anywhere=True))
    return local_file(Path(path), name)


def stamp_now(source: SourceConfig, path: str) -> str:
    """Give what is different once a listed file is; "" for one that is gone, or where nothing says it.

    Args:
        source: The file's source.
        path: Absolute path, URL or name of a data set.

    Raises:
        SourceError: A server refuses or fails.
    """
    if remote.is_remote(path):
        file = remote.look_again(path)
        return "" if file is None else file.stamp
    if hub.is_dataset(path):
        folder = hub.folder_of(source)
        return "" if folder is None else _folder_stamp(folder)
    try:
        return local_stamp(os.stat(path))
    except OSError:
        return ""


def local_stamp(status: os.stat_result) -> str:
    """Give the stamp of a file of this machine: its size and modification time."""
    return f"{status.st_size} {status.st_mtime_ns}"


def _folder_stamp(folder: Path) -> str:
    return digest_of([(name, local_stamp(path.stat())) for name, path in walk(folder, Counter())])
