"""Which documents an erasure request means: those asked for, whole, and with each its whole cluster of duplicates.

Read from what lies beside the text: ingest's index of texts and deduplication's clusters, over every output that the
store holds, so that it works after the raw text is gone. Of a divided text all parts count. A document that shares a
cluster with one asked for is taken whole too; what its other parts are duplicates of is not.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gptmodel.corpus.dedup.members import CLUSTERS_FILE
from gptmodel.corpus.documents import text_id
from gptmodel.corpus.sources.forgetting import ErasureMarks, document_mark, place_mark
from gptmodel.erasure.requests import ErasureRequest, marks_of
from gptmodel.errors import ConfigError
from gptmodel.lineage.asked import Place, find_source, known_texts, marks_of_file, texts_with
from gptmodel.lineage.documents import sightings
from gptmodel.lineage.places import named_texts
from gptmodel.store import Store

_STAGE = "ingest"


@dataclass(frozen=True)
class Matched:
    """What a request means.

    Attributes:
        documents: The documents asked for, by identity before division, sorted.
        duplicates: Further documents in their clusters, sorted.
        marks: What ingest is to leave out.
        sources: Names of the sources that they come from, or that were asked for, sorted.
    """

    documents: tuple[str, ...]
    duplicates: tuple[str, ...]
    marks: ErasureMarks
    sources: tuple[str, ...] = ()

    @property
    def all_documents(self) -> frozenset[str]:
        """All documents that are to be forgotten."""
        return frozenset({*self.documents, *self.duplicates})


def match_document(store: Store, key: bytes, document: str) -> Matched:
    """Match one document, by its id; the id of a part stands for the whole text."""
    whole = text_id(document)
    found = {text.id for text in known_texts(store) if text.id == whole}
    if found:
        return _matched(store, key, found)
    sources = {sighting.source for sighting in sightings(store, [whole])} - {""}
    return _matched(store, key, {whole} if sources else set(), sources=sources)


def match_documents(store: Store, key: bytes, documents: Iterable[str]) -> Matched:
    """Match documents that are known to be in the store, by their ids or those of their parts."""
    return _matched(store, key, {text_id(document) for document in documents})


def match_request(store: Store, key: bytes, request: ErasureRequest) -> Matched:
    """Find the documents of a request again by its marks; which were asked for, and which duplicate them, is not kept.

    Raises:
        StoreError: The request was made with another key.
    """
    marks = marks_of([request], key)
    return Matched(tuple(sorted(covered_documents(store, marks))), (), marks)


def match_source(store: Store, key: bytes, uri: str) -> Matched:
    """Match a whole source, or a file or folder in one, with all that will ever lie there.

    Args:
        store: The home's store.
        key: The home's key.
        uri: A source's name or its path, the path or URL of a file or folder in it, or such a path relative to it.

    Raises:
        ConfigError: It is a pattern, which would be kept as the name of one file and leave nothing out.
    """
    places, texts = find_source(store, uri)
    found = {text.id for text in texts}
    if "*" in uri and not found:
        raise ConfigError(
            expected="a source, or one file or folder in it, by name or path", actual="a pattern",
            mend="Name the source or the folder, or each file by a request of its own.",
        )  # fmt: skip
    return _matched(store, key, found, places)


def match_text(store: Store, key: bytes, path: Path) -> Matched:
    """Match the texts of a file, read as a source's file would be, case and white space aside.

    Raises:
        SourceError: The file can't be read, or holds no text.
    """
    marks = marks_of_file(key, path)
    found = {text.id for text in texts_with(store, marks)}
    return _matched(store, key, found, texts=marks)


def covered_documents(store: Store, marks: ErasureMarks) -> frozenset[str]:
    """Give the documents that marks cover, of all that the store knows, by identity before division."""
    covered = {text.id for text in known_texts(store) if marks.covers(text)}
    if marks.documents:  # one that no index of texts has may stand in a table of ids
        covered |= {name for name in named_texts(store) if document_mark(marks.key, name) in marks.documents}
    return frozenset(covered)


def _matched(
    store: Store, key: bytes, found: Collection[str], places: Collection[Place] = (), texts: Collection[str] = (),
    sources: Collection[str] = (),
) -> Matched:  # fmt: skip
    together = {*found, *_cluster_members(store, found)}
    said = frozenset(texts) | {text.mark for text in known_texts(store) if text.id in together}
    # Copies that were dropped before deduplication are in no cluster.
    meant = {(text.id, text.source) for text in known_texts(store) if text.id in together or text.mark in said}
    everything = together | {document for document, _ in meant}
    duplicates = everything - set(found)
    marks = ErasureMarks(
        key,
        documents=frozenset(document_mark(key, document) for document in everything),
        texts=said,
        places=frozenset(place_mark(key, *place) for place in places),
    )
    come_from = {*sources} | {source for _, source in meant} | {source for source, _ in places}
    return Matched(tuple(sorted(found)), tuple(sorted(duplicates)), marks, tuple(sorted(come_from)))


def _cluster_members(store: Store, documents: Collection[str]) -> set[str]:
    """Give the documents that share a cluster with one of these, or a part of one, in any corpus of the store."""
    found: set[str] = set()
    for folder in _folders(store, "deduplicate") if documents else ():
        if not (folder / CLUSTERS_FILE).exists():
            continue
        rows = _columns(folder / CLUSTERS_FILE, "id", "cluster")
        clusters = {cluster for name, cluster in rows() if text_id(name) in documents}
        found |= {text_id(name) for name, cluster in rows() if cluster in clusters}
    return found


def _columns(path: Path, *names: str) -> Callable[[], Iterator[tuple[str, ...]]]:
    return partial(_read_columns, path, names)


def _read_columns(path: Path, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=list(names)):
            yield from zip(*(batch.column(name).to_pylist() for name in names), strict=True)


def _folders(store: Store, stage: str) -> list[Path]:
    return [store.folder(stage, manifest.fingerprint) for manifest in store.manifests(stage)]
