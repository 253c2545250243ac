"""Encode shards, each into a spool of its own, with a table that says what lies there: the part that is mapped."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from gptmodel.corpus.canaries import phrase_id_of
from gptmodel.corpus.dedup.repeated_lines import read_repeated
from gptmodel.corpus.documents import Document
from gptmodel.corpus.split_table import SplitRow, read_shard_corpus
from gptmodel.corpus.tables import TableWriter
from gptmodel.tokenizer import TOKENIZER_FILE, Tokenizer
from gptmodel.tokenizer.cache import TOKEN
from gptmodel.tokenizer.sample import num_bytes_of

# Documents are encoded together until they have so many characters.
_BATCH_CHARS = 500_000
# Digits of a part's number in the key that documents are sorted by.
_PART_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Spooled:
    """A document's tokens in its shard's spool, where they follow those of the row before.

    Attributes:
        id: Identity of the document.
        place: Text whose plain order is that of the stream: the id, with the numbers of parts at full width.
        source: Its source.
        lang: Its language.
        split: train, validation or test.
        planted: Empty for real text, else the sort of planted test phrase.
        phrase: Id of the planted phrase, empty for real text.
        num_tokens: Its tokens, the end of document included.
        num_bytes: UTF-8 bytes of its text.
    """

    id: str
    place: str
    source: str
    lang: str
    split: str
    planted: str
    phrase: str
    num_tokens: int
    num_bytes: int


def encode_shard(shard: Path, spools: Path, split: Path, tokenizer: Path) -> None:
    """Encode the documents of a shard, in their order: tokens into `<shard>.bin`, rows into `<shard>.parquet`.

    Args:
        shard: A shard of the stage `scrub`.
        spools: Folder to write into.
        split: Folder of the stage `split`.
        tokenizer: Folder of the stage `tokenizer`.
    """
    coder = _tokenizer(tokenizer, (tokenizer / TOKENIZER_FILE).stat().st_mtime_ns)
    end = np.array([coder.end_of_document_id], dtype=TOKEN).tobytes()
    documents = read_shard_corpus(shard, split, read_repeated(split))
    with (
        (spools / f"{shard.stem}.bin").open("wb") as file,
        TableWriter(spools / f"{shard.stem}.parquet", Spooled) as table,
    ):
        for group in _grouped(documents):
            for (item, row), ids in zip(group, coder.encode_to_bytes(item.text for item, _ in group), strict=True):
                file.write(ids + end)
                table.add(_spooled(item, row, len(ids) // TOKEN.itemsize + 1))


@lru_cache(maxsize=1)
def _tokenizer(folder: Path, _changed: int) -> Tokenizer:
    """Load the tokenizer once for all shards of a process: what it keeps of one shard serves the next."""
    return Tokenizer.load(folder)


def _spooled(item: Document, row: SplitRow, num_tokens: int) -> Spooled:
    phrase = phrase_id_of(item) if item.planted else ""
    about = (item.source, item.lang, row.split, item.planted, phrase)
    return Spooled(item.id, _place(item.id), *about, num_tokens, num_bytes_of(item.text))


def _place(name: str) -> str:
    """Order ids by their hash, parts ID.2 before ID.10."""
    base, *parts = name.split(".")
    return ".".join([base, *(number.zfill(_PART_DIGITS) for number in re.findall(r"\d+", ".".join(parts)))])


def _grouped(documents: Iterable[tuple[Document, SplitRow]]) -> Iterator[list[tuple[Document, SplitRow]]]:
    group: list[tuple[Document, SplitRow]] = []
    num_chars = 0
    for item in documents:
        group.append(item)
        num_chars += len(item[0].text)
        if num_chars >= _BATCH_CHARS:
            yield group
            group, num_chars = [], 0
    if group:
        yield group
