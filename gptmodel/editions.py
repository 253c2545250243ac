"""Whether two corpora held a document in the same words: asked of ingest's index of texts, after the text is gone.

A document keeps its identity while its file is edited. Which of two scrub outputs read the same edition is told by the
marks that ingest left of what each text says. Where a mark is missing nobody can tell, and nothing is ruled out.
"""

from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path

from gptmodel.corpus.documents import text_id
from gptmodel.corpus.rows import rows_of
from gptmodel.corpus.sources.forgetting import TEXTS_DIR
from gptmodel.store import Store

Marks = Mapping[str, Mapping[str, str]]
"""Digest of a scrub output -> identity of a text -> mark of what it says."""


class Editions:
    """The editions in which the scrub outputs of a store read some documents.

    Args:
        store: The home's store.
        documents: Ids of the documents; those of parts stand for the whole text.
    """

    def __init__(self, store: Store, documents: Collection[str]) -> None:
        self._store = store
        self._wanted = {text_id(name) for name in documents}

    def may_agree(self, document: str, one: str, others: Collection[str]) -> bool:
        """Tell whether a scrub output may have read a document as one of some others did.

        Args:
            document: Id of the document.
            one: Digest of the scrub output.
            others: Digests of the others.
        """
        mark = self._mark(one, document)
        return not mark or any(self._mark(other, document) in ("", mark) for other in others)

    def may_say(self, document: str, scrub: str, marks: Collection[str]) -> bool:
        """Tell whether a scrub output may have read a document in words that one of some marks stands for.

        Args:
            document: Id of the document.
            scrub: Digest of the scrub output.
            marks: Marks of what texts say.
        """
        mark = self._mark(scrub, document)
        return not mark or mark in marks

    def _mark(self, scrub: str, document: str) -> str:
        return self._marks.get(scrub, {}).get(text_id(document), "")

    @cached_property
    def _marks(self) -> Marks:
        store = self._store
        tables: dict[str, dict[str, str]] = {}  # by name, which tells all that a table is made from
        texts = {
            one.digest: self._texts(store.folder("ingest", one.fingerprint), tables)
            for one in store.manifests("ingest")
        }
        cleaned = {one.digest: texts.get(one.inputs.get("ingest", ""), {}) for one in store.manifests("clean")}
        return {one.digest: cleaned.get(one.inputs.get("clean", ""), {}) for one in store.manifests("scrub")}

    def _texts(self, folder: Path, tables: dict[str, dict[str, str]]) -> dict[str, str]:
        marks: dict[str, str] = {}
        for path in sorted((folder / TEXTS_DIR).glob("*.parquet")):
            if path.name not in tables:
                tables[path.name] = self._read(path)
            marks |= tables[path.name]
        return marks

    def _read(self, path: Path) -> dict[str, str]:
        return {row["id"]: row["mark"] for row in rows_of(path, ("id", "mark"), self._wanted)}
