"""Compressed files: every format, damage, and bombs."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest
import zstandard

from gptmodel.corpus.sources import compression
from gptmodel.corpus.sources.compression import compression_of, expansion_limit, open_bytes
from gptmodel.corpus.sources.quarantine import NotTextError
from gptmodel.corpus.sources.streams import Budget, local_file

COMPRESS = {
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
LINES = b"".join(b"line %d of the text\n" % number for number in range(5000))


def write(folder: Path, suffix: str, data: bytes) -> Path:
    path = folder / f"a.txt{suffix}"
    path.write_bytes(data)
    return path


def read(path: Path) -> bytes:
    with open_bytes(local_file(path)) as stream:
        return stream.read()


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compressed_bytes_come_back(tmp_path: Path, suffix: str) -> None:
    assert read(write(tmp_path, suffix, COMPRESS[suffix](LINES))) == LINES


@pytest.mark.parametrize("suffix", COMPRESS)
def test_all_members_of_a_concatenated_file_are_read(tmp_path: Path, suffix: str) -> None:
    compress = COMPRESS[suffix]
    assert read(write(tmp_path, suffix, compress(b"one\n") + compress(b"two\n"))) == b"one\ntwo\n"


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("lost", [1, 30])
def test_a_file_that_ends_early_is_damaged(tmp_path: Path, suffix: str, lost: int) -> None:
    with pytest.raises(NotTextError) as caught:
        read(write(tmp_path, suffix, COMPRESS[suffix](LINES)[:-lost]))
    assert caught.value.reason == "damaged_archive"


@pytest.mark.parametrize("suffix", COMPRESS)
def test_bytes_that_only_claim_to_be_compressed_are_damaged(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(NotTextError) as caught:
        read(write(tmp_path, suffix, b"plain text, nothing else"))
    assert caught.value.reason == "damaged_archive"


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_small_file_that_becomes_huge_is_refused(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "FREE_BYTES", 2**20)
    path = write(tmp_path, suffix, COMPRESS[suffix](b" " * 8 * 2**20))
    with pytest.raises(NotTextError) as caught:
        read(path)
    assert caught.value.reason == "expands_too_much"


def test_the_total_is_limited_whatever_the_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MAX_EXPANDED_BYTES", 1000)
    monkeypatch.setattr(compression, "TEXT_RATIO", 1)
    with pytest.raises(NotTextError, match="grows beyond"):
        read(write(tmp_path, ".gz", COMPRESS[".gz"](LINES)))


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(NotTextError) as caught:
        open_bytes(local_file(tmp_path / "none.gz"))
    assert caught.value.reason == "unreadable"


@pytest.mark.parametrize(
    ("name", "parts"),
    [("a.TXT.GZ", ("a.TXT", ".gz")), ("a.tgz", ("a.tar", ".gz")), ("a.tzst", ("a.tar", ".zst")), ("gz", ("gz", ""))],
)
def test_a_name_says_its_compression(name: str, parts: tuple[str, str]) -> None:
    assert compression_of(name) == parts


def test_a_large_file_may_expand_as_text_does() -> None:
    size = 100 * 2**30
    assert expansion_limit(size) == 20 * size
    assert expansion_limit(2**20) == 400 * 2**20
    assert expansion_limit(10) == 16 * 2**20


def test_a_member_that_is_opened_again_is_counted_once(tmp_path: Path) -> None:
    file = local_file(write(tmp_path, ".gz", COMPRESS[".gz"](LINES)))
    file.budget = Budget(len(LINES) + 10)
    for _ in range(3):
        with open_bytes(file) as stream:
            assert stream.read() == LINES
    file.budget.begin_member()
    with pytest.raises(NotTextError, match="grows beyond"), open_bytes(file) as stream:
        stream.read()
