"""The quality gate: expectations on statistics of the corpus, and whether a model may be trained on it.

The checks run as a Great Expectations suite on tables of counts, lengths and ids; no text ever enters them. A failed
hard check closes the gate, a failed soft one is a warning. The suite's own pages are written beside the result, where
nothing they show depends on a server. This is the only room that imports great_expectations; flows show the decision.
"""

import contextlib
import logging
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from gptmodel.config import QualityConfig
from gptmodel.corpus.quality_tables import Accounts, Tables, build_tables
from gptmodel.decision import Decision
from gptmodel.store import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from gptmodel.corpus.cleaning import CleanResult
    from gptmodel.corpus.dedup import DedupResult
    from gptmodel.corpus.scrubbing import ScrubResult
    from gptmodel.corpus.sources import IngestResult
    from gptmodel.corpus.split import SplitResult

log = logging.getLogger(__name__)

DATA_DOCS_DIR = "data-docs"
MAX_IDS = 20
Severity = Literal["hard", "soft"]
TableName = Literal["documents", "totals"]

_COLUMNS = (
    "id", "source", "lang", "split", "num_chars", "num_broken", "num_findings", "crosses", "copied_ratio",
)  # fmt: skip
_OUTSIDE = re.compile(
    r"<script[^>]*\bsrc=\"?https?:.*?</script>|<(?:link|img)[^>]*\b(?:href|src)=\"?https?:[^>]*>", re.S
)
_STYLE = (
    "<style>body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}td,th{border:1px solid #ccc;"
    "padding:.3em}.modal,.ge-walkthrough-modal,form,footer{display:none}i.fas{font-style:normal}"
    ".fa-check-circle::before{content:'passed';color:green}.fa-times::before{content:'failed';color:red}"
    ".fa-exclamation-triangle::before{content:'warning';color:darkorange}</style></head>"
)


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


class QualityResult(BaseModel):
    """The quality gate's answer and every check behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    decision: Decision
    """Whether training may go on, and why."""
    num_checks: int
    """Checks made."""
    num_passed: int
    """Checks passed."""
    checks: list[CheckResult]
    """All checks in their order."""


@dataclass(frozen=True)
class Check:
    """One expectation in words and as Great Expectations has it.

    Attributes:
        name: What is expected, in words.
        severity: Whether a failure closes the gate.
        table: Table it looks at.
        expectation: Class in great_expectations.expectations.
        arguments: Its arguments.
        limit: What is allowed, in words.
        observe: Says what was found, from both tables.
        failing: Chooses the failing rows of the documents table, for their ids.
    """

    name: str
    severity: Severity
    table: TableName
    expectation: str
    arguments: dict[str, Any]
    limit: str
    observe: Callable[[Tables], str]
    failing: "Callable[[pd.DataFrame], pd.Series[bool]] | None" = field(default=None)


def check_quality(
    work: Workspace, config: QualityConfig, ingest: "IngestResult", clean: "CleanResult", scrub: "ScrubResult",
    dedup: "DedupResult", split: "SplitResult",
) -> QualityResult:  # fmt: skip
    """Judge the corpus before anything is trained on it.

    Writes Great Expectations' pages under notes/data-docs/.

    Args:
        work: Reads `scrub`, `deduplicate` and `split`.
        config: The hard limits.
        ingest: Result of ingestion.
        clean: Result of cleaning.
        scrub: Result of scrubbing.
        dedup: Result of deduplication.
        split: Result of the split.
    """
    work.clear()
    tables = build_tables(work, Accounts(ingest, clean, scrub, dedup, split))
    checks = list_checks(config)
    passed = run_suite(checks, tables, work.notes / DATA_DOCS_DIR)
    results = [_result(check, passed[check.name], tables) for check in checks]
    decision = decide(results, _scope(tables, scrub))
    log.info("%s", decision.reason)
    return QualityResult(
        decision=decision, num_checks=len(results), num_passed=sum(r.passed for r in results), checks=results
    )


def list_checks(config: QualityConfig) -> list[Check]:
    """List the gate's checks, hard ones first."""
    return [*_table_checks(), *_hard_checks(config), *_soft_checks()]


def _table_checks() -> list[Check]:
    return [
        Check(
            "the document table is complete", "hard", "documents", "ExpectTableColumnsToMatchSet",
            {"column_set": list(_COLUMNS), "exact_match": True}, f"{len(_COLUMNS)} columns",
            lambda t: f"{len(t.documents.columns)} columns",
        ),
        Check(
            "document ids are unique", "hard", "documents", "ExpectColumnValuesToBeUnique", {"column": "id"},
            "0 repeated ids", lambda t: f"{int(t.documents['id'].duplicated().sum())} repeated ids",
            lambda d: d["id"].duplicated(),
        ),
        Check(
            "languages are ISO 639 codes or und", "hard", "documents", "ExpectColumnValuesToMatchRegex",
            {"column": "lang", "regex": "^[a-z]{2,3}$"}, "0 documents with another code",
            lambda t: f"{int((~t.documents['lang'].str.fullmatch('[a-z]{2,3}')).sum())} documents with another code",
            lambda d: ~d["lang"].str.fullmatch("[a-z]{2,3}"),
        ),
        Check(
            "no document is empty", "hard", "documents", "ExpectColumnValuesToBeBetween",
            {"column": "num_chars", "min_value": 1}, "0 empty documents",
            lambda t: f"{int((t.documents['num_chars'] < 1).sum())} empty documents", lambda d: d["num_chars"] < 1,
        ),
        _total("no document is lost between the stages", "hard", "num_lost", "documents unaccounted for", most=0),
    ]  # fmt: skip


def _hard_checks(config: QualityConfig) -> list[Check]:
    hard: Severity = "hard"
    return [
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
               most=config.max_cross_split_duplicate_ratio, failing=lambda d: d["crosses"]),
        _total("a second search finds no sensitive data", hard, "num_findings",
               "findings in a second search of the scrubbed text",
               most=config.max_residual_findings, failing=lambda d: d["num_findings"] > 0),
    ]  # fmt: skip


def _soft_checks() -> list[Check]:
    soft: Severity = "soft"
    return [
        Check(
            "documents have a usual length", soft, "documents", "ExpectColumnMedianToBeBetween",
            {"column": "num_chars", "min_value": 40, "max_value": 50_000}, "a median of 40 to 50,000 characters",
            lambda t: f"a median of {t.documents['num_chars'].median():,.0f} characters",
        ),
        _total("no document dominates", soft, "largest_document_ratio", "of the text is one document", most=0.2),
        _total("most languages are recognised", soft, "unknown_language_ratio",
               "of the documents are in no recognised language", most=0.2),
        _total("few characters are broken", soft, "broken_ratio", "of the characters are U+FFFD", most=0.001),
        _total("most of the text is for training", soft, "held_out_ratio", "of the text is held out", most=0.5),
        _total("held-out documents say something else than train", soft, "copied_ratio",
               "of the held-out documents are mostly lines that train has too", most=0.05,
               failing=lambda d: d["copied_ratio"] > 0.5),
    ]  # fmt: skip


def _total(
    name: str, severity: Severity, column: str, noun: str, *, least: float | None = None,
    most: float | None = None, failing: "Callable[[pd.DataFrame], pd.Series[bool]] | None" = None,
) -> Check:  # fmt: skip
    words = "at least " + _say(column, least) if least is not None else "at most " + _say(column, most or 0)
    return Check(
        name, severity, "totals", "ExpectColumnMaxToBeBetween",
        {"column": column, "min_value": least, "max_value": most}, words,
        lambda t: f"{_say(column, t.totals[column].iloc[0])} {noun}", failing,
    )  # fmt: skip


def _say(column: str, value: float) -> str:
    if not column.endswith("_ratio"):
        return f"{int(value):,}"
    percent = f"{100 * value:.2f}".rstrip("0").rstrip(".")
    return f"{percent} %"


def run_suite(checks: list[Check], tables: Tables, docs_dir: Path) -> dict[str, bool]:
    """Run the checks as Great Expectations suites, write their pages, and tell which passed.

    Args:
        checks: What to check.
        tables: The statistics.
        docs_dir: Folder for the pages, made if it is missing.
    """
    with _calm() as gx:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        _put_docs_into(context, docs_dir)
        source = context.data_sources.add_pandas("corpus")
        passed: dict[str, bool] = {}
        for name, table in (("documents", tables.documents), ("totals", tables.totals)):
            mine = [check for check in checks if check.table == name]
            batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("whole")
            suite = gx.ExpectationSuite(name=name, expectations=[_expectation(gx, check) for check in mine])
            definition = gx.ValidationDefinition(name=name, data=batch, suite=context.suites.add(suite))
            outcome = context.validation_definitions.add(definition).run(
                batch_parameters={"dataframe": table}, result_format="BASIC"
            )
            passed |= {r.expectation_config.meta["check"]: bool(r.success) for r in outcome.results}
        context.build_data_docs()
    for page in docs_dir.rglob("*.html"):
        page.write_text(without_outside_links(page.read_text("utf-8")), "utf-8")
    return passed


def without_outside_links(page: str) -> str:
    """Give a page that loads nothing from elsewhere, so that opening it tells nobody and works offline."""
    return _OUTSIDE.sub("", page).replace("</head>", _STYLE, 1)


def decide(results: list[CheckResult], scope: str) -> Decision:
    """Turn the checks into a decision: no failed hard check, no objection."""
    failed = [result for result in results if not result.passed]
    hard = [result for result in failed if result.severity == "hard"]
    num_passed = len(results) - len(failed)
    reason = f"passed {num_passed} of {len(results)} checks"
    if failed:
        reason += "; " + "; ".join(f"warning: {_sentence(r)}" for r in failed)
    if hard:
        reason = "Blocked by the quality gate: " + "; ".join(_sentence(result) for result in hard) + "." + _ids(hard)
    numbers: dict[str, float | int | None] = {
        "num_checks": len(results), "num_passed": num_passed, "num_failed_hard": len(hard),
        "num_warnings": len(failed) - len(hard),
    }  # fmt: skip
    return Decision(passed=not hard, reason=reason, scope=scope, numbers=numbers)


def _sentence(result: CheckResult) -> str:
    return f"{result.observed}, {result.limit} {'needed' if 'at least' in result.limit else 'allowed'}"


def _ids(results: list[CheckResult]) -> str:
    ids = [name for result in results for name in result.document_ids]
    return f" Documents: {', '.join(dict.fromkeys(ids[:MAX_IDS]))}." if ids else ""


def _scope(tables: Tables, scrub: "ScrubResult") -> str:
    return f"{tables.num_rescanned} of {tables.totals['num_documents'].iloc[0]} documents searched again; {scrub.scope}"


def _result(check: Check, passed: bool, tables: Tables) -> CheckResult:
    ids: list[str] = []
    if not passed and check.failing is not None:
        ids = sorted(tables.documents["id"][check.failing(tables.documents)])[:MAX_IDS]
    return CheckResult(
        name=check.name, passed=passed, severity=check.severity, observed=check.observe(tables), limit=check.limit,
        document_ids=ids,
    )  # fmt: skip


def _expectation(gx: Any, check: Check) -> Any:
    kind = getattr(gx.expectations, check.expectation)
    severity = "critical" if check.severity == "hard" else "warning"
    return kind(**check.arguments, notes=check.name, meta={"check": check.name}, severity=severity)


def _put_docs_into(context: Any, docs_dir: Path) -> None:
    for name, site in list(context.list_data_docs_sites().items()):
        context.delete_data_docs_site(name)
        shutil.rmtree(site["store_backend"]["base_directory"], ignore_errors=True)
    docs_dir.mkdir(parents=True, exist_ok=True)
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs_dir.absolute())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    context.add_data_docs_site(
        "quality", {"class_name": "SiteBuilder", "show_how_to_buttons": False, "store_backend": backend,
                    "site_index_builder": index}
    )  # fmt: skip


@contextlib.contextmanager
def _calm() -> Iterator[Any]:
    """Import Great Expectations with its analytics off, and keep its own remarks out of ours."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger = logging.getLogger("great_expectations")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
        import great_expectations.expectations

        logger.setLevel(logging.ERROR)
        try:
            yield gx
        finally:
            logger.setLevel(level)
