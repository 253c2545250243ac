"""The stage `scrub`: cleaned shards in, shards with placeholders out, and an account by kind that holds no value.

Planted test phrases are scrubbed like everything else and counted apart.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.documents import Document, list_shards, read_shard, shard_path, write_shard
from gptmodel.corpus.scrubbing.detectors import find, replace
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.kinds import KINDS, UNSEARCHED, chosen_kinds

if TYPE_CHECKING:  # the preview imports this room before the store's packages are installed
    from gptmodel.store import Workspace

logger = logging.getLogger(__name__)

FINDINGS_FILE = "findings.parquet"

Row = tuple[str, str, str, int]


class ScrubResult(BaseModel):
    """What the stage found, by kind; never a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_documents: int
    """Documents scrubbed, planted test phrases aside."""
    num_bytes: int
    """Their UTF-8 size before scrubbing."""
    num_findings: int
    """Findings replaced in them."""
    num_documents_with_findings: int
    """Documents with at least one finding."""
    findings: dict[str, int]
    """Findings by kind, every searched kind named."""
    kinds_searched: tuple[str, ...]
    """Kinds that were looked for."""
    kinds_not_searched: tuple[str, ...]
    """Kinds that nobody looked for."""
    scope: str
    """The same in one sentence."""
    num_planted: int
    """Planted test phrases of the sort that scrubbing must catch."""
    num_planted_caught: int
    """How many of those it caught."""


def scrub_text(text: str, config: ScrubbingConfig) -> tuple[str, list[Finding]]:
    """Replace the sensitive data of one text.

    Returns:
        The scrubbed text, and the findings with offsets in the text given.
    """
    findings = find(text, config.kinds, config.find_names)
    return replace(text, findings), findings


def scope(config: ScrubbingConfig) -> str:
    """Say in one sentence what is searched and what is not."""
    searched, not_searched = searched_kinds(config), unsearched_kinds(config)
    names = "; names in labelled fields and after titles only" if "PERSON" in searched else ""
    return f"searched for {len(searched)} kinds ({', '.join(searched)}){names}; not searched: {', '.join(not_searched)}"


def searched_kinds(config: ScrubbingConfig) -> tuple[str, ...]:
    """Give the kinds that this configuration looks for."""
    return chosen_kinds(config.kinds, config.find_names)


def unsearched_kinds(config: ScrubbingConfig) -> tuple[str, ...]:
    """Give the kinds that nobody looks for under this configuration."""
    searched = searched_kinds(config)
    return tuple(kind for kind in (*KINDS, *UNSEARCHED) if kind not in searched)


def scrub(
    work: "Workspace", config: ScrubbingConfig, progress: Callable[[float, str], None] | None = None
) -> ScrubResult:
    """Scrub the cleaned shards into the workspace.

    Args:
        work: Workspace with the input `clean`.
        config: What is looked for.
        progress: Called with the share done (0 to 1) and a line to show.

    Returns:
        The account. `findings.parquet` has one row a document, kind and rule with the number of findings.
    """
    work.clear()
    account = _Account()
    shards = list_shards(work.inputs["clean"])
    for number, shard in enumerate(shards):
        write_shard(shard_path(work.path, int(shard.stem)), _scrubbed(shard, config, account))
        if progress:
            progress(
                (number + 1) / len(shards), f"{account.documents} documents, {sum(account.kinds.values())} findings"
            )
    _write_findings(work.path / FINDINGS_FILE, account.rows)
    result = account.result(config)
    logger.info("scrubbed %d documents: %s", result.num_documents, result.findings)
    return result


class _Account:
    def __init__(self) -> None:
        self.documents = self.num_bytes = self.with_findings = self.planted = self.caught = 0
        self.kinds: Counter[str] = Counter()
        self.rows: list[Row] = []

    def add(self, document: Document, findings: list[Finding]) -> None:
        if document.planted:
            self.planted += document.planted == "catchable"
            self.caught += document.planted == "catchable" and bool(findings)
            return
        self.documents += 1
        self.num_bytes += len(document.text.encode("utf-8", "surrogatepass"))
        self.with_findings += bool(findings)
        self.kinds.update(finding.kind for finding in findings)
        counts = Counter((finding.kind, finding.rule) for finding in findings)
        self.rows += [(document.id, kind, rule, num) for (kind, rule), num in counts.items()]

    def result(self, config: ScrubbingConfig) -> ScrubResult:
        searched = searched_kinds(config)
        return ScrubResult(
            num_documents=self.documents,
            num_bytes=self.num_bytes,
            num_findings=sum(self.kinds.values()),
            num_documents_with_findings=self.with_findings,
            findings={kind: self.kinds[kind] for kind in searched},
            kinds_searched=searched,
            kinds_not_searched=unsearched_kinds(config),
            scope=scope(config),
            num_planted=self.planted,
            num_planted_caught=self.caught,
        )


def _scrubbed(shard: Path, config: ScrubbingConfig, account: _Account) -> Iterator[Document]:
    for document in read_shard(shard):
        text, findings = scrub_text(document.text, config)
        account.add(document, findings)
        yield Document(document.id, document.source, document.path, text, document.lang, document.planted)


def _write_findings(path: Path, rows: list[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = (pa.string(), pa.string(), pa.string(), pa.int64())
    columns = list(zip(*sorted(rows), strict=True)) or [(), (), (), ()]
    names = ("id", "kind", "rule", "num")
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    pq.write_table(pa.table(dict(zip(names, arrays, strict=True))), path)
