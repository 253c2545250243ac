"""Whether an erasure request is answered: a finished run left its documents out, and no version in service saw them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date

from gptmodel.erasure.matching import covered_documents
from gptmodel.erasure.requests import INPUT_PREFIX, Closing, ErasureRequest, marks_of
from gptmodel.lineage import SeenBy, Version, list_versions, sightings
from gptmodel.store import Store

Champions = Callable[[str], str | None]
"""Gives the URI of the champion of a registered model, empty if there is none; None if no server answers."""


@dataclass(frozen=True)
class Answer:
    """Whether a request can be closed.

    Attributes:
        closing: What it is closed on; None if it can't be.
        reasons: Why it can't be, a sentence each.
    """

    closing: Closing | None
    reasons: tuple[str, ...] = ()


def versions_that_saw(store: Store, documents: Collection[str]) -> list[SeenBy]:
    """Give the versions that saw one of some documents, or may have, with the split it was in; sorted."""
    if not documents:
        return []
    return sorted({version for one in sightings(store, documents) for version in one.versions})


def answer_of(store: Store, key: bytes, request: ErasureRequest, champions: Champions, today: date) -> Answer:
    """Tell whether a request is answered.

    Args:
        store: The home's store.
        key: The home's key.
        request: The request.
        champions: Who is in service.
        today: The day.
    """
    versions = list_versions(store)
    without = _versions_without(store, request, versions)
    marks = marks_of([request], key)
    saw = {f"models:/{one.name}/{one.version}": one.split for one in
           versions_that_saw(store, covered_documents(store, marks))}  # fmt: skip
    saw = dict.fromkeys(request.versions, "seen when the request was opened") | saw
    # A version that a run without the documents made too, byte for byte, holds nothing of them.
    saw = {uri: split for uri, split in saw.items() if uri not in without}
    # A version whose outputs were deleted since may still serve; the request remembers it.
    names = sorted({version.name for version in versions} | {_model_of(uri) for uri in request.versions})
    serving = {name: champions(name) for name in names}
    reasons = [] if without else ["No finished run has left the documents out yet: gptmodel run"]
    reasons += [words for name in names for words in _objections(name, serving[name], saw, versions)]
    if reasons:
        return Answer(None, tuple(reasons))
    uris = ", ".join(uri for uri in serving.values() if uri)
    return Answer(Closing(closed=today, ingest=next(iter(without.values())), champion=uris))


def _model_of(uri: str) -> str:
    return uri.removeprefix("models:/").rpartition("/")[0]


def _versions_without(store: Store, request: ErasureRequest, versions: list[Version]) -> dict[str, str]:
    """Give the versions of finished runs whose ingest read the request's marks, with the fingerprint of that ingest."""
    finished = {manifest.inputs.get("register") for manifest in store.manifests("promote")}
    registered = {manifest.fingerprint for manifest in store.manifests("register") if manifest.digest in finished}
    marked = {
        manifest.digest: manifest.fingerprint for manifest in store.manifests("ingest")
        if manifest.inputs.get(f"{INPUT_PREFIX}{request.id}") == request.digest
    }  # fmt: skip
    return {
        version.uri: marked[version.digests["ingest"]] for version in versions
        if version.fingerprint in registered and version.digests.get("ingest") in marked
    }  # fmt: skip


def _objections(name: str, champion: str | None, saw: Mapping[str, str], versions: list[Version]) -> list[str]:
    if champion is None:
        return [f"Which version of {name} is in service is not known: no MLflow server answers. gptmodel up"]
    if saw.get(champion) == "unknown":
        return [f"{champion} is in service, and whether it saw them is not known: its tables are not in the store."]
    if champion in saw:
        return [
            f"{champion} is in service and saw them ({saw[champion]}): gptmodel run, and if its version is not better, "
            "retire this one by the command that opened the request, with --retire."
        ]
    if champion and champion not in {version.uri for version in versions}:
        return [f"{champion} is in service and was not made in this home: whether it saw them is not known here."]
    return []
