"""Open a file's bytes, through gzip, bzip2, xz or Zstandard where its name says so, within bounds.

A compressed file may not expand beyond a ratio and a total; data that ends early is an error, never a shorter text.
Called by decoding and formats.
"""

import bz2
import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from gptmodel.corpus.quarantine import NotTextError

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")

MAX_EXPANDED_BYTES = 16 * 2**30
"""Most bytes that one compressed file may give."""
MAX_RATIO = 400
"""Most bytes that one compressed byte may give, beyond the first FREE_BYTES; server logs reach about 100 in xz."""
FREE_BYTES = 16 * 2**20

_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading, decompressed if its name ends in one of SUFFIXES.

    Raises:
        NotTextError: `unreadable`; while reading also `damaged_archive` or `expands_too_much`.
    """
    try:
        if path.suffix.lower() not in SUFFIXES:
            return path.open("rb")
        limit = min(MAX_EXPANDED_BYTES, max(FREE_BYTES, MAX_RATIO * path.stat().st_size))
        return io.BufferedReader(_Expanding(path, limit), buffer_size=2**16)
    except OSError as error:
        raise NotTextError("unreadable") from error


class _Expanding(io.RawIOBase):
    """A decompressed stream that counts what it gives."""

    def __init__(self, path: Path, limit: int) -> None:
        self._file = path.open("rb")
        self._left = limit
        self._inner = _decompressor(self._file, path.suffix.lower())

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            chunk = self._inner.read(len(buffer))
        except _ERRORS as error:
            raise NotTextError("damaged_archive") from error
        self._left -= len(chunk)
        if self._left < 0:
            raise NotTextError("expands_too_much")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            self._file.close()
        super().close()


def _decompressor(file: BinaryIO, suffix: str) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=file)
    if suffix == ".bz2":
        return bz2.BZ2File(file)
    if suffix == ".xz":
        return lzma.LZMAFile(file)
    import pyarrow as pa

    # pyarrow's reader says so when the stream ends early; zstandard's gives the shorter text without a word.
    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
