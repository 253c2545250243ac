"""The funnel: what each source gave, where documents and bytes were lost, and what was left for each split.

Computed from the stages' accounts alone, so that it holds wherever a run ended and after every text is gone. Files and
records are read or set aside; a long text is divided as it is read, and from there on a document is a part of a text.
Bytes are UTF-8 of the text; what could not be read has none. Planted test phrases stay outside all counts. Called by
the reports and the dashboards.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import reduce
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Account = Mapping[str, Any]
Kind = Literal["read", "lost", "added", "changed", "left"]

ALL_SOURCES = "all sources"
SPLITS = ("train", "validation", "test")
"""The splits as split_table names them; that room needs numpy, and a run in which all is cached does without."""

_LATER = ("clean", "scrub", "deduplicate", "split")
# What the stages do to the text of documents that they keep.
_REWRITING = {
    "clean": "characters put right",
    "scrub": "sensitive values replaced",
    "deduplicate": "repeated lines removed",
}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Count(_Record):
    """Documents, and the UTF-8 bytes of their text."""

    num_documents: int = 0
    """Documents."""
    num_bytes: int = 0
    """Bytes of their text."""

    def __add__(self, other: "Count") -> "Count":
        return Count(num_documents=self.num_documents + other.num_documents, num_bytes=self.num_bytes + other.num_bytes)


class Step(_Record):
    """What one stage did with the documents of one source."""

    stage: str
    """Name of the stage."""
    taken: Count = Count()
    """What came in."""
    lost: dict[str, Count] = {}
    """What was dropped, by rule."""
    kept: Count = Count()
    """What went out."""

    @property
    def dropped(self) -> Count:
        """What was dropped, all rules together."""
        return sum(self.lost.values(), Count())

    @property
    def num_bytes_rewritten(self) -> int:
        """Bytes by which rewriting made the text shorter (negative: longer): what neither went out nor was dropped."""
        return self.taken.num_bytes - self.kept.num_bytes - self.dropped.num_bytes

    def __add__(self, other: "Step") -> "Step":
        return Step(
            stage=self.stage, taken=self.taken + other.taken, lost=_added(self.lost, other.lost),
            kept=self.kept + other.kept,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a funnel that is read from top to bottom; what is lost is negative.

    Attributes:
        stage: The stage.
        what: What was read, or left, or why something was lost.
        kind: Whether it tells what was read, a loss, more documents by division, a change of texts, or what was left.
        num_documents: Documents; files and records where they are read.
        num_bytes: Bytes of their text; None where there is no text.
    """

    stage: str
    what: str
    kind: Kind
    num_documents: int
    num_bytes: int | None = None


class SourceFunnel(_Record):
    """The way of one source.

    `num_read` = `num_texts` + what is quarantined or forgotten; `documents` = `kept` + what is dropped.
    """

    name: str
    """Name of the source."""
    left_out: str = ""
    """Why the whole source was not read; empty if it was."""
    skipped: dict[str, int] = {}
    """Entries of its folder that were not read, by reason: hidden, link, special, unreadable_folder."""
    num_read: int = 0
    """Files and records met."""
    quarantined: dict[str, int] = {}
    """Files and records set aside, by reason."""
    num_forgotten: int = 0
    """Texts left out because an erasure request says so."""
    num_texts: int = 0
    """Texts read."""
    documents: Count = Count()
    """The documents they gave once the long ones were divided."""
    steps: tuple[Step, ...] = ()
    """What the stages after ingest did, as far as the run went."""
    splits: dict[str, Count] = {}
    """Where the documents went; empty before the split."""

    @property
    def num_quarantined(self) -> int:
        """Files and records set aside."""
        return sum(self.quarantined.values())

    @property
    def num_added(self) -> int:
        """Documents that there are more than texts, because long texts were divided."""
        return self.documents.num_documents - self.num_texts

    @property
    def dropped(self) -> Count:
        """What was dropped after it was read, all stages together."""
        return sum((step.dropped for step in self.steps), Count())

    @property
    def kept(self) -> Count:
        """What was left where the run ended."""
        return self.steps[-1].kept if self.steps else self.documents

    def lost_by(self, stage: str) -> dict[str, Count]:
        """Give what a stage dropped, by rule; nothing if it did not run."""
        return next((step.lost for step in self.steps if step.stage == stage), {})

    def lines(self) -> Iterator[Line]:
        """Tell the whole way, a line for each rule that dropped something."""
        yield Line("ingest", "read", "read", self.num_read)
        for reason, number in self.quarantined.items():
            yield Line("ingest", reason, "lost", -number)
        if self.num_forgotten:
            yield Line("ingest", "forgotten", "lost", -self.num_forgotten)
        if self.num_added:
            yield Line("ingest", "more by dividing long texts", "added", self.num_added)
        yield _left("ingest", "documents", self.documents)
        for step in self.steps:
            yield from _step_lines(step)
        for split, count in self.splits.items():
            yield _left("split", split, count)

    def __add__(self, other: "SourceFunnel") -> "SourceFunnel":
        return SourceFunnel(
            name=ALL_SOURCES, skipped=_added(self.skipped, other.skipped), num_read=self.num_read + other.num_read,
            quarantined=_added(self.quarantined, other.quarantined),
            num_forgotten=self.num_forgotten + other.num_forgotten, num_texts=self.num_texts + other.num_texts,
            documents=self.documents + other.documents, splits=_added(self.splits, other.splits),
            steps=tuple(mine + its for mine, its in zip(self.steps, other.steps, strict=True)),
        )  # fmt: skip


class Funnel(_Record):
    """The way of all sources, as far as a run went."""

    sources: tuple[SourceFunnel, ...]
    """The sources in the config's order."""
    stated: dict[str, int]
    """What the stages say of the whole corpus: files and records `read`, and documents kept, by stage."""
    num_planted: int = 0
    """Planted test phrases: they go through the stages, those that stay into train, and are in none of the counts."""

    @property
    def total(self) -> SourceFunnel:
        """All sources together."""
        steps = tuple(Step(stage=step.stage) for step in self.sources[0].steps) if self.sources else ()
        return reduce(SourceFunnel.__add__, self.sources, SourceFunnel(name=ALL_SOURCES, steps=steps))

    def as_csv(self) -> str:
        """Give every line of every source as a table with a head; the same funnel gives the same text."""
        target = io.StringIO()
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(("source", "stage", "what", "kind", "documents", "bytes"))
        for source in self.sources:
            writer.writerows((source.name, *astuple(line)) for line in source.lines())
        return target.getvalue()

    def imbalances(self) -> list[str]:
        """Say where it does not add up, a sentence each; empty if every document and byte is accounted for."""
        found = [f"{source.name}: {words}" for source in self.sources for words in _imbalances(source)]
        total = self.total
        counted = {"read": total.num_read, "ingest": total.documents.num_documents}
        counted |= {step.stage: step.kept.num_documents for step in total.steps}
        counted["split"] = sum(count.num_documents for count in total.splits.values())
        return found + [
            f"{name}: {number:,} in all, {counted[name]:,} by source"
            for name, number in self.stated.items()
            if counted[name] != number
        ]


def build_funnel(accounts: Mapping[str, Account]) -> Funnel:
    """Build the funnel from the accounts of the stages that ran.

    Args:
        accounts: Stage name -> the stage's result as JSON values; without `ingest` there is nothing to tell.
    """
    if "ingest" not in accounts:
        return Funnel(sources=(), stated={})
    later = {
        stage: {source["name"]: source for source in accounts[stage]["sources"]}
        for stage in _LATER
        if stage in accounts
    }
    ingest = accounts["ingest"]
    return Funnel(
        sources=tuple(_source(row, later) for row in ingest["sources"]), stated=_stated(accounts),
        num_planted=ingest["num_planted"],
    )  # fmt: skip


def _source(row: Account, later: Mapping[str, Mapping[str, Account]]) -> SourceFunnel:
    documents = Count(num_documents=row["num_parts"], num_bytes=row["num_bytes"])
    steps: list[Step] = []
    for stage, rows in later.items():
        if stage != "split":
            steps.append(_step(stage, rows.get(row["name"]), steps[-1].kept if steps else documents))
    return SourceFunnel(
        name=row["name"], left_out=row.get("left_out", ""), skipped=row.get("skipped", {}),
        num_read=row["num_documents"] + row["num_quarantined"] + row.get("num_forgotten", 0),
        quarantined=row["quarantined_by_reason"], num_forgotten=row.get("num_forgotten", 0),
        num_texts=row["num_documents"], documents=documents, steps=tuple(steps),
        splits=_splits(later["split"].get(row["name"], {})) if "split" in later else {},
    )  # fmt: skip


def _step(stage: str, row: Account | None, before: Count) -> Step:
    """Read a stage's account of a source; a source that nothing was left of is in no later account."""
    if row is None:
        return Step(stage=stage)
    # An account from before scrubbing left documents out says nothing of them.
    dropped, sizes = row.get("dropped_by_reason", {}), row.get("dropped_bytes_by_reason", {})
    num_read = row["num_documents"] if stage == "scrub" else row["num_read"]
    num_kept = num_read - sum(dropped.values()) if stage == "scrub" else row["num_kept"]
    return Step(
        stage=stage,
        # Deduplication measures its text without the repeated lines, so what it takes is what scrubbing gave.
        taken=Count(num_documents=num_read, num_bytes=row.get("num_bytes_read", before.num_bytes)),
        lost={reason: Count(num_documents=number, num_bytes=sizes[reason]) for reason, number in dropped.items()},
        kept=Count(num_documents=num_kept, num_bytes=row["num_bytes_kept"]),
    )


def _splits(row: Account) -> dict[str, Count]:
    return {
        split: Count(num_documents=row.get(f"num_{split}", 0), num_bytes=row.get(f"num_bytes_{split}", 0))
        for split in SPLITS
    }


def _stated(accounts: Mapping[str, Account]) -> dict[str, int]:
    fields = {"clean": ["num_kept"], "scrub": ["num_documents"], "deduplicate": ["num_kept"],
              "split": [f"num_{split}" for split in SPLITS]}  # fmt: skip
    ingest = accounts["ingest"]
    stated = {"read": ingest["num_read"], "ingest": ingest["num_parts"]} | {
        stage: sum(accounts[stage][name] for name in names) for stage, names in fields.items() if stage in accounts
    }
    if "scrub" in stated:
        stated["scrub"] -= accounts["scrub"].get("num_dropped", 0)
    return stated


def _imbalances(source: SourceFunnel) -> Iterator[str]:
    if source.num_read != source.num_texts + source.num_quarantined + source.num_forgotten:
        aside = source.num_quarantined + source.num_forgotten
        yield f"{source.num_read:,} read, but {source.num_texts:,} texts and {aside:,} set aside or forgotten"
    if source.num_added < 0:
        yield f"{source.num_texts:,} texts, but {source.documents.num_documents:,} documents"
    before, stage = source.documents, "ingest"
    for step in source.steps:
        yield from _unequal(f"{stage} gave", before, f"{step.stage} took", step.taken)
        left = step.taken.num_documents - step.dropped.num_documents
        if left != step.kept.num_documents:
            yield f"{left:,} documents remain of {step.stage}'s, but it kept {step.kept.num_documents:,}"
        if step.stage == "deduplicate" and step.num_bytes_rewritten < 0:
            yield f"{-step.num_bytes_rewritten:,} bytes more after deduplicate than before"
        before, stage = step.kept, step.stage
    if source.splits:
        yield from _unequal(f"{stage} gave", before, "the splits hold", sum(source.splits.values(), Count()))


def _unequal(who: str, one: Count, whom: str, other: Count) -> Iterator[str]:
    if one.num_documents != other.num_documents:
        yield f"{who} {one.num_documents:,} documents, {whom} {other.num_documents:,}"
    if one.num_bytes != other.num_bytes:
        yield f"{who} {one.num_bytes:,} bytes, {whom} {other.num_bytes:,}"


def _step_lines(step: Step) -> Iterator[Line]:
    for reason, count in step.lost.items():
        yield Line(step.stage, reason, "lost", -count.num_documents, -count.num_bytes)
    if step.num_bytes_rewritten:
        yield Line(step.stage, _REWRITING[step.stage], "changed", 0, -step.num_bytes_rewritten)
    yield _left(step.stage, "kept", step.kept)


def _left(stage: str, what: str, count: Count) -> Line:
    return Line(stage, what, "left", count.num_documents, count.num_bytes)


def _added(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> dict[Any, Any]:
    """Add up two tables of counts by key."""
    return {**one, **other} | {key: one[key] + other[key] for key in one.keys() & other.keys()}
