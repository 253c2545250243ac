"""The task that trains."""

from prefect import task
from prefect.client.schemas.objects import State

from flows import artifacts
from flows.run import STAGE_OPTIONS, Run
from gptmodel.spool import read_rows
from gptmodel.store import Output

_NAME = {"task_run_name": "train {run.config.model.num_layers}x{run.config.model.embedding_dim}"}


@task(name="train", **STAGE_OPTIONS | _NAME)
def train_task(run: Run, tokenizer: Output, pack: Output) -> State:
    """Train the GPT, from the newest checkpoint if an earlier attempt was interrupted."""

    def show(output: Output) -> None:
        folder = run.folder(output)
        artifacts.show_samples(read_rows(folder / "samples.jsonl"), read_rows(folder / "curve.jsonl"))

    return run.plain_stage("train", tokenizer, pack, show=show)
