"""Whether an erasure request is answered: a finished run left its documents out, and no version in service saw them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gptmodel.corpus.sources.forgetting import place_mark
from gptmodel.erasure.matching import covered_documents
from gptmodel.erasure.requests import INPUT_PREFIX, Closing, ErasureRequest, marks_of
from gptmodel.lineage.documents import UNKNOWN, SeenBy, sightings
from gptmodel.lineage.places import splits_with
from gptmodel.lineage.versions import Version, list_versions
from gptmodel.store import Manifest, Store

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

    Each model of which a version saw the documents must have been made again without them. If no version saw them, a
    finished run must have read the sources they come from and left them out.

    Args:
        store: The home's store.
        key: The home's key.
        request: The request.
        champions: Who is in service.
        today: The day.
    """
    documents = covered_documents(store, marks_of([request], key))
    runs = _runs_without(store, request, documents)
    seen = {f"models:/{one.name}/{one.version}": one.split for one in versions_that_saw(store, documents)}
    remembered = {uri: "seen when the request was opened" for uri in request.versions if seen.get(uri) != UNKNOWN}
    seen = remembered | seen
    models = sorted({_model_of(uri) for uri, split in seen.items() if split != UNKNOWN})
    ingests, reasons = _runs_of_models(models, runs) if models else _runs_over_sources(store, key, request, runs)

    # A version that a run without the documents made too, byte for byte, holds nothing of them.
    without = {run.version.uri for run in runs}
    saw = {uri: split for uri, split in seen.items() if uri not in without}
    # A version whose outputs were deleted since may still serve; the request remembers it.
    versions = list_versions(store)
    names = sorted({version.name for version in versions} | {_model_of(uri) for uri in request.versions})
    serving = {name: champions(name) for name in names}
    made = {version.uri for version in versions}
    reasons += [words for name in names for words in _objections(request.id, name, serving[name], saw, made)]
    if reasons:
        return Answer(None, tuple(reasons))
    uris = ", ".join(uri for uri in serving.values() if uri)
    return Answer(Closing(closed=today, ingests=tuple(dict.fromkeys(ingests)), champion=uris))


def _model_of(uri: str) -> str:
    return uri.removeprefix("models:/").rpartition("/")[0]


@dataclass(frozen=True)
class _Run:
    """A finished run that left the documents out.

    Attributes:
        version: What it registered.
        ingest: Manifest of its ingest, which had the request's marks as input.
    """

    version: Version
    ingest: Manifest


def _runs_without(store: Store, request: ErasureRequest, documents: Collection[str]) -> list[_Run]:
    """Give the finished runs whose ingest read the request's marks and whose splits are free of it, newest first."""
    finished = {manifest.inputs.get("register") for manifest in store.manifests("promote")}
    marked = {
        manifest.digest: manifest for manifest in store.manifests("ingest")
        if manifest.inputs.get(f"{INPUT_PREFIX}{request.id}") == request.digest
    }  # fmt: skip
    holding = splits_with(store, documents)
    versions = {version.fingerprint: version for version in list_versions(store)}
    made = [versions[manifest.fingerprint] for manifest in store.manifests("register") if manifest.digest in finished]
    return [
        _Run(version, marked[version.digests["ingest"]]) for version in made
        if version.digests.get("ingest") in marked and version.digests.get("split") not in holding
    ]  # fmt: skip


def _runs_of_models(models: Collection[str], runs: Sequence[_Run]) -> tuple[list[str], list[str]]:
    """Give the ingest of the newest run of each model, and a sentence for each model that has none."""
    newest = {run.version.name: run.ingest.fingerprint for run in reversed(runs)}
    missing = [
        f"No finished run of the model {name} has left them out yet: gptmodel run, with the config that {name} is "
        "trained with." for name in models if name not in newest
    ]  # fmt: skip
    return [newest[name] for name in models if name in newest], missing


def _runs_over_sources(
    store: Store, key: bytes, request: ErasureRequest, runs: Sequence[_Run]
) -> tuple[list[str], list[str]]:
    """Give the ingest of the newest run over each source of the request, and a sentence for what was not read."""
    newest = {
        place_mark(key, source): run.ingest.fingerprint for run in reversed(runs) for source in _sources_of(run.ingest)
    }
    if not request.sources:
        missing = [] if runs else ["No finished run has left them out yet: gptmodel run"]
        return [run.ingest.fingerprint for run in runs[:1]], missing
    names = {place_mark(key, name): name for one in store.manifests("ingest") for name in _sources_of(one)}
    unread = sorted(names.get(mark, "that they come from") for mark in request.sources if mark not in newest)
    missing = [
        f"No finished run over the source {name} has left them out yet: gptmodel run, with a config that reads it."
        for name in unread
    ]
    return [newest[mark] for mark in request.sources if mark in newest], missing


def _sources_of(ingest: Manifest) -> list[str]:
    return [source["name"] for source in ingest.section.get("corpus", {}).get("sources", [])]


def _objections(
    request: str, name: str, champion: str | None, saw: Mapping[str, str], made: Collection[str]
) -> list[str]:
    if champion is None:
        return [f"Which version of {name} is in service is not known: no MLflow server answers. gptmodel up"]
    if saw.get(champion) == UNKNOWN:
        return [f"{champion} is in service, and whether it saw them is not known: its tables are not in the store."]
    if champion in saw:
        return [
            f"{champion} is in service and saw them ({saw[champion]}). If the version without them was not better, "
            f"retire this one: gptmodel forget --request {request} --retire. Then run again with the config that "
            f"{name} is trained with: gptmodel run --config ..."
        ]
    if champion and champion not in made:
        return [f"{champion} is in service and was not made in this home: whether it saw them is not known here."]
    return []
