"""A file to be read, wherever its bytes are: on this machine, behind a URL, or in an archive.

Readers open an `InputFile` as often as they need; none of them knows what it opens. Called by every reader.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from gptmodel.corpus.sources.quarantine import NotTextError, Reason

MAX_WHOLE_BYTES = 256 * 2**20
"""Largest stream held in memory where a format needs to go back and forth in it and the stream can't."""

Opener = Callable[[], BinaryIO]
"""Opens a stream at its start; may be called again."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a record its text and its identity are."""

    text: str = "text"
    id: str | None = None


class Budget:
    """How many bytes an archive may give, counted over its members.

    Args:
        limit: The most, in bytes.
    """

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._most = 0

    def begin_member(self) -> None:
        """Count what comes as the next member's."""
        self._left -= self._most
        self._most = 0

    def spend(self, num_bytes: int) -> bool:
        """Tell whether a member may give so many bytes in all; opened again, it gives the same ones."""
        if num_bytes > self._left:
            return False
        self._most = max(self._most, num_bytes)
        return True


@dataclass
class InputFile:
    """A file being read, and what was found out about it on the way.

    Attributes:
        name: Its path within its source, ARCHIVE/MEMBER for a member; the end of it says the format.
        open: Opens its bytes as they are stored.
        open_anywhere: Opens them such that any place can be read, where `open` gives a stream that can't, at a price.
        num_bytes: How many these are; None where that is not known.
        columns: Columns of its records.
        refused: Why it is not even opened, where that is so.
        budget: What it may give when decompressed, together with its archive's other members.
        encoding: Codec the text was decoded with; empty until known, and for binary formats.
    """

    name: str
    open: Opener
    num_bytes: int | None = None
    columns: Columns = field(default_factory=Columns)
    refused: Reason | None = None
    budget: Budget | None = None
    encoding: str = ""
    open_anywhere: Opener | None = None


def local_file(path: Path, name: str | None = None) -> InputFile:
    """Give a file of this machine.

    Args:
        path: Where it lies.
        name: Its path within its source; None takes its own name.
    """
    try:
        num_bytes: int | None = path.stat().st_size
    except OSError:
        num_bytes = None
    return InputFile(name or path.name, partial(_open, path), num_bytes)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def open_seekable(file: InputFile) -> BinaryIO:
    """Open a file such that any place of it can be read; what only streams is held in memory, if it is not too large.

    Raises:
        NotTextError: `unreadable` or `too_large`.
    """
    is_large = (file.num_bytes or 0) > MAX_WHOLE_BYTES
    try:
        stream = file.open_anywhere() if is_large and file.open_anywhere else file.open()
    except OSError as error:
        raise NotTextError("unreadable") from error
    if stream.seekable():
        return stream
    with stream:
        return io.BytesIO(read_whole(stream, MAX_WHOLE_BYTES))


def read_whole(stream: BinaryIO, max_bytes: int) -> bytes:
    """Read a stream to its end.

    Raises:
        NotTextError: `too_large`.
    """
    data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise NotTextError("too_large")
    return data
