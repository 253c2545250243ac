"""Files behind URLs: an http server on the loopback device, and fsspec's file system in memory."""

import gzip
import io
import re
import sys
import tempfile
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest

from gptmodel.config import CorpusConfig, PlantedConfig, SourceConfig
from gptmodel.corpus.sources import streams
from gptmodel.corpus.sources.archives import read_members
from gptmodel.corpus.sources.formats import read_items
from gptmodel.corpus.sources.locations import open_later
from gptmodel.corpus.sources.quarantine import Rejected
from gptmodel.corpus.sources.remote import is_remote, list_url, look_again, open_url
from gptmodel.corpus.sources.stage import ingest, list_sources
from gptmodel.corpus.sources.streams import InputFile
from gptmodel.errors import SourceError
from gptmodel.store import Workspace


@dataclass
class Site:
    """What the server answers: bodies by path, headers for all, bytes it holds back, requests it saw."""

    url: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    held_back: int = 0
    takes_ranges: bool = False
    status: int = 200
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    here = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, with_body: bool) -> None:
            here.requests.append(f"{self.command} {self.path}")
            body = here.bodies.get(self.path.partition("?")[0])
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")) if here.takes_ranges else None
            self.send_response(404 if body is None else 206 if wanted else here.status)
            if body and wanted:
                body = body[int(wanted[1]) : int(wanted[2]) + 1]
            for name, value in here.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if with_body and body:
                self.wfile.write(body[: len(body) - here.held_back])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        here.url = f"http://127.0.0.1:{server.server_port}"
        yield here
        server.shutdown()


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def names(url: str, skipped: Counter[str] | None = None) -> list[str]:
    return list(list_url(url, Counter() if skipped is None else skipped))


def texts(url: str, name: str) -> list[str]:
    items = read_items(InputFile(name, lambda: open_url(url)))
    return [item.reason if isinstance(item, Rejected) else "".join(item.chunks) for item in items]


def test_a_page_over_http_is_one_file_read_as_a_stream(site: Site) -> None:
    site.bodies = {"/a/notes.txt": "some text, 中文\n".encode() * 3}
    (file,) = list_url(f"{site.url}/a/notes.txt", Counter()).values()
    assert (names(f"{site.url}/a/notes.txt"), file.num_bytes) == (["notes.txt"], 54)
    assert texts(file.url, "notes.txt") == ["some text, 中文\n" * 3]


def test_compressed_lines_over_http_are_decompressed_by_their_name_alone(site: Site) -> None:
    site.headers = {"Content-Encoding": "gzip"}  # as servers say that take .gz for an encoding
    site.bodies = {"/a.jsonl.gz": gzip.compress(b'{"text": "one"}\n{"text": "two"}\n')}
    assert texts(f"{site.url}/a.jsonl.gz", "a.jsonl.gz") == ["one", "two"]


def test_a_large_file_streams_from_a_server_that_gives_no_parts_of_it(site: Site) -> None:
    site.bodies = {"/a.txt": b"a line of text\n" * 500_000}
    assert texts(f"{site.url}/a.txt", "a.txt") == ["a line of text\n" * 500_000]


def test_any_place_of_a_large_file_can_be_read_over_http(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a.txt", "some text")
    site.bodies, site.takes_ranges = {"/a.zip": archive.getvalue()}, True
    monkeypatch.setattr(streams, "MAX_WHOLE_BYTES", 10)
    (member,) = read_members(open_later("a.zip", f"{site.url}/a.zip", len(archive.getvalue())), Counter())
    assert isinstance(member, InputFile)
    assert member.name == "a.zip/a.txt"


def test_a_source_behind_a_url_is_ingested_and_leaves_nothing_on_disk(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("temporary", "work"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    site.bodies = {"/a.jsonl.gz": gzip.compress(b'{"text": "one"}\n{broken\n{"text": "two"}\n')}
    corpus = CorpusConfig(sources=(SourceConfig(name="s", path=f"{site.url}/a.jsonl.gz"),))
    listing = list_sources(corpus, tmp_path / "cache.json")
    result = ingest(Workspace(tmp_path / "work", {}), corpus, PlantedConfig(enabled=False), listing)
    assert (result.num_documents, result.quarantined_by_reason) == (2, {"broken_record": 1})
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_query_is_no_part_of_a_files_name(site: Site) -> None:
    site.bodies = {"/a.txt": b"text"}
    assert names(f"{site.url}/a.txt?download=1") == ["a.txt"]


def test_a_glob_over_http_follows_the_links_of_a_page(site: Site) -> None:
    page = (
        '<a href="a.txt">a</a> <a href="b.txt">b</a> <a href="c.png">c</a> <a href="http://other.example/d.txt">d</a>'
    )
    site.bodies = {"/x/": page.encode(), "/x": page.encode(), "/x/a.txt": b"a", "/x/b.txt": b"b"}
    assert names(f"{site.url}/x/*.txt") == ["a.txt", "b.txt"]


def test_a_small_file_is_fetched_once(site: Site) -> None:
    site.bodies = {"/a.txt": "大势".encode("gb18030") * 50}
    texts(f"{site.url}/a.txt", "a.txt")
    assert site.requests.count("GET /a.txt") == 1


@pytest.mark.parametrize("header", ["ETag", "Last-Modified", "Content-MD5"])
def test_what_a_server_says_of_a_version_is_the_files_stamp(site: Site, header: str) -> None:
    site.bodies = {"/a.txt": b"text"}
    url, stamps = f"{site.url}/a.txt", []
    for version in ("Sat, 01 Jan 2022 10:00:00 GMT", "Sun, 02 Jan 2022 10:00:00 GMT"):
        site.headers = {header: version}
        stamps.append(list_url(url, Counter())["a.txt"].stamp)
        again = look_again(url)
        assert again is not None
        assert again.stamp == stamps[-1]
    assert stamps[0] != stamps[1]


def test_a_server_that_says_nothing_of_a_version_gives_no_stamp(site: Site) -> None:
    site.bodies = {"/a.txt": b"text"}
    assert list_url(f"{site.url}/a.txt", Counter())["a.txt"].stamp == ""


def test_nothing_at_a_url_is_an_empty_listing(site: Site, memory: fsspec.AbstractFileSystem) -> None:
    assert names(f"{site.url}/none.txt") == names("memory://none") == names("memory://none/*.txt") == []
    assert look_again(f"{site.url}/none.txt") is None


@pytest.mark.parametrize("status", [403, 500])
def test_a_server_that_refuses_is_an_error_with_its_status(site: Site, status: int) -> None:
    site.status, site.bodies = status, {"/a.txt": b"text"}
    with pytest.raises(SourceError, match=str(status)):
        list_url(f"{site.url}/a.txt", Counter())


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SourceError, match=r"an answer from http://127\.0\.0\.1:9/a\.txt; got ClientConnectorError"):
        list_url("http://127.0.0.1:9/a.txt", Counter())


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.html", "a.json", "a.xml", "a.txt.gz", "a.parquet"])
def test_a_stream_that_breaks_off_is_an_error_and_no_text(site: Site, name: str) -> None:
    body = b"".join(b'text %d\n{"text": "b"}\n' % (number**5) for number in range(20_000))
    site.bodies, site.held_back = {f"/{name}": gzip.compress(body) if name.endswith(".gz") else body}, 1000
    with pytest.raises(SourceError, match="an answer from"):
        texts(f"{site.url}/{name}", name)


def test_a_file_that_is_gone_or_forbidden_is_set_aside(memory: fsspec.AbstractFileSystem) -> None:
    assert texts("memory://x/none.txt", "none.txt") == ["unreadable"]


def test_folders_and_globs_list_their_files_by_relative_path(memory: fsspec.AbstractFileSystem) -> None:
    for name in ("a.txt", "deep/b.md", "deep/er/c.txt", ".hidden/d.txt", "[x].txt"):
        memory.pipe(f"/bucket/{name}", b"text")
    skipped: Counter[str] = Counter()
    assert names("memory://bucket", skipped) == ["[x].txt", "a.txt", "deep/b.md", "deep/er/c.txt"]
    assert skipped == {"hidden": 1}
    assert names("memory://bucket/a.txt") == ["a.txt"]
    assert names("memory://bucket/[x].txt") == ["[x].txt"]
    assert names("memory://bucket/**/*.txt")[-2:] == ["a.txt", "deep/er/c.txt"]
    assert names("memory://bucket/deep/*") == ["b.md", "er/c.txt"]


def test_a_file_that_changes_has_another_stamp(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/b/a.txt", b"one")
    before = list_url("memory://b", Counter())["a.txt"]
    memory.pipe("/b/a.txt", b"two")
    after = look_again(before.url)
    assert after is not None
    assert after.stamp != before.stamp


def test_any_place_of_a_file_can_be_read_where_its_server_allows(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/b/a.bin", bytes(range(200)))
    with open_url("memory://b/a.bin") as stream:
        assert stream.seekable()
        stream.seek(-3, io.SEEK_END)
        assert stream.read() == bytes([197, 198, 199])


@pytest.mark.parametrize(
    "url",
    ["https://ann:hunter22@host.example/a.txt", "https://hunter22@host.example/a",  # pragma: allowlist secret
     "s3://AKIA:hun/ter22@bucket/a",  # pragma: allowlist secret
     "https://host.example/a.txt?X-Amz-Signature=hunter22", "https://host.example/a?access_token=hunter22",
     "https://account.example/c/a.txt?sv=1&sig=hunter22"],
)  # fmt: skip
def test_a_url_with_a_secret_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SourceError, match="without a password") as caught:
        list_url(url, Counter())
    assert "ter22" not in str(caught.value)


@pytest.mark.parametrize("url", ["simplecache::s3://b/a", "filecache://b", "zip://a.txt::https://host.example/a.zip"])
def test_a_url_that_keeps_a_copy_on_disk_is_refused(url: str) -> None:
    with pytest.raises(SourceError, match="a plain URL"):
        list_url(url, Counter())


@pytest.mark.parametrize(("url", "module", "extra"), [("s3://b/a", "s3fs", "s3"), ("gs://b/a", "gcsfs", "gcs")])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, url: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SourceError, match=rf"pip install 'gptmodel\[{extra}\]'"):
        list_url(url, Counter())


def test_an_unknown_kind_of_url_is_explained() -> None:
    with pytest.raises(SourceError, match="a URL that fsspec knows"):
        list_url("nope://b/a", Counter())


@pytest.mark.parametrize(
    ("path", "said"), [("s3://b", True), ("HTTPS://h/a", True), ("file:///a", False), ("/a://b", False), ("a", False)]
)
def test_a_url_is_told_from_a_path(path: str, said: bool) -> None:
    assert is_remote(path) == said
