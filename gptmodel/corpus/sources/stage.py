"""The stage `ingest`: typed sources in, shards of raw documents out.

Every file of the listing is read once, by shard, in the order of its path; what can't be read is set aside with a
reason and counted, so that documents and quarantine add up to what was read. Long texts are divided, planted test
phrases come in a shard of their own. Nothing here cleans, scrubs or judges. Called by flows.corpus.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from gptmodel.config import CorpusConfig, PlantedConfig, SourceConfig
from gptmodel.corpus.documents import shard_name, shard_of, shard_path, write_shard
from gptmodel.corpus.sources import builtin, hub
from gptmodel.corpus.sources.forgetting import ErasureMarks, left_out, take_over
from gptmodel.corpus.sources.listing import Listing, list_sources
from gptmodel.corpus.sources.reading import Shard, ShardAccount, Tally, Task, index_name_of, make_shard
from gptmodel.errors import SourceError
from gptmodel.keys import key_id
from gptmodel.parts import Mapper, Part, PartsRuntime, Progress, clear_but_parts, in_turn, make_parts, rename_key
from gptmodel.store import Workspace, digest_of

__all__ = ["IngestResult", "Listing", "SourceAccount", "ingest", "list_sources"]


class SourceAccount(BaseModel):
    """What one source gave."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the source."""
    num_files: int
    """Files listed."""
    num_documents: int
    """Texts read, before division."""
    num_parts: int
    """Documents they gave, after division."""
    num_quarantined: int
    """Files and records set aside."""
    quarantined_by_reason: dict[str, int]
    """The same by reason."""
    num_forgotten: int = 0
    """Texts left out because an erasure request says so."""
    num_bytes: int
    """UTF-8 bytes of the texts."""
    digest: str
    """Digest of the listed files' paths and bytes."""
    weight: float
    """Mixing weight as the config says."""
    licence: str
    """Licence as the config says."""
    owner: str
    """Who answers for the text, as the config says."""
    purpose: str
    """What it may be used for, as the config says."""
    keep_until: date | None
    """Last day on which it may be used; None: no end."""
    personal_data: str
    """Whether it holds data about people, as the config says."""
    skipped: dict[str, int] = {}
    """Entries of its folder or archives that were left out, by reason: hidden, link, special, unreadable_folder."""
    left_out: str = ""
    """Why nothing of it was read; empty if it was."""


class IngestResult(BaseModel):
    """What was read and what was not: `num_read` = `num_documents` + `num_quarantined` + `num_forgotten`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_read: int
    """Files and records met."""
    num_documents: int
    """Texts read, before division."""
    num_parts: int
    """Documents in the shards, after division, planted ones aside."""
    num_bytes: int
    """UTF-8 bytes of the texts."""
    num_quarantined: int
    """Files and records set aside."""
    quarantined_by_reason: dict[str, int]
    """Files and records set aside, by reason."""
    num_forgotten: int = 0
    """Texts left out because an erasure request says so."""
    num_divided: int
    """Texts longer than the limit."""
    num_planted: int
    """Documents with planted test phrases."""
    encodings: dict[str, int]
    """Files by the encoding they were decoded with."""
    sources: list[SourceAccount]
    """The sources in the config's order."""
    runtime: PartsRuntime = PartsRuntime()
    """How much was read anew."""


def ingest(
    work: Workspace, corpus: CorpusConfig, planted: PlantedConfig, listing: Listing, progress: Progress | None = None,
    mapper: Mapper = in_turn, marks: ErasureMarks | None = None,
) -> IngestResult:  # fmt: skip
    """Read all sources into shards of documents.

    Writes shards/, and beside them quarantine/ (source, path, position, reason) and files/ (what was found out about
    each file), one table a shard, and listing.json. Shards whose files are as they were are taken over.

    Args:
        work: The folder to write into.
        corpus: The sources, the limit on a document's length and the number of shards.
        planted: The test phrases to plant; they are in no count but `num_planted`.
        listing: The sources' files as `list_sources` found them.
        progress: Called with the share of shards made so far and a message.
        mapper: Where the shards are read.
        marks: What erasure requests leave out; None, as outside a home, leaves nothing out and keeps no index.

    Raises:
        SourceError: A source gave no document at all, or changed while it was read.
    """
    clear_but_parts(work)
    listing.save(work.path)
    shards = _shards(work, corpus, listing)
    parts = [_part(work, shard, marks) for shard in shards]
    make = partial(make_shard, folder=work.path, max_document_chars=corpus.max_document_chars, marks=marks)
    made = make_parts(work, parts, make, ShardAccount, mapper, progress)
    for shard in shards if marks else ():
        # Which documents a shard leaves out is known only once they were read.
        rename_key(work, shard_name(shard.number), _part(work, shard, marks).key)
    tallies = {source.name: _total(source.name, made.accounts.values()) for source in corpus.sources}
    for source in corpus.sources:
        _refuse_empty(source, tallies[source.name], listing)
    num_bytes = sum(tally.num_bytes for tally in tallies.values())
    num_planted = _plant(work.path, corpus, planted, num_bytes)
    return _result(corpus, listing, tallies, num_planted, made.runtime)


def _shards(work: Workspace, corpus: CorpusConfig, listing: Listing) -> list[Shard]:
    tasks: list[list[Task]] = [[] for _ in range(corpus.num_shards)]
    for source in sorted(corpus.sources, key=lambda source: source.name):
        for name, info in sorted(listing.sources[source.name].files.items()):
            tasks[shard_of(source.name, name, corpus.num_shards)].append(Task(source, name, info))
    return [
        Shard(number, tuple(mine), digest_of([work.code_version, _key_of(mine, corpus, listing)]))
        for number, mine in enumerate(tasks)
    ]


def _key_of(tasks: Sequence[Task], corpus: CorpusConfig, listing: Listing) -> list[Any]:
    """Give all that shapes a shard's texts: the limit on a document's length, and each file with how it is read."""
    return [
        corpus.max_document_chars,
        [[_reading_of(task.source), task.name, listing.mark(task.info)] for task in tasks],
    ]


def _part(work: Workspace, shard: Shard, marks: ErasureMarks | None) -> Part[Shard]:
    """Name all that a shard is made from: its texts, and which of them are left out; its index goes with it."""
    name = shard_name(shard.number)
    if marks is None:
        return Part(name, [shard.made_from, []], shard)
    index = index_name_of(shard, marks.key)
    return Part(name, [shard.made_from, _left_out(work, index, marks)], shard, (index,), key_id(marks.key))


def _left_out(work: Workspace, index: str, marks: ErasureMarks) -> list[str]:
    """Give the documents of a shard that are left out; all marks where its documents are not known yet."""
    if not marks:
        return []
    return left_out(marks, work.path / index) if take_over(work.path / index, work.earlier) else [marks.digest]


def _reading_of(source: SourceConfig) -> dict[str, Any]:
    """Give the settings of a source that shape its documents; where it lies is not among them."""
    kept = source.model_dump(include={"name", "language", "text_column", "id_column", "max_records"})
    return kept | {"builtin": source.path == builtin.PYTHON_DOCS, "dataset": hub.is_dataset(source.path)}


def _plant(folder: Path, corpus: CorpusConfig, planted: PlantedConfig, num_bytes: int) -> int:
    """Write the planted test phrases into a shard after the others, and return how many documents hold them."""
    from gptmodel.corpus.canaries import planted_documents

    documents = planted_documents(planted, num_bytes)
    if not documents:
        return 0
    ordered = sorted(documents, key=lambda document: (document.path, document.id))
    return write_shard(shard_path(folder, corpus.num_shards), ordered)


def _total(name: str, accounts: Iterable[ShardAccount]) -> Tally:
    return sum((account.sources[name] for account in accounts if name in account.sources), Tally())


def _result(
    corpus: CorpusConfig, listing: Listing, tallies: Mapping[str, Tally], num_planted: int, runtime: PartsRuntime
) -> IngestResult:
    total = sum(tallies.values(), Tally())
    return IngestResult(
        num_read=total.num_documents + total.reasons.total() + total.num_forgotten,
        num_documents=total.num_documents,
        num_parts=total.num_parts,
        num_bytes=total.num_bytes,
        num_quarantined=total.reasons.total(),
        quarantined_by_reason=dict(sorted(total.reasons.items())),
        num_forgotten=total.num_forgotten,
        num_divided=total.num_divided,
        num_planted=num_planted,
        encodings=dict(sorted(total.encodings.items())),
        sources=[_account(source, tallies[source.name], listing) for source in corpus.sources],
        runtime=runtime,
    )


def _account(source: SourceConfig, tally: Tally, listing: Listing) -> SourceAccount:
    listed = listing.sources[source.name]
    return SourceAccount(
        name=source.name, num_files=len(listed.files), num_documents=tally.num_documents, num_parts=tally.num_parts,
        num_quarantined=tally.reasons.total(), quarantined_by_reason=dict(sorted(tally.reasons.items())),
        num_forgotten=tally.num_forgotten, num_bytes=tally.num_bytes, digest=listing.digest(source.name),
        weight=source.weight, licence=source.licence, owner=source.owner,
        purpose=source.purpose, keep_until=source.keep_until, personal_data=source.personal_data,
        skipped=dict(sorted((tally.skipped + Counter(listed.skipped)).items())), left_out=listed.left_out,
    )  # fmt: skip


def _refuse_empty(source: SourceConfig, tally: Tally, listing: Listing) -> None:
    """Stop where a source gave nothing: a mistaken path or column is no corpus with some bad records."""
    if not tally.num_documents and not tally.num_forgotten and not listing.sources[source.name].left_out:
        raise _no_text(source, tally, len(listing.sources[source.name].files))


def _no_text(source: SourceConfig, tally: Tally, num_files: int) -> SourceError:
    reasons = ", ".join(f"{num} {reason.replace('_', ' ')}" for reason, num in sorted(tally.reasons.items()))
    mend = (
        "Readable are text, Markdown, HTML, XML, JSON, JSON lines, CSV, Parquet and Arrow files, zip and tar archives."
    )
    if "no_text_column" in tally.reasons:
        mend = f"Name the column that holds the text: text_column = {source.text_column!r} was not found."
    return SourceError(
        expected=f"at least one readable text at {source.path!r} (source {source.name})",
        actual=f"{num_files} files and no text ({reasons or 'no records'})",
        mend=mend,
    )
