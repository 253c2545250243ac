"""Cleaning: every rule's yes and no, and the stage's account."""

import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gptmodel.config import CleaningConfig
from gptmodel.corpus.cleaning import CleanResult, Dropped, apply_rules, clean
from gptmodel.corpus.documents import Document, document_id, read_documents, shard_of, shard_path, write_shard
from gptmodel.store import Workspace

SENTENCE = "The garden behind the house is open to everyone who likes old trees and quiet afternoons."
FOOTER = "All of these pages are provided without any warranty whatsoever."


def make(path: str, text: str, source: str = "notes", **more: str) -> Document:
    return Document(document_id(source, path, "0"), source, path, text, **more)  # type: ignore[arg-type]


def reason(text: str, lang: str = "en", **settings: object) -> str:
    outcome = apply_rules(make("a.txt", text, lang=lang), CleaningConfig(**settings))
    return outcome.reason if isinstance(outcome, Dropped) else ""


def run(folder: Path, documents: list[Document], num_shards: int = 3, **settings: object) -> CleanResult:
    for number in range(num_shards):
        mine = [d for d in documents if shard_of(d.source, d.path, num_shards) == number]
        write_shard(shard_path(folder / "ingest", number), mine)
    (folder / "clean").mkdir(exist_ok=True)
    return clean(Workspace(folder / "clean", {"ingest": folder / "ingest"}), CleaningConfig(**settings))


def kept(folder: Path) -> dict[str, Document]:
    return {document.path: document for document in read_documents(folder / "clean")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SENTENCE, ""),
        ("Too short.", "too short"),
        ("0123 4567 8910 1112 1314 (15) [16] = 17", "not text"),
        (SENTENCE + "\ufffd" * 5, "broken text"),
        ("\n".join([SENTENCE] * 5), "repeated lines"),
        ("床前明月光，疑是地上霜。举头望明月，低头思故乡。", ""),
        ("x = [1, 2, 3]\nfor item in x:\n    print(item + 1)\n", ""),
    ],
)
def test_each_rule_gives_its_reason(text: str, expected: str) -> None:
    assert reason(text) == expected


@pytest.mark.parametrize(
    ("text", "off"),
    [
        ("Too short.", {"min_chars": 0}),
        ("0123 4567 8910 1112 1314 (15) [16] = 17", {"min_letter_ratio": 0}),
        (SENTENCE + "\ufffd" * 5, {"max_replacement_ratio": 1}),
        ("\n".join([SENTENCE] * 5), {"max_repeated_line_ratio": 1}),
    ],
)
def test_each_rule_can_be_turned_off(text: str, off: dict[str, float]) -> None:
    assert reason(text, **off) == ""


def test_a_length_at_the_limit_stays() -> None:
    assert [reason("a" * number, min_chars=20) for number in (19, 20)] == ["too short", ""]


@pytest.mark.parametrize(("lang", "expected"), [("en", ""), ("und", ""), ("fr", "other language")])
def test_only_wanted_and_undetermined_languages_stay(lang: str, expected: str) -> None:
    assert reason(SENTENCE, lang, languages=("en", "zh")) == expected


def test_every_document_read_is_kept_or_dropped_with_a_reason(tmp_path: Path) -> None:
    texts = [SENTENCE, "short", "1 2 3 4 5 6 7 8 9 10 11 12 13", SENTENCE * 2]
    result = run(tmp_path, [make(f"{n}.txt", text) for n, text in enumerate(texts)])
    assert (result.num_read, result.num_kept, result.num_dropped) == (4, 2, 2)
    assert result.dropped_by_reason == {"not text": 1, "too short": 1}


def test_dropped_documents_are_listed_without_their_text(tmp_path: Path) -> None:
    run(tmp_path, [make("a.txt", "short"), make("b.txt", SENTENCE)])
    rows = pq.read_table(tmp_path / "clean" / "drops.parquet").to_pylist()
    assert rows == [{"id": make("a.txt", "").id, "source": "notes", "path": "a.txt", "reason": "too short"}]


def test_the_account_is_given_for_each_source(tmp_path: Path) -> None:
    result = run(tmp_path, [make("a.txt", "short", "b"), make("b.txt", SENTENCE, "a")])
    assert [(s.name, s.num_read, s.num_kept) for s in result.sources] == [("a", 1, 1), ("b", 1, 0)]


def test_the_language_is_found_and_a_hint_holds(tmp_path: Path) -> None:
    run(tmp_path, [make("a.txt", SENTENCE), make("b.txt", SENTENCE, lang="de")])
    assert {path: document.lang for path, document in kept(tmp_path).items()} == {"a.txt": "en", "b.txt": "de"}


def test_mojibake_is_repaired_and_counted(tmp_path: Path) -> None:
    text = "Wir haben fünf schöne Äpfel für die Großmutter gekauft."
    result = run(tmp_path, [make("a.txt", text.encode().decode("latin-1")), make("b.txt", SENTENCE)])
    assert result.num_repaired == 1
    assert kept(tmp_path)["a.txt"].text == text


def boilerplate_corpus() -> list[Document]:
    words = "river stone window letter garden mirror winter silver".split()
    texts = [" ".join(random.Random(n).choices(words, k=30)) for n in range(12)]
    return [make(f"{n}.txt", f"{text}\n{FOOTER}") for n, text in enumerate(texts)]


def test_boilerplate_is_removed_and_counted(tmp_path: Path) -> None:
    result = run(tmp_path, boilerplate_corpus(), boilerplate_min_documents=10)
    assert result.num_boilerplate_lines == 12
    assert not any(FOOTER in document.text for document in kept(tmp_path).values())


def test_a_document_of_nothing_but_boilerplate_is_dropped_as_such(tmp_path: Path) -> None:
    only = [make("y.txt", FOOTER), make("z.txt", FOOTER)]
    result = run(tmp_path, [*boilerplate_corpus(), *only], boilerplate_min_documents=10)
    assert result.dropped_by_reason == {"boilerplate": 1}


def test_planted_test_phrases_skip_the_rules_and_every_count(tmp_path: Path) -> None:
    planted = [make(f"p{n}.txt", "short 12345", "planted", planted="in_clear") for n in range(30)]
    result = run(tmp_path, [make("a.txt", SENTENCE), *planted])
    assert (result.num_read, result.num_kept, result.num_dropped) == (1, 1, 0)
    assert [d.text for d in kept(tmp_path).values() if d.planted] == ["short 12345"] * 30


def test_order_of_the_documents_does_not_change_what_is_kept(tmp_path: Path) -> None:
    documents = [*boilerplate_corpus(), *(make(f"s{n}.txt", "x" * n) for n in range(40))]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = run(tmp_path / "a", documents)
    second = run(tmp_path / "b", random.Random(1).sample(documents, len(documents)), num_shards=5)
    assert first == second
    assert kept(tmp_path / "a") == kept(tmp_path / "b")


def test_a_repeat_gives_the_same_bytes(tmp_path: Path) -> None:
    run(tmp_path, boilerplate_corpus())
    files = sorted(path for path in (tmp_path / "clean").rglob("*") if path.is_file())
    before = [path.read_bytes() for path in files]
    run(tmp_path, boilerplate_corpus())
    assert before == [path.read_bytes() for path in files]


def test_only_the_results_are_left_in_the_folder(tmp_path: Path) -> None:
    run(tmp_path, [make("a.txt", SENTENCE)])
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == ["drops.parquet", "shards"]
