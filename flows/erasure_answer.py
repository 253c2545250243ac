"""What `gptmodel forget` answers: who saw the documents, who is in service, what is on disk, what to do next."""

import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows import stack
from flows.figures import CORPUS_REPORT, CURVE_PICTURE
from flows.home import Home
from gptmodel import registry
from gptmodel.bundle import DIGESTS
from gptmodel.erasure.matching import Matched
from gptmodel.erasure.remains import NOT_PURGED, drop_samples_of, find_remains, trainings_on
from gptmodel.erasure.requests import ErasureRequest
from gptmodel.errors import GPTModelError
from gptmodel.lineage.documents import SeenBy
from gptmodel.lineage.versions import list_versions
from gptmodel.review import pages_showing
from gptmodel.store import NOTES_DIR

# Its pages show scrubbed examples of what cleaning dropped, and samples of trainings; Prefect alone writes there.
DASHBOARD = "the dashboard's database"


@dataclass(frozen=True)
class Told:
    """What the command answers.

    Attributes:
        lines: The lines a person reads.
        record: The object that `--json` prints.
        code: Exit code.
    """

    lines: list[str]
    record: dict[str, Any]
    code: int = 0


def copies_of(home: Home, documents: Collection[str]) -> Iterator[Path]:
    """Give the files outside the stages' data that may show something of a document: samples and pages with text."""
    yield from pages_showing(home.reviews_dir, documents)
    trainings = trainings_on(home.store, documents)
    for training in trainings:
        for name in ("samples.jsonl", CURVE_PICTURE):
            yield from delivered_copies(home, training.stage, training.fingerprint, name)
    digests = {training.digest for training in trainings}
    for made in home.store.manifests("register"):
        if made.inputs.get("train") in digests:
            yield home.reports_dir / f"{made.result['name']}-{made.result['version']}" / "index.html"
            yield from delivered_copies(home, made.stage, made.fingerprint, "report.html")
    cleaned = {manifest.digest for manifest in drop_samples_of(home.store, documents)}
    for gate in home.store.manifests("quality gate"):
        if gate.inputs.get("clean") in cleaned:
            yield home.store.folder(gate.stage, gate.fingerprint) / NOTES_DIR / CORPUS_REPORT
            yield home.reports_dir / f"corpus-{gate.fingerprint[:12]}" / "index.html"
            yield from delivered_copies(home, gate.stage, gate.fingerprint, CORPUS_REPORT)


def model_copies(home: Home, documents: Collection[str]) -> Iterator[Path]:
    """Give the files of the copies of models that saw a document: the local MLflow server's, and those fetched."""
    digests = {training.digest for training in trainings_on(home.store, documents)}
    fetched = sorted((home.cache_dir / "models").glob(f"*/{DIGESTS}"))
    for made in home.store.manifests("register"):
        if made.inputs.get("train") not in digests:
            continue
        if model := (made.result.get("runtime") or {}).get("model_id"):
            for folder in (home.mlflow_dir / "artifacts").glob(f"*/models/{model}/artifacts/{registry.MODEL_PATH}"):
                yield from folder.iterdir()
        bundle = home.store.folder("register", made.fingerprint) / "bundle" / DIGESTS
        for path in fetched:
            if bundle.exists() and path.read_bytes() == bundle.read_bytes():
                yield from path.parent.iterdir()


def delivered_copies(home: Home, stage: str, fingerprint: str, name: str) -> Iterator[Path]:
    """Give the copies of an artifact in the local MLflow server's folder, in a stage's run and in the pipeline's."""
    marker = home.delivered_dir / f"{stage.replace(' ', '-')}-{fingerprint}.json"
    try:
        runs = json.loads(marker.read_text())
    except (OSError, ValueError):
        return
    for run_id in sorted({runs.get("run_id", ""), runs.get("parent_run_id", "")} - {""}):
        yield from (home.mlflow_dir / "artifacts").glob(f"*/{run_id}/artifacts/{name}")


def tell(
    home: Home, request: ErasureRequest, matched: Matched, touched: Collection[str], versions: Sequence[SeenBy]
) -> Told:
    """Tell what a request touches.

    Args:
        home: The home.
        request: The request in its present state.
        matched: What was asked for, with duplicates.
        touched: All documents that it covers.
        versions: The versions that saw one of them.
    """
    champions = {
        name: champion_of(home, name) for name in sorted({version.name for version in list_versions(home.store)})
    }
    remains = _remains(home, touched)
    record = {
        "request": request.id, "opened": request.opened.isoformat(), "asked_by": request.asked_by,
        "documents": list(matched.documents), "duplicates": list(matched.duplicates),
        "versions": [_version_row(version, champions) for version in versions],
        "remains": remains, "purges": [done.model_dump(mode="json") for done in request.purges],
        "retired": list(request.retired),
        "closed": request.closing.model_dump(mode="json") if request.closing else None,
        "next": f"gptmodel run; gptmodel forget --close {request.id}" if request.is_open else None,
    }  # fmt: skip
    return Told([*_lines(request, matched, record, champions)], record)


def _lines(
    request: ErasureRequest, matched: Matched, record: dict[str, Any], champions: dict[str, str | None]
) -> Iterator[str]:
    if request.closing:
        yield f"answered by {request.id}, closed on {request.closing.closed}"
    yield f"{request.id}, opened {request.opened}"
    yield f"documents   {_listed(matched.documents)}"
    if matched.duplicates:
        yield f"duplicates  {_listed(matched.duplicates)}"
    for row in record["versions"]:
        retired = "; retired" if row["uri"] in request.retired else ""
        yield f"version     {_words(row['uri'])} saw them ({row['split']}); {_service(row['in_service'])}{retired}"
    if not record["versions"]:
        yield "version     none saw them"
    for place in record["remains"]:
        stays = "" if place["can_be_purged"] else "   a purge does not change it"
        yield f"on disk     {place['place']:<24} {place['num_files']:>4} files {place['num_bytes']:>14,} bytes{stays}"
    yield "always      names of files in listings, and tables of ids, stay also after a purge"
    if "MLFLOW_TRACKING_URI" in os.environ:
        yield (
            "elsewhere   copies of models, samples and reports on the MLflow server you named are neither listed nor "
            "purged"
        )
    for done in request.purges:
        yield (
            f"purged      on {done.purged}: {done.num_files_rewritten} files rewritten, "
            f"{done.num_files_deleted} deleted, {done.num_bytes:,} bytes gone"
        )
    yield _closing_line(request, record, champions)


def _closing_line(request: ErasureRequest, record: dict[str, Any], champions: dict[str, str | None]) -> str:
    saw = [row for row in record["versions"] if row["uri"] not in request.retired]
    names = ", ".join(f"{_words(row['uri'])} ({_service(row['in_service'])})" for row in saw)
    unchanged = f" {names} saw them and {'are' if len(saw) > 1 else 'is'} unchanged." if saw else ""
    unknown = "" if None not in champions.values() else " Which version is in service is unknown: no server answers."
    more = "".join(f" {sentence}" for sentence in _further_steps(request, record, saw))
    then = f" To close the request: {record['next'].replace('; ', ', then ')}" if request.is_open else ""
    return f"Left out of every later run.{unchanged}{unknown}{more}{then}"


def _further_steps(request: ErasureRequest, record: dict[str, Any], saw: list[dict[str, Any]]) -> Iterator[str]:
    """Say by which commands versions are retired and stored text is deleted, as far as there are any."""
    command = f"gptmodel forget --request {request.id}"
    if saw:
        yield f"To retire {'them' if len(saw) > 1 else 'it'}: {command} --retire."
    if any(place["can_be_purged"] for place in record["remains"]):
        yield f"To delete what is stored: {command} --purge."


def _remains(home: Home, documents: Collection[str]) -> list[dict[str, Any]]:
    found = [(str(remains.place), remains.num_bytes) for remains in find_remains(home.store, documents)]
    found += [("trained models", path.stat().st_size) for path in sorted({*model_copies(home, documents)})]
    copies = sorted({path for path in copies_of(home, documents) if path.exists()})
    found += [("pages and MLflow artifacts", path.stat().st_size) for path in copies]
    found += [(DASHBOARD, path.stat().st_size) for path in sorted(home.prefect_dir.glob("prefect.db*"))]
    files, sizes = Counter(place for place, _ in found), Counter[str]()
    for place, num_bytes in found:
        sizes[place] += num_bytes
    return [
        {"place": place, "num_files": files[place], "num_bytes": sizes[place],
         "can_be_purged": place not in {*NOT_PURGED, DASHBOARD}}
        for place in files
    ]  # fmt: skip


def _version_row(version: SeenBy, champions: dict[str, str | None]) -> dict[str, Any]:
    champion = champions.get(version.name)
    in_service = None if champion is None else champion == uri_of(version)
    return {"uri": uri_of(version), "split": version.split, "in_service": in_service}


def _service(in_service: bool | None) -> str:
    if in_service is None:
        return "in service or not: unknown, no server"
    return "champion, in service" if in_service else "not in service"


def champion_of(home: Home, name: str) -> str | None:
    """Give the URI of the version in service; empty if there is none, None if no server answers."""
    if not stack.is_running(home, "mlflow"):
        return None
    try:
        version = registry.champion_of(stack.addresses(home).mlflow, name)
    except GPTModelError:
        return None
    return version.uri if version else ""


def uri_of(version: SeenBy) -> str:
    """Give the URI that names exactly this version."""
    return f"models:/{version.name}/{version.version}"


def _words(uri: str) -> str:
    name, _, number = uri.removeprefix("models:/").rpartition("/")
    return f"{name} version {number}"


def _listed(documents: Sequence[str], most: int = 5) -> str:
    more = f" and {len(documents) - most:,} more" if len(documents) > most else ""
    return f"{len(documents):,}: {', '.join(documents[:most])}{more}"
