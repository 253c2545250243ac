"""What stands in train and in a held-out split too, found across all shards without holding them in memory.

A mark is the hash of something that must not be on both sides: what a text says, its cluster of duplicates, the text
it is a part of, each long line. Every shard writes its marks; they are joined a range of hashes at a time, so that
memory grows by some ten bytes a document and no more. Called by the quality gate.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from gptmodel.corpus.dedup.repeated_lines import contains
from gptmodel.corpus.dedup.signing import text_key
from gptmodel.corpus.dedup.stretches import Hashes
from gptmodel.corpus.documents import Document, text_id
from gptmodel.corpus.split_table import Split

MIN_LINE_BYTES = 40
"""Shorter lines (six words, a dozen Chinese characters) occur in many texts by chance."""

HELD_OUT = np.dtype([("hash", "<u8"), ("row", "<u4"), ("num_bytes", "<u4")])
"""A mark of a held-out document: its row in the shard's table, and the line's bytes; 0 for any other mark."""

_MARKS_AT_ONCE = 8_000_000
_IDS, _TRAIN, _HELD_OUT = "ids", "train", "held-out"


@dataclass
class Overlap:
    """What one shard's documents share with others.

    Attributes:
        crosses: Held-out documents whose text, cluster or divided text is in train too, shape (documents,).
        num_bytes_copied: UTF-8 bytes of each held-out document in long lines that train has too, shape (documents,).
        is_repeated: Documents whose id another document has too, shape (documents,).
    """

    crosses: npt.NDArray[np.bool_]
    num_bytes_copied: npt.NDArray[np.uint32]
    is_repeated: npt.NDArray[np.bool_]

    @classmethod
    def none(cls, num_documents: int) -> "Overlap":
        """Give the overlap of documents that share nothing."""
        flags = np.zeros(num_documents, dtype=bool)
        return cls(flags, np.zeros(num_documents, dtype=np.uint32), flags.copy())


class Marks:
    """The marks of one shard's documents, in the order of its table."""

    def __init__(self) -> None:
        self._ids = array("Q")
        self._train = array("Q")
        self._hashes, self._rows, self._num_bytes = array("Q"), array("I"), array("I")

    def add(self, document: Document, split: Split, cluster: str) -> None:
        """Note the marks of the next document.

        Args:
            document: With the text that later stages read.
            split: Its split.
            cluster: Id of its cluster of duplicates.
        """
        row = len(self._ids)
        self._ids.append(_hash(document.id))
        whole = [int.from_bytes(text_key(document.text)[:8]), _hash(f"cluster\0{cluster}")]
        if text_id(document.id) != document.id:
            whole.append(_hash(f"text\0{text_id(document.id)}"))
        text = document.text.lower().encode("utf-8", "surrogatepass")
        lines = [line for line in text.split(b"\n") if len(line) >= MIN_LINE_BYTES]
        marks = whole + [xxhash.xxh3_64_intdigest(line.strip()) for line in lines]
        if split == "train":
            self._train.extend(marks)
            return
        self._hashes.extend(marks)
        self._rows.extend([row] * len(marks))
        self._num_bytes.extend([0] * len(whole) + [len(line) for line in lines])

    def save(self, folder: Path, name: str) -> None:
        """Write the marks, sorted, beside the shard's table."""
        held_out = np.empty(len(self._hashes), dtype=HELD_OUT)
        held_out["hash"], held_out["row"], held_out["num_bytes"] = self._hashes, self._rows, self._num_bytes
        np.save(_path(folder, name, _IDS), np.array(self._ids, dtype=np.uint64))
        np.save(_path(folder, name, _TRAIN), np.unique(np.array(self._train, dtype=np.uint64)))
        np.save(_path(folder, name, _HELD_OUT), np.sort(held_out, order=["hash", "row"]))


def find_overlaps(folder: Path, names: Sequence[str]) -> list[Overlap]:
    """Join the marks of all shards.

    Args:
        folder: Where `Marks.save` wrote them.
        names: Names of the shards' tables.

    Returns:
        One overlap a shard.
    """
    overlaps = [Overlap.none(len(_open(folder, name, _IDS))) for name in names]
    if overlaps:
        _join_train(folder, names, overlaps)
        _join_ids(folder, names, overlaps)
    return overlaps


def _join_train(folder: Path, names: Sequence[str], overlaps: Sequence[Overlap]) -> None:
    num_marks = sum(len(_open(folder, name, _HELD_OUT)) for name in names)
    for low, high in _ranges(num_marks):
        mine = [_between(_open(folder, name, _HELD_OUT), low, high, "hash") for name in names]
        wanted = np.unique(np.concatenate([marks["hash"] for marks in mine]))
        found = wanted[_are_in_train(wanted, folder, names, low, high)]
        for marks, overlap in zip(mine, overlaps, strict=True):
            hits = marks[contains(found, marks["hash"])]
            is_line = hits["num_bytes"] > 0
            overlap.crosses[hits["row"][~is_line]] = True
            np.add.at(overlap.num_bytes_copied, hits["row"][is_line], hits["num_bytes"][is_line])


def _are_in_train(
    wanted: Hashes, folder: Path, names: Sequence[str], low: int, high: int | None
) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(wanted), dtype=bool)
    for name in names if len(wanted) else ():
        marks = _between(_open(folder, name, _TRAIN), low, high)
        places = np.searchsorted(wanted, marks).clip(max=len(wanted) - 1)
        found[places[wanted[places] == marks]] = True
    return found


def _join_ids(folder: Path, names: Sequence[str], overlaps: Sequence[Overlap]) -> None:
    for low, high in _ranges(sum(len(overlap.crosses) for overlap in overlaps)):
        ids = np.sort(np.concatenate([_within(_open(folder, name, _IDS), low, high) for name in names]))
        repeated = np.unique(ids[1:][ids[1:] == ids[:-1]])
        for name, overlap in zip(names, overlaps, strict=True) if len(repeated) else ():
            overlap.is_repeated |= contains(repeated, _open(folder, name, _IDS))


def _ranges(num_marks: int) -> Iterator[tuple[int, int | None]]:
    """Give ranges of hashes that hold about as many marks as are joined at once; the last one has no end."""
    num_ranges = num_marks // _MARKS_AT_ONCE + 1
    edges = [number * 2**64 // num_ranges for number in range(num_ranges)]
    return zip(edges, [*edges[1:], None], strict=True)


def _between(marks: npt.NDArray[Any], low: int, high: int | None, field: str | None = None) -> npt.NDArray[Any]:
    """Give the marks of a range out of sorted ones."""
    hashes = marks if field is None else marks[field]
    start = np.searchsorted(hashes, np.uint64(low))
    end = len(marks) if high is None else np.searchsorted(hashes, np.uint64(high))
    return marks[start:end]


def _within(hashes: Hashes, low: int, high: int | None) -> Hashes:
    """Give the hashes of a range out of unsorted ones."""
    inside = hashes >= np.uint64(low)
    if high is not None:
        inside &= hashes < np.uint64(high)
    return np.asarray(hashes[inside])


def _open(folder: Path, name: str, marks: str) -> npt.NDArray[Any]:
    return np.load(_path(folder, name, marks), mmap_mode="r")


def _path(folder: Path, name: str, marks: str) -> Path:
    return folder / f"{name}-{marks}.npy"


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
