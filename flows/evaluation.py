"""Tasks that measure the trained model: evaluation and leak test."""

from prefect import task
from prefect.client.schemas.objects import State

from flows import artifacts
from flows.run import STAGE_OPTIONS, Run
from gptmodel.store import Output


@task(name="evaluate", **STAGE_OPTIONS)
def evaluate_task(run: Run, tokenizer: Output, pack: Output, train: Output) -> State:
    """Score the model on the test split beside the baselines."""
    return run.plain_stage("evaluate", tokenizer, pack, train)


@task(name="privacy audit", **STAGE_OPTIONS)
def audit_task(run: Run, ingest: Output, scrub: Output, tokenizer: Output, pack: Output, train: Output) -> State:
    """Try to make the model give away what it was trained on."""
    return run.plain_stage("privacy audit", ingest, scrub, tokenizer, pack, train, show=artifacts.show_decision_of)
