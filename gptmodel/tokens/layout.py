"""Lay encoded documents out: which documents, in which order, into which files, by columns rather than objects."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gptmodel.config import PlantedConfig
from gptmodel.corpus.canaries import phrases_that_fit
from gptmodel.corpus.split_table import SPLITS
from gptmodel.tokenizer.cache import TOKEN

if TYPE_CHECKING:
    import pyarrow as pa

MIXTURE_FILE = "mixture.json"

_COPY_TOKENS = 4_000_000


def read_spools(spools: Path) -> "pa.Table":
    """Read the rows of all spools, each with the number of its `spool` and its `offset` there (tokens)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for number, path in enumerate(sorted(spools.glob("*.parquet"))):
        table = pq.read_table(path)
        offsets = _starts(table["num_tokens"].to_numpy())
        table = table.append_column("spool", pa.array(np.full(len(table), number, dtype=np.int32)))
        tables.append(table.append_column("offset", pa.array(offsets)))
    return pa.concat_tables(tables) if tables else pa.table({"id": []})


def within_share(rows: "pa.Table", config: PlantedConfig) -> "pa.Table":
    """Leave out the planted phrases with which they would take more than their share of the tokens trained on."""
    import pyarrow as pa
    import pyarrow.compute as pc

    train = rows.filter(pc.equal(rows["split"], "train"))
    summed = train.group_by("phrase").aggregate([("num_tokens", "sum")]).to_pylist()
    sizes = {row["phrase"]: row["num_tokens_sum"] for row in summed}
    fitting = phrases_that_fit(config, sizes.get("", 0), lambda phrase: sizes.get(phrase.id, 0))
    kept = pa.array(["", *(phrase.id for phrase in fitting)], type=pa.string())
    return rows.filter(pc.is_in(rows["phrase"], value_set=kept))


def laid_out(rows: "pa.Table", weights: Mapping[str, float]) -> "pa.Table":
    """Put rows into the order of the streams: by split, in the train split by weight, then by id.

    Two columns more are `weight`, and `start`: the position of the first token in the split's stream.
    """
    import pyarrow as pa

    numbers = np.select([_equal(rows, "split", split) for split in SPLITS], [*range(len(SPLITS))])
    rows = rows.append_column("weight", pa.array(_weights(rows, weights)))
    rows = rows.append_column("split_number", pa.array(numbers))
    keys = [(name, "ascending") for name in ("split_number", "weight", "place", "id")]
    rows = rows.sort_by(keys).combine_chunks()
    sizes, starts = rows["num_tokens"].to_numpy(), np.empty(len(rows), dtype=np.int64)
    for split in SPLITS:
        inside = _equal(rows, "split", split)
        starts[inside] = _starts(sizes[inside])
    return rows.append_column("start", pa.array(starts))


def write_mixture(path: Path, rows: "pa.Table") -> None:
    """Write the stretches of the train stream by weight; nothing where there is one weight."""
    train = _equal(rows, "split", "train")
    weights, sizes = rows["weight"].to_numpy()[train], rows["num_tokens"].to_numpy()[train]
    found = np.unique(weights).tolist()
    if len(found) > 1:
        stretches = [{"weight": weight, "num_tokens": int(sizes[weights == weight].sum())} for weight in found]
        path.write_text(json.dumps(stretches) + "\n", encoding="utf-8")


def write_stream(folder: Path, split: str, spools: Path, rows: "pa.Table", shard_tokens: int) -> None:
    """Copy the documents of a split from the spools into `<split>-00000.bin`, ... in the order of the rows.

    Args:
        folder: Where to.
        split: The split.
        spools: Folder of the spools.
        rows: Documents of all splits.
        shard_tokens: Tokens in one file, at most.
    """
    number, room = 0, shard_tokens
    file = _token_file(folder, split, number)
    try:
        for piece in _tokens_of(split, spools, rows):
            while len(piece):
                if not room:
                    file.close()
                    number, room = number + 1, shard_tokens
                    file = _token_file(folder, split, number)
                file.write(piece[:room].tobytes())
                room, piece = room - len(piece[:room]), piece[room:]
    finally:
        file.close()


def _tokens_of(split: str, spools: Path, rows: "pa.Table") -> Iterator[Any]:
    sources: list[Any] = [np.memmap(path, dtype=TOKEN, mode="r") if path.stat().st_size else None
                          for path in sorted(spools.glob("*.bin"))]  # fmt: skip
    inside = _equal(rows, "split", split)
    columns = [rows[name].to_numpy()[inside] for name in ("spool", "offset", "num_tokens")]
    for spool, offset, size in zip(*columns, strict=True):
        for start in range(offset, offset + size, _COPY_TOKENS):
            yield sources[spool][start : min(start + _COPY_TOKENS, offset + size)]


def _token_file(folder: Path, split: str, number: int) -> IO[bytes]:
    return (folder / f"{split}-{number:05d}.bin").open("wb")


def _weights(rows: "pa.Table", weights: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """Give each row's mixing weight: its source's in the train split, 1 elsewhere and for planted documents."""
    found = np.ones(len(rows))
    trained = _equal(rows, "split", "train") & _equal(rows, "planted", "")
    for source, weight in weights.items():
        found[trained & _equal(rows, "source", source)] = weight
    return found


def _equal(rows: "pa.Table", column: str, value: str) -> npt.NDArray[np.bool_]:
    import pyarrow.compute as pc

    return np.asarray(pc.equal(rows[column], value).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _starts(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.cumsum(sizes) - sizes
