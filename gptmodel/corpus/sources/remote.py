"""Files behind a URL, by fsspec: what is there, with a mark that differs when a file does, and its bytes as a stream.

Nothing is kept on disk. Credentials come from the environment or fsspec's own configuration, never from the URL,
which is shown and stored. A server that fails ends the run with an error, since what was read half is no text.
Called by listing and locations.
"""

import contextlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

from gptmodel.corpus.sources.folders import readable
from gptmodel.errors import SourceError

_BUFFER_BYTES = 2**20
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^/@]*:[^@]*@|^(?:https?|ftp)://[^/]*@", re.IGNORECASE)
_SECRET_NAMES = re.compile(r"(?:^|[-_])(?:sig|signature|token|key|secret|password|credential)s?$", re.IGNORECASE)
_MAGIC = re.compile(r"[*?\[]")
_HTTP_MAGIC = re.compile(r"[*\[]")  # a question mark begins the query

# They keep what they read on disk.
_CACHES = frozenset({"blockcache", "cached", "filecache", "simplecache"})
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}

_OF_ONE_FILE = (FileNotFoundError, PermissionError)
_HTTP = ("http://", "https://")
_AS_STORED = {"auto_decompress": False}

# What file systems call the digest or version of a file, then what they call its time.
_MARKS = ("ETag", "etag", "md5Hash", "Content-MD5", "Digest", "blob_id", "generation", "VersionId", "checksum")
_TIMES = ("Last-Modified", "LastModified", "last_modified", "mtime", "updated", "modified", "modify",
          "modificationTime", "last_write_time", "created")  # fmt: skip


@dataclass(frozen=True)
class RemoteFile:
    """A file as its server describes it.

    Attributes:
        url: Where it is.
        num_bytes: Its size; None if the server does not say.
        stamp: What differs when the file does: digest or version, else size and time; "" if the server says neither.
    """

    url: str
    num_bytes: int | None
    stamp: str


def is_remote(path: str) -> bool:
    """Tell whether a source's path is a URL of a place other than this machine's folders.

    Example:
        >>> is_remote("s3://bucket/texts"), is_remote("file:///texts"), is_remote("/texts")
        (True, False, False)
    """
    return bool(_URL.match(path)) and not path.startswith("file://")


def list_url(url: str, skipped: Counter[str]) -> dict[str, RemoteFile]:
    """List the files at a URL of a file, a folder or a glob, by their path within it; empty if nothing is there.

    Over http(s) a URL is one file, or a glob over the links of a page.

    Args:
        url: The URL.
        skipped: Counts hidden files.

    Raises:
        SourceError: The URL holds a password, its file system is not installed, or the server refuses or fails.
    """
    with _explained(url):
        files, path = _file_system(url)
        root, found = _found(files, path)
        described = {name: _described(files, info) for name, info in sorted(_named(root, found).items())}
    shown = {name: file for name, file in described.items() if not _is_hidden(name)}
    if len(shown) < len(described):
        skipped["hidden"] += len(described) - len(shown)
    return shown


def look_again(url: str) -> RemoteFile | None:
    """Describe a file as it is now; None if it is gone.

    Raises:
        SourceError: The server refuses or fails.
    """
    with _explained(url):
        files, path = _file_system(url)
        files.invalidate_cache()
        info = _info(files, path)
        return None if info is None else _described(files, info)


def open_url(url: str, anywhere: bool = False) -> BinaryIO:
    """Open a file for reading.

    Args:
        url: Where it is.
        anywhere: Read any place of it also over http(s), by many requests that not every server understands; else such
            a file is one stream.

    Raises:
        PermissionError: The server refuses this file.
        FileNotFoundError: It is gone.
        SourceError: The server fails, now or while it is read.
    """
    with _explained(url, _OF_ONE_FILE):
        files, path = _file_system(url)
        options = {"block_size": 0} if path.startswith(_HTTP) and not anywhere else {}
        return io.BufferedReader(_Remote(files.open(path, "rb", **options), url), buffer_size=_BUFFER_BYTES)


class _Remote(io.RawIOBase):
    """A stream whose failures are those of the source, not of the text in it."""

    def __init__(self, stream: Any, url: str) -> None:
        self._stream = stream
        self._url = url
        # A stream over http calls itself seekable, and refuses.
        self._is_seekable = getattr(stream, "size", None) is not None and stream.seekable()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._is_seekable

    def readinto(self, buffer: Any) -> int:
        with _explained(self._url, _OF_ONE_FILE):
            chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _explained(self._url):
            return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def refuse_secrets(url: str) -> None:
    """Refuse a URL that holds a password, a signature or a token; the message does not repeat it.

    Raises:
        SourceError: It does.
    """
    names = [name for name, _ in parse_qsl(urlsplit(url).query)]
    if _PASSWORD.search(url) or any(map(_SECRET_NAMES.search, names)):
        raise SourceError(
            expected="a URL without a password, signature or token: it is shown and stored with the version",
            actual="one that holds such a secret",
            mend="Leave it out; credentials come from the environment (as AWS_PROFILE) or fsspec's configuration.",
        )


def _file_system(url: str) -> tuple[Any, str]:
    """Give the fsspec file system of a URL, and the path in it."""
    import fsspec

    refuse_secrets(url)
    protocol, _, place = url.partition("://")
    protocol = protocol.lower()
    if "::" in url or protocol in _CACHES:
        raise SourceError(
            expected="a plain URL", actual="a chained or cached one", mend="Name the files themselves, as s3://..."
        )
    try:
        files, path = fsspec.url_to_fs(f"{protocol}://{place}", **_http_options(protocol))
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        mend = f"pip install 'gptmodel[{extra}]'" if extra else str(error)
        raise SourceError(expected=f"the package that reads {protocol}://", actual="none", mend=mend) from error
    except ValueError as error:
        raise SourceError(
            expected="a URL that fsspec knows (s3, gs, https, hf, ...)",
            actual=f"{protocol}://",
            mend="Check its beginning.",
        ) from error
    return files, path


def _http_options(protocol: str) -> dict[str, Any]:
    if protocol not in ("http", "https"):
        return {}
    from fsspec.config import conf

    # The bytes as they are stored: a server may compress them on the way, or call a .gz file an encoding.
    headers = conf.get(protocol, {}).get("headers", {}) | {"Accept-Encoding": "identity"}
    return {"headers": headers, "client_kwargs": conf.get(protocol, {}).get("client_kwargs", {}) | _AS_STORED}


def _found(files: Any, path: str) -> tuple[str, dict[str, Any]]:
    """Give a root, and the files at or below a path by their full path."""
    is_http = path.startswith(_HTTP)
    magic = (_HTTP_MAGIC if is_http else _MAGIC).search(path)
    # A name may look like a glob; over http every address is a page.
    info = None if magic and is_http else _info(files, path)
    if info is not None and info["type"] != "directory":
        return path.rpartition("/")[0], {path: info}
    if info is not None:
        return path, files.find(path, detail=True)
    return (path[: magic.start()].rpartition("/")[0], _matches(files, path)) if magic else (path, {})


def _info(files: Any, path: str) -> dict[str, Any] | None:
    """Give what a file system says of a path; None if nothing is there."""
    try:
        info: dict[str, Any] = files.info(path)
    except FileNotFoundError as error:
        cause = error.__cause__
        # Over http fsspec calls every failure a missing file.
        if path.startswith(_HTTP) and cause and getattr(cause, "status", 0) not in (404, 410):
            raise cause from None
        return None
    return info


def _matches(files: Any, pattern: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, info in files.glob(pattern, detail=True).items():
        found |= files.find(path, detail=True) if info["type"] == "directory" else {path: info}
    return found


def _named(root: str, found: dict[str, Any]) -> dict[str, Any]:
    names = {path: path[len(root) :].strip("/") for path in found if not path.endswith("/")}
    return {readable(name.partition("?")[0]): found[path] for path, name in names.items()}


def _described(files: Any, info: dict[str, Any]) -> RemoteFile:
    size = info.get("size")
    mark = next((f"{name} {info[name]}" for name in _MARKS if info.get(name)), None)
    time = next((f"{name} {_seconds(info[name])}" for name in _TIMES if info.get(name)), None)
    stamp = mark or (time if size is not None else None)
    return RemoteFile(files.unstrip_protocol(info["name"]), size, f"{size} {stamp}" if stamp else "")


def _seconds(time: Any) -> Any:
    # A file system may give a time one way in a listing and another way for a file.
    return time.timestamp() if hasattr(time, "timestamp") else time


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


@contextlib.contextmanager
def _explained(url: str, passed_on: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn what a file system raises into a SourceError, for each of them has errors of its own."""
    try:
        yield
    except Exception as error:
        if isinstance(error, (SourceError, *passed_on)):
            raise
        words = str(error).partition("\n")[0][:200]
        raise SourceError(
            expected=f"an answer from {url.partition('?')[0]}",
            actual=f"{type(error).__name__}{': ' if words else ''}{words}",
            mend="Check the address, the network and the credentials in the environment; then type the command again.",
        ) from error
