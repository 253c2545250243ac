"""From signed texts to clusters: which documents say the same, and which one of each cluster is kept.

Everything is done in columns over the whole corpus, some 150 bytes a document; the signatures stay on disk. The index
that is left, the hash of each distinct text with its group, lets the next run compare only what it does not know.
Called by dedup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gptmodel.config import DedupConfig
from gptmodel.corpus.dedup.members import LeftOut
from gptmodel.corpus.dedup.near import StoredSignatures, join_similar, open_signatures
from gptmodel.corpus.dedup.signing import BANDS_SUFFIX, SIGNATURES_SUFFIX, TextRow
from gptmodel.corpus.dedup.stretches import Places
from gptmodel.corpus.tables import read_columns

if TYPE_CHECKING:
    import pyarrow as pa

REASONS: tuple[LeftOut, ...] = ("", "exact", "near", "boilerplate", "contaminated")
_KEPT, _EXACT, _NEAR, _BOILERPLATE, _CONTAMINATED = range(5)

ENTRY = np.dtype([("high", "<i8"), ("low", "<i8"), ("group", "<i8")])
"""A row of the index: the two halves of a text's key, and the number of its group."""

Flags = npt.NDArray[np.bool_]


@dataclass
class Clusters:
    """The answer, in columns: one place a document, in the order of the files and their rows.

    Attributes:
        ids: Document ids.
        sources: Their sources, as numbers.
        keepers: Place of the kept document of each one's cluster.
        reasons: Number of each one's reason in REASONS.
        num_bytes: UTF-8 bytes of the text as later stages read it.
        num_repeated_lines: Lines removed from it.
        files: File that each comes from.
        index: Keys and groups of the distinct texts, rows of the type ENTRY, sorted by key.
        num_known_texts: Texts that an earlier index settled.
    """

    ids: "pa.ChunkedArray"
    sources: Places
    keepers: Places
    reasons: npt.NDArray[np.int8]
    num_bytes: Places
    num_repeated_lines: Places
    files: Places
    index: npt.NDArray[Any]
    num_known_texts: int


def find_clusters(
    files: Sequence[Path], config: DedupConfig, source_names: Sequence[str], earlier: npt.NDArray[Any] | None = None
) -> Clusters:
    """Put the documents of all shards into clusters.

    Args:
        files: The shards' tables of `TextRow`, at least one, with signatures and band keys beside them.
        config: What counts as similar, and what is left out.
        source_names: All sources, in order of preference: of a cluster the earliest source's document is kept, and of
            several the one with the smallest id.
        earlier: Index of an earlier run with the same settings and code; None compares everything.
    """
    rows = _Rows(files, config, source_names)
    texts = _Texts(rows)
    groups, num_known = _groups(texts, files, config, earlier)
    keepers, reasons = _choose(rows, texts, groups)
    index = np.empty(len(texts.high), dtype=ENTRY)
    index["high"], index["low"], index["group"] = texts.high, texts.low, groups
    return Clusters(
        rows.ids, rows.sources, keepers, reasons, rows.column("num_bytes"), rows.column("num_repeated_lines"),
        rows.files, index, num_known,
    )  # fmt: skip


class _Rows:
    """The rows that stand for a document each: of one noted twice, the version that counts."""

    def __init__(self, files: Sequence[Path], config: DedupConfig, source_names: Sequence[str]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        tables = [read_columns(path, TextRow.__slots__) for path in files]
        table = pa.concat_tables(tables)
        sizes = [len(part) for part in tables]
        active = self._active(table)
        self._table = table.filter(pa.array(active))
        self.files: Places = np.repeat(np.arange(len(files)), sizes)[active]
        self.ids = self._table["id"]
        numbers = pc.index_in(self._table["source"], pa.array(list(source_names), pa.string()))
        self.sources: Places = numbers.to_numpy().astype(np.int64)
        self.reasons = self._reasons(config)

    def column(self, name: str) -> npt.NDArray[Any]:
        """Give a column of numbers, shape (documents,)."""
        return np.asarray(self._table[name].to_numpy())

    @staticmethod
    def _active(table: "pa.Table") -> Flags:
        """Choose the version of documents that are repeated lines for the most part.

        Of each template the smallest id stays whole, and with it those that say just the same: they are duplicates.
        """
        template, is_whole = table["template"].to_numpy(), table["is_whole"].to_numpy()
        high, low = table["key_high"].to_numpy(), table["key_low"].to_numpy()
        whole = np.flatnonzero(is_whole)
        kept: dict[int, tuple[str, int]] = {}
        for place, name in zip(whole, table["id"].take(whole).to_pylist(), strict=True):
            key = int(template[place])
            kept[key] = min(kept.get(key, (name, int(place))), (name, int(place)))
        active = np.ones(len(table), dtype=bool)
        for place in whole:
            keeper = kept[int(template[place])][1]
            active[place] = (high[place], low[place]) == (high[keeper], low[keeper])
            active[place - 1] = not active[place]  # the stripped version stands before the whole one
        return active

    def _reasons(self, config: DedupConfig) -> npt.NDArray[np.int8]:
        reasons = np.zeros(len(self.sources), dtype=np.int8)
        reasons[self.column("is_contaminated")] = _CONTAMINATED
        is_short = self.column("num_chars") < config.min_chars_left
        reasons[is_short & (self.column("num_repeated_lines") > 0)] = _BOILERPLATE
        return reasons


class _Texts:
    """The distinct texts of the documents that are compared, numbered in the order of their keys.

    Attributes:
        places: Places of the documents compared.
        text_of: Number of each one's text.
        high, low: The key of each text.
        file_of, row_of: Where its signature is.
    """

    def __init__(self, rows: _Rows) -> None:
        self.places: Places = np.flatnonzero(rows.reasons == _KEPT)
        high, low = (rows.column(name)[self.places] for name in ("key_high", "key_low"))
        order = np.lexsort((low, high))
        is_first = np.ones(len(order), dtype=bool)
        is_first[1:] = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
        self.text_of: Places = np.empty(len(order), dtype=np.int64)
        self.text_of[order] = np.cumsum(is_first) - 1
        first = order[is_first]
        self.high, self.low = high[first], low[first]
        self.file_of: Places = rows.files[self.places][first]
        self.row_of: Places = rows.column("row")[self.places][first]


def _groups(
    texts: _Texts, files: Sequence[Path], config: DedupConfig, earlier: npt.NDArray[Any] | None
) -> tuple[Places, int]:
    """Give each text's group, and how many texts the earlier index settled."""
    groups = np.arange(len(texts.high), dtype=np.int64)
    if not config.near:
        return groups, 0
    is_fresh = np.ones(len(groups), dtype=bool) if earlier is None else _take_over(texts, earlier, groups)
    opened = [open_signatures(f.with_suffix(SIGNATURES_SUFFIX), f.with_suffix(BANDS_SUFFIX), config) for f in files]
    signatures, bands = [pair[0] for pair in opened], [pair[1] for pair in opened]
    join_similar(StoredSignatures(signatures, bands, texts.file_of, texts.row_of), config, groups, is_fresh)
    return groups, int((~is_fresh).sum())


def _take_over(texts: _Texts, earlier: npt.NDArray[Any], groups: Places) -> Flags:
    """Give known texts the groups they had, where no text of such a group is gone; tell which texts are fresh."""
    if not len(earlier):
        return np.ones(len(groups), dtype=bool)
    places = np.searchsorted(earlier["high"], texts.high).clip(max=len(earlier) - 1)
    is_known = (earlier["high"][places] == texts.high) & (earlier["low"][places] == texts.low)
    group_of = earlier["group"][places]
    size = int(earlier["group"].max()) + 1
    sizes, found = np.bincount(earlier["group"], minlength=size), np.bincount(group_of[is_known], minlength=size)
    is_settled = is_known & (sizes == found)[group_of]
    smallest = np.full(size, len(groups), dtype=np.int64)
    settled = np.flatnonzero(is_settled)
    np.minimum.at(smallest, group_of[settled], settled)
    groups[settled] = smallest[group_of[settled]]
    return ~is_settled


def _choose(rows: _Rows, texts: _Texts, groups: Places) -> tuple[Places, npt.NDArray[np.int8]]:
    """Choose the document of each cluster that is kept, and say of each other one why it is not."""
    keepers = np.arange(len(rows.sources), dtype=np.int64)
    reasons = rows.reasons.copy()
    if not len(texts.places):
        return keepers, reasons
    group, ranks = groups[texts.text_of], _id_ranks(rows.ids)[texts.places]
    order = np.lexsort((ranks, rows.sources[texts.places], group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    first_of_group = np.repeat(order[starts], np.diff(starts, append=len(order)))
    keepers[texts.places[order]] = texts.places[first_of_group]
    reasons[texts.places[order]] = np.where(order == first_of_group, _KEPT, _EXACT)
    _, first_of_text = np.unique(texts.text_of[order], return_index=True)
    leading = texts.places[order[first_of_text]]
    reasons[leading[reasons[leading] == _EXACT]] = _NEAR
    return keepers, reasons


def _id_ranks(ids: "pa.ChunkedArray") -> Places:
    import pyarrow.compute as pc

    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[pc.sort_indices(ids).to_numpy()] = np.arange(len(ids))
    return ranks
