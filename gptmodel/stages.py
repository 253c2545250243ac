"""How each stage is called: from its workspace, and the accounts of what it reads, to its own account.

One function for each stage up to `privacy audit`, each told only what stands in `Materials`. The flows' tasks and
`rebuilding` call `compute_stage`, so that a version is rebuilt by the very calls that made it. What a stage needs, it
imports when it is called: neither torch nor Great Expectations is there before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel

from gptmodel.chain import SEARCHING
from gptmodel.config import Config
from gptmodel.corpus.dedup.evaluation_texts import external_digests
from gptmodel.corpus.sources.stage import Listing, ingest
from gptmodel.erasure.requests import ErasureRequest, input_digests_of, marks_of
from gptmodel.parts import Mapper, Progress, in_turn
from gptmodel.store import Output, Workspace

if TYPE_CHECKING:
    from gptmodel.corpus.scrubbing import Scrubber

Inputs = Mapping[str, Output]
"""The outputs that a stage reads, by stage name."""


@dataclass(frozen=True)
class Materials:
    """What the stages of one run share.

    Attributes:
        config: The resolved config.
        listing: The sources' files with their digests.
        scrubber: What searches and replaces.
        key: The home's key, which the erasure marks and the indexes are made with.
        evaluation: The files of the evaluation texts, if any are named.
        erasures: The erasure requests whose marks ingest leaves out.
        mapper: Where the shards of the corpus are worked on.
    """

    config: Config
    listing: Listing
    scrubber: "Scrubber"
    key: bytes = field(repr=False)
    evaluation: Listing | None = None
    erasures: Sequence[ErasureRequest] = ()
    mapper: Mapper = in_turn


def compute_stage(
    stage: str, work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None = None
) -> BaseModel:
    """Make a stage's output in its workspace and give its account; nothing is committed.

    Args:
        stage: The stage; one of `COMPUTED`.
        work: Where it writes, and the folders it reads.
        inputs: The outputs it reads.
        materials: What it is told besides.
        progress: Called with the share done (0 to 1) and a few words.
    """
    return _COMPUTE[stage](work, inputs, materials, progress)


def outside_digests(materials: Materials) -> dict[str, dict[str, str]]:
    """Give the digests of what stages read from outside the store, by stage and name."""
    digests = external_digests(materials.listing, materials.evaluation)
    digests["ingest"] |= input_digests_of(materials.erasures)
    digests["clean"] = materials.scrubber.for_samples.digests
    return digests | dict.fromkeys(SEARCHING, materials.scrubber.digests)


def _ingest(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    config, marks = materials.config, marks_of(materials.erasures, materials.key)
    return ingest(work, config.corpus, config.privacy.planted, materials.listing, progress, materials.mapper, marks)


def _clean(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    from gptmodel.corpus.cleaning import clean

    private = [source["name"] for source in inputs["ingest"].result["sources"] if source["personal_data"] == "yes"]
    finders = materials.scrubber.for_samples
    return clean(work, materials.config.cleaning, progress, materials.mapper, private, finders)


def _scrub(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    from gptmodel.corpus.scrubbing import scrub

    return scrub(work, materials.scrubber, progress, materials.mapper)


def _deduplicate(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    from gptmodel.corpus.dedup.stage import deduplicate

    order = [source["name"] for source in inputs["ingest"].result["sources"]]
    return deduplicate(work, materials.config.dedup, order, materials.evaluation, progress, materials.mapper)


def _split(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    from gptmodel.corpus.split import split

    return split(work, materials.config.split)


def _quality_gate(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    from gptmodel.corpus.cleaning import CleanResult
    from gptmodel.corpus.dedup.stage import DedupResult
    from gptmodel.corpus.quality.stage import check_quality
    from gptmodel.corpus.quality.tables import Accounts
    from gptmodel.corpus.scrubbing import ScrubResult
    from gptmodel.corpus.sources.stage import IngestResult
    from gptmodel.corpus.split import SplitResult

    accounts = Accounts(
        inputs["ingest"].read(IngestResult), inputs["clean"].read(CleanResult), inputs["scrub"].read(ScrubResult),
        inputs["deduplicate"].read(DedupResult), inputs["split"].read(SplitResult),
    )  # fmt: skip
    quality = materials.config.quality
    return check_quality(work, quality, materials.scrubber, accounts, progress, materials.mapper)


def _tokenizer(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    from gptmodel.tokenizer import train_tokenizer

    return train_tokenizer(work, materials.config.tokenizer, materials.scrubber.placeholders, materials.mapper)


def _pack(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    from gptmodel.tokens import pack

    weights = {source["name"]: source["weight"] for source in inputs["ingest"].result["sources"]}
    return pack(work, materials.config.tokens, weights, materials.config.privacy.planted, materials.mapper)


def _train(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    from gptmodel.training.stage import train

    return train(work, materials.config.model, materials.config.training, progress)


def _evaluate(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    from gptmodel.evaluation import evaluate

    return evaluate(work, materials.config.evaluation, progress)


def _privacy_audit(work: Workspace, inputs: Inputs, materials: Materials, progress: Progress | None) -> BaseModel:
    from gptmodel.privacy import audit

    personal_data = {source["name"]: source["personal_data"] for source in inputs["ingest"].result["sources"]}
    return audit(work, materials.config.privacy, materials.scrubber, progress, personal_data)


_COMPUTE: dict[str, Callable[[Workspace, Inputs, Materials, Progress | None], BaseModel]] = {
    "ingest": _ingest,
    "clean": _clean,
    "scrub": _scrub,
    "deduplicate": _deduplicate,
    "split": _split,
    "quality gate": _quality_gate,
    "tokenizer": _tokenizer,
    "pack": _pack,
    "train": _train,
    "evaluate": _evaluate,
    "privacy audit": _privacy_audit,
}

COMPUTED = tuple(_COMPUTE)
"""The stages that need no server: all up to the leak test."""
