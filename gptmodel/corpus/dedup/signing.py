"""What deduplication needs to know of each text: a hash of what it says, its signature, whether it is usable.

One shard at a time: its texts without the lines that their source repeats. A document that is repeated lines for the
most part is noted twice, stripped and whole, because which of those stays whole is known only of the whole corpus.
Called by dedup; clusters reads the tables.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import xxhash
from pydantic import BaseModel

from gptmodel.config import DedupConfig
from gptmodel.corpus.dedup.contamination import shares_ngram
from gptmodel.corpus.dedup.minhash import MinHasher, Signatures, band_keys
from gptmodel.corpus.dedup.repeated_lines import holds_repeated, strip_repeated
from gptmodel.corpus.dedup.stretches import Hashes
from gptmodel.corpus.documents import Document, read_shard
from gptmodel.corpus.tables import write_table

SIGNED = "signed"
SIGNATURES_SUFFIX = ".signatures"
BANDS_SUFFIX = ".bands"
_BATCH_DOCUMENTS = 1000


class SignedAccount(BaseModel):
    """What signing one shard did."""

    sources: list[str]
    """Sources of its documents, sorted; planted test phrases aside."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """One version of one document's text.

    Attributes:
        id: The document.
        source: Its source.
        key_high: First half of the hash of what the text says.
        key_low: Second half.
        row: Row of its signature in the shard's file.
        num_bytes: UTF-8 bytes of the text.
        num_chars: Its characters.
        num_repeated_lines: Lines removed from it.
        template: Hash of these lines, if they were most of the text; else 0.
        is_whole: A second version of such a document, with nothing removed.
        is_contaminated: Whether it shares a run of words with an evaluation text.
    """

    id: str
    source: str
    key_high: int
    key_low: int
    row: int
    num_bytes: int
    num_chars: int
    num_repeated_lines: int
    template: int
    is_whole: bool
    is_contaminated: bool


@dataclass(frozen=True, slots=True)
class _Version:
    document: Document
    text: str
    num_lines: int = 0
    template: int = 0
    is_whole: bool = False


def comparable(text: str) -> str:
    """Give a text without what exact duplicates may differ in: case and the amount of white space.

    Example:
        >>> comparable("One  Two three ")
        'one two three'
    """
    return " ".join(text.lower().split())


def text_key(text: str) -> bytes:
    """Hash a text so that exact duplicates, and only they, have the same 16 bytes."""
    return _key(comparable(text))


def sign_shard(shard: Path, folder: Path, config: DedupConfig, repeated: Path | None, ngrams: Path | None
               ) -> SignedAccount:  # fmt: skip
    """Write a shard's texts as a table of `TextRow`, their signatures and their band keys.

    Args:
        shard: The scrubbed shard.
        folder: Where to write.
        config: Settings of signatures and runs.
        repeated: File of the repeated lines' hashes; None where the shard holds none.
        ngrams: File of the evaluation texts' runs; None where there are none.
    """
    name = f"{SIGNED}-{shard.stem}"
    signing = _Signing(config, _load(repeated), None if ngrams is None else _load(ngrams))
    paths = (folder / f"{name}{suffix}" for suffix in (SIGNATURES_SUFFIX, BANDS_SUFFIX))
    with next(paths).open("wb") as signatures, next(paths).open("wb") as bands:
        rows = (row for batch in signing.batches(shard, signatures, bands) for row in batch)
        write_table(folder / f"{name}.parquet", TextRow, rows)
    return SignedAccount(sources=sorted(signing.sources))


class _Signing:
    """One pass over a shard."""

    def __init__(self, config: DedupConfig, repeated: Hashes, ngrams: Hashes | None) -> None:
        self._config = config
        self._repeated = repeated
        self._ngrams = ngrams
        self._hasher = MinHasher(config)
        self._rows: dict[bytes, int] = {}
        self.sources: set[str] = set()

    def batches(self, shard: Path, signatures: BinaryIO, bands: BinaryIO) -> Iterator[list[TextRow]]:
        """Give the shard's rows, some documents at a time, and write the signatures of texts not met before."""
        documents = (document for document in read_shard(shard) if not document.planted)
        while batch := list(islice(documents, _BATCH_DOCUMENTS)):
            self.sources |= {document.source for document in batch}
            versions = self._versions(batch)
            texts = [comparable(version.text) for version in versions]
            keys = [_key(text) for text in texts]
            for block in self._hasher.signatures(self._fresh(texts, keys)) if self._config.near else ():
                signatures.write(block.tobytes())
                bands.write(_all_bands(block, self._config).tobytes())
            yield [*map(self._row, versions, keys, self._contaminated(texts))]

    def _versions(self, batch: Sequence[Document]) -> list[_Version]:
        hits = holds_repeated([item.text for item in batch], [item.source for item in batch], self._repeated)
        return [version for document, hit in zip(batch, hits, strict=True) for version in self._of(document, hit)]

    def _of(self, document: Document, is_hit: bool) -> list[_Version]:
        if not is_hit:
            return [_Version(document, document.text)]
        stripped = strip_repeated(document.text, document.source, self._repeated)
        versions = [_Version(document, stripped.text, stripped.num_lines, stripped.template)]
        if stripped.template:
            versions.append(_Version(document, document.text, 0, stripped.template, is_whole=True))
        return versions

    def _fresh(self, texts: Sequence[str], keys: Sequence[bytes]) -> Iterator[str]:
        for text, key in zip(texts, keys, strict=True):
            if key not in self._rows:
                self._rows[key] = len(self._rows)
                yield text

    def _contaminated(self, texts: Sequence[str]) -> Sequence[bool]:
        if self._ngrams is None:
            return [False] * len(texts)
        return [bool(hit) for hit in shares_ngram(texts, self._ngrams, self._config.contamination_ngram)]

    def _row(self, version: _Version, key: bytes, is_contaminated: bool) -> TextRow:
        high, low = (int.from_bytes(half, signed=True) for half in (key[:8], key[8:]))
        return TextRow(
            version.document.id, version.document.source, high, low, self._rows.get(key, 0),
            len(version.text.encode()), len(version.text), version.num_lines, version.template, version.is_whole,
            is_contaminated,
        )  # fmt: skip


def _key(comparable_text: str) -> bytes:
    return xxhash.xxh3_128_digest(comparable_text.encode("utf-8", "surrogatepass"))


def _all_bands(signatures: Signatures, config: DedupConfig) -> Hashes:
    """Give the band keys of each row, shape (rows, bands)."""
    keys = [band_keys(signatures, band, config.rows_per_band) for band in range(config.num_bands)]
    return np.ascontiguousarray(np.stack(keys, axis=1))


def _load(path: Path | None) -> Hashes:
    return np.zeros(0, dtype=np.uint64) if path is None else np.load(path)
