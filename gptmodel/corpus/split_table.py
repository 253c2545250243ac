"""The tables that say which split each document is in, and the text as every later stage reads it.

`split` writes one table a shard of scrubbed text, in the order of its documents, so that the two are read side by side
in bounded memory. Tokenizer, pack, evaluation, privacy audit and promotion get their text through `read_corpus`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gptmodel.corpus.dedup.repeated_lines import read_repeated, strip_repeated
from gptmodel.corpus.dedup.stretches import Hashes
from gptmodel.corpus.documents import Document, list_shards, read_shard
from gptmodel.corpus.tables import read_table, write_table

SPLIT_DIR = "splits"
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class SplitRow:
    """Where one document goes.

    Attributes:
        id: The document.
        source: Its source.
        split: `train`, `validation` or `test`.
        planted: Whether it is a planted test phrase.
        num_repeated_lines: Lines that are removed from its text because its source repeats them.
    """

    id: str
    source: str
    split: Split
    planted: bool
    num_repeated_lines: int = 0


def read_corpus(
    scrub: Path, split: Path, *splits: Split
) -> Iterator[tuple[Document, SplitRow]]:  # fmt: skip
    """Read the documents of some splits, in the order of the shards, with repeated lines removed.

    Args:
        scrub: Folder of the stage `scrub`.
        split: Folder of the stage `split`.
        splits: The splits wanted; none named means all.
    """
    repeated = read_repeated(split)
    for shard in list_shards(scrub):
        yield from read_shard_corpus(shard, split, repeated, *splits)


def read_shard_corpus(
    shard: Path, split: Path, repeated: Hashes, *splits: Split
) -> Iterator[tuple[Document, SplitRow]]:
    """Read the documents of one shard as `read_corpus` does.

    Args:
        shard: A shard of the stage `scrub`.
        split: Folder of the stage `split`.
        repeated: Hashes of the repeated lines, as `read_repeated` gives them.
        splits: The splits wanted; none named means all.
    """
    rows = {row.id: row for row in read_shard_split(split, shard.stem) if not splits or row.split in splits}
    for document in read_shard(shard) if rows else ():
        row = rows.get(document.id)
        if row is not None and row.num_repeated_lines:
            stripped = strip_repeated(document.text, document.source, repeated)
            yield replace(document, text=stripped.text), row
        elif row is not None:
            yield document, row


def read_split(folder: Path) -> Iterator[SplitRow]:
    """Read the rows of all shards that `split` wrote into its folder."""
    return read_table(folder / SPLIT_DIR, SplitRow)


def read_shard_split(folder: Path, shard: str) -> Iterator[SplitRow]:
    """Read the rows of one shard, named by the stem of its file; a shard that has no table has no document in it."""
    path = folder / SPLIT_DIR / f"{shard}.parquet"
    return read_table(path, SplitRow) if path.exists() else iter(())


def write_shard_split(folder: Path, shard: str, rows: Iterable[SplitRow]) -> None:
    """Write the rows of one shard, in the order of its documents."""
    write_table(folder / SPLIT_DIR / f"{shard}.parquet", SplitRow, rows)
