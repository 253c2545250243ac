"""The stage `scrub`: cleaned shards in, shards with stand-ins out, and an account by kind that holds no value.

A document with a kind that asks for it is left out. Planted test phrases are scrubbed like everything else and counted
apart.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from gptmodel.corpus.documents import SHARDS_DIR, Document, read_shard, write_shard
from gptmodel.corpus.scrubbing.measuring.self_test import KindTest, recall_by_kind, self_test
from gptmodel.corpus.scrubbing.scrubber import Scrubbed, Scrubber
from gptmodel.corpus.scrubbing.shapes import shape_of
from gptmodel.corpus.scrubbing.value_index import ValueIndex, values_name
from gptmodel.corpus.table_names import FINDINGS_DIR, LEFT_OUT_DIR
from gptmodel.keys import key_id

if TYPE_CHECKING:  # the preview imports this room before the store's packages are installed
    from gptmodel.parts import Mapper, Part, Progress
    from gptmodel.store import Workspace

logger = logging.getLogger(__name__)

_MOST_SHAPES = 3


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
    """UTF-8 size of those that stay, with stand-ins."""
    dropped_by_reason: dict[str, int] = {}
    """Documents left out for the sake of a kind that they hold."""
    dropped_bytes_by_reason: dict[str, int] = {}
    """Their UTF-8 size before scrubbing."""


class FindingsShape(BaseModel):
    """How many findings of a kind look alike."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: str
    """Kind of the findings."""
    shape: str
    """What they look like: letters as `aaa`, digits as `0`."""
    num: int
    """How many there are."""


class ScrubResult(BaseModel):
    """What the stage found, by kind; never a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_documents: int
    """Documents scrubbed, planted test phrases aside."""
    num_bytes: int
    """Their UTF-8 size before scrubbing."""
    num_findings: int
    """Findings in them, those in documents that are left out included."""
    num_documents_with_findings: int
    """Documents with at least one finding."""
    num_dropped: int = 0
    """Documents left out for the sake of a kind that they hold; the others are kept."""
    dropped_by_reason: dict[str, int] = {}
    """Those by reason."""
    findings: dict[str, int]
    """Findings by kind, every searched kind named."""
    findings_by_source: dict[str, dict[str, int]]
    """Findings by source and kind."""
    findings_by_rule: dict[str, int] = {}
    """Findings by the rule that found them."""
    shapes: list[FindingsShape] = []
    """The most frequent shapes of each kind, which stand for examples; never a value."""
    sources: list[SourceScrubbing]
    """Documents and bytes by source, sorted by name."""
    num_allowed: int = 0
    """Values left standing because the site's allow file holds them."""
    replacements: dict[str, str] = {}
    """What takes a finding's place, by kind, every kind that is looked for named."""
    pseudonym_key_id: str = ""
    """Id of the key that pseudonyms were made with; empty where no kind asks for one."""
    additions: tuple[str, ...] = ()
    """What the site adds to the finders or takes from them: custom finders, allow file, known values, recognizer."""
    kinds_searched: tuple[str, ...]
    """Kinds that count as searched."""
    kinds_not_searched: tuple[str, ...]
    """Kinds that nobody looked for, or so little that it does not count."""
    kinds_accepted: tuple[str, ...] = ()
    """Those of them that the config accepts in writing."""
    limits: tuple[str, ...] = ()
    """How far the search for a kind goes where it does not go everywhere."""
    scope: str
    """The same in one sentence."""
    num_planted: int
    """Planted test phrases of the sort that scrubbing must catch."""
    num_planted_caught: int
    """In how many of those it found something; that the value itself is gone is the leak test's to say."""
    self_test: list[KindTest] = []
    """What became of invented values that went through the same scrubber, by kind."""
    self_test_recall: dict[str, float] = {}
    """Share of those values that was found, by kind."""
    untested_kinds: tuple[str, ...] = ()
    """Searched kinds of which no value was tried, because none can be invented or nobody asked for a test."""
    runtime: dict[str, int] = {}
    """How many shards there were, and how many were taken over."""


def scrub(
    work: "Workspace", scrubber: Scrubber, progress: "Progress | None" = None, mapper: "Mapper | None" = None
) -> ScrubResult:
    """Scrub the cleaned shards into the workspace, each by itself.

    Writes shards/ with stand-ins, findings/ with one row a document, kind and rule, left_out/ with one row a document
    that is not in the shards, and beside the data the index of keyed hashes, if the scrubber has the home's key; one
    file a shard.

    Args:
        work: Workspace with the input `clean`.
        scrubber: What is looked for, and what takes its place.
        progress: Called with the share done (0 to 1) and a line to show.
        mapper: Where the shards are scrubbed; None: here, in turn.
    """
    from gptmodel.parts import clear_but_parts, in_turn, make_text_parts, text_parts

    clear_but_parts(work)
    make = partial(_scrub_shard, folder=work.path, scrubber=scrubber)
    parts = [_indexed(part, scrubber) for part in text_parts(work, "clean", scrubber.settings)]
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
    num_allowed: int = 0
    kinds: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    shapes: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    dropped_bytes: Counter[str] = Counter()

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

    def add(self, document: Document, done: Scrubbed) -> None:
        """Count one document and what scrubbing made of it."""
        if document.planted:
            self.num_planted += document.planted == "catchable"
            self.num_caught += document.planted == "catchable" and bool(done.findings)
            return
        tally = self.sources.setdefault(document.source, _Tally())
        num_bytes = _num_bytes(document.text)
        tally.num_documents += 1
        tally.num_bytes_read += num_bytes
        tally.num_with_findings += bool(done.findings)
        tally.num_allowed += done.num_allowed
        for one in done.findings:
            tally.kinds[one.kind] += 1
            tally.rules[one.rule] += 1
            tally.shapes[f"{one.kind}\t{shape_of(one.kind, document.text[one.start : one.end])}"] += 1
        if reason := _reason(done):
            tally.dropped[reason] += 1
            tally.dropped_bytes[reason] += num_bytes
        else:
            tally.num_bytes_kept += _num_bytes(done.text)

    def result(self, scrubber: Scrubber, runtime: dict[str, int]) -> ScrubResult:
        """Give the stage's account."""
        total = sum(self.sources.values(), _Tally())
        tested = self_test(scrubber, scrubber.config.self_test)
        recall = recall_by_kind(tested)
        return ScrubResult(
            num_documents=total.num_documents,
            num_bytes=total.num_bytes_read,
            num_findings=total.kinds.total(),
            num_documents_with_findings=total.num_with_findings,
            num_dropped=total.dropped.total(),
            dropped_by_reason=dict(sorted(total.dropped.items())),
            findings={kind: total.kinds[kind] for kind in scrubber.kinds},
            findings_by_source={name: dict(sorted(tally.kinds.items())) for name, tally in self.sources.items()},
            findings_by_rule=dict(sorted(total.rules.items())),
            shapes=_shapes(total.shapes, scrubber.kinds),
            sources=[_source(name, tally) for name, tally in self.sources.items()],
            num_allowed=total.num_allowed,
            replacements={kind: scrubber.replacer.way_of(kind) for kind in scrubber.kinds},
            pseudonym_key_id=scrubber.replacer.key_id,
            additions=tuple(scrubber.site.digests),
            kinds_searched=scrubber.coverage.searched,
            kinds_not_searched=scrubber.coverage.not_searched,
            kinds_accepted=scrubber.coverage.accepted,
            limits=scrubber.coverage.limits,
            scope=scrubber.scope,
            num_planted=self.num_planted,
            num_planted_caught=self.num_caught,
            self_test=tested,
            self_test_recall=recall,
            untested_kinds=tuple(kind for kind in scrubber.kinds if kind not in recall),
            runtime=runtime,
        )


def _source(name: str, tally: _Tally) -> SourceScrubbing:
    return SourceScrubbing(
        name=name, num_documents=tally.num_documents, num_bytes_read=tally.num_bytes_read,
        num_bytes_kept=tally.num_bytes_kept, dropped_by_reason=dict(sorted(tally.dropped.items())),
        dropped_bytes_by_reason=dict(sorted(tally.dropped_bytes.items())),
    )  # fmt: skip


def _shapes(counts: Counter[str], kinds: Sequence[str]) -> list[FindingsShape]:
    rows = [FindingsShape(kind=key.partition("\t")[0], shape=key.partition("\t")[2], num=counts[key]) for key in counts]
    rows.sort(key=lambda row: (-row.num, row.shape))
    return [row for kind in kinds for row in [one for one in rows if one.kind == kind][:_MOST_SHAPES]]


def _reason(done: Scrubbed) -> str:
    return f"holds {done.left_out_for}" if done.left_out_for else ""


def _num_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


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


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """A document that is not in the scrubbed shards.

    Attributes:
        id: The document.
        source: Its source.
        path: Its file within the source.
        reason: Why it is left out.
        num_bytes: UTF-8 bytes of its text before scrubbing.
        planted: Empty for real text; else the sort of planted test phrase it is.
    """

    id: str
    source: str
    path: str
    reason: str
    num_bytes: int
    planted: str


def _scrub_shard(path: Path, folder: Path, scrubber: Scrubber) -> _Account:
    from gptmodel.corpus.tables import write_table

    shard = _Shard(scrubber)
    write_shard(folder / SHARDS_DIR / path.name, shard.documents(path))
    findings = sorted(shard.findings, key=lambda row: (row.id, row.kind, row.rule))
    write_table(folder / FINDINGS_DIR / path.name, FindingRow, findings)
    write_table(folder / LEFT_OUT_DIR / path.name, LeftOutRow, sorted(shard.left_out, key=lambda row: row.id))
    shard.values.write(folder / values_name(path.name))
    return shard.account


class _Shard:
    """One pass over a shard, with the counts and rows it leaves."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self.account = _Account()
        self.findings: list[FindingRow] = []
        self.left_out: list[LeftOutRow] = []
        self.values = ValueIndex(scrubber.keys.home)

    def documents(self, path: Path) -> Iterator[Document]:
        """Give the scrubbed documents that stay."""
        for document in read_shard(path):
            done = self._scrubber.scrub(document.text)
            self.account.add(document, done)
            self.values.add(document.id, document.text, done.findings)
            self._note_findings(document, done)
            if reason := _reason(done):
                self.left_out.append(LeftOutRow(document.id, document.source, document.path, reason,
                                                _num_bytes(document.text), document.planted))  # fmt: skip
            else:
                yield replace(document, text=done.text)

    def _note_findings(self, document: Document, done: Scrubbed) -> None:
        if not document.planted:
            counts = Counter((finding.kind, finding.rule) for finding in done.findings)
            self.findings += [FindingRow(document.id, kind, rule, num) for (kind, rule), num in counts.items()]
