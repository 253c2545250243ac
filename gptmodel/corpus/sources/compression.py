"""Open a file's bytes, through gzip, bzip2, xz or Zstandard where its name says so, within bounds.

A compressed file may not expand beyond a ratio and a total; data that ends early is an error, never a shorter text.
Called by formats and archives.
"""

import bz2
import gzip
import io
import lzma
import zlib
from typing import Any, BinaryIO

from gptmodel.corpus.sources.quarantine import NotTextError
from gptmodel.corpus.sources.streams import Budget, InputFile

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
_SHORT_SUFFIXES = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2", ".txz": ".tar.xz", ".tzst": ".tar.zst"}

MAX_RATIO = 400
"""Most bytes that one compressed byte may give, beyond the first FREE_BYTES; server logs reach about 100 in xz."""
FREE_BYTES = 16 * 2**20
MAX_EXPANDED_BYTES = 16 * 2**30
"""Most bytes that one compressed file may give beyond TEXT_RATIO."""
TEXT_RATIO = 20
"""Most bytes that one compressed byte may give in a file of any size: prose reaches 5, tables and markup 15."""

_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)


def compression_of(name: str) -> tuple[str, str]:
    """Divide a file's name into the name of what it holds and the compression's suffix.

    Example:
        >>> compression_of("a.txt.GZ"), compression_of("b.tgz"), compression_of("c.txt")
        (('a.txt', '.gz'), ('b.tar', '.gz'), ('c.txt', ''))
    """
    lower = name.lower()
    for short, long in _SHORT_SUFFIXES.items():
        if lower.endswith(short):
            return compression_of(name[: -len(short)] + long)
    suffix = next((suffix for suffix in SUFFIXES if lower.endswith(suffix)), "")
    return name[: len(name) - len(suffix)], suffix


def expansion_limit(num_bytes: int | None) -> int:
    """Give the most bytes that a file of a size may give when it is decompressed."""
    if num_bytes is None:
        return MAX_EXPANDED_BYTES
    most = max(MAX_EXPANDED_BYTES, TEXT_RATIO * num_bytes)
    return min(most, max(FREE_BYTES, MAX_RATIO * num_bytes))


def open_bytes(file: InputFile) -> BinaryIO:
    """Open a file for reading, decompressed if its name ends in one of SUFFIXES.

    Raises:
        NotTextError: `unreadable`; while reading also `damaged_archive` or `expands_too_much`.
    """
    _, suffix = compression_of(file.name)
    try:
        stream = file.open()
        if not suffix:
            return stream
        return io.BufferedReader(_Expanding(stream, suffix, file), buffer_size=2**16)
    except OSError as error:
        raise NotTextError("unreadable") from error


class _Expanding(io.RawIOBase):
    """A decompressed stream that counts what it gives."""

    def __init__(self, stream: BinaryIO, suffix: str, file: InputFile) -> None:
        self._stream = stream
        self._budgets = [Budget(expansion_limit(file.num_bytes))] + ([file.budget] if file.budget else [])
        self._given = 0
        self._inner = _decompressor(stream, suffix)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            chunk = self._inner.read(len(buffer))
        except _ERRORS as error:
            raise NotTextError("damaged_archive") from error
        self._given += len(chunk)
        for budget in self._budgets:
            if not budget.spend(self._given):
                raise NotTextError("expands_too_much")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            self._stream.close()
        super().close()


def _decompressor(stream: BinaryIO, suffix: str) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=stream)
    if suffix == ".bz2":
        return bz2.BZ2File(stream)
    if suffix == ".xz":
        return lzma.LZMAFile(stream)
    import pyarrow as pa

    # pyarrow's reader says so when the stream ends early; zstandard's gives the shorter text without a word.
    return pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
