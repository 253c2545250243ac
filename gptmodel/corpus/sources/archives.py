"""The members of an archive as files of their own, streamed, never unpacked to disk.

A member is read by the reader of its own name. Members that no folder could hold (links, devices, names that lead out
of it), encrypted ones, archives in the archive and what expands without end come with the reason why they are not
opened; where an archive breaks off, the members before the break stay. Called by reading and survey.
"""

import contextlib
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO, Self, cast

from gptmodel.corpus.sources.compression import compression_of, expansion_limit, open_bytes
from gptmodel.corpus.sources.folders import readable
from gptmodel.corpus.sources.quarantine import NotTextError, Reason, Rejected
from gptmodel.corpus.sources.streams import Budget, InputFile, open_seekable

MAX_MEMBERS = 250_000
MAX_DIRECTORY_BYTES = 32 * 2**20
"""Largest table of contents of a zip file: zipfile holds it in memory, some ten times as large."""
MAX_HEADER_BYTES = 32 * 2**10
"""Largest extended header of a tar member: tarfile holds it in memory, and its pattern takes quadratic time."""

_READ_BYTES = 2**16
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ENTRY_BYTES = 30  # of a zip member's own header, without its name
_EXTENDED = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK
)  # fmt: skip
_ERRORS = (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, NotImplementedError, UnicodeDecodeError)


def archive_of(name: str) -> str:
    """Tell from its name what kind of archive a file is: `zip`, `tar`, or "" for none.

    Example:
        >>> archive_of("a.tar.gz"), archive_of("b.TGZ"), archive_of("c.txt.gz")
        ('tar', 'tar', '')
    """
    inner, suffix = compression_of(name)
    if inner.lower().endswith(".tar"):
        return "tar"
    return "zip" if inner.lower().endswith(".zip") and not suffix else ""


def read_members(archive: InputFile, hidden: Counter[str]) -> Iterator[InputFile | Rejected]:
    """Give the members of an archive in their order, each to be read before the next is asked for.

    Args:
        archive: The archive.
        hidden: Counts the members that are left out as hidden files of a folder are, under `hidden`.

    Yields:
        The members, those that can't be read with the reason; where the archive breaks off, a `Rejected`.
    """
    reader = _zip_members if archive_of(archive.name) == "zip" else _tar_members
    contents = _Contents(archive, hidden)
    position = 0
    try:
        for found in reader(archive):
            if position == MAX_MEMBERS:
                raise NotTextError("too_many_members")
            position += 1
            if not found.is_folder and not contents.leaves_out(found):
                yield contents.file_of(found)
    except NotTextError as error:
        yield Rejected(position and position + 1, error.reason)
    except _ERRORS:
        yield Rejected(position and position + 1, "damaged_archive")


@dataclass(frozen=True)
class _Found:
    """A member as its archive describes it."""

    name: str
    num_bytes: int
    num_stored: int
    open: Callable[[], BinaryIO]
    is_folder: bool = False
    refused: Reason | None = None


class _Contents:
    """What was met in an archive so far: names, and bytes."""

    def __init__(self, archive: InputFile, hidden: Counter[str]) -> None:
        self._archive = archive
        self._hidden = hidden
        self._names: set[str] = set()
        self._budget = Budget(expansion_limit(archive.num_bytes))

    def leaves_out(self, found: _Found) -> bool:
        """Tell whether a member is hidden, and count it."""
        parts = _parts(found.name)
        is_hidden = ".." not in parts and any(part.startswith(".") for part in parts)
        if is_hidden:
            self._hidden["hidden"] += 1
        return is_hidden

    def file_of(self, found: _Found) -> InputFile:
        """Give a member as a file, or with the reason why it is none."""
        name = "/".join(_parts(found.name))
        self._budget.begin_member()
        refused = _refusal(found) or self._refusal_beside_others(found, name)
        shown = found.name if refused else name
        return replace(
            self._archive, name=f"{self._archive.name}/{readable(shown)}", open=found.open, num_bytes=found.num_bytes,
            refused=refused, budget=self._budget, encoding="", open_anywhere=None,
        )  # fmt: skip

    def _refusal_beside_others(self, found: _Found, name: str) -> Reason | None:
        if name in self._names:
            return "repeated_member"
        self._names.add(name)
        if found.num_bytes > expansion_limit(found.num_stored) or not self._budget.spend(found.num_bytes):
            return "expands_too_much"
        return None


def _parts(name: str) -> list[str]:
    # Archives made on Windows may hold backslashes.
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]


def _refusal(found: _Found) -> Reason | None:
    parts = _parts(found.name)
    if not parts or ".." in parts or found.name.startswith(("/", "\\")) or re.match("[A-Za-z]:", found.name):
        return "leaves_folder"
    if found.refused:
        return found.refused
    return "nested_archive" if archive_of(found.name) else None


class _Member(io.RawIOBase):
    """The bytes of a member: exactly as many as its archive promises."""

    def __init__(self, stream: Any, num_bytes: int, max_read: int) -> None:
        self._stream = stream
        self._left = num_bytes
        self._max_read = max_read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            chunk = self._stream.read(min(len(buffer), self._max_read))
        except (*_ERRORS, zlib.error, lzma.LZMAError) as error:
            raise NotTextError("damaged_archive") from error
        self._left -= len(chunk)
        if not chunk and self._left and len(buffer):
            raise NotTextError("damaged_archive")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def _member(stream: Any, num_bytes: int, max_read: int = _READ_BYTES) -> BinaryIO:
    return io.BufferedReader(_Member(stream, num_bytes, max_read), buffer_size=_READ_BYTES)


class _BoundedDirectory:
    """A zip file whose table of contents is read only if it is not too large."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.seek, self.tell, self.seekable, self.close = stream.seek, stream.tell, stream.seekable, stream.close

    def read(self, size: int = -1) -> bytes:
        """Read as the stream does."""
        if size > MAX_DIRECTORY_BYTES:
            raise NotTextError("too_many_members")
        return self._stream.read(size)


def _zip_members(archive: InputFile) -> Iterator[_Found]:
    with open_seekable(archive) as stream, zipfile.ZipFile(cast(BinaryIO, _BoundedDirectory(stream))) as opened:
        infos = opened.infolist()
        overlapping = _overlapping(infos)
        for number, info in enumerate(infos):
            refused: Reason | None = "overlapping_member" if number in overlapping else _zip_refusal(info)
            yield _Found(
                info.filename, info.file_size, info.compress_size, partial(_open_zip_member, opened, info),
                info.filename.endswith("/"), refused,
            )  # fmt: skip


def _open_zip_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    try:
        stream = opened.open(info)
    except _ERRORS as error:
        raise NotTextError("damaged_archive") from error
    # zipfile bounds what one read gives for deflate alone; of the others a read of 4 KiB gives some 100 MB at most.
    is_bounded = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    return _member(stream, info.file_size, _READ_BYTES if is_bounded else 4096)


def _zip_refusal(info: zipfile.ZipInfo) -> Reason | None:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "device"
    if info.flag_bits & 1:
        return "encrypted"
    return None if info.compress_type in _ZIP_METHODS else "unsupported_format"


def _overlapping(infos: list[zipfile.ZipInfo]) -> set[int]:
    """Give the numbers of the members whose bytes are another's too.

    Source: the bomb that is refused by this is that of D. Fifield, "A better zip bomb" (WOOT 2019).
    """
    found: set[int] = set()
    end, last = -1, -1
    for start, number in sorted((info.header_offset, number) for number, info in enumerate(infos)):
        if start < end:
            found |= {number, last}
        stop = start + _ENTRY_BYTES + infos[number].compress_size
        if stop > end:
            end, last = stop, number
    return found


class _StrictHeader(tarfile.TarInfo):
    """A tar header that fails where tarfile would take a broken header, or a missing end, for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header from its block."""
        is_end = buf.count(0) == tarfile.BLOCKSIZE
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if is_end:
                raise
            raise tarfile.ReadError(str(error)) from error
        if header.size < 0 or (header.type in _EXTENDED and header.size > MAX_HEADER_BYTES):
            raise tarfile.ReadError("a header of impossible size")
        return header


class _Tape:
    """One pass over a tar archive."""

    def __init__(self, archive: InputFile) -> None:
        self._position = 0
        with contextlib.ExitStack() as opened:
            stream = opened.enter_context(open_bytes(archive))
            self._tar = opened.enter_context(tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictHeader))
            self._opened = opened.pop_all()

    def next(self) -> tarfile.TarInfo | None:
        """Go to the next member."""
        header = self._tar.next()
        self._tar.members.clear()  # type: ignore[attr-defined]  # they would pile up
        self._position += 1
        return header

    def member(self, position: int, header: tarfile.TarInfo | None = None) -> BinaryIO:
        """Open the member at a position, counted from 1, at which the tape stands or which lies before it."""
        while self._position < position:
            header = self.next()
        if header is None:
            raise NotTextError("damaged_archive")
        return _member(self._tar.extractfile(header), header.size)

    def close(self) -> None:
        """Close the archive."""
        self._opened.close()


class _Tapes:
    """As many passes over an archive as a member is opened at most, so that none of them ever goes back."""

    def __init__(self, archive: InputFile) -> None:
        self._archive = archive
        self._tapes = [_Tape(archive)]
        self._num_opened = 0

    def members(self) -> Iterator[tuple[int, tarfile.TarInfo]]:
        """Go through the archive."""
        position = 0
        while (header := self._tapes[0].next()) is not None:
            position, self._num_opened = position + 1, 0
            yield position, header

    def open(self, position: int, header: tarfile.TarInfo) -> BinaryIO:
        """Open the member at which the first tape stands, once more."""
        number, self._num_opened = self._num_opened, self._num_opened + 1
        if number == len(self._tapes):
            self._tapes.append(_Tape(self._archive))
        try:
            return self._tapes[number].member(position, header if number == 0 else None)
        except _ERRORS as error:
            raise NotTextError("damaged_archive") from error

    def close(self) -> None:
        """Close all passes."""
        for tape in self._tapes:
            tape.close()


def _tar_members(archive: InputFile) -> Iterator[_Found]:
    with contextlib.closing(_Tapes(archive)) as tapes:
        for position, header in tapes.members():
            yield _Found(
                header.name, header.size, header.size, partial(tapes.open, position, header), header.isdir(),
                _tar_refusal(header),
            )  # fmt: skip


def _tar_refusal(header: tarfile.TarInfo) -> Reason | None:
    if header.issym() or header.islnk():
        return "link"
    if not header.isreg():
        return "device"
    return "unsupported_format" if header.issparse() else None
