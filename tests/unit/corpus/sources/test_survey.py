"""A first look at a folder."""

import gzip
import json
import zipfile
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gptmodel.corpus.sources.survey import describe_folder, extension_of
from gptmodel.errors import SourceError

LONG = "a sentence that is long enough to be the text "


def test_files_are_counted_by_extension_and_size(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.md", "d.png", "README", ".hidden"):
        (tmp_path / name).write_text("1234")
    view = describe_folder(tmp_path)
    assert view.num_files_by_extension == {".txt": 2, "": 1, ".md": 1, ".png": 1}
    assert (view.num_files, view.num_bytes, view.num_unsupported, view.skipped) == (5, 20, 1, {"hidden": 1})


@pytest.mark.parametrize(
    ("name", "extension"),
    [("a.b.JSONL.gz", ".jsonl.gz"), ("a.gz", ".gz"), ("v1.2.txt", ".txt"), ("README", ""), ("x.tar.gz", ".tar.gz")],
)
def test_the_end_of_a_name_says_the_format(name: str, extension: str) -> None:
    assert extension_of(name) == extension


def write_jsonl(path: Path, records: list[dict[str, object]]) -> None:
    data = "".join(json.dumps(record) + "\n" for record in records).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json"])
def test_the_longest_column_of_records_is_the_likely_text(tmp_path: Path, name: str) -> None:
    write_jsonl(tmp_path / name, [{"doc_id": n, "lang": "en", "story": LONG * 3, "n": n % 2} for n in range(9)])
    view = describe_folder(tmp_path)
    assert (view.text_columns, view.id_columns) == (("story",), ("doc_id",))


def test_a_usual_name_comes_before_a_longer_column(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"raw_html": LONG * 3, "text": LONG * 2}])
    assert describe_folder(tmp_path).text_columns == ("text", "raw_html")


def test_csv_and_parquet_columns_are_seen(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"id;content\n1;{LONG}\n2;{LONG}\n")
    pq.write_table(pa.table({"body": [LONG] * 2, "score": [0.5, 0.25]}), tmp_path / "b.parquet")
    assert describe_folder(tmp_path).text_columns == ("content", "body")


def test_files_that_can_not_be_read_do_not_stop_the_look(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.csv", "c.parquet", "d.json", "e.jsonl.gz"):
        (tmp_path / name).write_bytes(b'{"broken\0\xff')
    assert describe_folder(tmp_path).text_columns == ()


def test_records_in_an_archive_are_seen(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a.csv", f"doc_id,story\n1,{LONG}\n2,{LONG}\n")
        archive.writestr("../b.csv", f"bad\n{LONG}\n")
    view = describe_folder(tmp_path)
    assert (view.text_columns, view.id_columns, view.num_unsupported) == (("story",), ("doc_id",), 0)


def test_arrow_columns_are_seen(tmp_path: Path) -> None:
    table = pa.table({"story": [LONG] * 2, "n": [1, 2]})
    with pa.ipc.new_stream(tmp_path / "a.arrow", table.schema) as writer:
        writer.write_table(table)
    assert describe_folder(tmp_path).text_columns == ("story",)


def test_files_behind_a_url_are_seen() -> None:
    files = fsspec.filesystem("memory")
    files.pipe("/survey/a.jsonl", json.dumps({"story": LONG}).encode())
    view = describe_folder("memory://survey")
    files.rm("/survey", recursive=True)
    assert (view.path, view.num_files, view.text_columns) == ("memory://survey", 1, ("story",))


def test_the_columns_of_a_data_set_are_seen(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "train.jsonl", [{"story": LONG, "n": 1}] * 3)
    view = describe_folder(f"dataset:{tmp_path}")
    assert (view.num_files, view.text_columns) == (0, ("story",))


def test_a_column_that_repeats_is_no_identity(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": LONG, "group_id": 1}, {"text": LONG, "group_id": 1}])
    assert describe_folder(tmp_path).id_columns == ()


def test_the_view_holds_no_text(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": LONG}])
    assert LONG not in describe_folder(tmp_path).model_dump_json()


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="a file, folder or glob"):
        describe_folder(tmp_path / "none")
