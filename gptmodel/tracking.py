"""Runs, metrics, datasets and registered versions in MLflow: the only door to `import mlflow`, always inside functions.

Flows open a run for the pipeline and one nested for each stage that ran, log what a stage made, deliver the training's
metrics file, and register the model folder. Every call names its server and its run: nothing hangs on MLflow's global
active run, so that two flows in one process never mix. Moving aliases and closing left-open runs is `registry`'s.
"""

import importlib.metadata
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gptmodel.bundle import DIGESTS, verify_bundle
from gptmodel.errors import ServerError
from gptmodel.mlflow_http import calm_mlflow, ensure_server, explain, server_away
from gptmodel.registry import (
    BUNDLE_TAG,
    DECISION_LINE,
    DECISION_TAG,
    FINGERPRINT_TAG,
    MODEL_PATH,
    Registration,
    RunEnd,
    logged_model_of,
    with_decision_line,
)
from gptmodel.served_code import copy_served_code
from gptmodel.spool import read_new_lines
from gptmodel.store import full_disk_explained

if TYPE_CHECKING:
    import mlflow
    from mlflow.data.dataset import Dataset
    from mlflow.entities import DatasetInput, LoggedModel, Metric
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

LOGGED_MODEL_NAME = "model"

_MAX_METRICS = 1000  # in one request; the server's own limit
_MAX_PARAMS = 100
_MAX_VALUE_CHARS = 6000  # of a parameter, the server's limit
_DIGEST_CHARS = 36  # of a dataset's digest, the server's limit

# What the served model needs to run; versions are those it was registered with.
_SERVED_WITH = ("mlflow", "numpy", "pandas", "psutil", "pydantic", "safetensors", "tokenizers", "torch")


class DatasetRef(BaseModel):
    """A data set as MLflow shows it: what it is called, which bytes it was, where it lay."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name on the run's page, for example `train`."""
    digest: str = Field(min_length=1)
    """sha256 of its contents; MLflow keeps the first 36 characters."""
    source: str
    """Path or URL it was read from."""
    num_rows: int | None = None
    """Documents in it."""
    context: Literal["training", "validation", "test", "source"] = "training"
    """What the run used it for."""


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
    with _client(uri) as client:
        return _open(client, _experiment_id(client, experiment), name, tags, params)


def open_stage_run(
    uri: str, *, parent_run_id: str, stage: str, tags: Mapping[str, str], params: Mapping[str, Any]
) -> str:
    """Open the run of one stage, nested in the pipeline's; return its id.

    Raises:
        RegistryError: The parent run does not exist.
        ServerError: The server does not answer or refuses.
    """
    with _client(uri) as client:
        experiment_id = client.get_run(parent_run_id).info.experiment_id
        parent = {"mlflow.parentRunId": parent_run_id, "gptmodel.stage": stage}
        return _open(client, experiment_id, stage, {**tags, **parent}, params)


def close_run(uri: str, run_id: str, status: RunEnd) -> None:
    """End a run.

    Raises:
        RegistryError: There is no such run.
        ServerError: The server does not answer or refuses.
    """
    with _client(uri) as client:
        client.set_terminated(run_id, status)


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
    with _client(uri) as client:
        _log_metrics(client, run_id, _metrics_now(metrics))
        for path, text in texts.items():
            client.log_text(run_id, text, path)
        for file in files:
            client.log_artifact(run_id, str(file))
        inputs = [_input(ref) for ref in datasets]
        for target in {run_id, parent_run_id or run_id} if inputs else ():
            client.log_inputs(target, inputs)


def deliver_metrics(uri: str, run_id: str, path: Path, offset: int) -> int:
    """Send the metrics file's whole new lines with their own times; return the offset up to which all are delivered.

    The server keeps one row for equal (run, key, step, time, value), so that sending lines again does no harm; and
    after an error the file is still the spool.

    Args:
        uri: Address of the tracking server.
        run_id: The training's run.
        path: File of JSON lines with time (seconds since the epoch), step, key, value.
        offset: Bytes of it delivered before.

    Raises:
        RegistryError: There is no such run.
        ServerError: The server does not answer; nothing is lost.
    """
    lines, offset = read_new_lines(path, offset)
    if lines:
        with _client(uri) as client:
            from mlflow.entities import Metric

            _log_metrics(client, run_id, [Metric(line.key, line.value, line.time_ms, line.step) for line in lines])
    return offset


def register_version(
    uri: str,
    *,
    run_id: str,
    name: str,
    bundle_folder: Path,
    tags: Mapping[str, str],
    description: str,
    metrics: Mapping[str, float],
    datasets: Sequence[DatasetRef],
    input_example: Sequence[str],
) -> Registration:
    """Log a model folder as a model of a run and register it; the version appears when its files are all there.

    A version whose tag `gptmodel.fingerprint` and whose files are the same is reused; its tags and description are then
    written anew, for the account may differ where the model does not. A decision noted on it stays.

    Args:
        uri: Address of the tracking server.
        run_id: The run it belongs to.
        name: Name of the registered model; made if missing.
        bundle_folder: A model folder (see `bundle.assemble_bundle`).
        tags: Tags of the version; with `gptmodel.fingerprint` among them, registering twice gives one version.
        description: Markdown text for people (see `version_text.describe_version`).
        metrics: Figures of the version, attached to the logged model.
        datasets: What it was trained and measured on; the figures belong to the first that is not for training.
        input_example: Prompts shown as the example.

    Raises:
        RegistryError: The folder is damaged, or the run does not exist.
        ServerError: The server does not answer or refuses.
    """
    bundle = verify_bundle(bundle_folder)
    tags = {**tags, BUNDLE_TAG: bundle.digest}
    with _client(uri) as client:
        earlier = _registered_before(client, name, tags)
        if earlier is not None:
            _rewrite_account(client, earlier, tags, description)
            return _registration(name, earlier, is_reused=True)
        _make_registered_model(client, name)
        model = _log_model(client, run_id, bundle_folder, tags, metrics, datasets, input_example)
        # Last: from here on the version exists, and so do its files.
        version = client.create_model_version(
            name, source=f"models:/{model.model_id}", run_id=run_id, tags=dict(tags), description=description,
            model_id=model.model_id, await_creation_for=0,
        )  # fmt: skip
    return _registration(name, version, is_reused=False)


@contextmanager
def _client(uri: str) -> "Iterator[mlflow.MlflowClient]":
    ensure_server(uri)
    calm_mlflow()
    import requests
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except MlflowException as error:
        raise explain(uri, error.error_code, str(error.message)) from error
    except requests.RequestException as error:
        raise server_away(uri, type(error).__name__) from error


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
    client: "mlflow.MlflowClient", experiment_id: str, name: str, tags: Mapping[str, str], params: Mapping[str, Any]
) -> str:
    from mlflow.entities import Param

    run_id = client.create_run(experiment_id, run_name=name, tags=dict(tags)).info.run_id
    rows = [Param(key, str(value)[:_MAX_VALUE_CHARS]) for key, value in params.items()]
    for start in range(0, len(rows), _MAX_PARAMS):
        client.log_batch(run_id, params=rows[start : start + _MAX_PARAMS])
    return str(run_id)


def _log_metrics(client: "mlflow.MlflowClient", run_id: str, metrics: "list[Metric]") -> None:
    for start in range(0, len(metrics), _MAX_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _MAX_METRICS])


def _metrics_now(metrics: Mapping[str, float]) -> "list[Metric]":
    from mlflow.entities import Metric

    now = time.time_ns() // 1_000_000
    return [Metric(key, float(value), now, 0) for key, value in metrics.items()]


@lru_cache(maxsize=1)
def _dataset_classes() -> tuple[Any, Any]:
    from mlflow.data.dataset import Dataset
    from mlflow.data.dataset_source import DatasetSource

    class TextSource(DatasetSource):
        """Where a data set lay; named, not resolved, for MLflow's guesses about paths warn."""

        def __init__(self, uri: str) -> None:
            self.uri = uri

        @staticmethod
        def _get_source_type() -> str:
            return "local"

        def load(self) -> str:
            return self.uri

        @staticmethod
        def _can_resolve(raw_source: Any) -> bool:
            return False

        @classmethod
        def _resolve(cls, raw_source: Any) -> "TextSource":
            raise NotImplementedError("a source of gptmodel is never guessed from a path")

        def to_dict(self) -> dict[str, str]:
            return {"uri": self.uri}

        @classmethod
        def from_dict(cls, source_dict: dict[Any, Any]) -> "TextSource":
            return cls(source_dict["uri"])

    class TextDataset(Dataset):
        """A data set with our digest: MLflow never reads the text."""

        def __init__(self, ref: DatasetRef) -> None:
            self._num_rows = ref.num_rows
            super().__init__(TextSource(ref.source), ref.name, ref.digest[:_DIGEST_CHARS])

        def _compute_digest(self) -> str:
            return str(self._digest)

        def to_dict(self) -> dict[str, str]:
            return {**super().to_dict(), "profile": json.dumps(self.profile)}

        @property
        def profile(self) -> dict[str, int]:
            return {} if self._num_rows is None else {"num_rows": self._num_rows}

        @property
        def schema(self) -> None:
            return None

    return TextDataset, TextSource


def _dataset(ref: DatasetRef) -> "Dataset":
    kind, _ = _dataset_classes()
    return kind(ref)


def _input(ref: DatasetRef) -> "DatasetInput":
    from mlflow.entities import DatasetInput, InputTag

    return DatasetInput(_dataset(ref)._to_mlflow_entity(), [InputTag("mlflow.data.context", ref.context)])


def _registered_before(client: "mlflow.MlflowClient", name: str, tags: Mapping[str, str]) -> "ModelVersion | None":
    fingerprint = tags.get(FINGERPRINT_TAG)
    if not fingerprint:
        return None
    same = client.search_model_versions(f"name = '{name}' and tags.`{FINGERPRINT_TAG}` = '{fingerprint}'")
    whole = [version for version in same if version.tags.get(BUNDLE_TAG) == tags[BUNDLE_TAG]]
    return min(whole, key=lambda version: int(version.version), default=None)


def _rewrite_account(
    client: "mlflow.MlflowClient", version: "ModelVersion", tags: Mapping[str, str], description: str
) -> None:
    number = str(version.version)
    for key, value in tags.items():
        if version.tags.get(key) != value:
            client.set_model_version_tag(version.name, number, key, value)
    noted = (version.description or "").partition("\n")[0] if DECISION_TAG in version.tags else ""
    text = with_decision_line(description, noted) if noted.startswith(DECISION_LINE) else description
    if version.description != text:
        client.update_model_version(version.name, number, text)


def _registration(name: str, version: Any, *, is_reused: bool) -> Registration:
    number = int(version.version)
    model_id = logged_model_of(version.source or "")
    return Registration(
        name=name, version=number, model_id=model_id, uri=f"models:/{name}/{number}", is_reused=is_reused
    )


def _make_registered_model(client: "mlflow.MlflowClient", name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _log_model(
    client: "mlflow.MlflowClient",
    run_id: str,
    bundle_folder: Path,
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    datasets: Sequence[DatasetRef],
    input_example: Sequence[str],
) -> "LoggedModel":
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    run = client.get_run(run_id)
    model = client.create_logged_model(
        run.info.experiment_id, name=LOGGED_MODEL_NAME, source_run_id=run_id, tags=dict(tags),
        params=dict(run.data.params), model_type="gpt",
    )  # fmt: skip
    try:
        with tempfile.TemporaryDirectory(prefix="gptmodel-") as folder, full_disk_explained(Path(folder)):
            saved = _save_model(Path(folder), model, run_id, bundle_folder, input_example)
            client.log_model_artifacts(model.model_id, str(saved))
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        _log_model_metrics(client, run_id, model.model_id, metrics, datasets)
    except BaseException:
        client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)
        raise
    return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def _log_model_metrics(
    client: "mlflow.MlflowClient",
    run_id: str,
    model_id: str,
    metrics: Mapping[str, float],
    datasets: Sequence[DatasetRef],
) -> None:
    from mlflow.entities import Metric

    if datasets:
        client.log_inputs(run_id, [_input(ref) for ref in datasets])
    measured = next((ref for ref in datasets if ref.context != "training"), None)
    named = {"dataset_name": measured.name, "dataset_digest": measured.digest[:_DIGEST_CHARS]} if measured else {}
    now = time.time_ns() // 1_000_000
    rows = [
        Metric(key, float(value), now, 0, model_id=model_id, run_id=run_id, **named) for key, value in metrics.items()
    ]
    _log_metrics(client, run_id, rows)


def _save_model(
    folder: Path, model: "LoggedModel", run_id: str, bundle_folder: Path, input_example: Sequence[str]
) -> Path:
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.models import Model

    from gptmodel import pyfunc

    staged = folder / Path(MODEL_PATH).name  # the name becomes part of the artifacts' paths
    staged.mkdir()
    for file in (DIGESTS, *verify_bundle(bundle_folder).files):
        _link_or_copy(bundle_folder / file, staged / file)
    target = folder / "saved"
    mlflow.pyfunc.save_model(
        path=str(target),
        mlflow_model=Model(
            artifact_path=model.artifact_location, model_uuid=model.model_id, run_id=run_id, model_id=model.model_id
        ),
        python_model=str(Path(pyfunc.__file__).resolve()),
        artifacts={"model": str(staged)},
        code_paths=[str(copy_served_code(folder / "code"))],
        signature=_signature(pyfunc.DEFAULTS),
        input_example=(pd.DataFrame({"prompt": list(input_example)}), dict(pyfunc.DEFAULTS)),
        pip_requirements=_requirements(),
    )
    for cache in target.rglob("__pycache__"):
        shutil.rmtree(cache)
    return target


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _signature(defaults: Mapping[str, int | float]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    kinds = {int: DataType.long, float: DataType.double}
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "prompt")]),
        outputs=Schema([ColSpec(DataType.string, "text"), ColSpec(DataType.long, "num_tokens")]),
        params=ParamSchema([ParamSpec(key, kinds[type(value)], value) for key, value in defaults.items()]),
    )


def _requirements() -> list[str]:
    # Without the local part (+cpu, +cu130): which build is right depends on the machine that serves.
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in _SERVED_WITH]
