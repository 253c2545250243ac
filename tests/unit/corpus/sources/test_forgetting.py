"""What erasure marks leave out of ingest: by identity, by what a text says, by where it lies; the rest is reused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import CorpusConfig, PlantedConfig, SourceConfig
from gptmodel.corpus.account import read_accounts
from gptmodel.corpus.documents import document_id, read_documents
from gptmodel.corpus.funnel import build_funnel
from gptmodel.corpus.sources.forgetting import (
    ErasureMarks,
    beginning_of,
    document_mark,
    place_mark,
    text_mark,
)
from gptmodel.corpus.sources.stage import IngestResult, ingest, list_sources
from gptmodel.store import Workspace

KEY = b"the key of a home in a test"  # pragma: allowlist secret
NO_MARKS = ErasureMarks(KEY)
Run = Callable[..., IngestResult]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    (folder / "people").mkdir(parents=True)
    for number in range(6):
        (folder / f"{number}.txt").write_text(f"Letter number {number}.\n")
    (folder / "people" / "anna.txt").write_text("About somebody.\n")
    (folder / "long.txt").write_text("\n\n".join(f"Chapter {number} " + "word " * 150 for number in range(4)))
    return folder


@pytest.fixture
def run(tmp_path: Path, texts: Path) -> Run:
    folders: list[Path] = []

    def ingest_texts(marks: ErasureMarks | None = NO_MARKS) -> IngestResult:
        corpus = CorpusConfig(sources=(SourceConfig(name="s", path=str(texts)),), num_shards=8, max_document_chars=1000)
        folder = tmp_path / f"work{len(folders)}"
        folder.mkdir()
        work = Workspace(folder, {}, earlier=list(reversed(folders)))
        folders.append(folder)
        listing = list_sources(corpus, tmp_path / "cache.json")
        return ingest(work, corpus, PlantedConfig(enabled=False), listing, marks=marks)

    return ingest_texts


def paths(tmp_path: Path, number: int) -> set[str]:
    return {document.path for document in read_documents(tmp_path / f"work{number}")}


def marks(**fields: str) -> ErasureMarks:
    return ErasureMarks(KEY, **{name: frozenset({mark}) for name, mark in fields.items()})


def mark_of(text: str) -> str:
    return text_mark(KEY, beginning_of([text])[1])


def test_a_document_is_left_out_by_its_identity_and_counted(tmp_path: Path, run: Run) -> None:
    result = run(marks(documents=document_mark(KEY, document_id("s", "3.txt", "0"))))
    assert "3.txt" not in paths(tmp_path, 0)
    assert (result.num_read, result.num_documents, result.num_forgotten) == (8, 7, 1)
    assert result.sources[0].num_forgotten == 1


def test_all_parts_of_a_divided_document_are_left_out(tmp_path: Path, run: Run) -> None:
    run()
    assert "long.txt" in paths(tmp_path, 0)
    run(marks(documents=document_mark(KEY, document_id("s", "long.txt", "0"))))
    assert "long.txt" not in paths(tmp_path, 1)


@pytest.mark.parametrize("name", ["2.txt", "long.txt"])
def test_the_same_text_under_another_name_is_left_out(tmp_path: Path, texts: Path, run: Run, name: str) -> None:
    text = (texts / name).read_text()
    (texts / "other.txt").write_text(text.upper().replace(" ", "  "))
    result = run(marks(texts=mark_of(text)))
    assert paths(tmp_path, 0).isdisjoint({name, "other.txt"})
    assert result.num_forgotten == 2


@pytest.mark.parametrize("path", ["people", "people/anna.txt"])
def test_a_place_is_left_out_with_all_that_lies_there(tmp_path: Path, texts: Path, run: Run, path: str) -> None:
    (texts / "people-else.txt").write_text("Not in that folder.\n")
    run(marks(places=place_mark(KEY, "s", path)))
    assert "people/anna.txt" not in paths(tmp_path, 0)
    assert "people-else.txt" in paths(tmp_path, 0)


def test_a_source_of_which_everything_is_forgotten_is_no_mistake(run: Run) -> None:
    result = run(marks(places=place_mark(KEY, "s")))
    assert (result.num_documents, result.num_forgotten) == (0, 8)


def test_only_the_shards_that_a_mark_touches_are_read_again(run: Run) -> None:
    first = run()
    assert first.runtime.num_reused == 0
    forgot = marks(texts=mark_of("Letter number 2."))
    assert run(forgot).runtime.num_reused == 7
    # A mark that nothing was touched by changes nothing; one that had its effect needs none again.
    assert run(forgot).runtime.num_reused == 8


def test_shards_first_read_under_marks_are_not_read_twice(run: Run) -> None:
    forgot = marks(texts=mark_of("Letter number 2."))
    assert run(forgot).runtime.num_reused == 0
    assert run(forgot).runtime.num_reused == 8


def test_what_is_left_out_is_the_same_however_much_is_taken_over(tmp_path: Path, run: Run) -> None:
    forgot = marks(documents=document_mark(KEY, document_id("s", "3.txt", "0")), places=place_mark(KEY, "s", "people"))
    run(forgot)
    fresh = list(read_documents(tmp_path / "work0"))
    for path in (tmp_path / "work0").rglob("*"):
        if path.is_file():
            path.unlink()
    run()
    run(forgot)
    assert list(read_documents(tmp_path / "work2")) == fresh


def test_without_marks_nothing_differs_from_a_home_without_requests(tmp_path: Path, run: Run) -> None:
    outside, inside = run(None), run()
    assert outside == inside
    assert list(read_documents(tmp_path / "work0")) == list(read_documents(tmp_path / "work1"))


def test_the_funnel_and_the_account_of_the_document_say_forgotten(tmp_path: Path, run: Run) -> None:
    document = document_id("s", "3.txt", "0")
    result = run(marks(documents=document_mark(KEY, document)))
    funnel = build_funnel({"ingest": result.model_dump(mode="json")})
    assert funnel.imbalances() == []
    assert [line.num_documents for line in funnel.total.lines() if line.what == "forgotten"] == [-1]
    [account] = read_accounts({"ingest": tmp_path / "work0"}, document=document)
    assert (account.status, account.stage, account.path) == ("forgotten", "ingest", "")


def test_the_key_does_not_show() -> None:
    assert KEY.decode() not in repr(NO_MARKS)


@given(st.text(), st.integers(0, 20))
def test_a_text_is_known_by_what_it_says_however_it_is_divided(text: str, cut: int) -> None:
    whole = beginning_of([text])[1]
    assert beginning_of([text[:cut], text[cut:]])[1] == whole
    assert beginning_of([text.replace("\n", " \r\n")])[1] == whole


def test_of_a_long_text_no_more_is_held_than_its_mark_needs() -> None:
    taken, head = beginning_of("x" * 60_000 for _ in range(100))
    assert (len(taken), len(head)) == (2, 100_000)
