"""One shard's scrubbed text read once more for the quality gate: a row of statistics a document; never any text.

The text is read as the later stages read it, independently of what the stages before said of it: its length, broken
characters, a second search for sensitive data by the same finders (which must find nothing: scrubbing twice is
scrubbing once), a look by an independent second scanner, and the marks by which overlaps between shards are found.
Planted test phrases stay aside. Each shard by itself and in bounded memory; a worker calls `read_statistics` for each.
"""

import codecs
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel

from gptmodel.corpus.dedup.members import MEMBERS_DIR, read_shard_members
from gptmodel.corpus.dedup.repeated_lines import REPEATED_LINES_FILE, read_repeated
from gptmodel.corpus.documents import Document
from gptmodel.corpus.quality.overlaps import Marks
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.measuring.residue import Residue
from gptmodel.corpus.scrubbing.measuring.second import scan
from gptmodel.corpus.split_table import SPLIT_DIR, Split, SplitRow, read_shard_corpus
from gptmodel.corpus.table_names import FILES_DIR
from gptmodel.corpus.tables import read_columns, write_table
from gptmodel.parts import Made, Mapper, Part, Progress, in_turn, input_digests, make_parts, text_parts
from gptmodel.store import Workspace, file_digest

READ = "read"
UNKNOWN = "unknown"
"""Encoding of a document whose file is not known, or whose file's encoding is no codec of Python's."""
NO_ENCODING = "none"
"""Encoding of a document out of a format whose text is Unicode already, such as Parquet."""
LOOSE_RULES = frozenset({"phone.context", "cn_id.old"})
"""Rules beside those for names that take a value for the sake of the word before it: no checksum, no shape of a
provider's, no test of strength tells such a value from another."""

_LOOSE_KINDS = frozenset({"PERSON", "ADDRESS"})
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class ReadRow:
    """What reading one document's text gave.

    Attributes:
        id: The document.
        source: Its source.
        lang: Its language, `und` where it can't be told.
        split: Its split.
        format: How its file was read; `unknown` if its file is not.
        encoding: Codec of its file.
        num_chars: Characters.
        num_bytes: UTF-8 bytes.
        num_broken: Characters that are U+FFFD.
        is_searched: Whether it was searched a second time for sensitive data.
        num_findings: Findings of that search by validated rules.
        num_loose_findings: Findings by other rules.
        is_scanned: Whether the independent second scanner looked at it.
        num_residual: Values that this scanner is sure of.
        num_loose_residual: Places that may hold one, those that it is sure of among them.
    """

    id: str
    source: str
    lang: str
    split: Split
    format: str
    encoding: str
    num_chars: int
    num_bytes: int
    num_broken: int
    is_searched: bool
    num_findings: int
    num_loose_findings: int
    is_scanned: bool
    num_residual: int
    num_loose_residual: int


class ReadAccount(BaseModel):
    """What reading one shard gave."""

    num_rows: int
    """Documents in the shard's table."""
    num_scrubbed: dict[str, int]
    """Documents in the shard of scrubbed text by source, those that are left out as duplicates included."""
    num_residual: dict[str, int] = {}
    """Documents with a value that the second scanner is sure of, by kind."""


@dataclass(frozen=True)
class Search:
    """What is looked for once more.

    Attributes:
        scrubber: The scrubber of the run, whose finders search a second time.
        share: Share of the documents that they search, drawn by hash of their id.
        scanned_share: Share of the documents that the second scanner looks at, drawn likewise.
    """

    scrubber: Scrubber
    share: float
    scanned_share: float

    @property
    def key(self) -> list[Any]:
        """What the numbers depend on, as a JSON value."""
        return [self.scrubber.settings, self.share, self.scanned_share]


@dataclass(frozen=True)
class Folders:
    """Folders of the stages that a shard's statistics rest on."""

    ingest: Path
    dedup: Path
    split: Path


def search_share(num_bytes: int, max_bytes: int) -> float:
    """Give the share of the documents to search so that about `max_bytes` of text are read at most.

    It is 1, 1/2, 1/4, ...: as the corpus grows the same documents stay drawn, so that most shards' statistics hold.

    Example:
        >>> search_share(10, 20), search_share(21, 20), search_share(100, 20)
        (1.0, 0.5, 0.125)
    """
    share = 1.0
    while share * num_bytes > max_bytes:
        share /= 2
    return share


def scan_share(num_documents: int, least: int) -> float:
    """Give the share of the documents to scan so that at least `least` are looked at on average: 1, 1/2, 1/4, ...

    Example:
        >>> scan_share(300, 400), scan_share(1000, 400), scan_share(1000, 0)
        (1.0, 0.5, 0.0)
    """
    if not least:
        return 0.0
    share = 1.0
    while share / 2 * num_documents >= least:
        share /= 2
    return share


def read_shards(
    work: Workspace, search: Search, mapper: Mapper = in_turn, progress: Progress | None = None
) -> Made[ReadAccount]:
    """Write the statistics and marks of every shard that are not there already.

    Args:
        work: Reads `ingest`, `scrub`, `deduplicate` and `split`.
        search: What is looked for a second time, and in which documents.
        mapper: Where the shards are read.
        progress: Called with the share of shards read and a few words.

    Returns:
        The shards' accounts, by the name of their table: `read-` and the stem of the shard.
    """
    folders = Folders(work.inputs["ingest"], work.inputs["deduplicate"], work.inputs["split"])
    make = partial(read_statistics, folder=work.path, folders=folders, search=search)
    return make_parts(work, _parts(work, search), make, ReadAccount, mapper, progress)


def _parts(work: Workspace, search: Search) -> list[Part[Path]]:
    """Give a part for each shard; its key holds all that is read for it."""
    digests = (
        input_digests(work, "ingest", FILES_DIR)
        | input_digests(work, "deduplicate", MEMBERS_DIR)
        | input_digests(work, "split", SPLIT_DIR)
    )
    parts = []
    for part in text_parts(work, "scrub", search.key):
        names = (
            f"{FILES_DIR}/{_shard_number(part.name)}.parquet", f"{MEMBERS_DIR}/{part.name}.parquet",
            f"{SPLIT_DIR}/{part.name}.parquet",
        )  # fmt: skip
        key = [part.key, [digests.get(name) for name in names], _repeated_lines(work, part.name)]
        parts.append(Part(f"{READ}-{part.name}", key, part.item))
    return parts


def _repeated_lines(work: Workspace, shard: str) -> str | None:
    """Give the digest of the repeated lines; None for a shard from whose text none is removed."""
    table, lines = work.inputs["split"] / SPLIT_DIR / f"{shard}.parquet", work.inputs["split"] / REPEATED_LINES_FILE
    if not table.exists() or not lines.exists():
        return None
    counts = read_columns(table, ["num_repeated_lines"])["num_repeated_lines"]
    return file_digest(lines) if counts.to_numpy().any() else None


def read_statistics(shard: Path, folder: Path, folders: Folders, search: Search) -> ReadAccount:
    """Write one shard's statistics and marks.

    Args:
        shard: The shard of scrubbed text.
        folder: Where to write its table of `ReadRow` and the files of its `Marks`.
        folders: Folders of the other stages.
        search: What is looked for, and in which documents.
    """
    name, reading = f"{READ}-{shard.stem}", _Reading(shard, folders, search)
    num_rows = write_table(folder / f"{name}.parquet", ReadRow, reading.rows())
    reading.marks.save(folder, name)
    num_residual = dict(sorted(reading.num_residual.items()))
    return ReadAccount(num_rows=num_rows, num_scrubbed=_num_scrubbed(shard), num_residual=num_residual)


class _Reading:
    """One pass over a shard."""

    def __init__(self, shard: Path, folders: Folders, search: Search) -> None:
        self._documents = read_shard_corpus(shard, folders.split, read_repeated(folders.split))
        self._clusters = {row.id: row.cluster for row in read_shard_members(folders.dedup, shard.stem) if row.kept}
        self._files = _Files(folders.ingest / FILES_DIR / f"{_shard_number(shard.stem)}.parquet")
        self._search = search
        self.marks = Marks()
        self.num_residual = Counter[str]()

    def rows(self) -> Iterator[ReadRow]:
        """Give a row for each document of the shard that is in a split."""
        for document, place in self._documents:
            if not document.planted:
                self.marks.add(document, place.split, self._clusters.get(document.id, document.id))
                yield self._row(document, place)

    def _row(self, document: Document, place: SplitRow) -> ReadRow:
        kind, encoding = self._files.of(document)
        is_searched = _is_drawn("rescan", document.id, self._search.share)
        validated, loose = num_findings(document.text, self._search.scrubber) if is_searched else (0, 0)
        is_scanned = _is_drawn("residual", document.id, self._search.scanned_share)
        residues = residues_of(document.text, self._search.scrubber) if is_scanned else []
        sure = [one.kind for one in residues if one.is_sure]
        self.num_residual.update(set(sure))
        return ReadRow(
            document.id, document.source, document.lang, place.split, kind, encoding, len(document.text),
            len(document.text.encode("utf-8", "surrogatepass")), document.text.count(_REPLACEMENT), is_searched,
            validated, loose, is_scanned, len(sure), len(residues),
        )  # fmt: skip


class _Files:
    """Format and encoding of the files that a shard was read from."""

    def __init__(self, path: Path) -> None:
        columns = read_columns(path, ["source", "path", "format", "encoding"]).to_pydict() if path.exists() else {}
        rows = zip(*columns.values(), strict=True)
        self._found = {(source, name): (kind, codec_name(codec)) for source, name, kind, codec in rows}

    def of(self, document: Document) -> tuple[str, str]:
        """Give format and encoding of a document's file, which may hold it under a path within itself."""
        if found := self._found.get((document.source, document.path)):
            return found
        folders = ((document.source, str(path)) for path in PurePosixPath(document.path).parents)
        return next((self._found[key] for key in folders if key in self._found), (UNKNOWN, UNKNOWN))


def codec_name(codec: str) -> str:
    """Give the name by which Python knows a codec.

    Example:
        >>> codec_name("UTF8"), codec_name(""), codec_name("utf-99")
        ('utf-8', 'none', 'unknown')
    """
    try:
        return codecs.lookup(codec).name if codec else NO_ENCODING
    except LookupError:
        return UNKNOWN


def num_findings(text: str, scrubber: Scrubber) -> tuple[int, int]:
    """Count the sensitive data still found in a text: by validated rules, and by loose ones."""
    found = scrubber.find(text)
    num_loose = sum(finding.kind in _LOOSE_KINDS or finding.rule in LOOSE_RULES for finding in found)
    return len(found) - num_loose, num_loose


def residues_of(text: str, scrubber: Scrubber) -> list[Residue]:
    """Give what the second scanner sees in a scrubbed text, but for what the site allows to stand."""
    is_allowed = scrubber.site.is_allowed
    found = scan(text, scrubber.kinds)
    return [one for one in found if is_allowed is None or not is_allowed(one.kind, text[one.start : one.end])]


def _shard_number(stem: str) -> str:
    """Give the number of the shard that a file of text belongs to."""
    return stem.partition("-")[0]


def _is_drawn(purpose: str, document_id: str, share: float) -> bool:
    return int.from_bytes(hashlib.sha256(f"{purpose}\0{document_id}".encode()).digest()[:8]) < share * 2**64


def _num_scrubbed(shard: Path) -> dict[str, int]:
    table = read_columns(shard, ["source", "planted"])
    sources = zip(table["source"].to_pylist(), table["planted"].to_pylist(), strict=True)
    return dict(sorted(Counter(source for source, planted in sources if not planted).items()))
