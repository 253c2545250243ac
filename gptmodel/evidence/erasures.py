"""The erasure requests and a version, in counts: those its text was made without, and those that came later."""

from collections.abc import Mapping, Sequence

from gptmodel.erasure.closing import versions_that_saw
from gptmodel.erasure.matching import covered_documents
from gptmodel.erasure.requests import INPUT_PREFIX, ErasureRequest, marks_of
from gptmodel.errors import StoreError
from gptmodel.evidence.account import ErasureProof, Relation
from gptmodel.lineage.documents import UNKNOWN
from gptmodel.lineage.versions import Version
from gptmodel.store import Store


def erasures_of(
    store: Store, key: bytes | None, requests: Sequence[ErasureRequest], version: Version, inputs: Mapping[str, str]
) -> tuple[ErasureProof, ...]:
    """Say how each request and a version belong together.

    Args:
        store: The home's store.
        key: The home's key; without it a document of a request is not found again.
        requests: The home's requests.
        version: The version.
        inputs: What its ingest read, by name.
    """
    return tuple(_proof(one, version, _relation(store, key, one, version, inputs)) for one in requests)


def _relation(
    store: Store, key: bytes | None, request: ErasureRequest, version: Version, inputs: Mapping[str, str]
) -> Relation:
    if inputs.get(f"{INPUT_PREFIX}{request.id}") == request.digest:
        return "left out"
    split = _split_now(store, key, request, version)
    if split == UNKNOWN:
        return "may have seen"
    # What was seen when the request was opened holds also where the tables that told so were deleted since.
    return "saw" if split or version.uri in request.versions else "did not see"


def _split_now(store: Store, key: bytes | None, request: ErasureRequest, version: Version) -> str:
    """Give the split in which the version had one of the documents, empty if it had none."""
    try:
        marks = marks_of([request], key) if key else None
    except StoreError:  # the request was made with another key
        marks = None
    if marks is None:
        return "" if version.uri in request.versions else UNKNOWN
    seen = versions_that_saw(store, covered_documents(store, marks))
    splits = {one.split for one in seen if (one.name, one.version) == (version.name, version.version)}
    return next(iter(sorted(splits - {UNKNOWN}) + sorted(splits)), "")


def _proof(request: ErasureRequest, version: Version, relation: Relation) -> ErasureProof:
    return ErasureProof(
        id=request.id, opened=request.opened, closed=request.closing.closed if request.closing else None,
        asked_by=request.asked_by, num_documents=request.num_documents, num_duplicates=request.num_duplicates,
        relation=relation, num_purges=len(request.purges), is_retired_for=version.uri in request.retired,
    )  # fmt: skip
