"""What the store still holds of forgotten documents: which files, in which outputs, and how many bytes.

Tables over ids, hashes and signatures say nothing of a text and are not counted. Trained models are, with their
tokenizers: they can't be purged of a document, only retired. Whatever an interrupted attempt left counts as a whole,
since nobody can tell.
"""

import contextlib
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gptmodel.corpus.cleaning import DROP_SAMPLES_DIR
from gptmodel.corpus.documents import SHARDS_DIR
from gptmodel.store import MANIFEST, NOTES_DIR, Manifest, Store, is_locked
from gptmodel.tokens import DOCUMENTS_FILE, PackedDocument

if TYPE_CHECKING:
    import pyarrow.compute as pc

PlaceName = Literal[
    "raw text", "scrubbed text", "examples of dropped text", "token files", "samples of trainings",
    "interrupted attempts", "trained models",
]  # fmt: skip

SAMPLES_FILE = "samples.jsonl"
NOT_PURGED: frozenset[PlaceName] = frozenset({"trained models"})

_ID_CHARS = 32  # of a text's identity; that of its parts goes on after it
_TEXT_STAGES: dict[str, PlaceName] = {"ingest": "raw text", "clean": "raw text", "scrub": "scrubbed text"}
# What these stages leave when they are interrupted holds text, tokens or weights.
_ATTEMPTS = (*_TEXT_STAGES, "pack", "train", "register")


@dataclass(frozen=True)
class Remains:
    """One file, or one folder of an interrupted attempt, that holds or may hold something of a document.

    Attributes:
        place: What it is.
        path: The file or folder.
        num_bytes: Its size.
        manifest: Manifest of the output it belongs to; None for an interrupted attempt.
    """

    place: PlaceName
    path: Path
    num_bytes: int
    manifest: Manifest | None = None


def find_remains(store: Store, documents: Collection[str]) -> list[Remains]:
    """Find what the store holds of some documents, given by identity before division; nothing for none."""
    if not documents:
        return []
    return [
        *_texts(store, documents), *_drop_samples(store, documents), *_tokens(store, documents),
        *_of_trainings(store, documents), *_attempts(store, documents),
    ]  # fmt: skip


def packed_parts(folder: Path, documents: Collection[str]) -> list[PackedDocument]:
    """Give where some documents lie in the token files of an output of `pack`."""
    import pyarrow.parquet as pq

    rows = pq.read_table(folder / DOCUMENTS_FILE, filters=_is_of(documents), partitioning=None).to_pylist()
    return [PackedDocument(**row) for row in rows]


def trainings_on(store: Store, documents: Collection[str]) -> list[Manifest]:
    """Give the trainings that were trained on some documents, or watched by them."""
    packs = _packs_of(store, documents)
    return [training for training in store.manifests("train") if training.inputs.get("pack") in packs]


def _packs_of(store: Store, documents: Collection[str]) -> set[str]:
    return {
        pack.digest for pack in store.manifests("pack")
        if packed_parts(store.folder("pack", pack.fingerprint), documents)
    }  # fmt: skip


def drop_samples_of(store: Store, documents: Collection[str]) -> list[Manifest]:
    """Give the outputs of `clean` that keep a scrubbed example of some documents."""
    found = {remains.manifest.digest: remains.manifest for remains in _drop_samples(store, documents)
             if remains.manifest}  # fmt: skip
    return list(found.values())


def token_files(folder: Path, split: str) -> list[Path]:
    """Give the token files of a split in the order of its stream."""
    return sorted(folder.glob(f"{split}-*.bin"))


def _texts(store: Store, documents: Collection[str]) -> Iterator[Remains]:
    holds = _reader(documents)
    for stage, place in _TEXT_STAGES.items():
        yield from _tables(store, stage, SHARDS_DIR, place, holds)


def _drop_samples(store: Store, documents: Collection[str]) -> Iterator[Remains]:
    return _tables(store, "clean", DROP_SAMPLES_DIR, "examples of dropped text", _reader(documents))


def _tables(store: Store, stage: str, table: str, place: PlaceName, holds: Callable[[Path], bool]) -> Iterator[Remains]:
    for manifest in store.manifests(stage):
        folder = store.folder(stage, manifest.fingerprint)
        for name in manifest.files:
            path = folder / name
            if name.startswith(f"{table}/") and path.exists() and holds(path):
                yield Remains(place, path, path.stat().st_size, manifest)


def _reader(documents: Collection[str]) -> Callable[[Path], bool]:
    """Make a check of whether a table has a row of some documents; one that several outputs share is read once."""
    import pyarrow.parquet as pq

    wanted = _is_of(documents)
    known: dict[tuple[int, int], bool] = {}

    def holds(path: Path) -> bool:
        status = path.stat()
        file = status.st_dev, status.st_ino
        if file not in known:
            known[file] = len(pq.read_table(path, columns=["id"], filters=wanted, partitioning=None)) > 0
        return known[file]

    return holds


def _is_of(documents: Collection[str]) -> "pc.Expression":
    """Choose the rows of some documents and of their parts ID.1, ID.2, ..."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pc.utf8_slice_codeunits(pc.field("id"), 0, _ID_CHARS)
    return whole.isin(pa.array(sorted(documents), pa.string()))


def _tokens(store: Store, documents: Collection[str]) -> Iterator[Remains]:
    for manifest in store.manifests("pack"):
        folder = store.folder("pack", manifest.fingerprint)
        rows = packed_parts(folder, documents)
        for split in sorted({row.split for row in rows}):
            for path, stretches in stretches_by_file(folder, [row for row in rows if row.split == split]):
                if stretches and not _is_blank(path, stretches):
                    yield Remains("token files", path, path.stat().st_size, manifest)


def stretches_by_file(folder: Path, rows: list[PackedDocument]) -> Iterator[tuple[Path, list[range]]]:
    """Give for each token file of one split the bytes in it that are of some documents.

    Args:
        folder: Folder of `pack`.
        rows: Where the documents lie; all of one split.
    """
    start = 0
    for path in token_files(folder, rows[0].split):
        size = path.stat().st_size
        inside = (
            range(max(0, 2 * row.start - start), min(size, 2 * (row.start + row.num_tokens) - start)) for row in rows
        )
        yield path, [stretch for stretch in inside if len(stretch)]
        start += size


def _is_blank(path: Path, stretches: list[range]) -> bool:
    with path.open("rb") as file:
        for stretch in stretches:
            file.seek(stretch.start)
            if any(file.read(len(stretch))):
                return False
    return True


def _of_trainings(store: Store, documents: Collection[str]) -> Iterator[Remains]:
    trainings = trainings_on(store, documents)
    for manifest in trainings:
        folder = store.folder("train", manifest.fingerprint)
        if (folder / SAMPLES_FILE).exists() and (folder / SAMPLES_FILE).stat().st_size:
            yield Remains("samples of trainings", folder / SAMPLES_FILE, _size(folder / SAMPLES_FILE), manifest)
        yield from _model_files(folder / "model", manifest)
    tokenizers = {manifest.inputs.get("tokenizer") for manifest in trainings}
    for manifest in store.manifests("tokenizer"):
        if manifest.digest in tokenizers:  # a word that a text repeats may be a token
            yield from _model_files(store.folder("tokenizer", manifest.fingerprint), manifest)
    digests = {manifest.digest for manifest in trainings}
    for manifest in store.manifests("register"):
        if manifest.inputs.get("train") in digests:
            yield from _model_files(store.folder("register", manifest.fingerprint) / "bundle", manifest)


def _model_files(folder: Path, manifest: Manifest) -> Iterator[Remains]:
    for path in sorted(folder.glob("*")):
        if path.is_file() and path.name != MANIFEST:
            yield Remains("trained models", path, path.stat().st_size, manifest)


def _attempts(store: Store, documents: Collection[str]) -> Iterator[Remains]:
    """Give what interrupted attempts left; one that a living process works on is not interrupted."""
    packs = _packs_of(store, documents)
    for stage in _ATTEMPTS:
        folders = [path for end in ("partial", "old") for path in (store.root / stage).glob(f"*.{end}")]
        for folder in folders:
            is_free = not is_locked(folder.with_suffix(".lock"))
            if is_free and (stage != "train" or packs & _packs_read(folder) or not _packs_read(folder)):
                yield Remains("interrupted attempts", folder, _size(folder))


def _packs_read(attempt: Path) -> set[str]:
    """Give the digests of the token files that an interrupted training's checkpoints were made with."""
    found = set()
    for path in attempt.glob(f"{NOTES_DIR}/checkpoints/*/checkpoint.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found.add(str(json.loads(path.read_bytes())["facts"]["inputs"]["pack"]))
    return found


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [inner for inner in path.rglob("*") if inner.is_file()]
    return sum(file.stat().st_size for file in files)
