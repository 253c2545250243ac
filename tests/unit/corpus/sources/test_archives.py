"""Archives: members as files of their own, and what no archive may do."""

import gzip
import io
import stat
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.sources import archives, compression
from gptmodel.corpus.sources.archives import archive_of, read_members
from gptmodel.corpus.sources.formats import read_items
from gptmodel.corpus.sources.quarantine import REASONS, NotTextError, Rejected
from gptmodel.corpus.sources.streams import InputFile, local_file

Members = dict[str, bytes]
PLAIN: Members = {"a.txt": b"one", "deep/b.jsonl": b'{"text": "two"}\n{"text": "three"}\n'}


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def tarred(members: Members, kind: str = "") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=f"w:{kind}") as archive:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return data.getvalue()


MAKE: dict[str, Callable[[Members], bytes]] = {
    "a.zip": zipped,
    "a.tar": tarred,
    "a.tar.gz": lambda members: tarred(members, "gz"),
    "a.tgz": lambda members: tarred(members, "gz"),
    "a.tar.bz2": lambda members: tarred(members, "bz2"),
    "a.tar.xz": lambda members: tarred(members, "xz"),
    "a.tar.zst": lambda members: zstandard.compress(tarred(members)),
}


def read(folder: Path, name: str, data: bytes) -> list[tuple[str, int, str]]:
    """Read an archive: (member, position, text or reason) for each record."""
    (folder / name).write_bytes(data)
    found: list[tuple[str, int, str]] = []
    for member in read_members(local_file(folder / name), Counter()):
        if isinstance(member, Rejected):
            found.append(("", member.position, member.reason))
            continue
        for item in read_items(member):
            said = item.reason if isinstance(item, Rejected) else "".join(item.chunks)
            found.append((member.name.removeprefix(f"{name}/"), item.position, said))
    return found


@pytest.mark.parametrize("name", MAKE)
def test_members_are_read_with_the_reader_of_their_own_name(tmp_path: Path, name: str) -> None:
    members = PLAIN | {
        "c.txt.gz": gzip.compress(b"four"),
        "d.html": b"<html><body><article><p>five</p></article></body></html>",
        "e.png": b"\x89PNG",
    }
    assert read(tmp_path, name, MAKE[name](members)) == [
        ("a.txt", 0, "one"),
        ("deep/b.jsonl", 1, "two"),
        ("deep/b.jsonl", 2, "three"),
        ("c.txt.gz", 0, "four"),
        ("d.html", 0, "five"),
        ("e.png", 0, "unsupported_format"),
    ]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_way_of_compressing_in_a_zip_is_read(tmp_path: Path, method: int) -> None:
    content = b"some text, again and again. " * 20_000
    assert read(tmp_path, "a.zip", zipped({"a.txt": content}, method)) == [("a.txt", 0, content.decode())]


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
@pytest.mark.parametrize(
    "member", ["../a.txt", "x/../../a.txt", "/etc/a.txt", "C:/a.txt", "..\\a.txt", "\\\\host\\a.txt"]
)
def test_a_member_that_leaves_the_folder_is_set_aside(tmp_path: Path, name: str, member: str) -> None:
    assert read(tmp_path, name, MAKE[name]({member: b"bad"} | PLAIN))[:2] == [
        (member, 0, "leaves_folder"),
        ("a.txt", 0, "one"),
    ]


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_an_archive_in_an_archive_is_set_aside(tmp_path: Path, name: str) -> None:
    members = {"in.zip": zipped(PLAIN), "in.tar.gz": tarred(PLAIN, "gz"), "a.txt": b"one"}
    assert read(tmp_path, name, MAKE[name](members)) == [
        ("in.zip", 0, "nested_archive"),
        ("in.tar.gz", 0, "nested_archive"),
        ("a.txt", 0, "one"),
    ]


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_hidden_members_and_folders_are_left_out_and_the_hidden_counted(tmp_path: Path, name: str) -> None:
    members = {".env": b"x", "a/.git/b.txt": b"x", "__MACOSX/._a.txt": b"x", "./c.txt": b"three"}
    (tmp_path / name).write_bytes(MAKE[name](members))
    hidden: Counter[str] = Counter()
    found = [one for one in read_members(local_file(tmp_path / name), hidden) if isinstance(one, InputFile)]
    assert [one.name for one in found] == [f"{name}/c.txt"]
    assert hidden == {"hidden": 3}


def test_links_and_devices_in_a_tar_are_set_aside(tmp_path: Path) -> None:
    data = io.BytesIO()
    kinds = {"s": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "c": tarfile.CHRTYPE, "p": tarfile.FIFOTYPE}
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, kind in kinds.items():
            header = tarfile.TarInfo(f"{name}.txt")
            header.type, header.linkname = kind, "/etc/passwd"
            archive.addfile(header)
        archive.addfile(tarfile.TarInfo("folder"))
    reasons = [reason for _, _, reason in read(tmp_path, "a.tar", data.getvalue())]
    assert reasons == ["link", "link", "device", "device", "empty"]


def test_links_and_devices_in_a_zip_are_set_aside(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, kind in {"s.txt": stat.S_IFLNK, "p.txt": stat.S_IFIFO}.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (kind | 0o644) << 16
            archive.writestr(info, "/etc/passwd")
    assert read(tmp_path, "a.zip", data.getvalue()) == [("s.txt", 0, "link"), ("p.txt", 0, "device")]


def test_an_encrypted_member_is_set_aside(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": b"one", "b.txt": b"two"}))
    data[6] |= 1  # the first member's own header
    data[data.index(b"PK\1\2") + 8] |= 1
    assert read(tmp_path, "a.zip", bytes(data)) == [("a.txt", 0, "encrypted"), ("b.txt", 0, "two")]


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_second_member_of_the_same_name_is_set_aside(tmp_path: Path, name: str) -> None:
    members = {"a.txt": b"one", "./a.txt": b"two"}
    assert read(tmp_path, name, MAKE[name](members)) == [("a.txt", 0, "one"), ("./a.txt", 0, "repeated_member")]


def test_a_bomb_in_a_zip_is_set_aside_and_the_rest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "FREE_BYTES", 2**16)
    found = read(tmp_path, "a.zip", zipped({"bomb.txt": b" " * 2**20} | PLAIN))
    assert found[:2] == [("bomb.txt", 0, "expands_too_much"), ("a.txt", 0, "one")]


def test_many_small_bombs_in_an_archive_are_one_large_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MAX_RATIO", 1)
    monkeypatch.setattr(compression, "FREE_BYTES", 2**16)
    bombs = {f"{number}.txt.xz": compression.lzma.compress(b"ab" * 2**14) for number in range(5)}
    found = read(tmp_path, "a.tar", tarred(bombs))
    assert [len(said) for _, _, said in found[:1]] == [2**15]
    assert {said for _, _, said in found[2:]} == {"expands_too_much"}


def test_a_bomb_in_a_compressed_tar_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "FREE_BYTES", 2**16)
    found = read(tmp_path, "a.tar.gz", tarred({"a.txt": b"one", "bomb.txt": b" " * 2**22, "c.txt": b"x"}, "gz"))
    assert found == [("a.txt", 0, "one"), ("bomb.txt", 0, "expands_too_much"), ("", 3, "expands_too_much")]


def test_members_beyond_the_limit_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    for name in ("a.zip", "a.tar"):
        found = read(tmp_path, name, MAKE[name]({f"{number}.txt": b"text" for number in range(4)}))
        assert found == [("0.txt", 0, "text"), ("1.txt", 0, "text"), ("", 3, "too_many_members")]


def test_a_zip_with_a_huge_table_of_contents_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 100)
    assert read(tmp_path, "a.zip", zipped(PLAIN)) == [("", 0, "too_many_members")]


def test_members_that_share_their_bytes_are_set_aside(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": b"one " * 99, "b.txt": b"two " * 99, "c.txt": b"three"}))
    first = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", first + 1)
    data[second + 42 : second + 46] = bytes(4)  # the second entry points to the first member
    assert read(tmp_path, "a.zip", bytes(data)) == [
        ("a.txt", 0, "overlapping_member"),
        ("b.txt", 0, "overlapping_member"),
        ("c.txt", 0, "three"),
    ]


@pytest.mark.parametrize("claimed", [3, 5000])
def test_a_zip_that_lies_about_a_size_loses_that_member_alone(tmp_path: Path, claimed: int) -> None:
    data = bytearray(zipped({"a.txt": b"0123456789" * 30, "b.txt": b"two"}))
    entry = data.index(b"PK\1\2")
    data[entry + 24 : entry + 28] = claimed.to_bytes(4, "little")
    assert read(tmp_path, "a.zip", bytes(data)) == [("a.txt", 0, "damaged_archive"), ("b.txt", 0, "two")]


def test_a_damaged_member_of_a_zip_is_set_aside_alone(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": b"0123456789" * 30, "b.txt": b"two"}, zipfile.ZIP_STORED))
    data[60] ^= 1
    assert read(tmp_path, "a.zip", bytes(data)) == [("a.txt", 0, "damaged_archive"), ("b.txt", 0, "two")]


def test_a_zip_without_its_end_is_damaged(tmp_path: Path) -> None:
    assert read(tmp_path, "a.zip", zipped(PLAIN)[:-30]) == [("", 0, "damaged_archive")]


@pytest.mark.parametrize(
    ("size", "after"),
    [
        (1024 + 200, [("", 2, "damaged_archive")]),
        (1536 + 3000, [("b.txt", 0, "damaged_archive"), ("", 3, "damaged_archive")]),
        (1536 + 8192, [("b.txt", 0, "two " * 2000), ("", 3, "damaged_archive")]),
    ],
)
def test_a_tar_that_ends_early_keeps_what_came_before(
    tmp_path: Path, size: int, after: list[tuple[str, int, str]]
) -> None:
    data = tarred({"a.txt": b"one", "b.txt": b"two " * 2000})[:size]
    assert read(tmp_path, "a.tar", data) == [("a.txt", 0, "one"), *after]


def test_a_tar_cut_between_two_members_is_not_taken_for_whole(tmp_path: Path) -> None:
    whole = tarred({"a.txt": b"one", "b.txt": b"two"})
    assert read(tmp_path, "a.tar", whole[:1024]) == [("a.txt", 0, "one"), ("", 2, "damaged_archive")]


def test_a_broken_header_in_the_middle_of_a_tar_is_not_its_end(tmp_path: Path) -> None:
    data = bytearray(tarred({"a.txt": b"one", "b.txt": b"two", "c.txt": b"three"}))
    data[1024 + 150] ^= 0xFF  # in the checksum of the second header
    assert read(tmp_path, "a.tar", bytes(data)) == [("a.txt", 0, "one"), ("", 2, "damaged_archive")]


def test_a_tar_header_of_impossible_size_is_not_held_in_memory(tmp_path: Path) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("a" * 100_000))
    assert read(tmp_path, "a.tar", data.getvalue()) == [("", 0, "damaged_archive")]


def test_large_members_of_a_compressed_tar_are_read_again_without_going_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gptmodel.corpus.sources.decoding.KEPT_BYTES", 1000)
    text = "话说天下大势，分久必合，合久必分。\n" * 200
    members = {f"{codec}.txt": text.encode(codec) for codec in ("utf-8", "gb18030", "utf-16")}
    opened: list[int] = []
    real = archives.open_bytes
    monkeypatch.setattr(archives, "open_bytes", lambda file: opened.append(1) or real(file))
    found = read(tmp_path, "a.tar.gz", tarred(members | {"small.txt": b"x"}, "gz"))
    assert [said for _, _, said in found[:3]] == [text] * 3
    assert found[-1] == ("small.txt", 0, "x")
    assert len(opened) <= 4


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar"])
def test_bytes_that_are_no_archive_are_damaged(tmp_path: Path, name: str) -> None:
    for data in (b"", b"plain text, nothing else", b"\0" * 3000):
        reasons = {said for _, _, said in read(tmp_path, name, data)}
        assert reasons <= {"damaged_archive"}


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_an_archive_that_can_not_be_opened_is_unreadable(tmp_path: Path, name: str) -> None:
    members = list(read_members(local_file(tmp_path / name), Counter()))
    assert members == [Rejected(0, "unreadable")]


@given(st.sampled_from(["a.zip", "a.tar", "a.tar.gz"]), st.data())
def test_no_damage_makes_an_archive_fail(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    content = bytearray(MAKE[name](PLAIN | {"c.txt": b"three" * 50}))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, min(len(content), 3000) - 1))
        content[place] = data.draw(st.integers(0, 255))
    for _, _, said in read(tmp_path_factory.getbasetemp(), name, bytes(content)):
        assert said in REASONS or said


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.ZIP", "zip"), ("a.tar", "tar"), ("a.TAR.GZ", "tar"), ("a.txz", "tar"), ("a.zip.gz", ""), ("tar", "")],
)
def test_a_name_says_the_kind_of_archive(name: str, kind: str) -> None:
    assert archive_of(name) == kind


def test_a_member_reads_as_refused_without_being_opened() -> None:
    def opener() -> io.BytesIO:
        raise NotTextError("binary")

    assert list(read_items(InputFile("a.txt", opener, refused="link"))) == [Rejected(0, "link")]
