"""The checks run as Great Expectations suites, and the pages (Data Docs) that show them.

The documents' statistics come as one batch after another, and a check of theirs passes if it does on every batch; the
results of the batches are added up, so that the pages show one table of documents however many shards there are. Values
never enter a result: of failing documents the ids alone. This is the only room that imports great_expectations.
"""

import contextlib
import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.corpus.quality.checks import TABLES, Check, TableName
from gptmodel.corpus.quality.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

MAX_IDS = 20

_COUNTS = ("element_count", "unexpected_count", "missing_count")
_IDS = "partial_unexpected_index_list"
# No values in any result, which pages and logs would show; of documents the ids.
_FORMAT = {"result_format": "SUMMARY", "unexpected_index_column_names": ["id"], "exclude_unexpected_values": True}


@dataclass
class Outcome:
    """What a check came to.

    Attributes:
        passed: Whether it holds.
        num_failing: Documents it failed for, or 1 where it is about no single documents.
        document_ids: The first of them in the order of the shards, at most MAX_IDS.
    """

    passed: bool = True
    num_failing: int = 0
    document_ids: list[str] = field(default_factory=list)

    def name(self, ids: Sequence[str]) -> None:
        """Name further documents, as far as there is room."""
        self.document_ids += ids[: MAX_IDS - len(self.document_ids)]


def run_suites(checks: Sequence[Check], tables: Tables, docs_dir: Path | None = None) -> dict[str, Outcome]:
    """Run the checks, write the pages that show them, and give each check's outcome by its name.

    Args:
        checks: What to check.
        tables: The statistics.
        docs_dir: Folder for the pages, made if it is missing; None writes none.
    """
    outcomes = {check.name: Outcome() for check in checks}
    with _calm() as gx:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        for table in TABLES:
            mine = [check for check in checks if check.table == table]
            if mine and table == "documents":
                _check_documents(_Suite(gx, context, table, mine), checks, tables, outcomes)
            elif mine:
                _Suite(gx, context, table, mine).run(getattr(tables, table), outcomes)
        _write_pages(context, docs_dir)
    return outcomes


class _Suite:
    """The checks of one table as a suite, whose results over several batches become one."""

    def __init__(self, gx: Any, context: Any, table: TableName, checks: Sequence[Check]) -> None:
        expectations = [_expectation(gx, check) for check in checks]
        source = context.data_sources.add_pandas(table)
        batch = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("whole")
        suite = context.suites.add(gx.ExpectationSuite(name=table, expectations=expectations))
        definition = gx.ValidationDefinition(name=table, data=batch, suite=suite)
        self._batch, self._suite = batch, suite
        self._definition = context.validation_definitions.add(definition)
        self._results = context.validation_results_store
        self._table = table
        self._merged: Any = None

    def run(self, rows: "pd.DataFrame", outcomes: dict[str, Outcome]) -> None:
        """Check one batch of the table."""
        with_ids = {"result_format": _FORMAT} if self._table == "documents" else {"result_format": "BASIC"}
        if self._merged is None:
            found = self._merged = self._definition.run(batch_parameters={"dataframe": rows}, **with_ids)
        else:
            batch = self._batch.get_batch(batch_parameters={"dataframe": rows})
            found = batch.validate(self._suite, **with_ids)
        for result in found.results:
            _note(outcomes[result.expectation_config.meta["check"]], result)
        if found is not self._merged:
            _add(self._merged, found)

    def finish(self, outcomes: dict[str, Outcome]) -> None:
        """Put the sum of the batches' results in the place of the first one's, for the pages."""
        for result in self._merged.results:
            if _IDS in result.result:
                ids = outcomes[result.expectation_config.meta["check"]].document_ids
                result.result[_IDS] = [{"id": name} for name in ids]
        key = next(key for key in self._results.list_keys() if key.expectation_suite_identifier.name == self._table)
        self._results.set(key, self._merged)


def _check_documents(suite: _Suite, checks: Sequence[Check], tables: Tables, outcomes: dict[str, Outcome]) -> None:
    """Check the documents batch by batch, and name those that had a part in another check's failure."""
    failed = [check for check in checks if check.beyond and not outcomes[check.name].passed]
    for rows in tables.documents():
        suite.run(rows, outcomes)
        for check in failed:
            column, limit = check.beyond or ("", 0)
            outcomes[check.name].name(rows.loc[rows[column] > limit, "id"][:MAX_IDS].tolist())
    suite.finish(outcomes)


def _note(outcome: Outcome, result: Any) -> None:
    outcome.passed &= bool(result.success)
    outcome.num_failing += int(result.result.get("unexpected_count", not result.success))
    for columns in result.result.get(_IDS) or ():
        ids = columns["id"]
        outcome.name(ids if isinstance(ids, list) else [ids])


def _add(merged: Any, found: Any) -> None:
    """Add the results of a further batch to those of the batches before."""
    for one, other in zip(merged.results, found.results, strict=True):
        one.success &= other.success
        for name in set(_COUNTS) & one.result.keys() & other.result.keys():
            one.result[name] += other.result[name]
        total = max(1, one.result.get("element_count", 1))
        for name in [name for name in one.result if name.startswith("unexpected_percent")]:
            one.result[name] = 100 * one.result["unexpected_count"] / total
    num_good = sum(bool(one.success) for one in merged.results)
    merged.success = num_good == len(merged.results)
    merged.statistics |= {
        "successful_expectations": num_good, "unsuccessful_expectations": len(merged.results) - num_good,
        "success_percent": 100 * num_good / len(merged.results),
    }  # fmt: skip


def _expectation(gx: Any, check: Check) -> Any:
    kind = getattr(gx.expectations, check.expectation)
    severity = "critical" if check.severity == "hard" else "warning"
    return kind(**check.arguments, notes=check.name, meta={"check": check.name}, severity=severity)


def _write_pages(context: Any, docs_dir: Path | None) -> None:
    """Write the results' pages into a folder, instead of the temporary one that the library made for them."""
    for name, site in list(context.list_data_docs_sites().items()):
        context.delete_data_docs_site(name)
        shutil.rmtree(site["store_backend"]["base_directory"], ignore_errors=True)
    if docs_dir is None:
        return
    docs_dir.mkdir(parents=True, exist_ok=True)
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs_dir.absolute())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    context.add_data_docs_site(
        "quality", {"class_name": "SiteBuilder", "show_how_to_buttons": False, "store_backend": backend,
                    "site_index_builder": index}
    )  # fmt: skip
    context.build_data_docs()


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
