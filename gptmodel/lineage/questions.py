"""What became of the documents that a question means, with the steps at which each version read them.

A question names a document by its id, by what a file says, or by the source, file or folder that it came from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gptmodel.corpus.account import DocumentAccount, read_accounts
from gptmodel.corpus.documents import text_id
from gptmodel.corpus.rows import rows_where
from gptmodel.corpus.sources.quarantine import QuarantineRow
from gptmodel.corpus.table_names import QUARANTINE_DIR
from gptmodel.editions import Editions
from gptmodel.lineage.asked import Place, find_source, in_places, marks_of_file, source_names, texts_with, within
from gptmodel.lineage.documents import Sighting, sightings, with_steps
from gptmodel.lineage.versions import Version
from gptmodel.store import Manifest, Store

_CORPUS = ("ingest", "clean", "scrub", "deduplicate", "split")


@dataclass(frozen=True)
class Answer:
    """What became of the documents that a question means.

    Attributes:
        documents: The documents, by id.
        paths: Where each text lay within its source, by identity before division, where ingest's index tells it.
        quarantined: What the newest ingest of their sources could not read.
        accounts: How the newest corpus that names a document came to what it did with it, where one was asked for.
    """

    documents: tuple[Sighting, ...]
    paths: Mapping[str, str]
    quarantined: tuple[QuarantineRow, ...] = ()
    accounts: tuple[DocumentAccount, ...] = ()

    def account_of(self, document: str) -> DocumentAccount | None:
        """Give a document's account; None if there is none."""
        return next((account for account in self.accounts if account.id == document), None)


def ask_document(store: Store, document: str) -> Answer:
    """Answer for one document, by its id, that of a part, or that of a divided text, which stands for all its parts.

    Raises:
        StoreError: A table can't be read.
    """
    found = tuple(with_steps(store, sightings(store, [document])))
    accounts = tuple(_accounts(store, document, found[0].shard)) if found[0].shard else ()
    paths = {text_id(account.id): account.path for account in accounts if account.path}
    return Answer(found, paths, accounts=accounts)


def ask_text(store: Store, key: bytes, path: Path) -> Answer:
    """Answer for the documents that say what a file says, case and white space aside.

    A document keeps its id while its file is edited: a version that read it in other words does not count.

    Raises:
        SourceError: The file can't be read, or holds no text.
        StoreError: A table can't be read.
    """
    marks = marks_of_file(key, path)
    texts = texts_with(store, marks)
    editions = Editions(store, [text.id for text in texts])

    def said(document: str, version: Version) -> bool:
        return editions.may_say(document, version.digests.get("scrub", ""), marks)

    found = sightings(store, [text.id for text in texts], said) if texts else []
    return Answer(tuple(with_steps(store, found)), {text.id: text.path for text in texts})


def ask_source(store: Store, uri: str) -> Answer:
    """Answer for what came from a source, or a file or folder in one, by name, path or URL.

    Raises:
        StoreError: A table can't be read.
    """
    places, texts = find_source(store, uri)
    found = sightings(store, [text.id for text in texts]) if texts else []
    possible = places if texts else sorted({*places, *within(source_names(store), uri)})
    quarantined = tuple(_quarantined(store, possible))
    return Answer(tuple(with_steps(store, found)), {text.id: text.path for text in texts}, quarantined)


def _accounts(store: Store, document: str, shard: str) -> Iterable[DocumentAccount]:
    """Account for a document, or the parts of a text, in the newest corpus that names it."""
    known = {(stage, one.digest): one for stage in _CORPUS for one in reversed(store.manifests(stage))}
    for folders in _corpora(store, known):
        if accounts := list(read_accounts(folders, document=document, shard=shard)):
            return accounts
    return []


def _corpora(store: Store, known: Mapping[tuple[str, str], Manifest]) -> Iterable[dict[str, Path]]:
    """Give the folders of each corpus, the newest first: from a stage's output back to what it was made from."""
    met: set[tuple[str, str]] = set()
    newest = sorted(known, key=lambda which: (-store.committed_at(known[which]), -_CORPUS.index(which[0])))
    for which in newest:
        if which in met:
            continue
        folders: dict[str, Path] = {}
        todo = [which]
        while todo:
            stage, digest = todo.pop()
            manifest = known.get((stage, digest))
            if manifest is not None and stage not in folders:
                folders[stage] = store.folder(stage, manifest.fingerprint)
                todo += [one for one in manifest.inputs.items() if one[0] in _CORPUS]
                met.add((stage, digest))
        yield folders


def _quarantined(store: Store, places: Sequence[Place]) -> Iterable[QuarantineRow]:
    """Give what the newest ingest of each source set aside in these places."""
    left = {source for source, _ in places}
    for manifest in store.manifests("ingest"):
        mine = left & {row["name"] for row in manifest.result.get("sources", ())}
        left -= mine
        folder = store.folder("ingest", manifest.fingerprint) / QUARANTINE_DIR
        for path in sorted(folder.glob("*.parquet")) if mine else ():
            yield from _rows_in(path, [place for place in places if place[0] in mine])


def _rows_in(path: Path, places: Sequence[Place]) -> Iterable[QuarantineRow]:
    chosen = partial(in_places, places=places)
    rows = rows_where(path, ("source", "path"), chosen, tuple(QuarantineRow.__slots__))
    return [QuarantineRow(**row) for row in rows]
