"""`gptmodel lineage --document | --text-file | --source`: which versions read a document, and when; or why none did.

The home's store alone is asked, so that no server need run. No text is shown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.home import Home, home_key_of
from gptmodel.corpus.account import DocumentAccount
from gptmodel.corpus.documents import text_id
from gptmodel.corpus.sources.forgetting import document_mark
from gptmodel.corpus.sources.quarantine import QuarantineRow
from gptmodel.erasure.requests import read_requests
from gptmodel.lineage.documents import SeenBy, Sighting
from gptmodel.lineage.questions import Answer, ask_document, ask_source, ask_text

_MOST_LINES = 20
_MOST_STEPS = 6

Say = Callable[[str], None]
Forgotten = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Question:
    """What is asked for; exactly one is given.

    Attributes:
        document: Id of a document.
        source: Name, path or URL of a source, or of a file or folder in one.
        text_file: File with the text.
    """

    document: str | None = None
    source: str | None = None
    text_file: Path | None = None


def tell_documents(home: Home, question: Question, say: Say) -> dict[str, Any]:
    """Say what became of some documents, and give the `--json` object.

    Raises:
        SourceError: The text file can't be read.
        StoreError: A table can't be read.
    """
    answer = _ask(home, question)
    forgotten = _forgotten(home, [one.id for one in answer.documents])
    for line in _lines(answer, forgotten):
        say(line)
    documents = [_document(one, answer, forgotten) for one in answer.documents]
    return {"documents": documents + [_set_aside(row) for row in answer.quarantined]}


def _ask(home: Home, question: Question) -> Answer:
    if question.document is not None:
        return ask_document(home.store, question.document)
    if question.text_file is not None:
        return ask_text(home.store, home_key_of(home), question.text_file)
    return ask_source(home.store, question.source or "")


def _forgotten(home: Home, ids: Sequence[str]) -> Forgotten:
    """Give the erasure requests that cover each document, by its id; the id of a part stands for the text."""
    requests = read_requests(home.erasures_dir)
    if not requests:
        return {}
    key, marked = home_key_of(home), [(request.id, frozenset(request.documents)) for request in requests]
    marks = {name: document_mark(key, text_id(name)) for name in ids}
    return {name: [request for request, its in marked if mark in its] for name, mark in marks.items()}


def _lines(answer: Answer, forgotten: Forgotten) -> Iterator[str]:
    shown = answer.documents[:_MOST_LINES]
    for one in shown:
        yield from _document_lines(one, answer, forgotten.get(one.id, ()))
    for row in answer.quarantined[: _MOST_LINES - len(shown)]:
        place = f"record {row.position}" if row.position else "the whole file"
        yield f"{row.source}/{row.path}  quarantined ({row.reason.replace('_', ' ')}; {place})"
    num_more = max(0, len(answer.documents) + len(answer.quarantined) - _MOST_LINES)
    if num_more:
        yield f"and {num_more:,} more; --json names them all"
    if not answer.documents and not answer.quarantined:
        yield "Nothing that this home's store knows of matches."


def _document_lines(one: Sighting, answer: Answer, requests: Sequence[str]) -> Iterator[str]:
    place = "/".join(part for part in (one.source, answer.paths.get(text_id(one.id), "")) if part)
    why = f" ({one.drop_reason})" if one.drop_reason else ""
    gone = "".join(f"  forgotten by {request}" for request in requests)
    yield f"{one.id}  {place or 'source unknown'}  {one.status}{why}{gone}"
    yield from (f"  {_seen(version)}" for version in one.versions)
    if account := answer.account_of(one.id):
        yield from (f"  {words}" for words in _account_words(account))


def _seen(seen: SeenBy) -> str:
    if seen.split == "unknown":
        return f"{seen.name} v{seen.version}: its tables are gone, so that nobody can tell"
    return f"{seen.name} v{seen.version}: {seen.split}{_step_words(seen)}"


def _step_words(seen: SeenBy) -> str:
    if seen.split != "train":
        return ""
    if seen.steps is None:
        return ", at steps that nobody can tell any more"
    if not seen.steps.num:
        return ", but no step came to it"
    listed = ", ".join(f"{step:,}" for step in seen.steps.listed[:_MOST_STEPS])
    more = f", ... {seen.steps.last:,}" if seen.steps.num > _MOST_STEPS else ""
    return f", read at {seen.steps.num:,} step{'s' * (seen.steps.num != 1)} (from 0): {listed}{more}"


def _account_words(account: DocumentAccount) -> Iterator[str]:
    out = f": {account.reason}" if account.reason else ""
    yield f"in the newest corpus that names it: {account.status} by {account.stage}{out}"
    if account.cluster and account.cluster != account.id:
        yield f"duplicate of {account.cluster}, which is kept in its place"
    if account.findings:
        yield f"findings: {', '.join(f'{kind} {num:,}' for kind, num in sorted(account.findings.items()))}"
    if account.is_planted:
        yield "a planted test phrase"


def _document(one: Sighting, answer: Answer, forgotten: Forgotten) -> dict[str, Any]:
    account = answer.account_of(one.id)
    return {
        "id": one.id, "source": one.source or None, "path": answer.paths.get(text_id(one.id)), "status": one.status,
        "split": one.split or None, "drop_reason": one.drop_reason or None,
        "versions": [version_record(seen) for seen in one.versions],
        "forgotten_by": list(forgotten.get(one.id, ())),
        **({"account": _account(account)} if account else {}),
    }  # fmt: skip


def version_record(seen: SeenBy) -> dict[str, Any]:
    """Give how a version used a document as JSON values; `steps` is null where nobody can tell."""
    steps = seen.steps.as_json() if seen.steps else None
    return {"name": seen.name, "version": seen.version, "split": seen.split, "steps": steps}


def _account(account: DocumentAccount) -> dict[str, Any]:
    return {
        "status": account.status, "stage": account.stage, "reason": account.reason or None,
        "cluster": account.cluster or None, "lang": account.lang or None, "num_bytes": account.num_bytes,
        "is_planted": account.is_planted, "findings": dict(account.findings),
    }  # fmt: skip


def _set_aside(row: QuarantineRow) -> dict[str, Any]:
    return {
        "id": None, "source": row.source, "path": row.path, "position": row.position, "status": "quarantined",
        "split": None, "drop_reason": row.reason, "versions": [], "forgotten_by": [],
    }  # fmt: skip
