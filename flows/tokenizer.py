"""Tasks of the tokenizer and the token shards."""

from prefect import task
from prefect.client.schemas.objects import State
from pydantic import BaseModel

from flows.run import STAGE_OPTIONS, Progress, Run
from gptmodel.store import Output, Workspace


@task(name="tokenizer", **STAGE_OPTIONS)
def tokenizer_task(run: Run, scrub: Output, split: Output) -> State:
    """Learn a byte-level BPE vocabulary from the train split."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.tokenizer import train_tokenizer

        return train_tokenizer(work, run.config.tokenizer, run.scrubber.placeholders)

    return run.stage("tokenizer", compute, scrub, split)


@task(name="pack", **STAGE_OPTIONS)
def pack_task(run: Run, ingest: Output, scrub: Output, split: Output, tokenizer: Output) -> State:
    """Encode every split into memory-mapped token shards."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.tokens import pack

        weights = {source["name"]: source["weight"] for source in ingest.result["sources"]}
        return pack(work, run.config.tokens, weights, run.config.privacy.planted)

    return run.stage("pack", compute, ingest, scrub, split, tokenizer)
