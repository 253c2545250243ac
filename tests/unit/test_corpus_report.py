"""The corpus report: it says what was read, left out and kept of each source, asks nobody and shows nothing private."""

import copy
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from gptmodel.corpus_report import write_corpus_report
from tests.unit.corpus import known as corpus
from tests.unit.corpus.known import STAGES, Known
from tests.unit.pages import loads_and_runs, words_of

GATE = {
    "decision": {
        "passed": False,
        "reason": "Blocked by the quality gate: 3 duplicates.",
        "scope": "all",
        "numbers": {},
    },
    "checks": [{"name": "few duplicates", "severity": "hard", "passed": False, "observed": "3", "limit": "at most 1"}],
}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return corpus.build(tmp_path_factory.mktemp("known"))


def write(path: Path, known: Known, accounts: dict[str, Any] | None = None) -> str:
    stages = {stage: {"fingerprint": "f" * 32, "digest": "d" * 64} for stage in STAGES}
    given = accounts or known.accounts | {"quality gate": GATE}
    write_corpus_report(path, accounts=given, folders=known.folders, stages=stages)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(known: Known, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("report") / "deep" / "index.html", known)


@pytest.mark.parametrize("text", [
    "Quality gate: no. 3 duplicates.", "It adds up for every source", "files and records read 59",
    "of these with readable text 54", "documents, long texts divided 56", "unsupported format 1", "broken record 1",
    "deduplicate near duplicate 1", "clean too short 1 3", "left out because",
    "planted test phrases go through the stages", "more by dividing long texts +2", "repeated lines removed",
    "all sources 59", "2 clusters of documents",
    "few duplicates hard no 3 at most 1", "train", "f" * 16,
])  # fmt: skip
def test_the_page_says(page: str, text: str) -> None:
    assert text in words_of(page)


def test_samples_of_what_a_rule_dropped_are_shown_with_their_source(page: str) -> None:
    assert "0123 4567 8910 1112 1314 (15) [16] = 17" in page
    assert "None of mail: their owners say that they hold personal data." in words_of(page)


def test_a_source_with_personal_data_shows_no_name_of_a_file(page: str) -> None:
    assert "n25.txt" in page
    assert "mail.jsonl" not in page


def test_no_value_found_and_no_text_that_stayed_is_on_the_page(page: str) -> None:
    assert corpus.SECRET not in page
    assert corpus.FOOTER not in page
    assert not re.search(r"The \w+ and the \w+", words_of(page))


def test_what_does_not_add_up_is_said_first(tmp_path: Path, known: Known) -> None:
    accounts = copy.deepcopy(known.accounts)
    accounts["split"]["num_train"] += 1
    text = words_of(write(tmp_path / "r.html", known, accounts))
    assert "It does not add up." in text
    assert "split: 52 in all, 51 by source" in text
    assert "It adds up for every source" not in text


def test_the_page_loads_nothing_and_runs_nothing(page: str) -> None:
    assert loads_and_runs(page) == []
    assert "prefers-color-scheme: dark" in page


def test_texts_are_escaped(tmp_path: Path, known: Known) -> None:
    accounts = copy.deepcopy(known.accounts)
    accounts["clean"]["warnings"] = ["<script>1</script>"]
    accounts["ingest"]["sources"][0]["owner"] = "<img src=x>"
    page = write(tmp_path / "r.html", known, accounts)
    assert "<script" not in page
    assert "<img" not in page


def test_the_same_corpus_gives_the_same_bytes_wherever_it_lies(page: str, tmp_path: Path) -> None:
    assert write(tmp_path / "again.html", corpus.build(tmp_path)) == page


def test_only_its_owner_may_read_it(known: Known, tmp_path: Path) -> None:
    write(tmp_path / "r.html", known)
    assert stat.S_IMODE((tmp_path / "r.html").stat().st_mode) == 0o600


def test_without_an_answer_of_the_gate_there_is_still_a_page(known: Known, tmp_path: Path) -> None:
    page = write(tmp_path / "r.html", known, known.accounts)
    assert "Quality gate" not in page


def test_languages_and_lengths_are_drawn_in_the_pages_colours(page: str) -> None:
    assert page.count("<svg") == 3
    assert "var(--third" in page


def test_documents_left_out_by_an_erasure_request_have_a_bar_and_a_line(tmp_path: Path, known: Known) -> None:
    accounts = copy.deepcopy(known.accounts)
    accounts["ingest"]["sources"][0]["num_forgotten"] = 2
    accounts["ingest"]["num_read"] += 2
    text = words_of(write(tmp_path / "r.html", known, accounts))
    assert "read 61 of these with readable text 54 of these left out by an erasure request 2 documents" in text
    assert "ingest left out by an erasure request 2" in text
