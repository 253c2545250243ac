"""One reader a format: what comes out, and the reason where nothing does."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus.sources import formats
from gptmodel.corpus.sources.formats import format_of, read_items
from gptmodel.corpus.sources.quarantine import REASONS, Rejected
from gptmodel.corpus.sources.records import Record
from gptmodel.corpus.sources.streams import Columns, InputFile, local_file


def read(folder: Path, name: str, data: bytes | str, columns: Columns | None = None) -> list[Any]:
    """Read a file and give (position, id, text) for each record and (position, reason) for each rejection."""
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return outcome(replace(local_file(path), columns=columns or Columns()))


def outcome(file: InputFile) -> list[Any]:
    return [
        (item.position, item.reason) if isinstance(item, Rejected) else (item.position, item.id, "".join(item.chunks))
        for item in read_items(file)
    ]


def parquet(folder: Path, columns: dict[str, Any]) -> bytes:
    pq.write_table(pa.table(columns), folder / "written")
    return (folder / "written").read_bytes()


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.rst", "a.log", "README", "a.MARKDOWN"])
def test_a_text_file_is_one_record(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, "# One\r\n\r\ntwo\n") == [(0, None, "# One\n\ntwo\n")]


def test_a_compressed_text_file_is_one_record(tmp_path: Path) -> None:
    assert read(tmp_path, "a.txt.gz", gzip.compress("中文".encode())) == [(0, None, "中文")]


@pytest.mark.parametrize("name", ["a.png", "a.docx", "a.7z", "a.zip.gz", "a.py", "a.parquet.gz"])
def test_a_file_without_a_reader_is_unsupported(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, name, "text") == [(0, "unsupported_format")]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "empty"),
        ("a.jsonl", b"", "empty"),
        ("a.html", b"", "empty"),
        ("a.txt", b"a\0\1\2\3" * 100, "binary"),
        ("a.csv", b"a\0\1\2\3" * 100, "binary"),
        ("a.txt.gz", gzip.compress(b"text " * 1000, mtime=0)[:-20], "damaged_archive"),
        ("a.json", b'{"text": ', "broken_file"),
        ("a.json", b"[" * 100_000, "broken_file"),
        ("a.parquet", b"PAR1 and nothing more", "broken_file"),
        ("a.parquet", b"", "broken_file"),
        ("a.csv", b"title,body\na,b\n", "no_text_column"),
        ("a.xml", b"<rss><item>text</rss>", "broken_file"),
        ("a.html", b"<div>" * 5000, "too_deep"),
    ],
)
def test_a_file_that_fails_as_a_whole_is_one_rejection(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    assert read(tmp_path, name, data) == [(0, reason)]


def test_a_folder_under_a_files_name_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    assert outcome(local_file(tmp_path / "a.txt")) == [(0, "unreadable")]


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    for name in ("a.txt", "a.parquet", "a.html", "a.jsonl.gz"):
        assert outcome(local_file(tmp_path / name)) == [(0, "unreadable")]


@pytest.mark.parametrize("name", ["a.html", "a.htm", "a.xhtml", "a.xml"])
def test_a_page_gives_its_main_text(tmp_path: Path, name: str) -> None:
    page = "<html><body><nav>Menu</nav><article><p>The text of it.</p></article></body></html>"
    assert read(tmp_path, name, page) == [(0, None, "The text of it.")]


def test_xml_that_is_no_page_gives_its_character_data(tmp_path: Path) -> None:
    xml = "<?xml version='1.0'?><feed><item><title>One</title><text>two <b>three</b></text></item></feed>"
    assert read(tmp_path, "a.xml", xml) == [(0, None, "One\ntwo three")]


def test_text_deeper_in_a_json_record_is_not_looked_for(tmp_path: Path) -> None:
    assert read(tmp_path, "a.json", '[{"data": {"text": "a"}}]') == [(1, "no_text_column")]


def test_json_lines_are_read_one_by_one_and_bad_ones_rejected(tmp_path: Path) -> None:
    lines = ['{"text": "one"}', "{broken", "", '{"body": "x"}', '{"text": 5}', '"text"', '{"text": "two", "id": 1}']
    assert read(tmp_path, "a.jsonl", "\n".join(lines)) == [
        (1, None, "one"),
        (2, "broken_record"),
        (4, "no_text_column"),
        (5, "no_text_column"),
        (6, "no_text_column"),
        (7, None, "two"),
    ]


def test_one_binary_line_costs_that_record_alone(tmp_path: Path) -> None:
    lines = [b'{"text": "%s"}' % ("字".encode() * 90)] * 3
    lines[1] = b"\0\1\2\xc3\xbf rubbish"
    assert [item[1] for item in read(tmp_path, "a.jsonl", b"\n".join(lines))] == [None, "broken_record", None]


def test_deeply_nested_json_in_a_line_is_a_broken_record(tmp_path: Path) -> None:
    assert read(tmp_path, "a.jsonl", "[" * 100_000 + '\n{"text": "a"}') == [(1, "broken_record"), (2, None, "a")]


def test_a_line_beyond_the_limit_is_set_aside_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "MAX_RECORD_CHARS", 50)
    data = f'{{"text": "a"}}\n{{"text": "{"b" * 170}"}}\n{{"text": "c"}}'
    assert read(tmp_path, "a.jsonl", data) == [(1, None, "a"), (2, "too_large"), (3, None, "c")]


def test_the_records_before_a_break_in_a_compressed_file_are_kept(tmp_path: Path) -> None:
    data = gzip.compress(b"".join(b'{"text": "%d"}\n' % (number**5) for number in range(20_000)), mtime=0)
    items = read(tmp_path, "a.jsonl.gz", data[: len(data) // 2])
    assert len(items) > 1000
    assert items[0] == (1, None, "0")
    assert items[-1] == (items[-2][0] + 1, "damaged_archive")


def test_json_lines_in_another_encoding_are_read(tmp_path: Path) -> None:
    line = json.dumps({"text": "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。"}, ensure_ascii=False)
    assert "分久必合" in read(tmp_path, "a.jsonl", (line + "\n").encode("gb18030") * 4)[3][2]


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        ('[{"text": "a"}, {"text": "b"}]', ["a", "b"]),
        ('{"text": "a"}', ["a"]),
        ('{"text": "a"}\n{"text": "b"}\n', ["a", "b"]),
        ("[]", []),
    ],
)
def test_a_json_file_holds_a_list_a_record_or_lines(tmp_path: Path, data: str, texts: list[str]) -> None:
    assert [item[2] for item in read(tmp_path, "a.json", data)] == texts


@pytest.mark.parametrize(("name", "limit"), [("a.json", "JSON"), ("a.html", "HTML"), ("a.xml", "XML")])
def test_a_file_read_whole_that_is_beyond_the_limit_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, limit: str
) -> None:
    monkeypatch.setattr(formats, f"MAX_{limit}_BYTES", 10)
    assert read(tmp_path, name, '[{"text": "abc"}]') == [(0, "too_large")]


def test_csv_rows_may_hold_line_ends_quotes_and_commas(tmp_path: Path) -> None:
    data = 'id,text\n7,"a, ""b""\nc"\n8,d\n'
    assert read(tmp_path, "a.csv", data, Columns("text", "id")) == [(1, "7", 'a, "b"\nc'), (2, "8", "d")]


def test_a_csv_row_that_does_not_fit_its_header_is_broken(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", 'id,text\n1,a,b\n2\n3,c\n4,"open\n') == [
        (1, "broken_record"),
        (2, "broken_record"),
        (3, None, "c"),
        (4, "broken_record"),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.tsv", "id\ttext\n1\ta,b\n"),
        ("a.csv", "id;text\n1;a,b\n"),
        ("a.csv", "id\ttext\n1\ta,b\n"),
        ("a.csv", "id|text\n1|a,b\n"),
        ("a.csv", '\ufeffid,"text"\r\n1,"a,b"\r\n'),
    ],
)
def test_other_delimiters_are_taken(tmp_path: Path, name: str, data: str) -> None:
    assert read(tmp_path, name, data, Columns("text", "id")) == [(1, "1", "a,b")]


def test_a_large_csv_field_is_read(tmp_path: Path) -> None:
    assert len(read(tmp_path, "a.csv", "text\n" + "x" * 500_000 + "\n")[0][2]) == 500_000


def test_parquet_rows_come_with_their_ids(tmp_path: Path) -> None:
    data = parquet(tmp_path, {"text": ["a", None, "c"], "n": [1, 2, 3], "id": [10, 11, None]})
    assert read(tmp_path, "a.parquet", data, Columns("text", "id")) == [
        (1, "10", "a"),
        (2, "no_text_column"),
        (3, None, "c"),
    ]


@pytest.mark.parametrize("columns", [{"body": ["a"]}, {"text": [1, 2]}, {"text": [["a"]]}])
def test_a_parquet_file_without_a_text_column_is_set_aside(tmp_path: Path, columns: dict[str, Any]) -> None:
    assert read(tmp_path, "a.parquet", parquet(tmp_path, columns)) == [(0, "no_text_column")]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_every_kind_of_text_column_is_read(tmp_path: Path, kind: pa.DataType) -> None:
    data = parquet(tmp_path, {"text": pa.array(["a", "b", "a"]).cast(kind)})
    assert [item[2] for item in read(tmp_path, "a.parquet", data)] == ["a", "b", "a"]


def test_a_parquet_value_that_is_no_utf8_is_set_aside_alone(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xffb")]
    )
    assert read(tmp_path, "a.parquet", parquet(tmp_path, {"text": bad})) == [(1, "unknown_encoding"), (2, None, "b")]


def test_a_configured_text_column_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "a.jsonl", '{"text": "no", "body": "yes"}', Columns("body")) == [(1, None, "yes")]


def test_an_id_of_another_type_becomes_text(tmp_path: Path) -> None:
    data = '{"text": "a", "id": [1, 2]}\n{"text": "b", "id": null}\n{"text": "c", "id": "x"}'
    assert [item[1] for item in read(tmp_path, "a.jsonl", data, Columns("text", "id"))] == ["[1, 2]", None, "x"]


NAMES = [f"a{suffix}" for suffixes in formats._FORMATS.values() for suffix in suffixes]


@given(st.sampled_from(NAMES), st.sampled_from(["", ".gz", ".bz2", ".xz", ".zst"]), st.binary(max_size=300))
def test_no_content_makes_a_reader_fail(
    tmp_path_factory: pytest.TempPathFactory, name: str, compression: str, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"{name}{compression}"
    path.write_bytes(data)
    for item in read_items(local_file(path)):
        if isinstance(item, Record):
            "".join(item.chunks)
        else:
            assert item.reason in REASONS


@given(st.sampled_from(["a.jsonl", "a.csv", "a.json", "a.tsv"]), st.text(alphabet='{}[]",:;\n\t\\text1', max_size=60))
def test_no_text_makes_a_record_reader_fail(tmp_path_factory: pytest.TempPathFactory, name: str, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_text("text\n" + text if "sv" in name else text)
    assert all(isinstance(item, Record | Rejected) for item in read_items(local_file(path)))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.TXT", "text"), ("a.b.jsonl.zst", "jsonl"), ("dump.gz", "text"), ("a.xml.bz2", "xml"), ("a.1", None)],
)
def test_a_name_promises_a_format(name: str, kind: str | None) -> None:
    assert format_of(name) == kind
