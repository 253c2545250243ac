"""Versions of a registered model: made once for equal files, after these are all there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.bundle import verify_bundle
from gptmodel.mlflow_http import ServerAway, call
from gptmodel.registry import (
    BUNDLE_TAG,
    DECISION_LINE,
    DECISION_TAG,
    FINGERPRINT_TAG,
    Registration,
    Version,
    search_versions,
    with_decision_line,
)
from gptmodel.tracking.client import open_client
from gptmodel.tracking.datasets import DatasetRef
from gptmodel.tracking.logged_model import Figures, log_model

if TYPE_CHECKING:
    import mlflow


def register_version(
    uri: str,
    *,
    run_id: str,
    name: str,
    bundle_folder: Path,
    tags: Mapping[str, str],
    description: str,
    metrics: Figures,
    datasets: Sequence[DatasetRef],
    input_example: Sequence[str],
    params: Mapping[str, Any] = {},
    about: str = "",
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
        metrics: Figures of the version by the data set they were measured on, attached to the logged model.
        datasets: What it was trained and measured on.
        input_example: Prompts shown as the example.
        params: The settings that shaped the model.
        about: Markdown text of the registered model itself, written if it has none.

    Raises:
        RegistryError: The folder is damaged, or the run does not exist.
        ServerError: The server does not answer or refuses.
    """
    bundle = verify_bundle(bundle_folder)
    tags = {**tags, BUNDLE_TAG: bundle.digest}
    with open_client(uri) as client:
        _make_registered_model(client, name, about)
        earlier = _registered_before(uri, name, tags)
        if earlier is not None:
            _rewrite_account(client, earlier, tags, description)
            return _registration(name, earlier.version, earlier.model_id, is_reused=True)
        model = log_model(
            client, uri, run_id, bundle_folder, tags=tags, params=params, metrics=metrics, datasets=datasets,
            input_example=input_example,
        )  # fmt: skip
        # Last: from here on the version exists, and so do its files.
        version = _make_version(uri, name, model.model_id, run_id, tags, description)
    return _registration(name, version, model.model_id, is_reused=False)


def _registration(name: str, version: int, model_id: str | None, *, is_reused: bool) -> Registration:
    return Registration(
        name=name, version=version, model_id=model_id, uri=f"models:/{name}/{version}", is_reused=is_reused
    )


def _make_version(uri: str, name: str, model_id: str, run_id: str, tags: Mapping[str, str], description: str) -> int:
    """Ask for the version once: MLflow's own client asks again where an answer is lost, and there would be two."""
    body = {
        "name": name, "source": f"models:/{model_id}", "model_id": model_id, "run_id": run_id,
        "description": description, "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }  # fmt: skip
    try:
        return int(call(uri, "POST", "model-versions/create", body)["model_version"]["version"])
    except ServerAway:
        same = search_versions(uri, name, {BUNDLE_TAG: tags[BUNDLE_TAG]})
        made = [version for version in same if version.model_id == model_id]
        if not made:
            raise
        return made[0].version


def _registered_before(uri: str, name: str, tags: Mapping[str, str]) -> Version | None:
    fingerprint = tags.get(FINGERPRINT_TAG)
    same = search_versions(uri, name, {FINGERPRINT_TAG: fingerprint}) if fingerprint else []
    return next((version for version in same if version.tags.get(BUNDLE_TAG) == tags[BUNDLE_TAG]), None)


def _rewrite_account(
    client: "mlflow.MlflowClient", version: Version, tags: Mapping[str, str], description: str
) -> None:
    number = str(version.version)
    for key, value in tags.items():
        if version.tags.get(key) != value:
            client.set_model_version_tag(version.name, number, key, value)
    noted = version.description.partition("\n")[0] if DECISION_TAG in version.tags else ""
    text = with_decision_line(description, noted) if noted.startswith(DECISION_LINE) else description
    if version.description != text:
        client.update_model_version(version.name, number, text)


def _make_registered_model(client: "mlflow.MlflowClient", name: str, about: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=about)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        if about and not client.get_registered_model(name).description:
            client.update_registered_model(name, about)
