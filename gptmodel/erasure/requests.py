"""The requests themselves: one small file each, which holds no text, no value and no plain identity of a document.

They lie in the home, outside the store, owner-only. What they say of documents are keyed hashes, which say nothing
without the home's key. They stay when they are closed: what was forgotten stays forgotten.
"""

import os
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gptmodel.corpus.sources.forgetting import ErasureMarks
from gptmodel.corpus.sources.listing import Listing
from gptmodel.errors import ConfigError, StoreError
from gptmodel.keys import key_id
from gptmodel.store import Manifest, Store, digest_of, write_synced

INPUT_PREFIX = "erasure:"
"""Requests stand among the inputs of ingest under this and their id."""

AskedBy = Literal["document", "source", "text", "values"]

_FILE = re.compile(r"R-([1-9][0-9]*)\.json")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Closing(_Record):
    """What a request was closed on."""

    closed: date
    """Day it was closed."""
    ingests: tuple[str, ...]
    """Fingerprints of the ingest outputs that had the request's marks as input, of runs that came to their end."""
    champion: str
    """URI of the version in service then; empty if there was none."""


class Purge(_Record):
    """What was deleted for a request, on one day."""

    purged: date
    """Day it was done."""
    num_files_rewritten: int
    """Files of the store from which documents were taken out or overwritten."""
    num_files_deleted: int
    """Files that were deleted."""
    num_bytes: int
    """Bytes of text, tokens and checkpoints that are no longer there."""


class ErasureRequest(_Record):
    """One erasure request, open or closed."""

    id: str
    """R-1, R-2, ..."""
    opened: date
    """Day it was opened."""
    asked_by: AskedBy
    """What the documents were asked for by; not the words that were used."""
    key_id: str
    """Name of the home's key that the marks are made with."""
    documents: tuple[str, ...] = ()
    """Marks of the documents, duplicates included."""
    texts: tuple[str, ...] = ()
    """Marks of what they say."""
    places: tuple[str, ...] = ()
    """Marks of sources, files and folders, of which later documents are left out too."""
    sources: tuple[str, ...] = ()
    """Marks of the whole sources that the documents come from, or that were asked for: a run must have read them."""
    num_documents: int = 0
    """Documents that were found."""
    num_duplicates: int = 0
    """Further documents in their clusters."""
    versions: tuple[str, ...] = ()
    """URIs of the versions that saw one of them, when the request was opened."""
    purges: tuple[Purge, ...] = ()
    """What was deleted."""
    retired: tuple[str, ...] = ()
    """URIs of the versions that were retired."""
    closing: Closing | None = None
    """Set once it is closed."""

    @property
    def is_open(self) -> bool:
        """Tell whether it is still to be answered."""
        return self.closing is None

    @property
    def digest(self) -> str:
        """Digest of its marks, by which ingest knows it."""
        return digest_of([sorted(self.documents), sorted(self.texts), sorted(self.places)])

    @property
    def label(self) -> str:
        """Its id with that of the home's key: what tells it from the requests of other homes."""
        return f"{self.id} ({self.key_id})"

    def age_days(self, today: date) -> int:
        """Give the days since it was opened."""
        return (today - self.opened).days

    def holds(self, marks: ErasureMarks) -> bool:
        """Tell whether it covers all of some marks already."""
        return (
            marks.documents <= set(self.documents) and marks.texts <= set(self.texts)
            and marks.places <= set(self.places)
        )  # fmt: skip


def read_requests(folder: Path) -> list[ErasureRequest]:
    """Read all requests, by number.

    Args:
        folder: The home's folder of requests; it may not be there.

    Raises:
        StoreError: One can't be read: a run that went on without it would take the documents in again.
    """
    paths = [path for path in folder.glob("R-*.json") if _FILE.fullmatch(path.name)]
    return sorted((_read(path) for path in paths), key=lambda request: _number(request.id))


def read_request(folder: Path, name: str) -> ErasureRequest:
    """Read one request.

    Raises:
        ConfigError: There is no such request.
        StoreError: It can't be read.
    """
    known = [request.id for request in read_requests(folder)]
    if name not in known:
        raise ConfigError(
            expected="the id of an erasure request",
            actual=f"{name!r}; there {'are' if known else 'is'} {', '.join(known) or 'none'}",
            mend="`gptmodel status` lists the open ones.",
        )
    return _read(folder / f"{name}.json")


def open_request(folder: Path, request: ErasureRequest) -> ErasureRequest:
    """Write a request under the next free id, owner-only; another process that opens one gets another id.

    Args:
        folder: The home's folder of requests, made if it is not there.
        request: The request; its id is replaced.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = max((_number(path.stem) for path in folder.glob("R-*.json")), default=0)
    while True:
        number += 1
        named = request.model_copy(update={"id": f"R-{number}"})
        pending = folder / f".{named.id}.{secrets.token_hex(4)}.pending"
        write_synced(pending, named.model_dump_json(indent=1))
        try:
            os.link(pending, folder / f"{named.id}.json")
        except FileExistsError:
            continue
        finally:
            pending.unlink()
        return named


def save_request(folder: Path, request: ErasureRequest) -> None:
    """Write a request that is there already in its present state."""
    write_synced(folder / f"{request.id}.json", request.model_dump_json(indent=1))


def marks_of(requests: Iterable[ErasureRequest], key: bytes) -> ErasureMarks:
    """Give what ingest leaves out: all that any request covers, closed ones included.

    Raises:
        StoreError: A request was made with another key, so that nothing would be recognised by it.
    """
    asked = list(requests)
    foreign = [request.id for request in asked if request.key_id != key_id(key)]
    if foreign:
        raise StoreError(
            expected="erasure requests made with this home's key",
            actual=f"another key for {', '.join(foreign)}",
            mend="Put the key they were made with back into keys/home.key; a backup of the home holds it.",
        )
    return ErasureMarks(
        key, *(frozenset(mark for request in asked for mark in getattr(request, name))
               for name in ("documents", "texts", "places")),
    )  # fmt: skip


def input_digests_of(requests: Iterable[ErasureRequest]) -> dict[str, str]:
    """Give what stands for the requests among the inputs of ingest: nothing where there are none."""
    return {f"{INPUT_PREFIX}{request.id}": request.digest for request in requests}


def ingest_changes(store: Store, listing: Listing, requests: Sequence[ErasureRequest], earlier: Manifest) -> str:
    """Say what ingest reads that an earlier one did not: `3 new files; erasure request R-7`; empty if nothing.

    Args:
        store: The home's store.
        listing: The sources' files.
        requests: All erasure requests.
        earlier: Manifest of the earlier ingest.
    """
    files = listing.changes(store.folder(earlier.stage, earlier.fingerprint))
    names = [one.id for one in requests if earlier.inputs.get(f"{INPUT_PREFIX}{one.id}") != one.digest]
    asked = f"erasure request{'s' * (len(names) > 1)} {', '.join(names)}" if names else ""
    return "; ".join(words for words in (files, asked) if words)


def _number(name: str) -> int:
    found = _FILE.fullmatch(f"{name}.json")
    return int(found[1]) if found else 0


def _read(path: Path) -> ErasureRequest:
    try:
        return ErasureRequest.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        raise StoreError(
            expected=f"an erasure request at {path}",
            actual="a file that can't be read",
            mend="Put it back from a backup of the home: without it, runs would take the documents in again.",
        ) from None
