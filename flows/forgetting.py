"""`gptmodel forget`: open an erasure request, tell what it touches, delete what is stored, and close it."""

import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from flows import stack
from flows.find import read_values
from flows.home import Home, home_key_of
from gptmodel import registry
from gptmodel.erasure.closing import answer_of, versions_that_saw
from gptmodel.erasure.matching import (
    Matched,
    covered_documents,
    match_document,
    match_documents,
    match_source,
    match_text,
)  # fmt: skip
from gptmodel.erasure.purging import purge
from gptmodel.erasure.remains import NOT_PURGED, drop_samples_of, find_remains, trainings_on
from gptmodel.erasure.requests import (
    AskedBy,
    Closing,
    ErasureRequest,
    open_request,
    read_request,
    read_requests,
    save_request,
)
from gptmodel.errors import ConfigError, GPTModelError, StoreBusyError
from gptmodel.keys import key_id
from gptmodel.lineage import SeenBy, list_versions
from gptmodel.review import pages_showing
from gptmodel.store import NOTES_DIR, Manifest
from gptmodel.value_search import search_values

# A command that left nothing out, or closed nothing, did not do what it was asked for.
NOTHING_MATCHED = NOT_CLOSED = 1
# Its pages show scrubbed examples of what cleaning dropped, and samples of trainings; Prefect alone writes there.
DASHBOARD = "the dashboard's database"


@dataclass(frozen=True)
class Asked:
    """What a person asked to be forgotten; exactly one is given.

    Attributes:
        document: Id of a document.
        source: Name, path or URL of a source, or of a file or folder in one.
        text_file: File with the text.
        values: File with values, one a line, or `-`: every document in which a finder found one of them.
    """

    document: str | None = None
    source: str | None = None
    text_file: Path | None = None
    values: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Options:
    """What else is to be done.

    Attributes:
        purge: Delete what the store holds of the documents.
        retire: Take the versions that saw them out of service.
        anyway: Open a request for a place or a text even if no document matches yet.
    """

    purge: bool = False
    retire: bool = False
    anyway: bool = False


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


def answer(home: Home, asked: Asked, options: Options, closed: str | None) -> Told:
    """Do what the command was asked for: open a request, or close one.

    Raises:
        ConfigError: Not exactly one thing is asked for.
    """
    given = [value for value in (asked.document, asked.source, asked.text_file, asked.values, closed) if value]
    if len(given) != 1:
        raise ConfigError(
            expected="one of --document ID, --source URI, --text-file FILE, --values FILE, --close REQUEST",
            actual="none of them" if not given else f"{len(given)} of them",
            mend="Ask for one thing at a time; each gets a request of its own.",
        )
    return close(home, closed, date.today()) if closed else forget(home, asked, options)


def forget(home: Home, asked: Asked, options: Options) -> Told:
    """Open a request for what was asked, or take up the open one that covers it, and tell what it touches.

    Raises:
        SourceError: The text file can't be read.
        StoreBusyError: A run is open while something is to be purged.
        ServerError: Versions are to be retired, and no server answers.
    """
    asked_by, matched = _match(home, asked)
    is_wanted = matched.documents or (options.anyway and matched.marks)
    if not is_wanted:
        return _nothing(asked_by, matched)
    touched = matched.all_documents | covered_documents(home.store, matched.marks)
    versions = versions_that_saw(home.store, touched)
    request = _request(home, asked_by, matched, versions)
    if options.retire:
        request = _retire(home, request, versions)
    if options.purge:
        request = _purge(home, request, touched)
    return _told(home, request, matched, touched, versions)


def close(home: Home, name: str, today: date) -> Told:
    """Close a request if it is answered, else tell why it is not.

    Raises:
        ConfigError: There is no such request.
    """
    request = read_request(home.erasures_dir, name)
    if request.closing is not None:
        return _closed(request.id, request.closing)
    found = answer_of(home.store, home_key_of(home), request, lambda model: _champion(home, model), today)
    if found.closing is None:
        lines = [f"{request.id} stays open.", *found.reasons]
        return Told(lines, {"request": request.id, "closed": None, "reasons": list(found.reasons)}, NOT_CLOSED)
    save_request(home.erasures_dir, request.model_copy(update={"closing": found.closing}))
    return _closed(request.id, found.closing)


def _closed(name: str, closing: Closing) -> Told:
    serving = f"in service: {closing.champion or 'no version'}"
    line = f"{name} is closed since {closing.closed}: left out by ingest {closing.ingest[:12]}; {serving}."
    return Told([line], {"request": name, "closed": closing.model_dump(mode="json"), "reasons": []})


def _match(home: Home, asked: Asked) -> tuple[AskedBy, Matched]:
    store, key = home.store, home_key_of(home)
    if asked.document is not None:
        return "document", match_document(store, key, asked.document)
    if asked.source is not None:
        return "source", match_source(store, key, asked.source)
    if asked.text_file is not None:
        return "text", match_text(store, key, asked.text_file)
    found = search_values(store, key, [value.text for value in read_values(asked.values or "")])
    return "values", match_documents(store, key, (holder.sighting.id for one in found.holders for holder in one))


def _nothing(asked_by: AskedBy, matched: Matched) -> Told:
    lines = ["Nothing in the store matches, so no request was opened."]
    if asked_by == "values":
        lines.append("That is no proof: finders miss values. What was searched says: gptmodel find --values FILE")
    if matched.marks:
        lines.append("To leave it out should it ever come: the same command with --anyway.")
    return Told(lines, {"request": None, "documents": [], "duplicates": [], "versions": []}, NOTHING_MATCHED)


def _request(home: Home, asked_by: AskedBy, matched: Matched, versions: Sequence[SeenBy]) -> ErasureRequest:
    """Give the open request that covers what was matched, or open one."""
    marks = matched.marks
    for request in read_requests(home.erasures_dir):
        if request.is_open and request.key_id == key_id(marks.key) and request.holds(marks):
            return request
    asked = ErasureRequest(
        id="", opened=date.today(), asked_by=asked_by, key_id=key_id(marks.key),
        documents=tuple(sorted(marks.documents)), texts=tuple(sorted(marks.texts)), places=tuple(sorted(marks.places)),
        num_documents=len(matched.documents), num_duplicates=len(matched.duplicates),
        versions=tuple(dict.fromkeys(_uri(version) for version in versions)),
    )  # fmt: skip
    return open_request(home.erasures_dir, asked)


def _retire(home: Home, request: ErasureRequest, versions: Sequence[SeenBy]) -> ErasureRequest:
    uri = stack.addresses(home).mlflow
    retired = dict.fromkeys(request.retired)
    for version in versions:
        if registry.version_exists(uri, version.name, version.version):
            registry.retire_version(uri, version.name, version.version, request.id, request.label)
            retired[_uri(version)] = None
    request = request.model_copy(update={"retired": tuple(retired)})
    save_request(home.erasures_dir, request)
    return request


def _purge(home: Home, request: ErasureRequest, documents: Collection[str]) -> ErasureRequest:
    _refuse_while_a_run_is_open(home)
    done = purge(home.store, documents, request.id, date.today(), [*_copies(home, documents)])
    if not request.purges or done.num_files_rewritten or done.num_files_deleted:
        request = request.model_copy(update={"purges": (*request.purges, done)})
    save_request(home.erasures_dir, request)
    return request


def _refuse_while_a_run_is_open(home: Home) -> None:
    if any(home.runs_dir.glob("*.json")):
        raise StoreBusyError(
            expected="no run of this home to be open while its store is purged",
            actual="an open run",
            mend="Wait for it to end; what a killed run left open is closed by `gptmodel status`.",
        )


def _copies(home: Home, documents: Collection[str]) -> Iterator[Path]:
    """Give the files outside the stages' data that may show something of a document: samples and pages with text."""
    yield from pages_showing(home.reviews_dir, documents)
    trainings = trainings_on(home.store, documents)
    for training in trainings:
        yield from _delivered(home, training, "samples.jsonl")
    digests = {training.digest for training in trainings}
    for made in home.store.manifests("register"):
        if made.inputs.get("train") in digests:
            yield home.reports_dir / f"{made.result['name']}-{made.result['version']}" / "index.html"
            yield from _delivered(home, made, "report.html")
    cleaned = {manifest.digest for manifest in drop_samples_of(home.store, documents)}
    for gate in home.store.manifests("quality gate"):
        if gate.inputs.get("clean") in cleaned:
            yield home.store.folder(gate.stage, gate.fingerprint) / NOTES_DIR / "corpus.html"
            yield home.reports_dir / f"corpus-{gate.fingerprint[:12]}" / "index.html"
            yield from _delivered(home, gate, "corpus.html")


def _delivered(home: Home, manifest: Manifest, name: str) -> Iterator[Path]:
    """Give the copies of an artifact in the local MLflow server's folder, in a stage's run and in the pipeline's."""
    marker = home.delivered_dir / f"{manifest.stage.replace(' ', '-')}-{manifest.fingerprint}.json"
    try:
        runs = json.loads(marker.read_text())
    except (OSError, ValueError):
        return
    for run_id in sorted({runs.get("run_id", ""), runs.get("parent_run_id", "")} - {""}):
        yield from (home.mlflow_dir / "artifacts").glob(f"*/{run_id}/artifacts/{name}")


def _told(
    home: Home, request: ErasureRequest, matched: Matched, touched: Collection[str], versions: Sequence[SeenBy]
) -> Told:
    champions = {
        name: _champion(home, name) for name in sorted({version.name for version in list_versions(home.store)})
    }
    remains = _remains(home, touched)
    record = {
        "request": request.id, "opened": request.opened.isoformat(), "asked_by": request.asked_by,
        "documents": list(matched.documents), "duplicates": list(matched.duplicates),
        "versions": [_version_row(version, champions) for version in versions],
        "remains": remains, "purges": [done.model_dump(mode="json") for done in request.purges],
        "retired": list(request.retired), "next": f"gptmodel run; gptmodel forget --close {request.id}",
    }  # fmt: skip
    return Told([*_lines(request, matched, record, champions)], record)


def _lines(
    request: ErasureRequest, matched: Matched, record: dict[str, Any], champions: dict[str, str | None]
) -> Iterator[str]:
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
    if "MLFLOW_TRACKING_URI" in os.environ:
        yield "elsewhere   copies of samples and reports on the MLflow server you named are neither listed nor purged"
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
    then = record["next"].replace("; ", ", then ")
    return f"Left out of every later run.{unchanged}{unknown} To close the request: {then}"


def _remains(home: Home, documents: Collection[str]) -> list[dict[str, Any]]:
    found = [(str(remains.place), remains.num_bytes) for remains in find_remains(home.store, documents)]
    copies = sorted({path for path in _copies(home, documents) if path.exists()})
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
    in_service = None if champion is None else champion == _uri(version)
    return {"uri": _uri(version), "split": version.split, "in_service": in_service}


def _service(in_service: bool | None) -> str:
    if in_service is None:
        return "in service or not: unknown, no server"
    return "champion, in service" if in_service else "not in service"


def _champion(home: Home, name: str) -> str | None:
    """Give the URI of the version in service; empty if there is none, None if no server answers."""
    if not stack.is_running(home, "mlflow"):
        return None
    try:
        version = registry.champion_of(stack.addresses(home).mlflow, name)
    except GPTModelError:
        return None
    return version.uri if version else ""


def _uri(version: SeenBy) -> str:
    return f"models:/{version.name}/{version.version}"


def _words(uri: str) -> str:
    name, _, number = uri.removeprefix("models:/").rpartition("/")
    return f"{name} version {number}"


def _listed(documents: Sequence[str], most: int = 5) -> str:
    more = f" and {len(documents) - most:,} more" if len(documents) > most else ""
    return f"{len(documents):,}: {', '.join(documents[:most])}{more}"
