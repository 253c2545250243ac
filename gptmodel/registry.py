"""The model registry over plain HTTP: who is champion, and what moves the alias.

These calls need no `import mlflow` (2 to 12 s): a run in which all is cached, `status` and `promote` ask the tracking
server in single requests. Writing runs and registering is `tracking`'s, fetching a version's files `downloads`'.
"""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from gptmodel.decision import Decision
from gptmodel.errors import RegistryError
from gptmodel.mlflow_http import Missing, call, pages, shown

CHAMPION = "champion"
CHALLENGER = "challenger"
MODEL_PATH = "artifacts/model"  # the model folder inside a registered version's artifacts
BUNDLE_TAG = "gptmodel.bundle"  # digest of the model folder, kept on the version, away from the files
FINGERPRINT_TAG = "gptmodel.fingerprint"  # digest of what was registered: equal on versions that are the same model
DECISION_TAG = "gptmodel.decision"  # on a version whose promotion was decided
REASON_TAG = "gptmodel.reason"  # why it was decided so
CORPUS_TAG = "gptmodel.corpus"  # fingerprint of the scrubbed corpus that a version was made of
SPLIT_TAG = "gptmodel.split"  # fingerprint of its split
PARENT_TAG = "gptmodel.parent"  # the champion's version when this one was registered
RETIRED_TAG = "gptmodel.retired"  # on a version that is never to be in service again: the erasure request
DECISION_LINE = "**Decision:** "  # first line of a version's description; promotion rewrites it

_MAX_TAG_CHARS = 5000

# The UI opens in its view for language model applications, which has no menu for training runs and versions.
_VIEW = "workflowType=machine_learning"

RunEnd = Literal["FINISHED", "FAILED", "KILLED"]


class Version(BaseModel):
    """One version of a registered model."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the registered model."""
    version: int
    """Number of the version, from 1."""
    model_id: str | None
    """Id of the logged model behind it."""
    run_id: str | None
    """Run that registered it."""
    tags: dict[str, str]
    """Tags of the version."""
    description: str
    """Markdown text for people."""

    @property
    def uri(self) -> str:
        """URI that names exactly this version."""
        return f"models:/{self.name}/{self.version}"


class Registration(BaseModel):
    """A version in the registry."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the registered model."""
    version: int
    """Number of the version, from 1."""
    model_id: str | None
    """Id of the logged model behind it."""
    uri: str
    """`models:/NAME/VERSION`."""
    is_reused: bool
    """True if this very output had been registered before."""


def champion_of(uri: str, name: str) -> Version | None:
    """Give the version that bears the alias champion, in one request; None if there is none.

    Raises:
        ServerError: The server does not answer.
    """
    return find_version_by_alias(uri, name, CHAMPION)


def read_champions(uri: str) -> dict[str, Version | None]:
    """Give the champion of every registered model, by name in alphabetical order; None for one without a champion.

    Raises:
        ServerError: The server does not answer.
    """
    names = sorted(model["name"] for model in pages(uri, "registered-models/search", "registered_models"))
    return {name: champion_of(uri, name) for name in names}


def version_exists(uri: str, name: str, version: int) -> bool:
    """Tell whether a version is in the registry, in one request.

    Raises:
        ServerError: The server does not answer.
    """
    return find_version(uri, name, version) is not None


def read_version(uri: str, name: str, version: int) -> Version:
    """Give one version.

    Raises:
        RegistryError: There is no such version.
        ServerError: The server does not answer.
    """
    found = find_version(uri, name, version)
    if found is None:
        raise unknown(f"models:/{name}/{version}")
    return found


def search_versions(uri: str, name: str, tags: Mapping[str, str] = {}) -> list[Version]:
    """Give the versions of a registered model, or those that bear some tags, by number; none for an unknown model.

    Raises:
        ServerError: The server does not answer.
    """
    wanted = " and ".join([f"name = '{name}'", *(f"tags.`{key}` = '{value}'" for key, value in tags.items())])
    rows = pages(uri, "model-versions/search", "model_versions", {"filter": wanted})
    return sorted((_version(data) for data in rows), key=lambda version: version.version)


def set_tag(uri: str, version: Version, key: str, value: str) -> None:
    """Write a tag of a version; what is longer than the server keeps is cut.

    Raises:
        ServerError: The server does not answer, or the version is gone.
    """
    body = {"name": version.name, "version": str(version.version), "key": key, "value": value[:_MAX_TAG_CHARS]}
    call(uri, "POST", "model-versions/set-tag", body)


def delete_tag(uri: str, version: Version, key: str) -> None:
    """Take a tag from a version; nothing happens if it has none.

    Raises:
        ServerError: The server does not answer.
    """
    body = {"name": version.name, "version": str(version.version), "key": key}
    try:
        call(uri, "DELETE", "model-versions/delete-tag", body)
    except Missing:
        return


def promote_version(uri: str, name: str, version: int, decision: Decision) -> None:
    """Make a version the champion: note why on it, then move the alias, the one step that counts.

    Args:
        uri: Address of the tracking server.
        name: Name of the registered model.
        version: Number of the version.
        decision: Why it is promoted.

    Raises:
        RegistryError: There is no such version.
        ServerError: The server does not answer.
    """
    note_decision(uri, name, version, decision)
    move_champion(uri, name, version)


def move_champion(uri: str, name: str, version: int) -> None:
    """Give a version the alias champion, and take the alias challenger from it.

    Raises:
        RegistryError: There is no such version.
        ServerError: The server does not answer.
    """
    call(uri, "POST", "registered-models/alias", {"name": name, "alias": CHAMPION, "version": str(version)})
    _withdraw(uri, name, version, CHALLENGER)


def mark_challenger(uri: str, name: str, version: int, decision: Decision) -> None:
    """Give a version that was not promoted the alias challenger, with the reason on it.

    Raises:
        RegistryError: There is no such version.
        ServerError: The server does not answer.
    """
    note_decision(uri, name, version, decision)
    call(uri, "POST", "registered-models/alias", {"name": name, "alias": CHALLENGER, "version": str(version)})


def withdraw_aliases(uri: str, name: str, version: int) -> None:
    """Take the aliases champion and challenger from a version that bears them; another version keeps them.

    Raises:
        ServerError: The server does not answer.
    """
    for alias in (CHAMPION, CHALLENGER):
        _withdraw(uri, name, version, alias)


def retire_version(uri: str, name: str, version: int, request: str, label: str) -> None:
    """Take a version out of service for good: no alias stays on it, and promotion passes it over.

    Args:
        uri: Address of the tracking server.
        name: Name of the registered model.
        version: Number of the version.
        request: Id of the erasure request that it is retired for.
        label: What tells the request from those of other homes; kept on the version.

    Raises:
        RegistryError: There is no such version.
        ServerError: The server does not answer.
    """
    found = read_version(uri, name, version)
    set_tag(uri, found, RETIRED_TAG, label)
    withdraw_aliases(uri, name, version)
    line = f"{DECISION_LINE}retired: it saw documents that erasure request {request} asks to forget"
    write_description(uri, name, version, with_decision_line(found.description, line))


def lift_retirement(uri: str, name: str, version: int) -> None:
    """Let a version be promoted again: a run without the documents made the very same files.

    Raises:
        ServerError: The server does not answer.
    """
    call(uri, "DELETE", "model-versions/delete-tag", {"name": name, "version": str(version), "key": RETIRED_TAG})


def _withdraw(uri: str, name: str, version: int, alias: str) -> None:
    bearer = find_version_by_alias(uri, name, alias)
    if bearer is not None and bearer.version == version:
        call(uri, "DELETE", "registered-models/alias", {"name": name, "alias": alias})


def version_page(uri: str, name: str, version: int) -> str:
    """Give the link of a version's own page in the MLflow UI, without the user and password of the address."""
    return f"{shown(uri).rstrip('/')}/#/models/{quote(name, safe='')}/versions/{version}?{_VIEW}"


def run_page(uri: str, experiment_id: str, run_id: str, artifact: str = "") -> str:
    """Give the link of a run's own page in the MLflow UI, or of one of its artifacts; it names no user or password."""
    inside = f"/artifacts/{quote(artifact)}" if artifact else ""
    return f"{shown(uri).rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}{inside}?{_VIEW}"


def within_ui(page: str) -> str:
    """Give a page's link as other pages of the MLflow UI may bear it: good by whatever name the server is reached."""
    return page[page.index("#") :]


def find_version_by_alias(uri: str, name: str, alias: str) -> Version | None:
    """Give the version that bears an alias, in one request; None if there is none."""
    try:
        answer = call(uri, "GET", "registered-models/alias", {"name": name, "alias": alias})
    except Missing:
        return None
    return _version(answer["model_version"])


def find_version(uri: str, name: str, version: int) -> Version | None:
    """Give a version by its number, in one request; None if there is none."""
    try:
        answer = call(uri, "GET", "model-versions/get", {"name": name, "version": str(version)})
    except Missing:
        return None
    return _version(answer["model_version"])


def find_version_by_run(uri: str, run_id: str) -> Version | None:
    """Give the newest version that a run registered, in one request; None if there is none."""
    answer = call(uri, "GET", "model-versions/search", {"filter": f"run_id='{run_id}'"})
    found = [_version(data) for data in answer.get("model_versions", [])]
    return max(found, key=lambda one: one.version, default=None)


def _version(data: dict[str, Any]) -> Version:
    return Version(
        name=data["name"], version=int(data["version"]), model_id=logged_model_of(data.get("source", "")),
        run_id=data.get("run_id") or None, description=data.get("description", ""),
        tags={tag["key"]: tag.get("value", "") for tag in data.get("tags", [])},
    )  # fmt: skip


def logged_model_of(source: str) -> str | None:
    """Give the id of the logged model that a version's source names (`models:/m-...`); None for another source."""
    head, _, model_id = source.partition("models:/")
    return model_id if not head and model_id.startswith("m-") else None


def note_decision(uri: str, name: str, version: int, decision: Decision) -> None:
    """Write a decision on a version: as tags, and as the first line of its description.

    Raises:
        RegistryError: There is no such version.
        ServerError: The server does not answer.
    """
    found = read_version(uri, name, version)
    set_tag(uri, found, DECISION_TAG, "promoted" if decision.passed else "kept")
    set_tag(uri, found, REASON_TAG, decision.reason)
    write_description(uri, name, version, with_decision(found.description, decision))


def write_description(uri: str, name: str, version: int, text: str) -> None:
    """Write a version's description anew.

    Raises:
        RegistryError: There is no such version.
        ServerError: The server does not answer.
    """
    call(uri, "PATCH", "model-versions/update", {"name": name, "version": str(version), "description": text})


def with_decision(description: str, decision: Decision) -> str:
    """Put a decision's sentence and scope into the first line of a version's description."""
    return with_decision_line(description, f"{DECISION_LINE}{decision_sentence(decision)}")


def with_decision_line(description: str, line: str) -> str:
    """Put a line that begins with `DECISION_LINE` first, in place of such a line that is there."""
    first, _, rest = description.partition("\n")
    kept = rest if first.startswith(DECISION_LINE) else f"\n{description}" if description else ""
    return f"{line}\n{kept}" if kept else line


def decision_sentence(decision: Decision) -> str:
    """Give a decision's reason with its scope in brackets, unless the reason names the scope already."""
    return decision.reason if decision.scope in decision.reason else f"{decision.reason} ({decision.scope})"


def unknown(model_uri: str, expected: str | None = None) -> RegistryError:
    """Make the error for a model URI that names nothing, or that is not one."""
    return RegistryError(
        expected=expected or f"{model_uri} to be in the registry",
        actual="nothing under that name" if expected is None else repr(model_uri),
        mend="`gptmodel status` names the champion; the MLflow UI lists all versions.",
    )
