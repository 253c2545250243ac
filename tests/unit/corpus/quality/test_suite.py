"""Great Expectations behind the gate: each check fails for its own reason, whatever batch the reason is in."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from gptmodel.config import QualityConfig
from gptmodel.corpus.quality.checks import Check, list_checks
from gptmodel.corpus.quality.suite import MAX_IDS, Outcome, run_suites
from gptmodel.corpus.quality.tables import Counts, Tables, Totals, language_rows

CONFIG = QualityConfig(expected_languages={"en": 1.0})
RATIOS = (
    "short_ratio", "long_ratio", "quarantined_ratio", "dropped_ratio", "duplicate_ratio", "cross_split_ratio",
    "copied_ratio", "held_out_ratio", "unknown_language_ratio", "not_utf8_ratio", "broken_ratio",
    "largest_document_ratio", "largest_source_ratio", "residual_least_ratio", "loose_residual_ratio", "touched_ratio",
)  # fmt: skip


def name(number: int) -> str:
    return f"{number:032x}"


class Batches(Tables):
    """Tables whose documents come in batches of ten."""

    def __init__(self, rows: list[dict[str, object]], corpus: dict[str, object], source: dict[str, object]) -> None:
        counts = Counts()
        counts.bytes_by_language["en"] = 1
        languages = pd.DataFrame(language_rows(counts, CONFIG.expected_languages))
        super().__init__(Path(), pd.DataFrame([corpus]), pd.DataFrame([source]), languages, {}, [], ())
        self.rows = rows

    def documents(self) -> Iterator[pd.DataFrame]:
        return (pd.DataFrame(self.rows[start : start + 10]) for start in range(0, len(self.rows), 10))


def tables(*bad: int, **spoilt: object) -> Batches:
    """Give sound tables of thirty documents, some fields spoilt: of the documents numbered, the corpus, the source."""
    row: dict[str, object] = {
        "id": "", "source": "s", "lang": "en", "split": "train", "format": "text", "encoding": "utf-8",
        "num_chars": 500, "num_bytes": 500, "num_broken": 0, "is_searched": True, "num_findings": 0,
        "num_loose_findings": 0, "is_scanned": True, "num_residual": 0, "num_loose_residual": 0,
        "crosses": False, "copied_ratio": 0.0, "is_repeated": False,
    }  # fmt: skip
    rows = [row | {"id": name(n)} for n in range(30)]
    for number in bad:
        rows[number] |= {key: value for key, value in spoilt.items() if key in row}
    corpus: dict[str, object] = dict.fromkeys(Totals.__slots__, 0) | dict.fromkeys(RATIOS, 0.0)
    corpus |= dict.fromkeys(("num_documents", "num_train", "num_validation", "num_test", "median_chars"), 100)
    corpus |= {"num_lost": 0, "least_recall_ratio": 1.0, "num_untested_kinds": 0}
    corpus |= {key: value for key, value in spoilt.items() if not bad or key not in row}
    source = {"source": "s", "num_bytes": 100, "bytes_ratio": 1.0, "num_lost": 0}
    return Batches(rows, corpus, source)


def checks_of(table: str) -> list[Check]:
    return [check for check in list_checks(CONFIG) if check.table == table]


def failing(outcomes: dict[str, Outcome]) -> list[str]:
    return [name for name, outcome in outcomes.items() if not outcome.passed]


def test_sound_tables_pass_every_check() -> None:
    checks = list_checks(CONFIG)
    outcomes = run_suites(checks, tables())
    assert set(outcomes) == {check.name for check in checks}
    assert failing(outcomes) == []


@pytest.mark.parametrize(
    ("spoilt", "check"),
    [
        ({"num_missing": 1}, "no value is missing"),
        ({"num_repeated_ids": 2}, "document ids are unique"),
        ({"num_lost": 1}, "no document is lost between the stages"),
        ({"num_documents": 19}, "there are enough documents"),
        ({"num_train": 0}, "train is not empty"),
        ({"num_validation": 0}, "validation is not empty"),
        ({"num_test": 0}, "test is not empty"),
        ({"quarantined_ratio": 0.21}, "few records are unreadable"),
        ({"dropped_ratio": 0.91}, "cleaning keeps enough"),
        ({"duplicate_ratio": 0.81}, "few documents are duplicates"),
        ({"cross_split_ratio": 0.006}, "no duplicates across splits"),
        ({"num_findings": 1}, "scrubbing twice is scrubbing once"),
        ({"num_loose_findings": 1}, "a second search finds no names or numbers by their context"),
        ({"residual_least_ratio": 0.03}, "a second scanner finds next to no sensitive data"),
        ({"least_recall_ratio": 0.75}, "scrubbing finds invented values of every kind"),
        ({"loose_residual_ratio": 0.03}, "a second scanner suspects little"),
        ({"touched_ratio": 0.15}, "scrubbing leaves what only looks like a value"),
        ({"num_untested_kinds": 1}, "every searched kind was tested"),
        ({"median_chars": 39.5}, "documents have a usual length"),
        ({"short_ratio": 0.3}, "few documents are very short"),
        ({"long_ratio": 0.3}, "few documents are very long"),
        ({"largest_document_ratio": 0.3}, "no document dominates"),
        ({"unknown_language_ratio": 0.3}, "most languages are recognised"),
        ({"not_utf8_ratio": 0.6}, "most documents were UTF-8 at their source"),
        ({"broken_ratio": 0.01}, "few characters are broken"),
        ({"held_out_ratio": 0.6}, "most of the text is for training"),
        ({"copied_ratio": 0.06}, "held-out documents say something else than train"),
        ({"largest_source_ratio": 0.96}, "no source dominates"),
    ],
)
def test_a_figure_of_the_corpus_fails_the_check_named_after_it_alone(spoilt: dict[str, object], check: str) -> None:
    assert failing(run_suites(checks_of("corpus"), tables(**spoilt))) == [check]


@pytest.mark.parametrize(
    ("number", "spoilt", "check"),
    [
        (0, {"id": "d1"}, "document ids are well formed"),
        (9, {"lang": "klingon"}, "languages are ISO 639 codes or und"),
        (14, {"split": "held out"}, "every document is in a split"),
        (20, {"num_chars": 0}, "no document is empty"),
        (29, {"encoding": "unknown"}, "the encoding of every document is known"),
    ],
)
def test_a_document_in_any_batch_fails_the_check_and_is_named(
    number: int, spoilt: dict[str, object], check: str
) -> None:
    outcomes = run_suites(checks_of("documents"), tables(number, **spoilt))
    assert failing(outcomes) == [check]
    assert (outcomes[check].num_failing, outcomes[check].document_ids) == (1, [str(spoilt.get("id", name(number)))])


def test_a_column_too_many_fails_the_table() -> None:
    spoilt = tables()
    spoilt.rows = [row | {"text": "no text may enter"} for row in spoilt.rows]
    assert failing(run_suites(checks_of("documents"), spoilt)) == ["the document table is complete"]


def test_the_failing_documents_of_all_batches_are_counted_and_the_first_are_named() -> None:
    outcome = run_suites(checks_of("documents"), tables(*range(3, 30), num_chars=0))["no document is empty"]
    assert outcome.num_failing == 27
    assert outcome.document_ids == [name(number) for number in range(3, 3 + MAX_IDS)]


def test_documents_that_had_a_part_in_the_failure_of_a_figure_are_named() -> None:
    spoilt = tables(2, 17, 28, num_findings=1)
    spoilt.corpus["num_findings"] = 3
    outcome = run_suites(list_checks(CONFIG), spoilt)["scrubbing twice is scrubbing once"]
    assert outcome.document_ids == [name(2), name(17), name(28)]


def test_documents_are_not_named_where_the_figure_is_within_its_limit() -> None:
    checks = list_checks(QualityConfig(max_residual_findings=5))
    spoilt = tables(2, num_findings=1)
    spoilt.corpus["num_findings"] = 1
    assert run_suites(checks, spoilt)["scrubbing twice is scrubbing once"].document_ids == []


def test_a_source_that_does_not_add_up_or_gives_nothing_fails() -> None:
    spoilt = tables()
    spoilt.sources = pd.concat([spoilt.sources, spoilt.sources.assign(source="t", num_lost=1, num_bytes=0)])
    assert failing(run_suites(checks_of("sources"), spoilt)) == [
        "read, kept and dropped add up for every source", "every source gives text"
    ]  # fmt: skip


def test_a_language_off_its_expected_share_fails() -> None:
    spoilt = tables()
    spoilt.languages["deviation_ratio"] = 0.2
    assert failing(run_suites(checks_of("languages"), spoilt)) == ["languages have their expected shares"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages of a corpus of which three documents in two batches fail two checks."""
    folder = tmp_path_factory.mktemp("docs")
    run_suites(list_checks(CONFIG), tables(1, 2, 25, lang="SECRET", num_chars=0), folder)
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*.html"))}


def test_there_is_one_page_of_results_a_table_however_many_batches(pages: dict[str, str]) -> None:
    results = [path.split("/")[1] for path in pages if path.startswith("validations/")]
    assert sorted(results) == ["corpus", "documents", "languages", "sources"]


def test_the_page_of_the_documents_shows_the_sum_of_all_batches(pages: dict[str, str]) -> None:
    page = next(text for path, text in pages.items() if path.startswith("validations/documents"))
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "3 unexpected values found. 10% of 30 total rows." in shown


def test_pages_hold_no_value_of_a_failing_document(pages: dict[str, str]) -> None:
    assert not any("SECRET" in page for page in pages.values())
