"""`gptmodel forget`: open an erasure request, tell what it touches, delete what is stored, and close it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from flows import stack
from flows.erasure_answer import Told, champion_of, copies_of, tell, uri_of
from flows.find import read_values
from flows.home import Home, home_key_of, one_promotion_at_a_time
from flows.ledger import is_in_use
from gptmodel import registry
from gptmodel.champions import has_event
from gptmodel.corpus.sources.forgetting import place_mark
from gptmodel.erasure.closing import answer_of, versions_that_saw
from gptmodel.erasure.matching import (
    Matched,
    covered_documents,
    match_document,
    match_documents,
    match_request,
    match_source,
    match_text,
)  # fmt: skip
from gptmodel.erasure.purging import purge
from gptmodel.erasure.requests import (
    AskedBy,
    Closing,
    ErasureRequest,
    open_request,
    read_request,
    read_requests,
    save_request,
)
from gptmodel.errors import ConfigError, ServerError, StoreBusyError
from gptmodel.events import Facts
from gptmodel.keys import key_id
from gptmodel.lineage.documents import SeenBy
from gptmodel.rebuilding import remove_leftovers
from gptmodel.value_search import search_values

# A command that left nothing out, or closed nothing, did not do what it was asked for.
NOTHING_MATCHED = NOT_CLOSED = 1


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


def answer(home: Home, asked: Asked, options: Options, request: str | None, closed: str | None) -> Told:
    """Do what the command was asked for: open a request, act on one, or close one.

    Args:
        home: The home.
        asked: What is to be forgotten.
        options: What else is to be done.
        request: Id of the request that is told of and acted on.
        closed: Id of the request that is to be closed.

    Raises:
        ConfigError: Not exactly one thing is asked for.
    """
    given = [value for value in (asked.document, asked.source, asked.text_file, asked.values, request, closed) if value]
    if len(given) != 1:
        raise ConfigError(
            expected="one of --document ID, --source URI, --text-file FILE, --values FILE, --request REQUEST, "
            "--close REQUEST",
            actual="none of them" if not given else f"{len(given)} of them",
            mend="Ask for one thing at a time; each gets a request of its own.",
        )
    if request:
        return take_up(home, request, options)
    return close(home, closed, date.today()) if closed else forget(home, asked, options)


def forget(home: Home, asked: Asked, options: Options) -> Told:
    """Open a request for what was asked, or take up the one that covers it, and tell what it touches.

    Raises:
        SourceError: The text file can't be read.
        StoreBusyError: A run is open while something is to be purged; the request stands.
        ServerError: Versions are to be retired, and no server answers; the request stands.
    """
    asked_by, matched = _match(home, asked)
    is_wanted = matched.documents or (options.anyway and matched.marks)
    if not is_wanted:
        return _nothing(asked_by, matched)
    touched = matched.all_documents | covered_documents(home.store, matched.marks)
    versions = versions_that_saw(home.store, touched)
    request = _request(home, asked_by, matched, versions)
    return _act(home, request, matched, touched, versions, options)


def take_up(home: Home, name: str, options: Options) -> Told:
    """Do something more for a request that is there, and tell what it touches.

    Raises:
        ConfigError: There is no such request.
        StoreBusyError: A run is open while something is to be purged.
        ServerError: Versions are to be retired, and no server answers.
        StoreError: The request was made with another key.
    """
    request = read_request(home.erasures_dir, name)
    matched = match_request(home.store, home_key_of(home), request)
    versions = versions_that_saw(home.store, matched.all_documents)
    return _act(home, request, matched, matched.all_documents, versions, options)


def _act(
    home: Home, request: ErasureRequest, matched: Matched, touched: Collection[str], versions: Sequence[SeenBy],
    options: Options,
) -> Told:  # fmt: skip
    if options.retire:
        request = _retire(home, request, versions, _command(request, options))
    if options.purge:
        request = _purge(home, request, touched, _command(request, options))
    return tell(home, request, matched, touched, versions)


def close(home: Home, name: str, today: date) -> Told:
    """Close a request if it is answered, else tell why it is not.

    Raises:
        ConfigError: There is no such request.
    """
    request = read_request(home.erasures_dir, name)
    if request.closing is not None:
        return _closed(home, request.id, request.closing)
    found = answer_of(home.store, home_key_of(home), request, lambda model: champion_of(home, model), today)
    if found.closing is None:
        lines = [f"{request.id} stays open.", *found.reasons]
        return Told(lines, {"request": request.id, "closed": None, "reasons": list(found.reasons)}, NOT_CLOSED)
    save_request(home.erasures_dir, request.model_copy(update={"closing": found.closing}))
    return _closed(home, request.id, found.closing)


def _closed(home: Home, name: str, closing: Closing) -> Told:
    if not has_event(home.events, "erasure closed", name):
        facts: Facts = {"num_ingests": len(closing.ingests), "champion": closing.champion}
        home.events.append("erasure closed", name, facts=facts)
    serving = f"in service: {closing.champion or 'no version'}"
    ingests = ", ".join(fingerprint[:12] for fingerprint in closing.ingests)
    line = f"{name} is closed since {closing.closed}: left out by ingest {ingests}; {serving}."
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
    """Give the request that covers what was matched, an open one if there is one, or open one."""
    marks = matched.marks
    for request in sorted(read_requests(home.erasures_dir), key=lambda request: not request.is_open):
        if request.key_id == key_id(marks.key) and request.holds(marks):
            return request
    asked = ErasureRequest(
        id="", opened=date.today(), asked_by=asked_by, key_id=key_id(marks.key),
        documents=tuple(sorted(marks.documents)), texts=tuple(sorted(marks.texts)), places=tuple(sorted(marks.places)),
        sources=tuple(sorted(place_mark(marks.key, source) for source in matched.sources)),
        num_documents=len(matched.documents), num_duplicates=len(matched.duplicates),
        versions=tuple(dict.fromkeys(uri_of(version) for version in versions)),
    )  # fmt: skip
    request = open_request(home.erasures_dir, asked)
    home.events.append("erasure opened", request.id, facts=_counts(request))
    return request


def _counts(request: ErasureRequest) -> Facts:
    """Give what the events may hold of a request: counts, for its marks would still tell a document from others."""
    return {
        "asked_by": request.asked_by, "num_documents": request.num_documents,
        "num_duplicates": request.num_duplicates, "num_versions": len(request.versions),
    }  # fmt: skip


def _command(request: ErasureRequest, options: Options) -> str:
    """Give the command that does the same for a request by its id."""
    wanted = " --retire" * options.retire + " --purge" * options.purge
    return f"gptmodel forget --request {request.id}{wanted}"


def _registry(home: Home, request: ErasureRequest, command: str) -> str:
    try:
        return stack.registry_address(home)
    except ServerError as error:
        raise ServerError(
            expected=error.expected,
            actual=f"{error.actual}; nothing was retired, and {request.id} stands",
            mend=f"Run `gptmodel up`, then `{command}`.",
        ) from None


def _retire(home: Home, request: ErasureRequest, versions: Sequence[SeenBy], command: str) -> ErasureRequest:
    uri = _registry(home, request, command) if versions else ""
    retired = dict.fromkeys(request.retired)
    for version in versions:
        if registry.version_exists(uri, version.name, version.version):
            _retire_one(home, uri, version, request)
            retired[uri_of(version)] = None
    request = request.model_copy(update={"retired": tuple(retired)})
    save_request(home.erasures_dir, request)
    return request


def _retire_one(home: Home, uri: str, version: SeenBy, request: ErasureRequest) -> None:
    """Take a version out of service under the lock of its model, for a run may be promoting it."""
    with one_promotion_at_a_time(home, version.name):
        registry.retire_version(uri, version.name, version.version, request.id, request.label)
    if not has_event(home.events, "retired", uri_of(version), request=request.id):
        home.events.append(
            "retired", uri_of(version), reason=f"erasure request {request.id}", facts={"request": request.id}
        )


def _purge(home: Home, request: ErasureRequest, documents: Collection[str], command: str) -> ErasureRequest:
    _refuse_while_a_run_is_open(home, request.id, command)
    remove_leftovers(home.rebuilds_dir)
    done = purge(home.store, documents, request.id, date.today(), [*copies_of(home, documents)])
    if not request.purges or done.num_files_rewritten or done.num_files_deleted:
        request = request.model_copy(update={"purges": (*request.purges, done)})
        home.events.append("erased", request.id, facts=done.model_dump(exclude={"purged"}))
    save_request(home.erasures_dir, request)
    return request


def _refuse_while_a_run_is_open(home: Home, name: str, command: str) -> None:
    if is_in_use(home):
        raise StoreBusyError(
            expected="no run of this home to be open while its store is purged",
            actual=f"an open run, or one that rebuilds a version; nothing was purged, and {name} stands",
            mend=f"Wait for it to end, then `{command}`; what a killed run left open is closed by `gptmodel status`.",
        )
