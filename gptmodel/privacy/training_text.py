"""What the leak test asks of the text a model was trained on: planted documents, stretches, and where things stand.

The training text is the scrubbed one. Planted documents are tried for no copies, but a value of theirs is a value.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gptmodel.corpus.documents import Document, list_shards, read_documents, text_id
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.value_index import indexed_shards, known_hashes, value_hashes
from gptmodel.tokens import PackedDocument, TokenSplit, read_packed_documents

Ids = NDArray[np.int64]
_Hashes = NDArray[np.uint64]

_CHUNK_TOKENS = 4_000_000
# An odd factor, so that no token's part of the hash is lost (the multiplier of Knuth's MMIX generator).
_FACTOR = np.uint64(6364136223846793005)


@dataclass(frozen=True)
class Value:
    """A value found in a sample; it lives in memory only, and its repr does not show it.

    Attributes:
        kind: Its kind of sensitive data.
        text: The value.
        alone: Whether the finders know it for what it is without the words around it.
    """

    kind: str
    text: str
    alone: bool

    def __repr__(self) -> str:
        return f"Value({self.kind})"


@dataclass(frozen=True)
class Known:
    """Which of some values a model may know, and from where.

    Attributes:
        held: Those that are values in the training text: scrubbing left them there.
        only_before: Those that stand nowhere in the training text, but were found before scrubbing: the model can know
            them from unscrubbed text alone.
        is_indexed: Whether the findings' index was there to be asked; without it nothing is known of `only_before`.
    """

    held: frozenset[Value]
    only_before: frozenset[Value]
    is_indexed: bool


@dataclass(frozen=True)
class TrainingText:
    """The text a model was trained on.

    Attributes:
        scrubbed: Folder of the stage `scrub`.
        packed: Folder of the stage `pack`.
    """

    scrubbed: Path
    packed: Path

    @cached_property
    def rows(self) -> list[PackedDocument]:
        """The training documents in the order of the stream, planted ones left out."""
        return [row for row in self._all_rows if not row.planted]

    @cached_property
    def _all_rows(self) -> list[PackedDocument]:
        return read_packed_documents(self.packed, ["train"])

    @cached_property
    def stream(self) -> TokenSplit:
        """The tokens of all training documents, planted ones included."""
        return TokenSplit.open(self.packed, "train")

    def planted_documents(self) -> Iterator[Document]:
        """Read the planted documents that the model was trained on, as scrubbing left them."""
        import pyarrow.parquet as pq

        packed = {row.id for row in self._all_rows if row.planted}
        for path in list_shards(self.scrubbed):
            for row in pq.read_table(path, filters=[("planted", "!=", "")]).to_pylist():
                if row["id"] in packed:
                    yield Document(**row)

    def look_up(self, values: Collection[Value], scrubber: Scrubber) -> Known:
        """Tell of values where the training text, planted documents included, has them.

        A value that only the words around it made one, such as a number after "Phone:", must be found as such there
        too: the same digits elsewhere are no phone number.
        """
        train, wanted = {row.id for row in self._all_rows}, set(values)
        held: set[Value] = set()
        standing: set[Value] = set()
        for document in read_documents(self.scrubbed) if wanted else ():
            if document.id in train:
                there = {value for value in wanted - held if value.text in document.text}
                standing |= there
                held |= _held(document.text, there, scrubber)
        return Known(frozenset(held), self._only_before(wanted - standing, scrubber), self._is_indexed(scrubber))

    def _only_before(self, values: Collection[Value], scrubber: Scrubber) -> frozenset[Value]:
        key = scrubber.keys.home
        if key is None or not values:
            return frozenset()
        # Of the hashes that a value is filed under, the first is its own.
        hashes = {value: value_hashes(key, value.kind, value.text)[0] for value in values}
        known = known_hashes(self.scrubbed, key, set(hashes.values())) or set()
        return frozenset(value for value, own in hashes.items() if own in known)

    def _is_indexed(self, scrubber: Scrubber) -> bool:
        key = scrubber.keys.home
        return key is not None and not indexed_shards(self.scrubbed, key)[1]

    def count_documents(self, windows: Sequence[Ids]) -> list[int]:
        """Count the training documents that hold each of some token sequences of equal length, by 64-bit hashes."""
        if not windows:
            return []
        size, wanted = len(windows[0]), _hashes(np.stack(windows))
        holders: dict[int, set[str]] = {int(value): set() for value in wanted}
        starts = np.asarray([row.start for row in self.rows], dtype=np.int64)
        for begin in range(0, len(self.stream) - size + 1, _CHUNK_TOKENS):
            piece = self.stream[begin : begin + _CHUNK_TOKENS + size - 1]
            hashes = _rolling_hashes(piece, size)
            for at in np.flatnonzero(np.isin(hashes, wanted)):
                self._note(begin + int(at), size, starts, holders[int(hashes[at])])
        return [len(holders[int(value)]) for value in wanted]

    def _note(self, place: int, size: int, starts: Ids, holders: set[str]) -> None:
        row = self.rows[max(0, int(np.searchsorted(starts, place, side="right")) - 1)]
        if row.start <= place and place + size <= row.start + row.num_tokens:
            holders.add(text_id(row.id))


def find_values(text: str, scrubber: Scrubber, after: int = 0) -> list[Value]:
    """Find the values in a text that end beyond its first `after` characters; stand-ins of the scrubber aside."""
    findings = [finding for finding in scrubber.find(text) if finding.end > after]
    found = [(finding.kind, text[finding.start : finding.end]) for finding in findings]
    return [
        Value(kind, value, _stands_alone(value, scrubber)) for kind, value in found if not scrubber.is_stand_in(value)
    ]


def _stands_alone(value: str, scrubber: Scrubber) -> bool:
    return any((one.start, one.end) == (0, len(value)) for one in scrubber.find(value))


def _held(text: str, there: Collection[Value], scrubber: Scrubber) -> set[Value]:
    """Give those of the values in a text that are values there too."""
    if all(value.alone for value in there):
        return set(there)
    found = {text[one.start : one.end] for one in scrubber.find(text)}
    return {value for value in there if value.alone or value.text in found}


def _hashes(rows: Ids) -> _Hashes:
    """Hash token sequences of equal length: (N, size) -> (N,)."""
    total = np.zeros(len(rows), dtype=np.uint64)
    for column in rows.T:
        total = total * _FACTOR + column.astype(np.uint64) + np.uint64(1)
    return total


def _rolling_hashes(stream: Ids, size: int) -> _Hashes:
    """Hash every window of `size` tokens: (T,) -> (T - size + 1,)."""
    tokens, length = stream.astype(np.uint64), len(stream) - size + 1
    total = np.zeros(length, dtype=np.uint64)
    for offset in range(size):
        total = total * _FACTOR + tokens[offset : offset + length] + np.uint64(1)
    return total
