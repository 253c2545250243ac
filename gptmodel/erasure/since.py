"""Which documents of an ingest output were erased since: asked to be forgotten by a request that it did not honour.

Rebuilding a version would read them in again. Told from the index of texts that lies among the output's notes and from
its table of what it left out, both of which stay when text is deleted. Called by flows.reproduce.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gptmodel.corpus.sources.forgetting import FORGOTTEN_DIR, TEXTS_DIR, ForgottenRow, KnownText
from gptmodel.corpus.tables import read_table
from gptmodel.erasure.requests import INPUT_PREFIX, ErasureRequest, marks_of
from gptmodel.errors import StoreError
from gptmodel.store import Manifest, Store


@dataclass(frozen=True)
class Erased:
    """What one request took from a version.

    Attributes:
        request: The request.
        num_documents: Documents that the version's ingest read and the request covers; None if the index of its texts
            is gone, and only the request remembers that the version saw some.
    """

    request: ErasureRequest
    num_documents: int | None


def erased_since(
    store: Store, key: bytes, ingest: Manifest, uri: str, requests: Sequence[ErasureRequest]
) -> list[Erased]:
    """Give the requests that cover documents which an ingest output has read, by number; none if it can be rebuilt.

    Args:
        store: The home's store.
        key: The home's key.
        ingest: Manifest of the output.
        uri: URI of the version that came from it.
        requests: All erasure requests of the home.

    Raises:
        StoreError: A request was made with another key, or a table can't be read.
    """
    folder = store.folder(ingest.stage, ingest.fingerprint)
    index = sorted((folder / TEXTS_DIR).glob("*.parquet"))
    covered = _covered(folder, index, requests, key)
    numbers = {one.id: len(covered[one.id]) if index else _remembered(one, uri, ingest) for one in requests}
    return [Erased(one, numbers[one.id]) for one in requests if numbers[one.id] != 0]


def honoured(ingest: Manifest, requests: Sequence[ErasureRequest]) -> list[ErasureRequest]:
    """Give the requests whose marks an ingest output was made with.

    Raises:
        StoreError: One of them is no longer there.
    """
    known = {request.id: request for request in requests}
    names = [name.removeprefix(INPUT_PREFIX) for name in ingest.inputs if name.startswith(INPUT_PREFIX)]
    if missing := [name for name in names if name not in known]:
        raise StoreError(
            expected=f"the erasure requests that the documents were read under: {', '.join(names)}",
            actual=f"no {', '.join(missing)}",
            mend="Put the file back from a backup of the home: without it, what was forgotten would be read again.",
        )
    return [known[name] for name in names]


def _covered(
    folder: Path, index: Sequence[Path], requests: Sequence[ErasureRequest], key: bytes
) -> dict[str, set[str]]:
    """Give the documents that an ingest read and each request covers, by request."""
    forgotten = {
        row.id for path in (folder / FORGOTTEN_DIR).glob("*.parquet") for row in read_table(path, ForgottenRow)
    }
    marks = {request.id: marks_of([request], key) for request in requests}
    covered: dict[str, set[str]] = {request.id: set() for request in requests}
    for path in index if requests else ():
        for text in read_table(path, KnownText):
            for name in [name for name, one in marks.items() if text.id not in forgotten and one.covers(text)]:
                covered[name].add(text.id)
    return covered


def _remembered(request: ErasureRequest, uri: str, ingest: Manifest) -> int | None:
    is_later = f"{INPUT_PREFIX}{request.id}" not in ingest.inputs
    return None if is_later and uri in request.versions else 0
