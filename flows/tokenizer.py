"""Tasks of the tokenizer and the token shards."""

from prefect import task
from prefect.client.schemas.objects import State

from flows.run import STAGE_OPTIONS, Run
from gptmodel.store import Output


@task(name="tokenizer", **STAGE_OPTIONS)
def tokenizer_task(run: Run, scrub: Output, split: Output) -> State:
    """Learn a byte-level BPE vocabulary from the train split."""
    return run.plain_stage("tokenizer", scrub, split)


@task(name="pack", **STAGE_OPTIONS)
def pack_task(run: Run, ingest: Output, scrub: Output, split: Output, tokenizer: Output) -> State:
    """Encode every split into memory-mapped token shards."""
    return run.plain_stage("pack", ingest, scrub, split, tokenizer)
