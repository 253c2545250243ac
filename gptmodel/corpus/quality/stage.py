"""The stage `quality gate`: whether a model may be trained on this corpus, and every check behind the answer.

The scrubbed text is read once more, shard by shard, into tables of counts, lengths and ids; no text ever enters them.
Great Expectations holds them against the list of checks: a failed hard check closes the gate, a failed soft one is a
warning. Its pages are written beside the result, where nothing they show depends on a server; flows show the decision.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from gptmodel.config import QualityConfig
from gptmodel.corpus.quality.checks import Check, CheckResult, list_checks, residual_sentence
from gptmodel.corpus.quality.pages import DATA_DOCS_DIR, write_overview
from gptmodel.corpus.quality.reading import Search, read_shards, scan_share, search_share
from gptmodel.corpus.quality.suite import MAX_IDS, Outcome, run_suites
from gptmodel.corpus.quality.tables import Accounts, Tables, build_tables
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.decision import Decision
from gptmodel.intervals import upper_bound
from gptmodel.parts import Mapper, PartsRuntime, Progress, clear_but_parts, in_turn
from gptmodel.store import Workspace

if TYPE_CHECKING:
    from gptmodel.corpus.split import SplitResult

log = logging.getLogger(__name__)

MAX_RESCAN_BYTES = 20_000_000
"""Text searched a second time for sensitive data, at most (bytes); of more, documents are drawn by hash."""
MAX_SCANNED_BYTES = 10_000_000
"""Text that the second scanner looks through, at most (bytes)."""


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
    """All checks, hard ones first."""
    runtime: PartsRuntime = PartsRuntime()
    """How many shards were read anew."""


def check_quality(
    work: Workspace, config: QualityConfig, scrubber: Scrubber, accounts: Accounts, progress: Progress | None = None,
    mapper: Mapper = in_turn,
) -> QualityResult:  # fmt: skip
    """Judge the corpus before anything is trained on it.

    Writes statistics/ (the fields of `DocumentRow`, one file a shard) and totals.parquet (the fields of `Totals`, one
    row a shard), what reading each shard gave, and Great Expectations' pages under notes/data-docs/.

    Args:
        work: Reads `ingest`, `scrub`, `deduplicate` and `split`.
        config: The limits.
        scrubber: What searched the text the first time, and does again.
        accounts: The results of the stages before.
        progress: Called with the share done (0 to 1) and a few words.
        mapper: Where the shards are read.
    """
    clear_but_parts(work)
    made = read_shards(work, _search(config, scrubber, accounts.split), mapper, progress)
    tables = build_tables(work.path, made.accounts, accounts, config.expected_languages)
    checks = list_checks(config)
    docs_dir = work.notes / DATA_DOCS_DIR
    outcomes = run_suites(checks, tables, docs_dir)
    results = [_result(check, outcomes[check.name], tables) for check in checks]
    decision = decide(results, _scope(tables, accounts.scrub.scope), _numbers(tables))
    write_overview(docs_dir, decision, results)
    log.info("%s", decision.reason)
    return QualityResult(
        decision=decision, num_checks=len(results), num_passed=sum(r.passed for r in results), checks=results,
        runtime=made.runtime,
    )  # fmt: skip


def _search(config: QualityConfig, scrubber: Scrubber, split: "SplitResult") -> Search:
    num_bytes = split.num_bytes_train + split.num_bytes_validation + split.num_bytes_test
    scanned = scan_share(split.num_train + split.num_validation + split.num_test, config.residual_documents)
    return Search(
        scrubber, search_share(num_bytes, MAX_RESCAN_BYTES), min(scanned, search_share(num_bytes, MAX_SCANNED_BYTES))
    )


def decide(results: list[CheckResult], scope: str, measured: Mapping[str, float | int | None]) -> Decision:
    """Turn the checks into a decision: no failed hard check, no objection.

    Args:
        results: The checks.
        scope: What was looked at and what was not.
        measured: Further figures to stand beside the counts of checks.
    """
    failed = [result for result in results if not result.passed]
    hard = [result for result in failed if result.severity == "hard"]
    num_passed = len(results) - len(failed)
    reason = f"passed {num_passed} of {len(results)} checks"
    if failed:
        reason += "; " + "; ".join(f"warning: {_sentence(r)}" for r in failed)
    if hard:
        reason = "; ".join(_sentence(result) for result in hard) + "." + _ids(hard)
    numbers: dict[str, float | int | None] = {
        "num_checks": len(results), "num_passed": num_passed, "num_failed_hard": len(hard),
        "num_warnings": len(failed) - len(hard), **measured,
    }  # fmt: skip
    return Decision(passed=not hard, reason=reason, scope=scope, numbers=numbers)


def _sentence(result: CheckResult) -> str:
    return f"{result.observed}, {result.limit} {'allowed' if 'at most' in result.limit else 'needed'}"


def _ids(results: list[CheckResult]) -> str:
    ids = [name for result in results for name in result.document_ids]
    return f" Documents: {', '.join(dict.fromkeys(ids[:MAX_IDS]))}." if ids else ""


def _numbers(tables: Tables) -> dict[str, float | int | None]:
    row = tables.corpus.iloc[0]
    num_scanned, num_hits = int(row["num_scanned"]), int(row["num_with_residual"])
    least = float(row["least_recall_ratio"]) if any(one.num_values for one in tables.self_test) else None
    return {
        "least_self_test_recall": least, "num_documents_scanned": num_scanned, "num_documents_with_residual": num_hits,
        "residual_upper_bound": upper_bound(num_hits, num_scanned) if num_scanned else None,
    }  # fmt: skip


def _scope(tables: Tables, scope: str) -> str:
    num_searched, num_documents = (tables.corpus[name].iloc[0] for name in ("num_searched", "num_documents"))
    parts = [f"{num_searched} of {num_documents} documents searched again"]
    if tables.corpus["num_scanned"].iloc[0]:
        parts.append(
            f"a second scanner, which knows no names, addresses and national identifiers, sees a value in "
            f"{residual_sentence(tables)}"
        )
    return "; ".join([*parts, scope])


def _result(check: Check, outcome: Outcome, tables: Tables) -> CheckResult:
    return CheckResult(
        name=check.name, passed=outcome.passed, severity=check.severity,
        observed=check.observe(tables, outcome.num_failing), limit=check.limit, document_ids=outcome.document_ids,
    )  # fmt: skip
