"""Lines that a source repeats over and over: menus, footers, licence notices.

Which lines those are is known only of the whole source: each shard counts its lines by hash, the counts are added up,
and the few that stand in many documents are removed from the text wherever it is read. The result depends on the set of
documents alone. All of it happens on scrubbed text, so that no hash is of anything private. Of documents that are
repeated lines for the most part (form letters, copies) one stays whole, so that no text is lost. Called by dedup, and
by reading, which gives the later stages their text.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gptmodel.config import DedupConfig
from gptmodel.corpus.dedup.stretches import DENSE, SPACE, Block, Hashes, Places, mix, runs

REPEATED_LINES_FILE = "repeated-lines.npy"

# Four words, or eight characters of a script without spaces. Shorter lines ("Returns:", "Reference Implementation") are
# headings and code rather than boilerplate.
_MIN_WEIGHT = 8
_WORD_WEIGHT = 2
_MIN_CHARS = 8
_MOSTLY = 0.5
_LINES_AT_ONCE = 1_000_000
_MANY_BLANK_LINES = re.compile("\n{4,}")

LINE = np.dtype([("hash", "<u8"), ("num_documents", "<u4"), ("source", "<u4")])
"""A row of a shard's table of lines: hash of source and line, documents that hold it, number of the source."""


@dataclass(frozen=True)
class Stripped:
    """A text without its repeated lines.

    Attributes:
        text: What is left.
        num_lines: Lines removed.
        template: Hash of these lines in order, if they were most of the text; else 0.
    """

    text: str
    num_lines: int
    template: int = 0


def count_lines(documents: Iterable[tuple[str, int, str]]) -> npt.NDArray[Any]:
    """Count in how many documents each line stands; a line that is repeated within a document counts once.

    Args:
        documents: Source, its number, and text of each.

    Returns:
        Rows of the type LINE, sorted by hash.
    """
    found: list[npt.NDArray[Any]] = []
    batch: list[tuple[str, int, str]] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document[2])
        if size > 1 << 18:
            found.append(_distinct_lines(batch))
            batch, size = [], 0
    found.append(_distinct_lines(batch))
    return _added_up(np.concatenate(found))


def find_repeated(tables: Sequence[npt.NDArray[Any]], num_documents: Sequence[int], config: DedupConfig) -> Hashes:
    """Find the lines that stand in many documents of their source.

    The tables are added up a range of hashes at a time, so that memory does not grow with them.

    Args:
        tables: Rows of the type LINE, sorted by hash; memory-mapped.
        num_documents: Documents of each source, by its number.
        config: `repeated_line_min_documents` (0 finds nothing) and `repeated_line_min_ratio`.

    Returns:
        Hashes of the lines, sorted.
    """
    if not config.repeated_line_min_documents or not tables:
        return np.zeros(0, dtype=np.uint64)
    limits = np.array([_limit(size, config) for size in num_documents] or [0])
    num_ranges = sum(map(len, tables)) // _LINES_AT_ONCE + 1
    edges = [number * 2**64 // num_ranges for number in range(num_ranges)]
    found = []
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        rows = _added_up(np.concatenate([_between(table, low, high) for table in tables]))
        found.append(rows["hash"][rows["num_documents"] >= limits[rows["source"]]])
    return np.concatenate(found)


def strip_repeated(text: str, source: str, repeated: Hashes) -> Stripped:
    """Give a text without its repeated lines; an empty line stands where some were, so that nothing grows together."""
    block = Block([text])
    lines = _Lines(block, [source])
    is_repeated = contains(repeated, lines.hashes) & lines.counted
    num_lines = int(is_repeated.sum())
    if not num_lines:
        return Stripped(text, 0)
    kept = ["" if gone else line for line, gone in zip(text.split("\n"), is_repeated, strict=True)]
    num_chars = (lines.end - lines.first).clip(0)
    mostly = num_chars[is_repeated].sum() > _MOSTLY * num_chars.sum()
    template = int(runs(lines.hashes[is_repeated], num_lines)[0]) >> 1 or 1  # a signed column holds it
    left = _MANY_BLANK_LINES.sub("\n\n\n", "\n".join(kept)).strip("\n")
    return Stripped(left, num_lines, template if mostly else 0)


def holds_repeated(texts: Sequence[str], sources: Sequence[str], repeated: Hashes) -> npt.NDArray[np.bool_]:
    """Tell which texts hold a repeated line, shape (texts,)."""
    found = np.zeros(len(texts), dtype=bool)
    if len(repeated) and texts:
        block = Block(texts)
        lines = _Lines(block, sources)
        found[lines.text_of[contains(repeated, lines.hashes) & lines.counted]] = True
    return found


def read_repeated(folder: Path) -> Hashes:
    """Read the repeated lines' hashes from a stage's folder; a folder without the file has none."""
    path = folder / REPEATED_LINES_FILE
    return np.load(path) if path.exists() else np.zeros(0, dtype=np.uint64)


def contains(sorted_hashes: Hashes, hashes: Hashes) -> npt.NDArray[np.bool_]:
    """Tell which hashes are among sorted ones, shape (len(hashes),)."""
    if not len(sorted_hashes):
        return np.zeros(len(hashes), dtype=bool)
    places = np.searchsorted(sorted_hashes, hashes).clip(max=len(sorted_hashes) - 1)
    return np.asarray(sorted_hashes[places] == hashes)


class _Lines:
    """The lines of a block's texts, white space around them aside.

    Attributes:
        first, end: First place and end of each line, shape (lines,); an empty line has none between them.
        text_of: Number of the text that each is in.
        hashes: Hash of source and line.
        counted: Lines long enough to be boilerplate.
    """

    def __init__(self, block: Block, sources: Sequence[str]) -> None:
        ends = np.flatnonzero(block.codes == ord("\n"))
        starts = np.concatenate([[0], ends[:-1] + 1])
        visible = np.flatnonzero(block.classes != SPACE)
        low, high = np.searchsorted(visible, starts), np.searchsorted(visible, ends)
        some = high > low
        padded = np.append(visible, 0)
        self.first: Places = np.where(some, padded[low.clip(max=len(visible))], starts)
        self.end: Places = np.where(some, padded[high - 1] + 1, starts)
        self.text_of = block.text_of(starts)
        names = Block(sources)
        salts = names.hashes(names.starts[:-1], names.starts[1:])
        self.hashes = mix(block.hashes(self.first, self.end) + salts[self.text_of])
        self.counted = (self._weights(block) >= _MIN_WEIGHT) & (self.end - self.first >= _MIN_CHARS)

    def _weights(self, block: Block) -> Places:
        words, _ = block.words()
        weight = np.where(block.classes[words] == DENSE, 1, _WORD_WEIGHT)
        total = np.concatenate([[0], np.cumsum(weight)])
        return np.asarray(total[np.searchsorted(words, self.end)] - total[np.searchsorted(words, self.first)])


def _distinct_lines(batch: Sequence[tuple[str, int, str]]) -> npt.NDArray[Any]:
    rows = np.zeros(0, dtype=LINE)
    if not batch:
        return rows
    lines = _Lines(Block([text for _, _, text in batch]), [source for source, _, _ in batch])
    hashes, texts = lines.hashes[lines.counted], lines.text_of[lines.counted]
    order = np.lexsort((hashes, texts))
    hashes, texts = hashes[order], texts[order]
    is_first = np.ones(len(hashes), dtype=bool)
    is_first[1:] = (hashes[1:] != hashes[:-1]) | (texts[1:] != texts[:-1])
    rows = np.zeros(int(is_first.sum()), dtype=LINE)
    rows["hash"], rows["num_documents"] = hashes[is_first], 1
    rows["source"] = np.array([number for _, number, _ in batch])[texts[is_first]]
    return rows


def _added_up(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Make one row of those with the same hash, sorted by hash."""
    if not len(rows):
        return rows
    rows = rows[np.argsort(rows["hash"], kind="stable")]
    starts = np.flatnonzero(np.diff(rows["hash"], prepend=~rows["hash"][:1]))
    merged = rows[starts]
    merged["num_documents"] = np.add.reduceat(rows["num_documents"], starts)
    return merged


def _between(table: npt.NDArray[Any], low: int, high: int | None) -> npt.NDArray[Any]:
    start = np.searchsorted(table["hash"], np.uint64(low))
    end = len(table) if high is None else np.searchsorted(table["hash"], np.uint64(high))
    return table[start:end]


def _limit(num_documents: int, config: DedupConfig) -> int:
    return max(config.repeated_line_min_documents, math.ceil(config.repeated_line_min_ratio * num_documents))


def renumbered(table: npt.NDArray[Any], names: Sequence[str], numbers: Mapping[str, int]) -> npt.NDArray[Any]:
    """Give a table of lines whose sources, numbered as in `names`, get the numbers of the whole corpus."""
    if all(numbers[name] == number for number, name in enumerate(names)):
        return table
    own = np.array([numbers[name] for name in names], dtype=np.uint32)
    copy = np.array(table)
    copy["source"] = own[copy["source"]]
    return copy
