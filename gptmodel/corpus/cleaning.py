"""The stage `clean`: each document put right, or dropped with its reason.

Characters are repaired; then each rule of the chosen set looks at the document and passes it on, takes lines out of it
or drops it. What stays has a language.
Each shard by itself: what is known only of the whole corpus (duplicates, lines that a source repeats) comes later.
Planted test phrases get the characters put right like all text and skip the rest.
"""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gptmodel.config import CleaningConfig, ScrubbingConfig, fingerprint_section
from gptmodel.corpus.characters import put_right, repair_mojibake
from gptmodel.corpus.documents import SHARDS_DIR, Document, read_shard, write_shard
from gptmodel.corpus.rules import Dropped, Verdict, apply_rules, check_rules
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.table_names import DROPS_DIR
from gptmodel.corpus.tables import read_table, table_files, write_table
from gptmodel.parts import Mapper, PartsRuntime, Progress, clear_but_parts, in_turn, make_text_parts, text_parts
from gptmodel.store import Workspace

logger = logging.getLogger(__name__)

DROP_SAMPLES_DIR = "drop-samples"
SAMPLE_CHARS = 300
"""Characters of an example of what a rule dropped."""


@dataclass(frozen=True, slots=True)
class DropSample:
    """A scrubbed example of what a rule dropped.

    Attributes:
        source: The document's source.
        reason: Why it was dropped.
        id: The document.
        text: The beginning of its text, scrubbed.
    """

    source: str
    reason: str
    id: str
    text: str


class SourceCleaning(BaseModel):
    """What cleaning did to one source."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the source."""
    num_read: int
    """Documents read."""
    num_kept: int
    """Documents kept."""
    num_bytes_read: int
    """UTF-8 bytes read."""
    num_bytes_kept: int
    """UTF-8 bytes kept."""
    dropped_by_reason: dict[str, int]
    """Documents dropped, by reason."""
    dropped_bytes_by_reason: dict[str, int]
    """Their UTF-8 bytes, by reason."""
    removed_bytes_by_rule: dict[str, int] = {}
    """UTF-8 bytes taken out of documents kept, by the editing rule that did."""
    languages: dict[str, int]
    """Documents kept, by language."""


class CleanResult(BaseModel):
    """The account of cleaning; planted test phrases are in none of its counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_read: int
    """Documents read."""
    num_kept: int
    """Documents kept."""
    num_dropped: int
    """Documents dropped."""
    dropped_by_reason: dict[str, int]
    """Documents dropped, by reason."""
    num_repaired: int
    """Documents in which mojibake was repaired."""
    num_chars_before: int
    """Characters read."""
    num_chars_after: int
    """Characters kept."""
    languages: dict[str, int]
    """Documents kept, by language; `und` where it can't be told."""
    warnings: list[str]
    """A sentence for each rule that dropped, or took out, more than `warn_dropped_ratio` of a source."""
    sources: list[SourceCleaning]
    """The same by source, sorted by name."""
    runtime: PartsRuntime = PartsRuntime()
    """How much was cleaned anew."""


class _Tally(BaseModel):
    """Counts of one source in one shard."""

    num_read: int = 0
    num_bytes_read: int = 0
    num_chars_read: int = 0
    num_repaired: int = 0
    num_kept: int = 0
    num_bytes_kept: int = 0
    num_chars_kept: int = 0
    languages: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    dropped_bytes: Counter[str] = Counter()
    removed_bytes: Counter[str] = Counter()

    def __add__(self, other: "_Tally") -> "_Tally":
        return _Tally(**{name: getattr(self, name) + getattr(other, name) for name in _Tally.model_fields})


class _ShardAccount(BaseModel):
    """Counts of one shard, by source."""

    sources: dict[str, _Tally]


def clean(
    work: Workspace, config: CleaningConfig, progress: Progress | None = None, mapper: Mapper = in_turn,
    private: Collection[str] = (), scrubber: Scrubber | None = None,
) -> CleanResult:  # fmt: skip
    """Clean the ingested documents shard by shard.

    Writes shards/ with the documents kept, drops/ (the fields of `Dropped`) without any text, and drop-samples/ with a
    few scrubbed examples; one file a shard.

    Args:
        work: Reads `ingest`.
        config: The rules' limits.
        progress: Called with the share done (0 to 1) and a few words.
        mapper: Where the shards are cleaned.
        private: Sources of whose dropped documents no example is kept.
        scrubber: What scrubs the examples; None takes the built-in finders.

    Raises:
        ConfigError: `languages` names one that can't be told, or `skip` a rule that is not in the set.
    """
    check_rules(config)
    clear_but_parts(work)
    scrubber = scrubber or Scrubber(ScrubbingConfig())
    make = partial(_clean_shard, folder=work.path, config=config, private=frozenset(private), scrubber=scrubber)
    settings = [fingerprint_section(config), sorted(private), *([scrubber.digests] if scrubber.digests else [])]
    parts = text_parts(work, "ingest", settings)
    made = make_text_parts(work, "ingest", parts, make, _ShardAccount, mapper, progress)
    result = _result(list(made.accounts.values()), config, made.runtime)
    for warning in result.warnings:
        logger.warning("%s", warning)
    logger.info("%d of %d documents kept", result.num_kept, result.num_read)
    return result


def read_drop_samples(folder: Path, most: int) -> list[DropSample]:
    """Give the examples of what cleaning dropped, at most so many for each source and reason."""
    chosen: defaultdict[tuple[str, str], list[DropSample]] = defaultdict(list)
    for sample in read_table(folder / DROP_SAMPLES_DIR, DropSample) if table_files(folder / DROP_SAMPLES_DIR) else ():
        chosen[sample.source, sample.reason].append(sample)
    return [sample for key in sorted(chosen) for sample in sorted(chosen[key], key=_draw)[:most]]


def _clean_shard(
    path: Path, folder: Path, config: CleaningConfig, private: frozenset[str], scrubber: Scrubber
) -> _ShardAccount:
    cleaning = _Cleaning(config, private, scrubber)
    write_shard(folder / SHARDS_DIR / path.name, cleaning.documents(read_shard(path)))
    drops = sorted(cleaning.drops, key=lambda drop: (drop.source, drop.path, drop.id))
    write_table(folder / DROPS_DIR / path.name, Dropped, drops)
    write_table(folder / DROP_SAMPLES_DIR / path.name, DropSample, cleaning.samples())
    return _ShardAccount(sources=dict(cleaning.tallies))


class _Cleaning:
    """One pass over a shard, with the counts it leaves."""

    def __init__(self, config: CleaningConfig, private: frozenset[str], scrubber: Scrubber) -> None:
        self._config = config
        self._private = private
        self._scrubber = scrubber
        self._samples: defaultdict[tuple[str, str], list[DropSample]] = defaultdict(list)
        self.tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
        self.drops: list[Dropped] = []

    def documents(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Give the documents that stay."""
        for document in documents:
            repaired = repair_mojibake(document.text) if self._config.repair_unicode else document.text
            tidy = replace(document, text=put_right(repaired, repair=False))
            if document.planted:
                yield tidy
                continue
            self._count_read(document, repaired)
            verdict = apply_rules(tidy, self._config)
            if verdict.reason:
                self._note_drop(tidy, verdict.reason)
            else:
                self._count_kept(verdict)
                yield verdict.document

    def samples(self) -> list[DropSample]:
        """Give the scrubbed examples of what was dropped, sorted by source and reason."""
        return [sample for key in sorted(self._samples) for sample in self._samples[key]]

    def _count_read(self, document: Document, repaired: str) -> None:
        tally = self.tallies[document.source]
        tally.num_read += 1
        tally.num_bytes_read += _num_bytes(document)
        tally.num_chars_read += len(document.text)
        tally.num_repaired += repaired != document.text

    def _count_kept(self, verdict: Verdict) -> None:
        document = verdict.document
        tally = self.tallies[document.source]
        tally.num_kept += 1
        tally.num_bytes_kept += _num_bytes(document)
        tally.num_chars_kept += len(document.text)
        tally.languages[document.lang] += 1
        tally.removed_bytes.update(verdict.removed_bytes)

    def _note_drop(self, document: Document, reason: str) -> None:
        drop = Dropped(document.id, document.source, document.path, reason, _num_bytes(document))
        self.drops.append(drop)
        tally = self.tallies[document.source]
        tally.dropped[reason] += 1
        tally.dropped_bytes[reason] += drop.num_bytes
        if document.source in self._private:
            return
        kept = self._samples[document.source, reason]
        sample = DropSample(document.source, reason, document.id, "")
        if len(kept) < self._config.num_drop_samples or (kept and _draw(sample) < _draw(kept[-1])):
            kept.append(replace(sample, text=_excerpt(document.text, self._scrubber)))
            kept.sort(key=_draw)
            del kept[self._config.num_drop_samples :]


def _num_bytes(document: Document) -> int:
    return len(document.text) if document.text.isascii() else len(document.text.encode())


def _excerpt(text: str, scrubber: Scrubber) -> str:
    # Scrubbed before it is cut: half a value is no longer recognised.
    return scrubber.scrub(text[: 10 * SAMPLE_CHARS]).text[:SAMPLE_CHARS]


def _draw(sample: DropSample) -> str:
    return hashlib.sha256(f"drop sample\0{sample.id}".encode()).hexdigest()


def _result(accounts: list[_ShardAccount], config: CleaningConfig, runtime: PartsRuntime) -> CleanResult:
    names = sorted({name for account in accounts for name in account.sources})
    tallies = {
        name: sum((account.sources[name] for account in accounts if name in account.sources), _Tally())
        for name in names
    }
    total = sum(tallies.values(), _Tally())
    return CleanResult(
        num_read=total.num_read, num_kept=total.num_kept, num_dropped=total.dropped.total(),
        dropped_by_reason=dict(sorted(total.dropped.items())), num_repaired=total.num_repaired,
        num_chars_before=total.num_chars_read, num_chars_after=total.num_chars_kept,
        languages=dict(sorted(total.languages.items())),
        warnings=[words for name in names for words in _warnings(name, tallies[name], config.warn_dropped_ratio)],
        sources=[_source(name, tallies[name]) for name in names], runtime=runtime,
    )  # fmt: skip


def _source(name: str, tally: _Tally) -> SourceCleaning:
    return SourceCleaning(
        name=name, num_read=tally.num_read, num_kept=tally.num_kept, num_bytes_read=tally.num_bytes_read,
        num_bytes_kept=tally.num_bytes_kept, dropped_by_reason=dict(sorted(tally.dropped.items())),
        dropped_bytes_by_reason=dict(sorted(tally.dropped_bytes.items())),
        removed_bytes_by_rule=dict(sorted(tally.removed_bytes.items())),
        languages=dict(sorted(tally.languages.items())),
    )  # fmt: skip


def _warnings(source: str, tally: _Tally, limit: float) -> Iterator[str]:
    for does, counts, total, unit in (
        ("drops", tally.dropped, tally.num_read, "documents"),
        ("takes out", tally.removed_bytes, tally.num_bytes_read, "bytes"),
    ):
        for rule, count in sorted(counts.items()):
            if count > limit * total:
                yield (
                    f"source {source}: the rule {rule!r} {does} {count:,} of {total:,} {unit} "
                    f"({100 * count / total:.0f} %); to turn it off: cleaning.skip = [{rule!r}]"
                )
