"""The logged model behind a version: its files, sent one by one, and its figures with the data they were measured on.

It is PENDING while its files are on their way, READY when all are there, and FAILED if that came to nothing.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.store import full_disk_explained
from gptmodel.tracking.client import again
from gptmodel.tracking.datasets import DIGEST_CHARS, DatasetRef, inputs_of
from gptmodel.tracking.runs import log_metrics
from gptmodel.tracking.saved_model import save_model

if TYPE_CHECKING:
    import mlflow
    from mlflow.entities import LoggedModel, Metric

LOGGED_MODEL_NAME = "model"

Figures = Mapping[str, Mapping[str, float]]
"""Figures by name, under the name of the data set they were measured on."""


def log_model(
    client: "mlflow.MlflowClient",
    uri: str,
    run_id: str,
    bundle_folder: Path,
    *,
    tags: Mapping[str, str],
    params: Mapping[str, Any],
    metrics: Figures,
    datasets: Sequence[DatasetRef],
    input_example: Sequence[str],
) -> "LoggedModel":
    """Log a model folder as a model of a run.

    Args:
        client: MLflow's client.
        uri: Address of its server.
        run_id: The run it belongs to.
        bundle_folder: The model folder.
        tags: Tags of the logged model.
        params: The settings that shaped it.
        metrics: What was measured.
        datasets: What it was trained and measured on.
        input_example: Prompts shown as the example.

    Raises:
        ServerError: The server does not answer or refuses.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    experiment_id = client.get_run(run_id).info.experiment_id
    model = client.create_logged_model(
        experiment_id, name=LOGGED_MODEL_NAME, source_run_id=run_id, tags=dict(tags),
        params={key: str(value) for key, value in params.items()}, model_type="gpt",
    )  # fmt: skip
    try:
        with tempfile.TemporaryDirectory(prefix="gptmodel-") as folder, full_disk_explained(Path(folder)):
            _upload(client, uri, model.model_id, save_model(Path(folder), model, run_id, bundle_folder, input_example))
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        client.log_inputs(run_id, inputs_of(datasets))
        log_metrics(client, run_id, [*_metrics(run_id, model.model_id, metrics, datasets)])
    except BaseException:
        client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)
        raise
    return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def _upload(client: "mlflow.MlflowClient", uri: str, model_id: str, folder: Path) -> None:
    """Send each file from the disk, and again if the server breaks off: sending one twice leaves one."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        place = path.parent.relative_to(folder).as_posix()
        again(uri, partial(client.log_model_artifact, model_id, str(path), None if place == "." else place))


def _metrics(run_id: str, model_id: str, figures: Figures, datasets: Sequence[DatasetRef]) -> "Iterator[Metric]":
    from mlflow.entities import Metric

    now = time.time_ns() // 1_000_000
    digests = {ref.name: ref.digest[:DIGEST_CHARS] for ref in datasets}
    for dataset, measured in figures.items():
        for key, value in measured.items():
            yield Metric(
                key, float(value), now, 0, model_id=model_id, run_id=run_id, dataset_name=dataset,
                dataset_digest=digests[dataset],
            )  # fmt: skip
