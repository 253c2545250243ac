"""Cleaning: each document put right, or dropped with its reason.

Characters are repaired, the language is found, lines that a source repeats over and over are removed; then each rule
looks at the document and passes it on or drops it. A rule is one small pure function. Planted test phrases get the
characters put right like all text and skip the rest. Nothing is decided here about sensitive data or duplicates.
"""

import logging
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gptmodel.config import CleaningConfig
from gptmodel.corpus.boilerplate import Boilerplate, find_boilerplate
from gptmodel.corpus.characters import put_right, repair_mojibake
from gptmodel.corpus.documents import SHARDS_DIR, Document, list_shards, read_documents, read_shard, write_shard
from gptmodel.corpus.language import UNKNOWN, detect_language
from gptmodel.store import Workspace

log = logging.getLogger(__name__)

DROPS_FILE = "drops.parquet"
Progress = Callable[[float, str], None]

_REPLACEMENT = "\ufffd"
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A document that a rule left out, without its text."""

    id: str
    source: str
    path: str
    reason: str


Rule = Callable[[Document, CleaningConfig], "Document | Dropped"]


class SourceCleaning(BaseModel):
    """What cleaning did to one source."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the source."""
    num_read: int
    """Documents read."""
    num_kept: int
    """Documents kept."""
    dropped_by_reason: dict[str, int]
    """Documents dropped, by reason."""


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
    num_boilerplate_lines: int
    """Lines removed because the source repeats them."""
    num_chars_before: int
    """Characters read."""
    num_chars_after: int
    """Characters kept."""
    languages: dict[str, int]
    """Documents kept, by language; `und` where it can't be told."""
    sources: list[SourceCleaning]
    """The same by source, sorted by name."""


@dataclass
class _Account:
    read: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    drops: list[Dropped] = field(default_factory=list)
    num_repaired: int = 0
    num_boilerplate_lines: int = 0
    num_chars_before: int = 0
    num_chars_after: int = 0


def clean(work: Workspace, config: CleaningConfig, progress: Progress | None = None) -> CleanResult:
    """Clean the ingested documents shard by shard.

    Writes shards/ with the documents kept and drops.parquet (id, source, path, reason) without any text.

    Args:
        work: Reads `ingest`.
        config: The rules' limits.
        progress: Called with the share done (0 to 1) and a few words.

    Raises:
        ConfigError: `languages` names one that can't be told.
    """
    work.clear()
    report = progress or _silent
    account, tidy = _Account(), work.path / "tidy"
    shards = list_shards(work.inputs["ingest"])
    for number, path in enumerate(shards):
        write_shard(tidy / SHARDS_DIR / path.name, _tidy_documents(path, config, account))
        report(0.5 * (number + 1) / len(shards), "characters put right")
    boilerplate = find_boilerplate(partial(_real_documents, tidy), config)
    for number, path in enumerate(list_shards(tidy)):
        write_shard(work.path / SHARDS_DIR / path.name, _keep(read_shard(path), boilerplate, config, account))
        report(0.6 + 0.4 * (number + 1) / len(shards), "rules applied")
    shutil.rmtree(tidy, ignore_errors=True)
    _write_drops(work.path / DROPS_FILE, account.drops)
    result = _result(account)
    log.info("%d of %d documents kept", result.num_kept, result.num_read)
    return result


def apply_rules(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Pass a document through every rule; the first that drops it gives the reason."""
    for rule in RULES:
        outcome = rule(document, config)
        if isinstance(outcome, Dropped):
            return outcome
        document = outcome
    return document


def long_enough(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Drop a document with fewer than `min_chars` characters."""
    return document if len(document.text) >= config.min_chars else _drop(document, "too short")


def few_broken_characters(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Drop a document in which too many characters were lost in decoding (U+FFFD)."""
    broken = document.text.count(_REPLACEMENT)
    return document if broken <= config.max_replacement_ratio * len(document.text) else _drop(document, "broken text")


def enough_letters(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Drop a document that is mostly digits and signs, such as a dump of numbers.

    Source: the idea of Gopher's alphabetic-words rule (Rae et al. 2021, table A1), over characters so that it holds
    for scripts without spaces.
    """
    num_visible = len(_SPACE.sub("", document.text))
    num_letters = len(_NOT_LETTERS.sub("", document.text))
    return document if num_letters >= config.min_letter_ratio * num_visible else _drop(document, "not text")


def few_repeated_lines(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Drop a document whose characters are mostly in lines that occurred before in it.

    Source: Gopher's duplicate-line character fraction (Rae et al. 2021, table A1); its limit there is 0.2.
    """
    lines = [line.strip() for line in document.text.split("\n")]
    total, unique = sum(map(len, lines)), sum(map(len, set(lines)))
    return document if total - unique <= config.max_repeated_line_ratio * total else _drop(document, "repeated lines")


def wanted_language(document: Document, config: CleaningConfig) -> Document | Dropped:
    """Drop a document in a language that is not asked for; one that can't be told stays."""
    wanted = not config.languages or document.lang in (*config.languages, UNKNOWN)
    return document if wanted else _drop(document, "other language")


RULES: tuple[Rule, ...] = (long_enough, few_broken_characters, enough_letters, few_repeated_lines, wanted_language)
"""The rules in the order they are applied."""


def _drop(document: Document, reason: str) -> Dropped:
    return Dropped(document.id, document.source, document.path, reason)


def _silent(done_ratio: float, message: str) -> None:
    """Report to nobody."""


def _tidy_documents(path: Path, config: CleaningConfig, account: _Account) -> Iterator[Document]:
    for document in read_shard(path):
        repaired = repair_mojibake(document.text) if config.repair_unicode else document.text
        if not document.planted:
            account.read[document.source] += 1
            account.num_chars_before += len(document.text)
            account.num_repaired += repaired != document.text
        yield replace(document, text=put_right(repaired, repair=False))


def _real_documents(folder: Path) -> Iterator[Document]:
    return (document for document in read_documents(folder) if not document.planted)


def _keep(
    documents: Iterable[Document], boilerplate: Boilerplate, config: CleaningConfig, account: _Account
) -> Iterator[Document]:
    for document in documents:
        outcome = document if document.planted else _judge(document, boilerplate, config, account)
        if isinstance(outcome, Dropped):
            account.drops.append(outcome)
            continue
        if not document.planted:
            account.kept[outcome.source] += 1
            account.languages[outcome.lang] += 1
            account.num_chars_after += len(outcome.text)
        yield outcome


def _judge(
    document: Document, boilerplate: Boilerplate, config: CleaningConfig, account: _Account
) -> Document | Dropped:
    text, num_lines = boilerplate.strip(document)
    account.num_boilerplate_lines += num_lines
    if num_lines:
        text = put_right(text, repair=False)
        if len(text) < max(1, config.min_chars):
            return _drop(document, "boilerplate")
    # A source's hint holds; else the language is told from what is left.
    lang = document.lang if document.lang != UNKNOWN else detect_language(text, config.languages)
    return apply_rules(replace(document, text=text, lang=lang), config)


def _write_drops(path: Path, drops: list[Dropped]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = sorted(drops, key=lambda drop: (drop.source, drop.path, drop.id))
    columns = {name: [getattr(row, name) for row in rows] for name in Dropped.__slots__}
    schema = pa.schema([(name, pa.string()) for name in Dropped.__slots__])
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd")


def _result(account: _Account) -> CleanResult:
    num_read, num_kept = account.read.total(), account.kept.total()
    return CleanResult(
        num_read=num_read,
        num_kept=num_kept,
        num_dropped=len(account.drops),
        dropped_by_reason=_counts(drop.reason for drop in account.drops),
        num_repaired=account.num_repaired,
        num_boilerplate_lines=account.num_boilerplate_lines,
        num_chars_before=account.num_chars_before,
        num_chars_after=account.num_chars_after,
        languages=dict(sorted(account.languages.items())),
        sources=[_source(name, account) for name in sorted(account.read)],
    )


def _source(name: str, account: _Account) -> SourceCleaning:
    return SourceCleaning(
        name=name,
        num_read=account.read[name],
        num_kept=account.kept[name],
        dropped_by_reason=_counts(drop.reason for drop in account.drops if drop.source == name),
    )


def _counts(reasons: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(reasons).items()))
