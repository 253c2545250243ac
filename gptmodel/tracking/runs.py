"""Runs of the pipeline and of its stages: opened, told what was made, ended."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.errors import ServerError
from gptmodel.registry import RunEnd
from gptmodel.spool import read_new_lines
from gptmodel.tracking.client import again, open_client
from gptmodel.tracking.datasets import DatasetRef, inputs_of

if TYPE_CHECKING:
    import mlflow
    from mlflow.entities import Metric

# What a training notes of its machine; MLflow's page shows what begins with `system/` in a tab of its own.
SYSTEM_METRICS = frozenset({"memory_bytes", "cpu_percent"})

_MAX_METRICS = 1000  # in one request; the server's own limit
_MAX_PARAMS = 100
_MAX_VALUE_CHARS = 6000  # of a parameter, the server's limit


def open_pipeline_run(
    uri: str, *, experiment: str, name: str, tags: Mapping[str, str], params: Mapping[str, Any]
) -> str:
    """Open the run of a whole pipeline; return its id.

    Args:
        uri: Address of the tracking server.
        experiment: Name of the experiment; made if missing.
        name: Name of the run.
        tags: Tags of the run, such as the Prefect run's link and the code's commit.
        params: Settings shown on the run's page.

    Raises:
        ServerError: The server does not answer or refuses.
    """
    with open_client(uri) as client:
        return _open(client, _experiment_id(client, experiment), name, tags, params)


def open_stage_run(
    uri: str,
    *,
    parent_run_id: str,
    stage: str,
    tags: Mapping[str, str],
    params: Mapping[str, Any],
    start_ms: int | None = None,
) -> str:
    """Open the run of one stage, nested in the pipeline's; return its id.

    Args:
        uri: Address of the tracking server.
        parent_run_id: The pipeline's run.
        stage: Name of the stage.
        tags: Tags of the run.
        params: Settings shown on the run's page.
        start_ms: When the stage began, milliseconds since the epoch; None says now.

    Raises:
        RegistryError: The parent run does not exist.
        ServerError: The server does not answer or refuses.
    """
    with open_client(uri) as client:
        experiment_id = client.get_run(parent_run_id).info.experiment_id
        parent = {"mlflow.parentRunId": parent_run_id, "gptmodel.stage": stage}
        return _open(client, experiment_id, stage, {**tags, **parent}, params, start_ms)


def close_run(uri: str, run_id: str, status: RunEnd, end_ms: int | None = None) -> None:
    """End a run.

    Args:
        uri: Address of the tracking server.
        run_id: The run.
        status: FINISHED, FAILED or KILLED.
        end_ms: When it ended, milliseconds since the epoch; None says now.

    Raises:
        RegistryError: There is no such run.
        ServerError: The server does not answer or refuses.
    """
    with open_client(uri) as client:
        client.set_terminated(run_id, status, end_ms)


def log_stage(
    uri: str,
    run_id: str,
    parent_run_id: str | None,
    *,
    metrics: Mapping[str, float] = {},
    texts: Mapping[str, str] = {},
    files: Sequence[Path] = (),
    datasets: Sequence[DatasetRef] = (),
) -> None:
    """Log what a stage made, in a handful of requests.

    Args:
        uri: Address of the tracking server.
        run_id: The stage's run.
        parent_run_id: The pipeline's run, which gets the data sets too, for the run list shows only that one.
        metrics: Final figures, by name.
        texts: Texts to keep, by path among the run's artifacts, such as `samples.txt`.
        files: Files to keep, under their own names.
        datasets: What the stage read.

    Raises:
        RegistryError: There is no such run.
        ServerError: The server does not answer or refuses.
    """
    with open_client(uri) as client:
        log_metrics(client, run_id, _metrics_now(metrics))
        for path, text in texts.items():
            again(uri, partial(client.log_text, run_id, text, path))
        for file in files:
            again(uri, partial(client.log_artifact, run_id, str(file)))
        inputs = inputs_of(datasets)
        for target in {run_id, parent_run_id or run_id} if inputs else ():
            client.log_inputs(target, inputs)


def deliver_metrics(uri: str, run_id: str, path: Path, offset: int) -> int:
    """Send the metrics file's whole new lines with their own times; return the offset up to which all are delivered.

    The server keeps one row for equal (run, key, step, time, value), so that sending lines again does no harm; and
    after an error the file is still the spool.

    Args:
        uri: Address of the tracking server.
        run_id: The training's run.
        path: File of JSON lines with time (seconds since the epoch), step, key, value; what is of the machine is
            named `system/KEY`.
        offset: Bytes of it delivered before.

    Raises:
        RegistryError: There is no such run.
        ServerError: The server does not answer; nothing is lost.
    """
    lines, offset = read_new_lines(path, offset)
    if lines:
        with open_client(uri) as client:
            from mlflow.entities import Metric

            told = [Metric(_metric_name(line.key), line.value, line.time_ms, line.step) for line in lines]
            log_metrics(client, run_id, told)
    return offset


def _metric_name(key: str) -> str:
    return f"system/{key}" if key in SYSTEM_METRICS else key


def _experiment_id(client: "mlflow.MlflowClient", name: str) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            # The kind opens the page in the view for trained models instead of asking what the experiment is about.
            return client.create_experiment(name, tags={"mlflow.experimentKind": "custom_model_development"})
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)  # another run made it meanwhile
    if found is None or found.lifecycle_stage == "deleted":
        raise ServerError(
            expected=f"the experiment {name!r} to be usable",
            actual="it was deleted",
            mend="Restore it (mlflow experiments restore --experiment-id ID), or give the run another experiment.",
        )
    return str(found.experiment_id)


def _open(
    client: "mlflow.MlflowClient",
    experiment_id: str,
    name: str,
    tags: Mapping[str, str],
    params: Mapping[str, Any],
    start_ms: int | None = None,
) -> str:
    from mlflow.entities import Param

    run_id = client.create_run(experiment_id, start_time=start_ms, tags=dict(tags), run_name=name).info.run_id
    rows = [Param(key, str(value)[:_MAX_VALUE_CHARS]) for key, value in params.items()]
    for start in range(0, len(rows), _MAX_PARAMS):
        client.log_batch(run_id, params=rows[start : start + _MAX_PARAMS])
    return str(run_id)


def log_metrics(client: "mlflow.MlflowClient", run_id: str, metrics: "list[Metric]") -> None:
    """Log figures of a run in as few requests as the server takes."""
    for start in range(0, len(metrics), _MAX_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _MAX_METRICS])


def _metrics_now(metrics: Mapping[str, float]) -> "list[Metric]":
    from mlflow.entities import Metric

    now = time.time_ns() // 1_000_000
    return [Metric(key, float(value), now, 0) for key, value in metrics.items()]
