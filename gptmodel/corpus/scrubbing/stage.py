"""The stage `scrub`: cleaned shards in, shards with placeholders out, and an account by kind that holds no value.

Planted test phrases are scrubbed like everything else and counted apart.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from gptmodel.config import fingerprint_section
from gptmodel.corpus.documents import SHARDS_DIR, Document, read_shard, write_shard
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.scrubber import Scrubber
from gptmodel.corpus.scrubbing.value_index import ValueIndex, values_name
from gptmodel.keys import key_id

if TYPE_CHECKING:  # the preview imports this room before the store's packages are installed
    from gptmodel.parts import Mapper, Part, Progress
    from gptmodel.store import Workspace

logger = logging.getLogger(__name__)

FINDINGS_DIR = "findings"


class SourceScrubbing(BaseModel):
    """What scrubbing did to the text of one source."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the source."""
    num_documents: int
    """Documents scrubbed."""
    num_bytes_read: int
    """Their UTF-8 size before scrubbing."""
    num_bytes_kept: int
    """Their UTF-8 size with placeholders."""


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
    findings_by_source: dict[str, dict[str, int]]
    """Findings by source and kind."""
    sources: list[SourceScrubbing]
    """Documents and bytes by source, sorted by name."""
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
    runtime: dict[str, int] = {}
    """How many shards there were, and how many were taken over."""


def scrub(
    work: "Workspace", scrubber: Scrubber, progress: "Progress | None" = None, mapper: "Mapper | None" = None
) -> ScrubResult:
    """Scrub the cleaned shards into the workspace, each by itself.

    Writes shards/ with placeholders, findings/ with one row a document, kind and rule, and beside the data the index
    of keyed hashes, if the scrubber has the home's key; one file a shard.

    Args:
        work: Workspace with the input `clean`.
        scrubber: What is looked for.
        progress: Called with the share done (0 to 1) and a line to show.
        mapper: Where the shards are scrubbed; None: here, in turn.
    """
    from gptmodel.parts import clear_but_parts, in_turn, make_text_parts, text_parts

    clear_but_parts(work)
    make = partial(_scrub_shard, folder=work.path, scrubber=scrubber)
    parts = [_indexed(part, scrubber) for part in text_parts(work, "clean", fingerprint_section(scrubber.config))]
    made = make_text_parts(work, "clean", parts, make, _Account, mapper or in_turn, progress)
    result = sum(made.accounts.values(), _Account()).result(scrubber, made.runtime.model_dump())
    logger.info("scrubbed %d documents: %s", result.num_documents, result.findings)
    return result


def _indexed(part: "Part[Path]", scrubber: Scrubber) -> "Part[Path]":
    """Let the index go with its shard; one made with another key, or none, means that the shard is scrubbed again."""
    key = scrubber.keys.home
    return part if key is None else replace(part, notes=(values_name(part.item.name),), notes_key=key_id(key))


class _Tally(BaseModel):
    """Counts of one source in one shard."""

    num_documents: int = 0
    num_bytes_read: int = 0
    num_bytes_kept: int = 0
    num_with_findings: int = 0
    kinds: Counter[str] = Counter()

    def __add__(self, other: "_Tally") -> "_Tally":
        return _Tally(**{name: getattr(self, name) + getattr(other, name) for name in _Tally.model_fields})


class _Account(BaseModel):
    """Counts of one shard."""

    sources: dict[str, _Tally] = {}
    num_planted: int = 0
    num_caught: int = 0

    def __add__(self, other: "_Account") -> "_Account":
        names = sorted({*self.sources, *other.sources})
        return _Account(
            sources={name: self.sources.get(name, _Tally()) + other.sources.get(name, _Tally()) for name in names},
            num_planted=self.num_planted + other.num_planted,
            num_caught=self.num_caught + other.num_caught,
        )

    def add(self, document: Document, text: str, findings: list[Finding]) -> None:
        """Count one document, its scrubbed text and its findings."""
        if document.planted:
            self.num_planted += document.planted == "catchable"
            self.num_caught += document.planted == "catchable" and bool(findings)
            return
        tally = self.sources.setdefault(document.source, _Tally())
        tally.num_documents += 1
        tally.num_bytes_read += len(document.text.encode("utf-8", "surrogatepass"))
        tally.num_bytes_kept += len(text.encode("utf-8", "surrogatepass"))
        tally.num_with_findings += bool(findings)
        tally.kinds.update(finding.kind for finding in findings)

    def result(self, scrubber: Scrubber, runtime: dict[str, int]) -> ScrubResult:
        """Give the stage's account."""
        total = sum(self.sources.values(), _Tally())
        return ScrubResult(
            num_documents=total.num_documents,
            num_bytes=total.num_bytes_read,
            num_findings=total.kinds.total(),
            num_documents_with_findings=total.num_with_findings,
            findings={kind: total.kinds[kind] for kind in scrubber.kinds},
            findings_by_source={name: dict(sorted(tally.kinds.items())) for name, tally in self.sources.items()},
            sources=[_source(name, tally) for name, tally in self.sources.items()],
            kinds_searched=scrubber.kinds,
            kinds_not_searched=scrubber.kinds_not_searched,
            scope=scrubber.scope,
            num_planted=self.num_planted,
            num_planted_caught=self.num_caught,
            runtime=runtime,
        )


def _source(name: str, tally: _Tally) -> SourceScrubbing:
    return SourceScrubbing(
        name=name, num_documents=tally.num_documents, num_bytes_read=tally.num_bytes_read,
        num_bytes_kept=tally.num_bytes_kept,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FindingRow:
    """How often a rule found a kind in a document.

    Attributes:
        id: The document.
        kind: Kind of sensitive data.
        rule: The rule that found it.
        num: How often.
    """

    id: str
    kind: str
    rule: str
    num: int


def _scrub_shard(path: Path, folder: Path, scrubber: Scrubber) -> _Account:
    from gptmodel.corpus.tables import write_table

    account = _Account()
    rows: list[FindingRow] = []
    values = ValueIndex(scrubber.keys.home)
    write_shard(folder / SHARDS_DIR / path.name, _scrubbed(path, scrubber, account, rows, values))
    write_table(
        folder / FINDINGS_DIR / path.name, FindingRow, sorted(rows, key=lambda row: (row.id, row.kind, row.rule))
    )
    values.write(folder / values_name(path.name))
    return account


def _scrubbed(
    path: Path, scrubber: Scrubber, account: _Account, rows: list[FindingRow], values: ValueIndex
) -> Iterator[Document]:
    for document in read_shard(path):
        done = scrubber.scrub(document.text)
        account.add(document, done.text, done.findings)
        values.add(document.id, document.text, done.findings)
        if not document.planted:
            counts = Counter((finding.kind, finding.rule) for finding in done.findings)
            rows += [FindingRow(document.id, kind, rule, num) for (kind, rule), num in counts.items()]
        yield Document(document.id, document.source, document.path, done.text, document.lang, document.planted)
