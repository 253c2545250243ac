"""The stage `ingest`: what is read, set aside, divided and planted."""

import gzip
import json
import os
import pickle
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import datasets
import fsspec
import pyarrow.parquet as pq
import pytest

from gptmodel.config import CorpusConfig, PlantedConfig, SourceConfig
from gptmodel.corpus.documents import Document, document_id, list_shards, read_documents, read_shard, shard_of
from gptmodel.corpus.sources import reading
from gptmodel.corpus.sources.formats import read_items
from gptmodel.corpus.sources.records import Item
from gptmodel.corpus.sources.stage import IngestResult, ingest, list_sources
from gptmodel.corpus.sources.streams import InputFile
from gptmodel.errors import SourceError
from gptmodel.store import Workspace

Run = Callable[..., tuple[IngestResult, list[Document]]]
NOTHING_PLANTED = PlantedConfig(enabled=False)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    return folder


@pytest.fixture
def run(tmp_path: Path, texts: Path) -> Run:
    def ingest_texts(
        planted: PlantedConfig = NOTHING_PLANTED, num_shards: int = 3, max_chars: int = 1000, **source: Any
    ) -> tuple[IngestResult, list[Document]]:
        sources = (SourceConfig(**{"name": "s", "path": str(texts)} | source),)
        corpus = CorpusConfig(sources=sources, num_shards=num_shards, max_document_chars=max_chars)
        work = Workspace(tmp_path / "work", {})
        work.path.mkdir(exist_ok=True)
        result = ingest(work, corpus, planted, list_sources(corpus, tmp_path / "cache.json"))
        return result, list(read_documents(work.path))

    return ingest_texts


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def quarantined(tmp_path: Path) -> list[tuple[str, int, str]]:
    rows = pq.read_table(tmp_path / "work" / "quarantine").to_pylist()
    return [(row["path"], row["position"], row["reason"]) for row in rows]


def files_of(folder: Path) -> dict[str, bytes]:
    """Give the files of a stage's output; what lies in its notes may differ from run to run."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith("notes/")}


def test_a_text_file_becomes_a_document_with_its_identity(texts: Path, run: Run) -> None:
    (texts / "a.txt").write_text("Some text.\n")
    result, documents = run(language="en")
    assert documents == [Document(document_id("s", "a.txt", "0"), "s", "a.txt", "Some text.\n", "en")]
    assert (result.num_read, result.num_documents, result.num_parts, result.num_bytes) == (1, 1, 1, 11)


def test_everything_read_is_a_document_or_in_the_quarantine(tmp_path: Path, texts: Path, run: Run) -> None:
    (texts / "a.txt").write_text("text")
    (texts / "blank.txt").write_text(" \n\n ")
    (texts / "empty.txt").touch()
    (texts / "photo.png").write_bytes(b"\x89PNG\0")
    (texts / "cut.txt.gz").write_bytes(gzip.compress(b"text " * 999)[:-9])
    (texts / "r.jsonl").write_text('{"text": "one"}\n{broken\n{"text": ""}\n{"text": "two"}\n')
    result, documents = run()
    assert sorted(quarantined(tmp_path)) == [
        ("blank.txt", 0, "empty"),
        ("cut.txt.gz", 0, "damaged_archive"),
        ("empty.txt", 0, "empty"),
        ("photo.png", 0, "unsupported_format"),
        ("r.jsonl", 2, "broken_record"),
        ("r.jsonl", 3, "empty"),
    ]
    assert sorted(document.text for document in documents) == ["one", "text", "two"]
    assert result.quarantined_by_reason == {
        "broken_record": 1, "damaged_archive": 1, "empty": 3, "unsupported_format": 1,
    }  # fmt: skip
    assert result.num_read == result.num_documents + result.num_quarantined == 9
    assert result.sources[0].num_files == 6


def test_the_quarantine_holds_no_text(tmp_path: Path, texts: Path, run: Run) -> None:
    (texts / "a.jsonl").write_text('{"text": "fine"}\n{"text": "my secret"\n')
    result, _ = run()
    tables = (tmp_path / "work" / "quarantine").glob("*.parquet")
    table = b"".join(path.read_bytes() for path in tables) + result.model_dump_json().encode()
    assert b"secret" not in table


def test_a_long_text_is_divided_at_blank_lines_into_numbered_parts(texts: Path, run: Run) -> None:
    paragraphs = [f"{number} " + "word " * 100 + "\n\n" for number in range(5)]
    (texts / "a.txt").write_text("".join(paragraphs))
    result, documents = run()
    whole = document_id("s", "a.txt", "0")
    assert [document.id for document in documents] == [f"{whole}.{number}" for number in range(1, 6)]
    assert [document.text for document in documents] == paragraphs
    assert (result.num_documents, result.num_parts, result.num_divided, result.num_read) == (1, 5, 1, 1)


def test_records_are_known_by_their_text_and_occurrence(texts: Path, run: Run) -> None:
    (texts / "a.jsonl").write_text('{"text": "same"}\n{"text": "other"}\n{"text": "same"}\n')
    _, documents = run()
    same, other = (f"text:{sha256(text).hexdigest()}" for text in (b"same", b"other"))
    keys = [f"{same}:0", f"{other}:0", f"{same}:1"]
    assert [document.id for document in documents] == [document_id("s", "a.jsonl", key) for key in keys]


def test_a_record_keeps_its_identity_when_others_come_before_it(texts: Path, run: Run) -> None:
    (texts / "a.jsonl").write_text('{"text": "one"}\n')
    before = run()[1][0].id
    (texts / "a.jsonl").write_text('{"text": "zero"}\n{"text": "one"}\n')
    assert run()[1][1].id == before


def test_a_record_with_an_id_keeps_its_identity_when_its_text_changes(texts: Path, run: Run) -> None:
    (texts / "a.csv").write_text("key,text\n7,one\n7,again\n,none\n")
    before = [document.id for document in run(id_column="key")[1]]
    assert before[:2] == [document_id("s", "a.csv", "id:7:0"), document_id("s", "a.csv", "id:7:1")]
    (texts / "a.csv").write_text("key,text\n7,ONE\n7,AGAIN\n,none\n")
    assert [document.id for document in run(id_column="key")[1]] == before


def test_no_two_documents_share_an_id(texts: Path, run: Run) -> None:
    (texts / "a.jsonl").write_text('{"text": "same"}\n' * 20)
    (texts / "b.jsonl").write_text('{"text": "same"}\n' * 20)
    _, documents = run()
    assert len({document.id for document in documents}) == 40


def test_documents_lie_in_the_shard_of_their_file_sorted_by_path(tmp_path: Path, texts: Path, run: Run) -> None:
    for number in range(20):
        (texts / f"{number}.jsonl").write_text(f'{{"text": "b{number}"}}\n{{"text": "a{number}"}}\n')
    run(num_shards=4)
    shards = list_shards(tmp_path / "work")
    assert len(shards) == 4
    for number, path in enumerate(shards):
        documents = list(read_shard(path))
        assert {shard_of("s", document.path, 4) for document in documents} <= {number}
        assert [document.path for document in documents] == sorted(document.path for document in documents)


def test_a_repeat_gives_the_same_bytes(tmp_path: Path, texts: Path, run: Run) -> None:
    for number in range(10):
        (texts / f"{number}.txt").write_text(f"text {number}")
        (texts / f"{number}.bin").write_bytes(b"\0")
    first, files = run(PlantedConfig(max_canary_ratio=1.0))[0], files_of(tmp_path / "work")
    shutil.rmtree(tmp_path / "work")
    for path in texts.iterdir():
        os.utime(path, ns=(5, 5))
    assert run(PlantedConfig(max_canary_ratio=1.0))[0] == first
    assert files_of(tmp_path / "work") == files


def test_a_shard_whose_files_are_as_they_were_is_not_read_again(tmp_path: Path, texts: Path, run: Run) -> None:
    for number in range(10):
        (texts / f"{number}.txt").write_text(f"text {number}")
    run()
    (texts / "3.txt").write_text("another text")
    result, documents = run()
    assert (result.runtime.num_parts, result.runtime.num_reused) == (3, 2)
    assert sorted(document.text for document in documents)[-2:] == ["text 8", "text 9"]
    assert "another text" in {document.text for document in documents}


def test_what_an_interrupted_attempt_left_is_gone(tmp_path: Path, texts: Path, run: Run) -> None:
    (texts / "a.txt").write_text("text")
    (tmp_path / "work" / "shards").mkdir(parents=True)
    (tmp_path / "work" / "shards" / "00077.parquet").write_bytes(b"half")
    run()
    assert len(list_shards(tmp_path / "work")) == 3


def test_planted_phrases_lie_in_a_shard_of_their_own_and_in_no_count(tmp_path: Path, texts: Path, run: Run) -> None:
    (texts / "a.txt").write_text("text\n" * 150)
    plain, _ = run()
    result, documents = run(PlantedConfig(max_canary_ratio=1.0), num_shards=2)
    planted = [document for document in documents if document.planted]
    assert len(planted) == result.num_planted > 0
    assert planted == list(read_shard(list_shards(tmp_path / "work")[2]))
    assert result.num_bytes == plain.num_bytes
    assert result.num_read == 1


def test_no_nul_and_no_lone_surrogate_enters_a_document(texts: Path, run: Run) -> None:
    (texts / "a.jsonl").write_text('{"text": "a\\u0000b\\ud800c\\r\\nd"}\n')
    assert run()[1][0].text == "ab\ufffdc\nd"


ENCODINGS = {
    "utf-8": ("话说天下大势，分久必合，合久必分。", "utf-8"),
    "utf-8-sig": ("话说天下大势，分久必合，合久必分。", "utf-8-sig"),
    "utf-16": ("话说天下大势，分久必合，合久必分。", "utf-16"),
    "utf-16-le": ("国境の長いトンネルを抜けると雪国であった。", "utf-16-le"),
    "utf-16-be": ("Все счастливые семьи похожи друг на друга.", "utf-16-be"),
    "gb18030": ("周末七国分争，并入于秦。及秦灭之后，楚、汉分争。", "gb18030"),
    "big5": ("秦川雄帝宅，函谷壯皇居。綺殿千尋起，離宮百雉餘。", "big5hkscs"),
    "shift_jis": ("夜の底が白くなった。信号所に汽車が止まった。", "cp932"),
    "euc_kr": ("웹마스터는 오류나 문제가 발생했을때 응답을 설정할 수 있다.", "cp949"),
    "iso8859-1": ("Le garçon a mangé des pâtes, et la forêt était très sombre en été.", "cp1252"),
    "cp1250": ("Zażółć gęślą jaźń: każdy człowiek wie, że źródła są ważniejsze.", "cp1250"),
    "cp1251": ("Каждая несчастливая семья несчастлива по-своему.", "cp1251"),
    "cp1252": ("„Größe“ heißt hier: die Zahl der Wörter – über das Maß hinaus.", "cp1252"),
}


def test_the_encoding_of_each_file_is_told_counted_and_written_down(tmp_path: Path, texts: Path, run: Run) -> None:
    for codec, (text, _) in ENCODINGS.items():
        (texts / f"{codec}.txt").write_bytes((f"{text}\n" * 8).encode(codec))
    result, documents = run(num_shards=1)
    assert {document.path: document.text for document in documents} == {
        f"{codec}.txt": f"{text}\n" * 8 for codec, (text, _) in ENCODINGS.items()
    }
    rows = pq.read_table(tmp_path / "work" / "files").to_pylist()
    assert {row["path"]: row["encoding"] for row in rows} == {
        f"{codec}.txt": found for codec, (_, found) in ENCODINGS.items()
    }
    assert result.encodings == Counter(found for _, found in ENCODINGS.values())


def test_a_source_without_any_text_stops_the_run(texts: Path, run: Run) -> None:
    (texts / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(SourceError, match=r"1 files and no text \(1 unsupported format\)"):
        run()


def test_a_mistaken_text_column_is_named(texts: Path, run: Run) -> None:
    (texts / "a.jsonl").write_text('{"body": "one"}\n')
    with pytest.raises(SourceError, match="text_column = 'text' was not found"):
        run()


def test_a_source_that_changes_after_its_listing_stops_the_run(tmp_path: Path, texts: Path) -> None:
    (texts / "a.txt").write_text("text")
    corpus = CorpusConfig(sources=(SourceConfig(name="s", path=str(texts)),))
    listing = list_sources(corpus, tmp_path / "cache.json")
    (texts / "a.txt").write_text("longer text")
    (tmp_path / "work").mkdir()
    with pytest.raises(SourceError, match="stay as they were listed"):
        ingest(Workspace(tmp_path / "work", {}), corpus, NOTHING_PLANTED, listing)


def test_the_listing_is_saved_beside_the_shards(tmp_path: Path, texts: Path, run: Run) -> None:
    (texts / "a.txt").write_text("a")
    run()
    digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert json.loads((tmp_path / "work" / "listing.json").read_text()) == {"s": {"a.txt": digest}}


def test_several_sources_are_accounted_apart_in_the_configs_order(tmp_path: Path, texts: Path) -> None:
    for name in ("b", "a"):
        (texts / name).mkdir()
        (texts / name / "x.txt").write_text(name * 3)
    sources = tuple(
        SourceConfig(name=name, path=str(texts / name), licence=f"L-{name}", personal_data="no") for name in ("b", "a")
    )
    corpus = CorpusConfig(sources=sources)
    (tmp_path / "work").mkdir()
    listing = list_sources(corpus, tmp_path / "cache.json")
    result = ingest(Workspace(tmp_path / "work", {}), corpus, NOTHING_PLANTED, listing)
    assert [(source.name, source.licence, source.num_documents) for source in result.sources] == [
        ("b", "L-b", 1),
        ("a", "L-a", 1),
    ]
    assert f"source:{result.sources[0].name}" in listing.digests()
    assert result.sources[0].digest == listing.digests()["source:b"]


def test_shards_can_be_read_in_another_process(tmp_path: Path, texts: Path) -> None:
    (texts / "a.txt").write_text("text")
    corpus = CorpusConfig(sources=(SourceConfig(name="s", path=str(texts)),))
    (tmp_path / "work").mkdir()

    def elsewhere(function: Any, items: Any) -> Any:
        return map(pickle.loads(pickle.dumps(function)), pickle.loads(pickle.dumps(items)))

    listing = list_sources(corpus, tmp_path / "cache.json")
    result = ingest(Workspace(tmp_path / "work", {}), corpus, NOTHING_PLANTED, listing, mapper=elsewhere)
    assert result.num_documents == 1


def test_progress_ends_at_one(tmp_path: Path, texts: Path) -> None:
    for number in range(5):
        (texts / f"{number}.txt").write_text("text")
    corpus = CorpusConfig(sources=(SourceConfig(name="s", path=str(texts)),))
    (tmp_path / "work").mkdir()
    seen: list[float] = []
    listing = list_sources(corpus, tmp_path / "cache.json")
    work = Workspace(tmp_path / "work", {})
    ingest(work, corpus, NOTHING_PLANTED, listing, lambda ratio, _: seen.append(ratio))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_members_of_archives_are_documents_with_a_path_of_their_own(tmp_path: Path, texts: Path, run: Run) -> None:
    with zipfile.ZipFile(texts / "all.zip", "w") as archive:
        archive.writestr("deep/a.txt", "one")
        archive.writestr("b.jsonl", '{"text": "two"}\n{broken\n{"text": "two"}\n')
        archive.writestr(".hidden.txt", "x")
        archive.writestr("../c.txt", "bad")
        archive.writestr("d.txt", "中文，中文，中文。".encode("gb18030") * 9)
        archive.writestr("empty.txt", "")
    (texts / "b.txt").write_text("three")
    result, documents = run(num_shards=1)
    assert [document.path for document in documents] == [
        "all.zip/deep/a.txt", "all.zip/b.jsonl", "all.zip/b.jsonl", "all.zip/d.txt", "b.txt",
    ]  # fmt: skip
    assert documents[0].id == document_id("s", "all.zip/deep/a.txt", "0")
    assert len({document.id for document in documents}) == 5
    assert quarantined(tmp_path) == [
        ("all.zip/b.jsonl", 2, "broken_record"),
        ("all.zip/../c.txt", 0, "leaves_folder"),
        ("all.zip/empty.txt", 0, "empty"),
    ]
    assert result.num_read == result.num_documents + result.num_quarantined == 8
    assert result.sources[0].skipped == {"hidden": 1}
    rows = pq.read_table(tmp_path / "work" / "files").to_pylist()
    assert [(row["path"], row["format"], row["encoding"]) for row in rows] == [
        ("all.zip/deep/a.txt", "text", "utf-8"),
        ("all.zip/b.jsonl", "jsonl", "utf-8"),
        ("all.zip/../c.txt", "", ""),
        ("all.zip/d.txt", "text", "gb18030"),
        ("all.zip/empty.txt", "text", ""),
        ("all.zip", "zip", ""),
        ("b.txt", "text", "utf-8"),
    ]


def test_no_more_records_than_the_source_allows_are_read_from_each_file(texts: Path, run: Run) -> None:
    for name in ("a", "b"):
        (texts / f"{name}.jsonl").write_text("".join(f'{{"text": "{name}{n}"}}\n' for n in range(9)))
    (texts / "c.txt").write_text("whole")
    result, documents = run(max_records=2)
    assert sorted(document.text for document in documents) == ["a0", "a1", "b0", "b1", "whole"]
    assert result.num_read == 5


def test_a_source_past_its_last_day_is_accounted_as_left_out(tmp_path: Path, texts: Path) -> None:
    (texts / "a.txt").write_text("text")
    old = SourceConfig(name="old", path=str(texts), keep_until=date(2020, 1, 1))
    corpus = CorpusConfig(sources=(old, SourceConfig(name="s", path=str(texts))), as_of=date(2026, 1, 1))
    (tmp_path / "work").mkdir()
    listing = list_sources(corpus, tmp_path / "cache.json")
    result = ingest(Workspace(tmp_path / "work", {}), corpus, NOTHING_PLANTED, listing)
    left, used = result.sources
    assert (left.left_out, left.num_files, left.num_documents) == ("may be used until 2020-01-01", 0, 0)
    assert (used.left_out, used.num_documents) == ("", 1)


def test_text_behind_a_url_gives_the_documents_of_the_same_files_here(
    tmp_path: Path, texts: Path, run: Run, memory: fsspec.AbstractFileSystem
) -> None:
    files = {
        "a.txt": b"text",
        "deep/b.jsonl.gz": gzip.compress(b'{"text": "x"}\n'),
        "c.csv": "text\n中文\n".encode(),
    }
    for name, data in files.items():
        memory.pipe(f"/bucket/{name}", data)
        (texts / name).parent.mkdir(exist_ok=True)
        (texts / name).write_bytes(data)
    here = run()[1]
    shutil.rmtree(tmp_path / "work")
    assert run(path="memory://bucket")[1] == here


def test_a_file_behind_a_url_that_changes_after_its_listing_stops_the_run(
    tmp_path: Path, memory: fsspec.AbstractFileSystem
) -> None:
    memory.pipe("/bucket/a.txt", b"text")
    corpus = CorpusConfig(sources=(SourceConfig(name="s", path="memory://bucket"),))
    listing = list_sources(corpus, tmp_path / "cache.json")
    memory.pipe("/bucket/a.txt", b"next")
    (tmp_path / "work").mkdir()
    with pytest.raises(SourceError, match="stay as they were listed"):
        ingest(Workspace(tmp_path / "work", {}), corpus, NOTHING_PLANTED, listing)


def test_a_file_that_changes_while_it_is_read_stops_the_run(
    tmp_path: Path, texts: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (texts / "a.jsonl").write_text('{"text": "one"}\n')

    def read_and_change(file: InputFile) -> Iterator[Item]:
        yield from read_items(file)
        (texts / "a.jsonl").write_text('{"text": "another"}\n')

    monkeypatch.setattr(reading, "read_items", read_and_change)
    with pytest.raises(SourceError, match="stay as they were listed"):
        run()


def test_a_stream_that_nothing_marks_is_read_again_and_gives_the_same(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def load(name: str, *_: object, **__: object) -> datasets.IterableDataset:
        opened.append(name)
        return datasets.IterableDataset.from_generator(lambda: iter([{"text": "one"}, {"text": "two"}]))

    monkeypatch.setattr(datasets, "load_dataset", load)
    first, files = run(path="dataset:owner/name")[0], files_of(tmp_path / "work")
    again = run(path="dataset:owner/name")[0]
    assert opened == ["owner/name"] * 2
    assert files_of(tmp_path / "work") == files
    assert again.model_copy(update={"runtime": first.runtime}) == first


def test_shards_whose_files_are_unchanged_are_taken_over(texts: Path, run: Run) -> None:
    for number in range(20):
        (texts / f"{number}.txt").write_text(f"text {number}")
    run(num_shards=4)
    (texts / "3.txt").write_text("changed")
    assert run(num_shards=4)[0].runtime.num_reused == 3


def test_real_corpora_are_read_without_a_loss(test_corpora: str, tmp_path: Path) -> None:
    corpus = CorpusConfig(sources=tuple(SourceConfig(name=n, path=f"{test_corpora}/{n}") for n in ("en", "zh")))
    (tmp_path / "work").mkdir()
    listing = list_sources(corpus, tmp_path / "cache.json")
    result = ingest(Workspace(tmp_path / "work", {}), corpus, NOTHING_PLANTED, listing)
    assert (result.num_quarantined, result.encodings["gb18030"]) == (0, 1)
    assert not any("\ufffd" in document.text for document in read_documents(tmp_path / "work"))
