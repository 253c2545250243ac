"""Which documents ingest leaves out because an erasure request says so, and the index by which it knows them again.

A mark is a keyed hash: of a document's identity, of what a text says, or of the place it came from. The index lists the
documents of each shard, left out or not, with the mark of their text; it lies among ingest's notes, for the key is the
home's own. By it a document is found under another name after its text is gone, and only the shards that a request
touches are read again. Called by reading and the stage; `gptmodel.erasure` makes the marks.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

from gptmodel.corpus.tables import read_table
from gptmodel.keys import keyed_hash
from gptmodel.store import NOTES_DIR, digest_of

FORGOTTEN = "forgotten"
"""Why a document is left out, in every account."""
FORGOTTEN_DIR = "forgotten"
TEXTS_DIR = f"{NOTES_DIR}/texts"

HEAD_BYTES = 100_000
"""A text is known by this many bytes of its beginning, white space aside: more of a long one is not held."""

_ASCII_SPACE = bytes(code for code in range(128) if chr(code).isspace())


@dataclass(frozen=True, slots=True)
class KnownText:
    """One text that ingest met; a row of the index.

    Attributes:
        id: The document's identity, before division.
        source: Its source.
        path: Its path within the source.
        mark: Mark of what it says.
    """

    id: str
    source: str
    path: str
    mark: str


@dataclass(frozen=True, slots=True)
class ForgottenRow:
    """One document that was left out; where it lay is not kept, for a name may tell of a person.

    Attributes:
        id: The document's identity, before division.
        source: Its source.
    """

    id: str
    source: str


@dataclass(frozen=True)
class ErasureMarks:
    """What ingest leaves out; without marks it leaves nothing out and keeps the index only.

    Attributes:
        key: The home's key, which the marks are made with.
        documents: Marks of documents.
        texts: Marks of what texts say.
        places: Marks of sources, and of files and folders within them.
    """

    key: bytes = field(repr=False)
    documents: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Tell whether anything is to be left out."""
        return bool(self.documents or self.texts or self.places)

    @property
    def digest(self) -> str:
        """Digest of all marks."""
        return digest_of([sorted(marks) for marks in (self.documents, self.texts, self.places)])

    def covers(self, text: KnownText) -> bool:
        """Tell whether a document is to be left out."""
        return (
            text.mark in self.texts
            or (bool(self.documents) and document_mark(self.key, text.id) in self.documents)
            or (bool(self.places) and not self.places.isdisjoint(_place_marks(self.key, text.source, text.path)))
        )


def document_mark(key: bytes, document: str) -> str:
    """Give the mark of a document, by its identity before division."""
    return keyed_hash(key, "document", document)


def text_mark(key: bytes, head: bytes) -> str:
    """Give the mark of what a text says, by its beginning as `beginning_of` gives it."""
    return keyed_hash(key, "text", sha256(head).hexdigest())


def place_mark(key: bytes, source: str, path: str = "") -> str:
    """Give the mark of a file or folder within a source; without a path, of the whole source."""
    return keyed_hash(key, "place", source, path)


def beginning_of(parts: Iterable[str]) -> tuple[list[str], bytes]:
    """Take so many parts of a text that its mark can be made.

    Args:
        parts: The text in pieces of any length; no more of them are taken than are needed.

    Returns:
        The parts taken; and what they say: at most HEAD_BYTES bytes of UTF-8, without white space and capital letters
        as far as these are ASCII, so that it does not matter how the text was divided or its lines were broken.
    """
    taken: list[str] = []
    head = bytearray()
    for part in parts:
        taken.append(part)
        head += part.encode().translate(None, _ASCII_SPACE).lower()
        if len(head) >= HEAD_BYTES:
            break
    return taken, bytes(head[:HEAD_BYTES])


def index_name(shard: str, made_from: str, key: bytes) -> str:
    """Give the name of a shard's index within a folder of ingest.

    Args:
        shard: Name of the shard.
        made_from: Digest of all that its documents follow from.
        key: The home's key; with another one, it is another index.
    """
    return f"{TEXTS_DIR}/{shard}-{keyed_hash(key, 'index', made_from)[:16]}.parquet"


def take_over(path: Path, earlier: Sequence[Path]) -> bool:
    """Copy a shard's index from the first of the earlier folders that has it; tell whether it is there now."""
    if path.exists():
        return True
    for folder in earlier:
        old = folder / TEXTS_DIR / path.name
        if old.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(old, path)
            return True
    return False


def left_out(marks: ErasureMarks, index: Path) -> list[str]:
    """Give the documents of a shard that are left out, by its index."""
    return sorted({text.id for text in read_table(index, KnownText) if marks.covers(text)})


def _place_marks(key: bytes, source: str, path: str) -> Iterator[str]:
    for folder in ("", *accumulate(path.split("/"), lambda outer, name: f"{outer}/{name}")):
        yield place_mark(key, source, folder)
