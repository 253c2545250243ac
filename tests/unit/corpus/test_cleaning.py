"""The stage `clean`: what it keeps, what it says of the rest, and that its account adds up."""

import random
from pathlib import Path

import pytest

from gptmodel.config import CleaningConfig, CustomFinderConfig, ScrubbingConfig
from gptmodel.corpus.cleaning import (
    DROP_SAMPLES_DIR,
    DROPS_DIR,
    CleanResult,
    Dropped,
    DropSample,
    clean,
    read_drop_samples,
)
from gptmodel.corpus.documents import (
    SHARDS_DIR,
    Document,
    document_id,
    read_documents,
    shard_of,
    shard_path,
    write_shard,
)
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.tables import read_table
from gptmodel.errors import ConfigError
from gptmodel.store import NOTES_DIR, Workspace

SENTENCE = "The garden behind the house is open to everyone who likes old trees and quiet afternoons."
PAGE = " ".join(
    [SENTENCE] * 2 + ["Nobody has to pay. There are benches under each of the seven lime trees, and a path."]
)


def make(path: str, text: str, source: str = "notes", **more: str) -> Document:
    return Document(document_id(source, path, "0"), source, path, text, **more)  # type: ignore[arg-type]


def run(
    folder: Path, documents: list[Document], num_shards: int = 3, private: tuple[str, ...] = (),
    scrubber: Scrubber | None = None, **settings: object,
) -> CleanResult:  # fmt: skip
    for number in range(num_shards):
        mine = [d for d in documents if shard_of(d.source, d.path, num_shards) == number]
        write_shard(shard_path(folder / "ingest", number), mine)
    (folder / "clean").mkdir(exist_ok=True)
    work = Workspace(folder / "clean", {"ingest": folder / "ingest"})
    return clean(work, CleaningConfig(**settings), private=private, scrubber=scrubber)


def kept(folder: Path) -> dict[str, Document]:
    return {document.path: document for document in read_documents(folder / "clean")}


def test_every_document_read_is_kept_or_dropped_with_a_reason(tmp_path: Path) -> None:
    texts = [SENTENCE, "short", "1 2 3 4 5 6 7 8 9 10 11 12 13", SENTENCE * 2]
    result = run(tmp_path, [make(f"{n}.txt", text) for n, text in enumerate(texts)])
    assert (result.num_read, result.num_kept, result.num_dropped) == (4, 2, 2)
    assert result.dropped_by_reason == {"not text": 1, "too short": 1}


def test_bytes_read_are_kept_or_dropped_or_taken_out(tmp_path: Path) -> None:
    pages = [f"Home\n{PAGE}", PAGE, f"{PAGE}\nUse of cookies.", "短い。", f"Home\n{SENTENCE}"]
    settings = {"rules": "web", "skip": ("few words", "frequent phrase", "repeated phrases")}
    result = run(tmp_path, [make(f"{n}.txt", text) for n, text in enumerate(pages)], **settings)
    source = result.sources[0]
    assert source.removed_bytes_by_rule == {"lines of few words": 16, "lines without end": 5}
    gone = source.removed_bytes_by_rule | source.dropped_bytes_by_reason
    assert source.num_bytes_read == source.num_bytes_kept + sum(gone.values())


def test_dropped_documents_are_listed_without_their_text(tmp_path: Path) -> None:
    run(tmp_path, [make("a.txt", "short"), make("b.txt", SENTENCE)])
    assert list(read_table(tmp_path / "clean" / DROPS_DIR, Dropped)) == [
        Dropped(make("a.txt", "").id, "notes", "a.txt", "too short", num_bytes=5)
    ]


def test_a_few_examples_of_what_a_rule_dropped_are_kept_scrubbed(tmp_path: Path) -> None:
    documents = [make(f"{n}.txt", f"ask b{n}@example.org") for n in range(9)]
    run(tmp_path, documents, num_drop_samples=2, min_chars=50)
    samples = read_drop_samples(tmp_path / "clean", most=2)
    assert [(s.source, s.reason, s.text) for s in samples] == [("notes", "too short", "ask <EMAIL>")] * 2


def test_no_example_of_a_private_source_is_kept(tmp_path: Path) -> None:
    run(tmp_path, [make("a.txt", "short", "letters"), make("b.txt", "short", "notes")], private=("letters",))
    assert {s.source for s in read_table(tmp_path / "clean" / DROP_SAMPLES_DIR, DropSample)} == {"notes"}


@pytest.mark.parametrize(("num_short", "warned"), [(2, False), (3, True)])
def test_a_rule_that_drops_much_of_a_source_warns_and_is_named(tmp_path: Path, num_short: int, warned: bool) -> None:
    documents = [make(f"{n}.txt", "short" if n < num_short else SENTENCE) for n in range(10)]
    result = run(tmp_path, [*documents, make("a.txt", SENTENCE, "other")])
    mend = "to turn it off: cleaning.skip = ['too short']"
    expected = [f"source notes: the rule 'too short' drops 3 of 10 documents (30 %); {mend}"]
    assert result.warnings == (expected if warned else [])


def test_an_editing_rule_that_takes_out_much_of_a_source_warns_too(tmp_path: Path) -> None:
    skip = ("few words", "duplicate lines", "duplicate paragraphs", "duplicate characters", "frequent phrase",
            "repeated phrases", "short lines")  # fmt: skip
    result = run(tmp_path, [make("a.txt", f"{PAGE}\n{'no end ' * 20}")], rules="web", skip=skip)
    assert [warning.split(" bytes")[0] for warning in result.warnings] == [
        "source notes: the rule 'lines without end' takes out 140 of 405"
    ]


@pytest.mark.parametrize("settings", [{"skip": ("too shrot",)}, {"languages": ("xx",)}])
def test_a_config_that_names_what_is_not_there_is_refused_before_anything_is_written(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    with pytest.raises(ConfigError, match="too short|languages among"):
        run(tmp_path, [make("a.txt", SENTENCE)], **settings)
    assert list((tmp_path / "clean").iterdir()) == []


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


def test_planted_test_phrases_skip_the_rules_and_every_count(tmp_path: Path) -> None:
    planted = [make(f"p{n}.txt", "short 12345", "planted", planted="in_clear") for n in range(30)]
    result = run(tmp_path, [make("a.txt", SENTENCE), *planted])
    assert (result.num_read, result.num_kept, result.num_dropped) == (1, 1, 0)
    assert [d.text for d in kept(tmp_path).values() if d.planted] == ["short 12345"] * 30


def test_order_of_the_documents_does_not_change_what_is_kept(tmp_path: Path) -> None:
    documents = [make(f"s{n}.txt", f"{SENTENCE[n:]} {n}") for n in range(80)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = run(tmp_path / "a", documents)
    second = run(tmp_path / "b", random.Random(1).sample(documents, len(documents)), num_shards=5)
    assert first.model_copy(update={"runtime": second.runtime}) == second
    drops = [
        sorted(read_table(tmp_path / name / "clean" / DROPS_DIR, Dropped), key=lambda drop: drop.id) for name in "ab"
    ]
    assert drops[0] == drops[1]
    assert read_drop_samples(tmp_path / "a" / "clean", 3) == read_drop_samples(tmp_path / "b" / "clean", 3)
    assert kept(tmp_path / "a") == kept(tmp_path / "b")


def test_a_repeat_gives_the_same_bytes(tmp_path: Path) -> None:
    run(tmp_path, [make(f"{n}.txt", SENTENCE[n:]) for n in range(80)])
    files = sorted(path for path in (tmp_path / "clean").rglob("*") if path.is_file())
    before = [path.read_bytes() for path in files]
    run(tmp_path, [make(f"{n}.txt", SENTENCE[n:]) for n in range(80)])
    assert before == [path.read_bytes() for path in files]


def test_only_the_results_are_left_in_the_folder(tmp_path: Path) -> None:
    run(tmp_path, [make("a.txt", SENTENCE)])
    names = {path.name for path in (tmp_path / "clean").iterdir()}
    assert names == {DROP_SAMPLES_DIR, DROPS_DIR, NOTES_DIR, SHARDS_DIR}


def test_examples_are_scrubbed_of_the_sites_own_kinds(tmp_path: Path) -> None:
    config = ScrubbingConfig(kinds=("EMAIL",), custom=(CustomFinderConfig(kind="STAFF_ID", pattern="EMP-[0-9]{4}"),))
    run(tmp_path, [make("a.txt", "EMP-1234, 8.8.8.8")], scrubber=Scrubber(config).for_samples)
    [sample] = read_drop_samples(tmp_path / "clean", most=1)
    assert sample.text == "<STAFF_ID>, <IP_ADDRESS>"
