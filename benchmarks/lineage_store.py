"""A home with three versions over a corpus of any number of documents: all that a look-up reads, and no text.

python -m benchmarks.lineage_store HOME NUM_DOCUMENTS

Each version's corpus is a little larger than the one before, and new documents lie in every shard, so that no table of
one version is another's: the worst case. Made by hand, since stages over a million texts take hours; the tables have
the columns, the order and the groups of rows that the stages give them. Texts are a few characters, for no look-up
reads one.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from flows.home import Home, home_key_of
from gptmodel.corpus.dedup.members import MEMBERS_DIR, Member
from gptmodel.corpus.documents import SHARDS_DIR, Document
from gptmodel.corpus.rules import Dropped
from gptmodel.corpus.scrubbing.stage import LeftOutRow
from gptmodel.corpus.scrubbing.value_index import FoundValue, value_hashes, values_name
from gptmodel.corpus.sources.forgetting import TEXTS_DIR, KnownText, beginning_of, text_mark
from gptmodel.corpus.split_table import SPLIT_DIR, SplitRow
from gptmodel.corpus.table_names import DROPS_DIR, LEFT_OUT_DIR
from gptmodel.corpus.tables import schema_of
from gptmodel.keys import key_id
from gptmodel.store import Output, Workspace, digest_of, seal
from gptmodel.tokens import DOCUMENTS_FILE, PackedDocument

NUM_SHARDS = 64
GROWTH = (0.96, 0.98, 1.0)
"""Share of the documents that each version's corpus has."""
SOURCE, TEXT, VALUE = "web", "A sentence that one document says.", "anna.keller@example.com"
CONTEXT_LENGTH, BATCH_SIZE, NUM_STEPS = 1024, 512, 1000
_ROWS = 10_000
_TOKENS = 600


class Account(BaseModel):
    """Any stage's account."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True)
class Truth:
    """What the look-ups should find.

    Attributes:
        trained: A document that every version was trained on; it says TEXT and held VALUE.
        path: Where it lies within its source.
        dropped: A near duplicate in every corpus.
    """

    trained: str
    path: str
    dropped: str


def make_home(root: Path, num_documents: int) -> Truth:
    """Make a home with three versions; the same number gives the same documents."""
    home = Home(root)
    key = home_key_of(home)
    digits = np.random.default_rng(0).bytes(16 * num_documents).hex()
    ids = np.array([digits[32 * n : 32 * n + 32] for n in range(num_documents)])
    for number, share in enumerate(GROWTH, 1):
        _Version(home, key, ids[: int(share * num_documents)], number).make()
    return Truth(str(ids[1]), _path(1), str(ids[0]))


def _path(number: int) -> str:
    return f"{number // 1000:04d}/{number}.txt"


class _Version:
    """One version and its corpus: of twenty documents one is a near duplicate, one is for validation, one for test."""

    def __init__(self, home: Home, key: bytes, ids: Any, number: int) -> None:
        self._store, self._key, self._ids, self._number = home.store, key, ids, number
        self._places = np.arange(len(ids))

    def make(self) -> None:
        """Commit its outputs."""
        ingest = self._put("ingest", [], self._texts, sources=[{"name": SOURCE}])
        clean = self._put("clean", [ingest], self._drops)
        scrub = self._put("scrub", [clean], self._scrubbed, kinds_not_searched=[])
        clusters = self._put("deduplicate", [ingest, scrub], self._members)
        split = self._put("split", [scrub, clusters], self._splits)
        num_train = int((self._splits_of(self._places) == "train").sum())
        tokens = {"num_tokens": {"train": num_train * _TOKENS}, "num_planted_tokens": 0}
        pack = self._put("pack", [ingest, scrub, split], self._packed, **tokens)
        section = {"model": {"context_length": CONTEXT_LENGTH}, "training": {"batch_size": BATCH_SIZE, "seed": 1337}}
        train = self._put("train", [pack], None, section, num_steps=NUM_STEPS)
        made = {"name": "gpt", "version": self._number, "bundle_digest": f"{self._number:064x}"}
        self._put("register", [ingest, clean, scrub, clusters, split, pack, train], None, **made)

    def _put(
        self, stage: str, inputs: Sequence[Output], write: Any, section: dict[str, Any] | None = None, **account: Any
    ) -> Output:
        address = digest_of([stage, self._number])[:32]
        with self._store.writing(stage, address, {}) as work:
            if write:
                write(work)
            return self._store.commit(work, seal(
                work, stage=stage, fingerprint=address, code_version="", section=section or {},
                inputs={output.stage: output.digest for output in inputs},
                result=Account(of=self._number, **account),
            ))  # fmt: skip

    def _shards(self) -> Iterator[tuple[str, Any]]:
        for shard in range(NUM_SHARDS):
            yield f"{shard:05d}-000.parquet", self._places[shard::NUM_SHARDS]

    def _splits_of(self, places: Any) -> Any:
        return np.select(
            [places % 20 == 0, places % 20 == 18, places % 20 == 19], ["", "validation", "test"], default="train"
        )

    def _texts(self, work: Workspace) -> None:
        mark = text_mark(self._key, beginning_of([TEXT])[1])
        for name, places in self._shards():
            marks = [mark if place == 1 else f"{place:032x}"[::-1] for place in places]
            file = f"{name[:5]}-{digest_of([self._number, name])[:16]}.parquet"
            rows = {"id": self._ids[places], "source": SOURCE, "path": map(_path, places), "mark": marks}
            _write(work.path / TEXTS_DIR / file, KnownText, rows, len(places))

    def _drops(self, work: Workspace) -> None:
        for name, _ in self._shards():
            _write(work.path / DROPS_DIR / name, Dropped, {}, 0)

    def _scrubbed(self, work: Workspace) -> None:
        value = value_hashes(self._key, "EMAIL", VALUE)[0]
        for name, places in self._shards():
            rows = {"id": self._ids[places], "source": SOURCE, "path": map(_path, places), "text": "Words.",
                    "lang": "en", "planted": ""}  # fmt: skip
            _write(work.path / SHARDS_DIR / name, Document, rows, len(places))
            _write(work.path / LEFT_OUT_DIR / name, LeftOutRow, {}, 0)
            found = places[places % 10 == 1]
            hashes = sorted((value if place == 1 else digest_of(int(place))[:32], self._ids[place]) for place in found)
            rows = {"hash": [row[0] for row in hashes], "kind": "EMAIL", "id": [row[1] for row in hashes]}
            about = {"gptmodel.key_id": key_id(self._key)}
            _write(work.path / values_name(name), FoundValue, rows, len(found), about)

    def _members(self, work: Workspace) -> None:
        for name, places in self._shards():
            kept = places % 20 != 0
            clusters = np.where(kept, self._ids[places], self._ids[np.minimum(places + 1, len(self._ids) - 1)])
            rows = {"id": self._ids[places], "source": SOURCE, "cluster": clusters, "kept": kept,
                    "reason": np.where(kept, "", "near"), "num_repeated_lines": 0, "num_bytes": 2000}  # fmt: skip
            _write(work.path / MEMBERS_DIR / name, Member, rows, len(places))

    def _splits(self, work: Workspace) -> None:
        for name, places in self._shards():
            kept = places[places % 20 != 0]
            rows = {"id": self._ids[kept], "source": SOURCE, "split": self._splits_of(kept), "planted": False,
                    "num_repeated_lines": 0}  # fmt: skip
            _write(work.path / SPLIT_DIR / name, SplitRow, rows, len(kept))

    def _packed(self, work: Workspace) -> None:
        kept = self._places[self._places % 20 != 0]
        splits = self._splits_of(kept)
        order = np.lexsort((self._ids[kept], splits))
        kept, splits = kept[order], splits[order]
        starts = np.concatenate([np.arange((splits == split).sum()) for split in np.unique(splits)]) * _TOKENS
        rows = {"id": self._ids[kept], "source": SOURCE, "lang": "en", "split": splits, "planted": "",
                "start": starts, "num_tokens": _TOKENS, "num_bytes": 2000}  # fmt: skip
        _write(work.path / DOCUMENTS_FILE, PackedDocument, rows, len(kept))


def _write(
    path: Path, kind: type, columns: Mapping[str, Any], num_rows: int, about: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    schema = schema_of(kind).with_metadata(about)
    arrays = [_array(columns.get(field.name, ""), field.type, num_rows) for field in schema]
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(arrays, schema=schema)
    pq.write_table(table, path, compression="zstd", row_group_size=_ROWS)


def _array(values: Any, kind: pa.DataType, num_rows: int) -> pa.Array:
    if isinstance(values, str | bool | int):
        return pa.array([values] * num_rows if num_rows else [], kind)
    return pa.array(list(values), kind)


if __name__ == "__main__":
    truth = make_home(Path(sys.argv[1]), int(sys.argv[2]))
    print(json.dumps(vars(truth)))
