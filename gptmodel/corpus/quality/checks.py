"""The quality gate's checks: what is expected of the tables, in words and as Great Expectations has it.

This list is data; `suite` runs it. A failed hard check closes the gate, a failed soft one is a warning.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from gptmodel.config import QualityConfig
from gptmodel.corpus.quality.reading import UNKNOWN
from gptmodel.corpus.quality.tables import COPIED_RATIO, LONG_CHARS, SHORT_CHARS, DocumentRow, Tables
from gptmodel.corpus.split_table import SPLITS
from gptmodel.intervals import upper_bound

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["hard", "soft"]
TableName = Literal["documents", "corpus", "sources", "languages"]
TABLES: tuple[TableName, ...] = ("corpus", "sources", "languages", "documents")

COLUMNS = tuple(one.name for one in fields(DocumentRow))


@dataclass(frozen=True)
class Check:
    """One expectation.

    Attributes:
        name: What is expected, in words.
        severity: Whether a failure closes the gate.
        table: Table it looks at; `documents` holds for every one of its batches.
        expectation: Class in great_expectations.expectations.
        arguments: Its arguments.
        limit: What is allowed, in words.
        observe: Says what was found, from the tables and the number of documents it failed for.
        beyond: Column of `documents`, and the number beyond which a document has its part in the failure; None if no
            document has, or where Great Expectations tells which.
    """

    name: str
    severity: Severity
    table: TableName
    expectation: str
    arguments: dict[str, Any]
    limit: str
    observe: Callable[[Tables, int], str]
    beyond: tuple[str, float] | None = None


class CheckResult(BaseModel):
    """One check of the quality gate."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """What is expected, in words."""
    passed: bool
    """Whether it is so."""
    severity: Severity
    """Whether a failure closes the gate (`hard`) or is a warning (`soft`)."""
    observed: str
    """What was found, in words."""
    limit: str
    """What is allowed, in words."""
    document_ids: list[str] = []
    """Documents it failed for, at most 20."""


def list_checks(config: QualityConfig) -> list[Check]:
    """List the gate's checks, hard ones first."""
    checks = [*_document_checks(), *_corpus_checks(config), *_source_checks(config), *_language_checks(config)]
    return sorted(checks, key=lambda check: check.severity != "hard")


def _document_checks() -> list[Check]:
    return [
        Check(
            "the document table is complete", "hard", "documents", "ExpectTableColumnsToMatchSet",
            {"column_set": list(COLUMNS), "exact_match": True}, f"these {len(COLUMNS)} columns",
            lambda _, num_failing: "other columns" if num_failing else f"{len(COLUMNS)} columns",
        ),
        _row("document ids are well formed", "hard", "ExpectColumnValuesToMatchRegex",
             {"column": "id", "regex": r"^[0-9a-f]{32}(\.[1-9][0-9]*)?$"}, "documents with another id"),
        _row("languages are ISO 639 codes or und", "hard", "ExpectColumnValuesToMatchRegex",
             {"column": "lang", "regex": "^[a-z]{2,3}$"}, "documents with another code"),
        _row("every document is in a split", "hard", "ExpectColumnValuesToBeInSet",
             {"column": "split", "value_set": list(SPLITS)}, "documents in no split"),
        _row("no document is empty", "hard", "ExpectColumnValuesToBeBetween",
             {"column": "num_chars", "min_value": 1}, "empty documents"),
        _row("the encoding of every document is known", "soft", "ExpectColumnValuesToNotBeInSet",
             {"column": "encoding", "value_set": [UNKNOWN]}, "documents out of files of unknown encoding"),
    ]  # fmt: skip


def _corpus_checks(config: QualityConfig) -> list[Check]:
    hard: Severity = "hard"
    return [
        _total("no value is missing", hard, "num_missing", "values missing", most=0),
        _total("document ids are unique", hard, "num_repeated_ids", "documents with an id that another has", most=0,
               beyond=("is_repeated", 0)),
        _total("no document is lost between the stages", hard, "num_lost", "documents unaccounted for", most=0),
        _total("there are enough documents", hard, "num_documents", "documents kept", least=config.min_documents),
        _total("train is not empty", hard, "num_train", "documents in train", least=1),
        _total("validation is not empty", hard, "num_validation", "documents in validation", least=1),
        _total("test is not empty", hard, "num_test", "documents in test", least=1),
        _total("few records are unreadable", hard, "quarantined_ratio", "of the records could not be read",
               most=config.max_quarantined_ratio),
        _total("cleaning keeps enough", hard, "dropped_ratio", "of the documents were dropped by cleaning",
               most=config.max_dropped_ratio),
        _total("few documents are duplicates", hard, "duplicate_ratio", "of the documents are duplicates",
               most=config.max_duplicate_ratio),
        _total("no duplicates across splits", hard, "cross_split_ratio",
               "of the held-out documents are duplicates across splits",
               most=config.max_cross_split_duplicate_ratio, beyond=("crosses", 0)),
        _total("scrubbing twice is scrubbing once", hard, "num_findings",
               "findings in a second search of the scrubbed text by the same finders",
               most=config.max_residual_findings, beyond=("num_findings", 0)),
        _corpus("a second scanner finds next to no sensitive data", hard, "residual_least_ratio", _say_residual,
                most=config.max_residual_ratio, beyond=("num_residual", 0)),
        _corpus("scrubbing finds invented values of every kind", hard, "least_recall_ratio",
                lambda tables, _: say_recall(tables, config.min_self_test_recall), least=config.min_self_test_recall),
        *_soft_corpus_checks(config),
    ]  # fmt: skip


def _soft_corpus_checks(config: QualityConfig) -> list[Check]:
    soft: Severity = "soft"
    return [
        _total("a second search finds no names or numbers by their context", soft, "num_loose_findings",
               "findings by context alone in a second search of the scrubbed text",
               most=config.warn_loose_findings, beyond=("num_loose_findings", 0)),
        _total("a second scanner suspects little", soft, "loose_residual_ratio",
               "of the documents it looked at hold what may be a value", most=config.max_residual_ratio,
               beyond=("num_loose_residual", 0)),
        _corpus("scrubbing leaves what only looks like a value", soft, "touched_ratio", _say_touched,
                most=config.warn_decoy_ratio),
        _corpus("every searched kind was tested", soft, "num_untested_kinds",
                lambda tables, _: f"no invented value was tried of {', '.join(tables.untested) or 'no kind'}", most=0),
        Check(
            "documents have a usual length", soft, "corpus", "ExpectColumnMaxToBeBetween",
            {"column": "median_chars", "min_value": 40, "max_value": 50_000}, "a median of 40 to 50,000 characters",
            lambda tables, _: f"a median of {tables.corpus['median_chars'].iloc[0]:,.0f} characters",
        ),
        _total("few documents are very short", soft, "short_ratio",
               f"of the documents have fewer than {SHORT_CHARS} characters", most=0.2),
        _total("few documents are very long", soft, "long_ratio",
               f"of the documents have more than {LONG_CHARS:,} characters", most=0.2,
               beyond=("num_chars", LONG_CHARS)),
        _total("no document dominates", soft, "largest_document_ratio", "of the text is one document", most=0.2),
        _total("most languages are recognised", soft, "unknown_language_ratio",
               "of the documents are in no recognised language", most=0.2),
        _total("most documents were UTF-8 at their source", soft, "not_utf8_ratio",
               "of the documents were decoded from another encoding than UTF-8", most=config.warn_not_utf8_ratio),
        _total("few characters are broken", soft, "broken_ratio", "of the characters are U+FFFD", most=0.001),
        _total("most of the text is for training", soft, "held_out_ratio", "of the text is held out", most=0.5),
        _total("held-out documents say something else than train", soft, "copied_ratio",
               "of the held-out documents are mostly lines that train has too", most=0.05,
               beyond=("copied_ratio", COPIED_RATIO)),
    ]  # fmt: skip


def _source_checks(config: QualityConfig) -> list[Check]:
    return [
        Check(
            "read, kept and dropped add up for every source", "hard", "sources", "ExpectColumnMaxToBeBetween",
            {"column": "num_lost", "max_value": 0}, "at most 0",
            lambda tables, _: _of_row(tables.sources, "num_lost", "{num_lost} documents of {source} unaccounted for"),
        ),
        Check(
            "every source gives text", "soft", "sources", "ExpectColumnMinToBeBetween",
            {"column": "num_bytes", "min_value": 1}, "at least 1",
            lambda tables, _: _of_row(tables.sources, "num_bytes", "{num_bytes} bytes of text from {source}", min),
        ),
        Check(
            "no source dominates", "soft", "corpus", "ExpectColumnMaxToBeBetween",
            {"column": "largest_source_ratio", "max_value": config.warn_source_ratio},
            f"at most {_percent(config.warn_source_ratio)}",
            lambda tables, _: _largest_source(tables.sources),
        ),
    ]  # fmt: skip


def _largest_source(sources: "pd.DataFrame") -> str:
    if len(sources) == 1:
        return "one source"
    return _of_row(sources, "bytes_ratio", "{bytes_ratio} of the text is from {source}")


def _language_checks(config: QualityConfig) -> list[Check]:
    if not config.expected_languages:
        return []
    words = "{bytes_ratio} of the text is in {lang} instead of {expected_ratio}"
    return [
        Check(
            "languages have their expected shares", "soft", "languages", "ExpectColumnMaxToBeBetween",
            {"column": "deviation_ratio", "max_value": config.language_tolerance},
            f"a difference of at most {_percent(config.language_tolerance)}",
            lambda tables, _: _of_row(tables.languages, "deviation_ratio", words),
        )
    ]  # fmt: skip


def _row(name: str, severity: Severity, expectation: str, arguments: dict[str, Any], noun: str) -> Check:
    return Check(
        name, severity, "documents", expectation, arguments, "at most 0",
        lambda _, num_failing: f"{num_failing:,} {noun}",
    )  # fmt: skip


def _total(
    name: str, severity: Severity, column: str, noun: str, *, least: float | None = None,
    most: float | None = None, beyond: tuple[str, float] | None = None,
) -> Check:  # fmt: skip
    def observe(tables: Tables, _: int) -> str:
        return f"{_say(column, tables.corpus[column].iloc[0])} {noun}"

    return _corpus(name, severity, column, observe, least=least, most=most, beyond=beyond)


def _corpus(
    name: str, severity: Severity, column: str, observe: Callable[[Tables, int], str], *, least: float | None = None,
    most: float | None = None, beyond: tuple[str, float] | None = None,
) -> Check:  # fmt: skip
    words = "at least " + _say(column, least) if least is not None else "at most " + _say(column, most or 0)
    return Check(
        name, severity, "corpus", "ExpectColumnMaxToBeBetween",
        {"column": column, "min_value": least, "max_value": most}, words, observe, beyond,
    )  # fmt: skip


def residual_sentence(tables: Tables) -> str:
    """Say how many documents the second scanner looked at, in how many it saw a value, and the bound this gives."""
    row = tables.corpus.iloc[0]
    num_scanned, num_hits = int(row["num_scanned"]), int(row["num_with_residual"])
    kinds = f" ({', '.join(f'{kind} in {count:,}' for kind, count in sorted(tables.residual.items()))})"
    bound = f"95 % upper bound {_percent(upper_bound(num_hits, num_scanned))}"
    return f"{num_hits:,} of {num_scanned:,} documents{kinds if tables.residual else ''}, {bound}"


def _say_residual(tables: Tables, _: int) -> str:
    least = _percent(float(tables.corpus["residual_least_ratio"].iloc[0]))
    return f"a second scanner sees a value in {residual_sentence(tables)}, lower bound {least}"


def say_recall(tables: Tables, least: float) -> str:
    """Name the kinds of which too few invented values were found, or else the one of which the fewest were."""
    tested = sorted((row for row in tables.self_test if row.recall is not None), key=lambda row: row.recall or 0.0)
    failed = [row for row in tested if (row.recall or 0.0) < least]
    named = [
        f"{row.kind} {row.num_found} of {row.num_values} ({_percent(row.recall or 0.0)}, 95 % lower bound "
        f"{_percent(row.lower_bound or 0.0)})"
        for row in failed or tested[:1]
    ]
    return f"invented values found: {', '.join(named)}" if named else "no invented value was tried"


def _say_touched(tables: Tables, _: int) -> str:
    touched = [
        f"{row.kind} {row.num_decoys_touched} of {row.num_decoys}" for row in tables.self_test if row.num_decoys_touched
    ]
    return f"look-alikes replaced: {', '.join(touched) or 'none'}"


def _of_row(table: "pd.DataFrame", column: str, words: str, choose: Callable[..., Any] = max) -> str:
    """Say what was found in the row with the largest number in a column, or the one chosen otherwise."""
    row = choose(table.to_dict("records"), key=lambda row: row[column])
    return words.format(**{name: _say(name, value) for name, value in row.items()})


def _say(column: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    return _percent(value) if column.endswith("_ratio") else f"{int(value):,}"


def _percent(value: float) -> str:
    percent = f"{100 * value:.2f}".rstrip("0").rstrip(".")
    return f"{percent} %"
