"""The stage `pack`: every document of the split into token files, shard by shard, whatever the number of workers."""

import shutil
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from gptmodel.config import PlantedConfig, TokensConfig
from gptmodel.corpus.documents import list_shards
from gptmodel.corpus.split_table import SPLITS
from gptmodel.errors import CorpusTooSmallError
from gptmodel.parts import Mapper, in_turn
from gptmodel.store import Workspace
from gptmodel.tokens.documents import write_packed_documents
from gptmodel.tokens.encoding import encode_shard
from gptmodel.tokens.layout import MIXTURE_FILE, laid_out, read_spools, within_share, write_mixture, write_stream

if TYPE_CHECKING:
    import pyarrow as pa


class PackResult(BaseModel):
    """What the pack stage made. Planted documents are in the train stream, but counted apart."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_tokens: dict[str, int]
    """Tokens of each split, ends of documents included, planted documents left out."""
    num_documents: dict[str, int]
    """Documents of each split, planted ones left out."""
    num_bytes: dict[str, int]
    """UTF-8 bytes of text of each split, planted documents left out."""
    num_planted_tokens: int
    """Tokens of planted documents in the train stream."""
    num_planted_documents: int
    """Planted documents in the train stream; those beyond the largest share of the tokens were left out."""


def pack(
    work: Workspace, config: TokensConfig, weights: Mapping[str, float] | None = None,
    planted: PlantedConfig | None = None, mapper: Mapper = in_turn,
) -> PackResult:  # fmt: skip
    """Encode every document of the split into token files and the table that says where each lies.

    Documents stand in the order of their ids, which are hashes: a fixed shuffle that planted documents share. Parts of
    a divided text follow one another. Where sources differ in weight, the train stream has one stretch for each weight,
    and `mixture.json` says how long they are.

    Args:
        work: Reads "scrub", "split" and "tokenizer"; writes `<split>-00000.bin` (16-bit little endian), ...
            and `documents.parquet`.
        config: Size of a token file.
        weights: Mixing weight of each source; 1 where it names none, and for planted documents.
        planted: Says how large a share of the train stream planted documents may have; the phrases beyond it are left
            out, the last ones first. None sets no limit.
        mapper: Where the shards are encoded.

    Raises:
        CorpusTooSmallError: The split names no document.
    """
    work.clear()
    spools = work.path / "spools"
    spools.mkdir()
    encode = partial(encode_shard, spools=spools, split=work.inputs["split"], tokenizer=work.inputs["tokenizer"])
    for _ in mapper(encode, list_shards(work.inputs["scrub"])):
        pass
    rows = read_spools(spools)
    if not len(rows):
        raise CorpusTooSmallError(expected="documents to pack", actual="none", mend="Add documents to the sources.")
    rows = laid_out(within_share(rows, planted) if planted else rows, weights or {})
    write_mixture(work.path / MIXTURE_FILE, rows)
    for split in SPLITS:
        write_stream(work.path, split, spools, rows, config.shard_tokens)
    shutil.rmtree(spools)
    write_packed_documents(work.path, rows)
    return _account(rows)


def _account(rows: "pa.Table") -> PackResult:
    import pyarrow.compute as pc

    real = rows.filter(pc.equal(rows["planted"], ""))
    planted = rows.filter(pc.not_equal(rows["planted"], ""))
    by_split = {split: real.filter(pc.equal(real["split"], split)) for split in SPLITS}
    return PackResult(
        num_tokens={split: _sum(some, "num_tokens") for split, some in by_split.items()},
        num_documents={split: len(some) for split, some in by_split.items()},
        num_bytes={split: _sum(some, "num_bytes") for split, some in by_split.items()},
        num_planted_tokens=_sum(planted, "num_tokens"),
        num_planted_documents=len(planted),
    )


def _sum(rows: "pa.Table", column: str) -> int:
    return int(rows[column].to_numpy().sum())
