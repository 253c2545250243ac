"""Tasks that measure the trained model: evaluation and leak test."""

from prefect import task
from prefect.client.schemas.objects import State
from pydantic import BaseModel

from flows import artifacts
from flows.run import STAGE_OPTIONS, Progress, Run
from gptmodel.store import Output, Workspace


@task(name="evaluate", **STAGE_OPTIONS)
def evaluate_task(run: Run, tokenizer: Output, pack: Output, train: Output) -> State:
    """Score the model on the test split beside the baselines."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.evaluation import evaluate

        return evaluate(work, run.config.evaluation, progress)

    return run.stage("evaluate", compute, tokenizer, pack, train)


@task(name="privacy audit", **STAGE_OPTIONS)
def audit_task(run: Run, ingest: Output, scrub: Output, tokenizer: Output, pack: Output, train: Output) -> State:
    """Try to make the model give away what it was trained on."""

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.privacy import audit

        personal_data = {source["name"]: source["personal_data"] for source in ingest.result["sources"]}
        return audit(work, run.config.privacy, run.scrubber, progress, personal_data)

    return run.stage("privacy audit", compute, ingest, scrub, tokenizer, pack, train,
                     external=run.scrubber.digests, show=artifacts.show_decision_of)  # fmt: skip
