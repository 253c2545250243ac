"""Which documents a question means: by what a file says, or by the source, file or folder they came from.

Read from ingest's index of texts, over every output that the store holds, so that it works after the raw text is gone.
Lineage and erasure requests ask here alike.
"""

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.corpus.arrow_strings import arrow_strings
from gptmodel.corpus.rows import rows_where
from gptmodel.corpus.sources.forgetting import TEXTS_DIR, KnownText, text_mark
from gptmodel.corpus.sources.locations import is_local
from gptmodel.corpus.tables import read_table
from gptmodel.errors import SourceError
from gptmodel.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

Place = tuple[str, str]
"""A source, and a path within it; no path is the whole source."""

_STAGE = "ingest"
_COLUMNS = tuple(KnownText.__slots__)


def texts_in(store: Store, places: Iterable[Place]) -> list[KnownText]:
    """Give the texts that lie in some sources, files or folders, as ingest met them; each once, by id.

    Raises:
        StoreError: An index can't be read.
    """
    wanted = list(places)
    return _texts(store, ("source", "path"), partial(in_places, places=wanted)) if wanted else []


def in_places(table: "pa.Table", places: Sequence[Place]) -> Any:
    """Give as a mask which rows, by their columns `source` and `path`, lie in one of some places, at least one."""
    import pyarrow.compute as pc

    masks = []
    for source, path in places:
        mine = pc.is_in(table["source"], value_set=arrow_strings([source]))
        is_it = pc.is_in(table["path"], value_set=arrow_strings([path]))
        inside = pc.or_(is_it, pc.starts_with(table["path"], f"{path}/"))
        masks.append(pc.and_(mine, inside) if path else mine)
    return reduce(pc.or_, masks)


def texts_with(store: Store, marks: Iterable[str]) -> list[KnownText]:
    """Give the texts that say what one of some marks stands for; each once, by id.

    Raises:
        StoreError: An index can't be read.
    """
    import pyarrow.compute as pc

    wanted = arrow_strings(sorted(marks))
    return _texts(store, ("mark",), lambda table: pc.is_in(table["mark"], value_set=wanted))


def marks_of_file(key: bytes, path: Path) -> frozenset[str]:
    """Give the marks of what the texts of a file say, read as a source's file would be, case and white space aside.

    Raises:
        SourceError: The file can't be read, or holds no text.
    """
    return frozenset(text_mark(key, head) for head in _heads(path))


def known_texts(store: Store) -> Iterator[KnownText]:
    """Give every text that an ingest of the store met; one that several met may come more than once."""
    for path in _indexes(store):
        yield from read_table(path, KnownText)


def find_source(store: Store, uri: str) -> tuple[list[Place], list[KnownText]]:
    """Give the sources, files and folders that a URI names, of all that the store has read, and the texts in them.

    Args:
        store: The home's store.
        uri: A source's name or its path, the path or URL of a file or folder in it, or such a path relative to it, with
            or without the source's name before it.

    Raises:
        StoreError: An index can't be read.
    """
    places: set[Place] = set()
    for name, path in _sources(store):
        if uri in (name, path):
            places.add((name, ""))
        elif (inside := _relative(uri, path)) is not None:
            places.add((name, inside))
    texts = texts_in(store, places)
    if texts or (places and os.path.isabs(uri)):
        return sorted(places), texts
    # The current folder may lie in a source, too, and the path be meant as one within another.
    possible = within(source_names(store), uri)
    texts = texts_in(store, possible)
    return sorted({place for place in possible if any(_lies_in(text, place) for text in texts)} or places), texts


def source_names(store: Store) -> set[str]:
    """Give the names of all sources that the store has read."""
    accounts = [manifest.result.get("sources", ()) for manifest in store.manifests(_STAGE)]
    return {row["name"] for rows in accounts for row in rows}


def within(names: Iterable[str], uri: str) -> list[Place]:
    """Give the places that a path may name in some sources, whether or not the source's name comes first."""
    inner = uri.strip("/")
    plain = [(name, inner) for name in sorted(names)]
    return plain + [(name, inner.removeprefix(f"{name}/")) for name, _ in plain if inner.startswith(f"{name}/")]


def _lies_in(text: KnownText, place: Place) -> bool:
    source, path = place
    return text.source == source and (text.path == path or text.path.startswith(f"{path}/"))


def _texts(store: Store, columns: tuple[str, ...], chosen: Callable[["pa.Table"], Any]) -> list[KnownText]:
    found: dict[str, KnownText] = {}
    for path in _indexes(store):
        for row in rows_where(path, columns, chosen, _COLUMNS):
            found.setdefault(row["id"], KnownText(**row))
    return [found[name] for name in sorted(found)]


def _indexes(store: Store) -> Iterator[Path]:
    """Give the tables of the index, of the newest ingest first, each once: its name tells all that it is made from."""
    met: set[str] = set()
    for manifest in store.manifests(_STAGE):
        for path in sorted((store.folder(_STAGE, manifest.fingerprint) / TEXTS_DIR).glob("*.parquet")):
            if path.name not in met:
                met.add(path.name)
                yield path


def _sources(store: Store) -> set[Place]:
    """Give name and path of every source that an ingest of the store has read."""
    sections: list[dict[str, Any]] = [manifest.section for manifest in store.manifests(_STAGE)]
    sources = [source for section in sections for source in section.get("corpus", {}).get("sources", [])]
    return {(source["name"], source["path"]) for source in sources}


def _relative(uri: str, root: str) -> str | None:
    """Give a path or URL relative to a source's, empty for the source itself; None if it does not lie there."""
    if not is_local(root) or not is_local(uri):
        inside = uri.removeprefix(f"{root.rstrip('/')}/")
        return inside.strip("/") if inside != uri else None
    for canonical in (os.path.abspath, os.path.realpath):  # a link may lead to the source, or the source be one
        path, base = (Path(canonical(os.path.expanduser(one))) for one in (uri, _without_glob(root)))
        if path.is_relative_to(base):
            return "" if path == base else path.relative_to(base).as_posix()
    return None


def _without_glob(root: str) -> str:
    parts = Path(root).parts
    fixed = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return str(Path(*parts[:fixed]))


def _heads(path: Path) -> list[bytes]:
    """Give the beginning of each text in a file, as ingest would read it."""
    from gptmodel.corpus.sources.decoding import tidy
    from gptmodel.corpus.sources.forgetting import beginning_of
    from gptmodel.corpus.sources.formats import read_items
    from gptmodel.corpus.sources.quarantine import Rejected
    from gptmodel.corpus.sources.streams import local_file

    items = list(read_items(local_file(path)))
    heads = [beginning_of(map(tidy, item.chunks))[1] for item in items if not isinstance(item, Rejected)]
    if not any(heads):
        reasons = sorted({item.reason.replace("_", " ") for item in items if isinstance(item, Rejected)})
        raise SourceError(
            expected=f"a file with text at {path}",
            actual=", ".join(reasons) or "no text",
            mend="Give the document as it lies in the source, or its text as a .txt file.",
        )
    return [head for head in heads if head]
