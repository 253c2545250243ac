"""The quality gate: it says yes to a sound corpus, and no with numbers and ids to each kind of unsound one."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from gptmodel.config import DedupConfig, QualityConfig, ScrubbingConfig, SplitConfig
from gptmodel.corpus.cleaning import CleanResult
from gptmodel.corpus.dedup import CLUSTERS_FILE, deduplicate, read_members, write_members
from gptmodel.corpus.documents import Document, document_id, shard_path, write_shard
from gptmodel.corpus.quality import (
    CheckResult,
    QualityResult,
    check_quality,
    decide,
    list_checks,
    run_suite,
    without_outside_links,
)
from gptmodel.corpus.quality_tables import Accounts, Tables, build_tables
from gptmodel.corpus.scrubbing import ScrubResult, scope
from gptmodel.corpus.sources import IngestResult
from gptmodel.corpus.split import SplitResult, split
from gptmodel.corpus.split_table import SPLIT_FILE, read_split, write_split
from gptmodel.store import Workspace

WORDS = (
    "river stone window letter garden mirror winter silver bridge candle copper engine forest island kitchen".split()
)
SECRET = "anna.keller@example.com"  # pragma: allowlist secret


def prose(number: int) -> str:
    return "\n".join(
        f"Line {number * 31 + row} speaks of {' and '.join(WORDS[(number * row + at) % 15] for at in range(6))}"
        for row in range(5)
    )


def make(number: int, text: str = "") -> Document:
    return Document(document_id("notes", f"{number}.txt", "0"), "notes", f"{number}.txt", text or prose(number), "en")


class House:
    """A corpus that has gone through the stages before the gate, and can be spoilt on the way."""

    def __init__(self, folder: Path, documents: list[Document]) -> None:
        self.folder = folder
        write_shard(shard_path(folder / "scrub", 0), documents)
        self.dedup = deduplicate(self.work("deduplicate", "scrub"), DedupConfig(near=False))
        ratios = SplitConfig(validation_ratio=0.2, test_ratio=0.2, min_documents=1)
        self.split: SplitResult = split(self.work("split", "scrub", "deduplicate"), ratios)
        number = sum(not document.planted for document in documents)
        self.ingest = IngestResult.model_construct(num_read=number, num_quarantined=0)
        self.clean = CleanResult.model_construct(num_read=number, num_kept=number, num_dropped=0)
        self.scrub = ScrubResult.model_construct(
            num_documents=number, kinds_searched=("EMAIL", "PHONE"), scope=scope(ScrubbingConfig())
        )

    def work(self, stage: str, *inputs: str) -> Workspace:
        (self.folder / stage).mkdir(exist_ok=True)
        return Workspace(self.folder / stage, {name: self.folder / name for name in inputs})

    def tables(self) -> Tables:
        return build_tables(self.work("gate", "scrub", "deduplicate", "split"), self.accounts())

    def accounts(self) -> Accounts:
        return Accounts(self.ingest, self.clean, self.scrub, self.dedup, self.split)

    def check(self, **limits: float) -> QualityResult:
        work = self.work("gate", "scrub", "deduplicate", "split")
        return check_quality(work, QualityConfig(**limits), self.ingest, self.clean, self.scrub, self.dedup, self.split)


def sound(folder: Path, *more: Document) -> House:
    return House(folder, [*(make(number) for number in range(60)), *more])


def failed(result: QualityResult) -> dict[str, CheckResult]:
    return {check.name: check for check in result.checks if not check.passed}


def test_a_sound_corpus_passes_every_check(tmp_path: Path) -> None:
    result = sound(tmp_path).check()
    assert failed(result) == {}
    assert result.decision.passed
    assert result.decision.reason == f"passed {result.num_checks} of {result.num_checks} checks"


def test_the_decision_carries_its_scope(tmp_path: Path) -> None:
    decision = sound(tmp_path).check().decision
    assert "60 of 60 documents searched again" in decision.scope
    assert "not searched: ADDRESS" in decision.scope


def test_too_few_documents_close_the_gate_with_both_numbers(tmp_path: Path) -> None:
    decision = sound(tmp_path).check(min_documents=100).decision
    assert not decision.passed
    assert decision.reason == "Blocked by the quality gate: 60 documents kept, at least 100 needed."


@pytest.mark.parametrize(
    ("stage", "account", "limits", "said"),
    [
        ("ingest", {"num_quarantined": 30}, {"max_quarantined_ratio": 0.2}, "50 % of the records could not be read"),
        ("clean", {"num_dropped": 45}, {"max_dropped_ratio": 0.5}, "75 % of the documents were dropped by cleaning"),
    ],
)
def test_a_share_above_its_limit_closes_the_gate(tmp_path: Path, stage, account, limits, said) -> None:
    house = sound(tmp_path)
    setattr(house, stage, getattr(house, stage).model_copy(update=account))
    decision = house.check(**limits).decision
    assert not decision.passed
    assert said in decision.reason


def test_a_share_at_its_limit_passes(tmp_path: Path) -> None:
    house = sound(tmp_path)
    house.clean = house.clean.model_copy(update={"num_dropped": 30})
    assert house.check(max_dropped_ratio=0.5).decision.passed


def test_too_many_duplicates_close_the_gate(tmp_path: Path) -> None:
    house = House(tmp_path, [make(number, prose(number % 25)) for number in range(100)])
    assert "75 % of the documents are duplicates" in house.check(max_duplicate_ratio=0.5).decision.reason


def test_a_value_left_in_the_text_closes_the_gate_with_its_document_but_not_its_value(tmp_path: Path) -> None:
    bad = make(99, f"{prose(99)}\nwrite to {SECRET} today")
    result = sound(tmp_path, bad).check()
    assert not result.decision.passed
    assert bad.id in result.decision.reason
    assert SECRET not in result.model_dump_json()


def test_pages_hold_no_text_of_the_documents(tmp_path: Path) -> None:
    sound(tmp_path, make(99, f"{prose(99)}\nwrite to {SECRET} today")).check()
    pages = list((tmp_path / "gate" / "notes" / "data-docs").rglob("*.html"))
    assert len(pages) >= 3
    assert not any(SECRET in page.read_text() or "speaks of" in page.read_text() for page in pages)


def test_planted_test_phrases_are_not_judged(tmp_path: Path) -> None:
    phrases = [replace(make(n, f"write to {SECRET}"), source="planted", planted="catchable") for n in range(100, 164)]
    result = sound(tmp_path, *phrases).check()
    assert result.decision.passed
    assert "60 of 60 documents" in result.decision.scope


def test_a_cluster_in_two_splits_closes_the_gate(tmp_path: Path) -> None:
    house = sound(tmp_path)
    rows = read_split(tmp_path / "split")
    train, test = (next(row for row in rows if row.split == where) for where in ("train", "test"))
    members = [
        replace(member, cluster=train.id) if member.id == test.id else member
        for member in read_members(tmp_path / "deduplicate")
    ]
    write_members(tmp_path / "deduplicate" / CLUSTERS_FILE, members)
    check = failed(house.check())["no duplicates across splits"]
    assert check.document_ids == [test.id]


def test_the_same_text_in_two_splits_is_seen_without_clusters_too(tmp_path: Path) -> None:
    house = sound(tmp_path, make(70, prose(0)))
    members = read_members(tmp_path / "deduplicate")
    write_members(tmp_path / "deduplicate" / CLUSTERS_FILE, [replace(m, cluster=m.id, kept=True) for m in members])
    rows = [row for row in read_split(tmp_path / "split") if row.id not in (make(0).id, make(70).id)]
    extra = [replace(rows[0], id=make(0).id, split="train"), replace(rows[0], id=make(70).id, split="test")]
    write_split(tmp_path / "split" / SPLIT_FILE, [*rows, *extra])
    assert failed(house.check())["no duplicates across splits"].document_ids == [make(70).id]


def test_a_document_lost_between_stages_closes_the_gate(tmp_path: Path) -> None:
    house = sound(tmp_path)
    house.clean = house.clean.model_copy(update={"num_kept": 61})
    assert "1 documents unaccounted for" in house.check().decision.reason


def test_an_empty_split_closes_the_gate(tmp_path: Path) -> None:
    house = sound(tmp_path)
    rows = [replace(row, split="train") if row.split == "test" else row for row in read_split(tmp_path / "split")]
    write_split(tmp_path / "split" / SPLIT_FILE, rows)
    assert "0 documents in test, at least 1 needed" in house.check().decision.reason


def test_a_soft_check_only_warns(tmp_path: Path) -> None:
    house = House(tmp_path, [make(number, f"{number} {WORDS[number % 15]}") for number in range(60)])
    result = house.check()
    assert failed(result)["documents have a usual length"].severity == "soft"
    assert result.decision.passed
    assert "warning: a median of" in result.decision.reason


def test_held_out_lines_that_train_has_too_are_measured(tmp_path: Path) -> None:
    house = sound(tmp_path)
    rows = {row.split: row.id for row in read_split(tmp_path / "split")}
    documents = [make(number) for number in range(60)]
    text = {document.id: document.text for document in documents}
    copies = [replace(d, text=text[rows["train"]] + "\nend") if d.id == rows["test"] else d for d in documents]
    write_shard(shard_path(tmp_path / "scrub", 0), copies)
    table = house.tables().documents.set_index("id")
    assert table.loc[rows["test"], "copied_ratio"] > 0.9
    assert table["copied_ratio"].drop(rows["test"]).max() == 0


def table_of(**columns: object) -> Tables:
    row = {"id": "a", "source": "s", "lang": "en", "split": "train", "num_chars": 500, "num_broken": 0,
           "num_findings": 0, "crosses": False, "copied_ratio": 0.0}  # fmt: skip
    totals = dict.fromkeys(
        ("num_lost", "quarantined_ratio", "dropped_ratio", "duplicate_ratio", "cross_split_ratio", "num_findings",
         "largest_document_ratio", "unknown_language_ratio", "broken_ratio", "held_out_ratio", "copied_ratio"), 0
    ) | dict.fromkeys(("num_documents", "num_train", "num_validation", "num_test"), 100)  # fmt: skip
    documents = [row | {"id": f"d{n}"} for n in range(30)]
    documents[0] |= {name: value for name, value in columns.items() if name in row}
    totals |= {name: value for name, value in columns.items() if name in totals and name not in row}
    return Tables(pd.DataFrame(documents), pd.DataFrame([totals]), 30)


@pytest.mark.parametrize(
    ("spoilt", "name"),
    [
        ({"id": "d1"}, "document ids are unique"),
        ({"lang": "klingon"}, "languages are ISO 639 codes or und"),
        ({"num_chars": 0}, "no document is empty"),
        ({"num_lost": 1}, "no document is lost between the stages"),
        ({"num_documents": 19}, "there are enough documents"),
        ({"num_train": 0}, "train is not empty"),
        ({"num_validation": 0}, "validation is not empty"),
        ({"num_test": 0}, "test is not empty"),
        ({"quarantined_ratio": 0.21}, "few records are unreadable"),
        ({"dropped_ratio": 0.91}, "cleaning keeps enough"),
        ({"duplicate_ratio": 0.81}, "few documents are duplicates"),
        ({"cross_split_ratio": 0.006}, "no duplicates across splits"),
        ({"largest_document_ratio": 0.3}, "no document dominates"),
        ({"unknown_language_ratio": 0.3}, "most languages are recognised"),
        ({"broken_ratio": 0.01}, "few characters are broken"),
        ({"held_out_ratio": 0.6}, "most of the text is for training"),
    ],
)
def test_each_check_fails_alone_for_what_it_is_named_after(tmp_path: Path, spoilt, name: str) -> None:
    passed = run_suite(list_checks(QualityConfig()), table_of(**spoilt), tmp_path)
    assert [check for check, good in passed.items() if not good] == [name]


def test_every_check_is_run(tmp_path: Path) -> None:
    checks = list_checks(QualityConfig())
    assert set(run_suite(checks, table_of(), tmp_path)) == {check.name for check in checks}


def test_at_most_twenty_documents_are_named(tmp_path: Path) -> None:
    bad = [make(n, f"{prose(n)}\nwrite to a.b{n}@example.com") for n in range(100, 130)]
    result = sound(tmp_path, *bad).check()
    assert len(failed(result)["a second search finds no sensitive data"].document_ids) == 20


def test_a_page_loads_nothing_from_elsewhere() -> None:
    page = (
        '<head><link rel="stylesheet" href="https://cdn.example/a.css"><script src="https://cdn.example/b.js"></script>'
        '<link href="static/c.css"></head><img src="https://x.example/p.png"/><p>text</p>'
    )
    result = without_outside_links(page)
    assert "https://" not in result
    assert 'href="static/c.css"' in result
    assert "<p>text</p>" in result


def test_written_pages_load_nothing_from_elsewhere(tmp_path: Path) -> None:
    run_suite(list_checks(QualityConfig()), table_of(), tmp_path)
    loads = re.compile(r"<(?:script|link|img|iframe)[^>]*\b(?:src|href)=.?https?:", re.S)
    assert not [page for page in tmp_path.rglob("*.html") if loads.search(page.read_text())]


def test_a_repeat_gives_the_same_result(tmp_path: Path) -> None:
    house = sound(tmp_path)
    assert house.check() == house.check()


def test_nothing_is_printed_or_warned(tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn) -> None:
    sound(tmp_path).check(min_documents=100)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert not [warning for warning in recwarn if "great_expectations" in str(warning.filename)]


def test_a_decision_without_failures_has_no_objection() -> None:
    check = CheckResult(name="n", passed=True, severity="hard", observed="1", limit="at least 1")
    assert decide([check], "scope").numbers == {
        "num_checks": 1,
        "num_passed": 1,
        "num_failed_hard": 0,
        "num_warnings": 0,
    }
