"""The tables of the stage `split`, for tests of the stages that read them."""

from collections.abc import Callable
from pathlib import Path

from gptmodel.corpus.documents import Document, list_shards, read_shard
from gptmodel.corpus.split_table import Split, SplitRow, write_shard_split


def write_splits(
    scrub: Path, split: Path, where: Callable[[Document], Split | None] = lambda document: "train"
) -> None:
    """Write into the folder `split` where each document of `scrub` goes; those that go nowhere are left out."""
    for shard in list_shards(scrub):
        placed = ((document, where(document)) for document in read_shard(shard))
        rows = [SplitRow(d.id, d.source, place, bool(d.planted)) for d, place in placed if place is not None]
        write_shard_split(split, shard.stem, rows)
