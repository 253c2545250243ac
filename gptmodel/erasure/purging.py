"""Delete what the store holds of forgotten documents, so that no byte of their text or tokens is left in it.

Shards of text are written again without the documents, their tokens are overwritten by the end-of-document token, what
a training said along the way is emptied, interrupted attempts are deleted. An output that was rewritten keeps its
identity: its manifest tells the files' present sizes and digests, and which requests they were purged for. Every step
can be repeated: a purge that was interrupted is finished by the same command. Trained models are not changed.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gptmodel.corpus.cleaning import DropSample
from gptmodel.corpus.documents import SHARDS_DIR, read_shard, text_id, write_shard
from gptmodel.corpus.tables import read_table, write_table
from gptmodel.erasure.remains import Remains, find_remains, packed_parts, stretches_by_file
from gptmodel.erasure.requests import Purge
from gptmodel.store import Manifest, Store

# Token 0 ends a document in every tokenizer of ours (gptmodel.tokenizer).
_END_OF_DOCUMENT = b"\0\0"


@dataclass(frozen=True)
class _Rewritten:
    """A file that takes another's place once the manifest knows it."""

    name: str
    path: Path
    num_bytes_gone: int


def purge(
    store: Store, documents: Collection[str], request: str, today: date, copies: Collection[Path] = ()
) -> Purge:  # fmt: skip
    """Delete what the store holds of some documents.

    Args:
        store: The home's store; nobody else writes or reads it meanwhile.
        documents: The documents, by identity before division.
        request: Id of the request, noted in the manifests of what is rewritten.
        today: The day, for the record.
        copies: Files outside the stages' data that are deleted too, such as pages with samples.
    """
    # What tells which copies there are is rewritten below, so that these go first.
    deleted = _delete(copies)
    found = find_remains(store, documents)
    deleted += [_delete_folder(remains) for remains in found if remains.place == "interrupted attempts"]
    rewritten = [
        one for manifest, its in _by_output(found)
        for one in _rewrite_output(store, manifest, its, documents, request)
    ]  # fmt: skip
    return Purge(
        purged=today, num_files_rewritten=len(rewritten), num_files_deleted=len(deleted),
        num_bytes=sum(deleted) + sum(one.num_bytes_gone for one in rewritten),
    )  # fmt: skip


def _delete(paths: Iterable[Path]) -> list[int]:
    """Delete files, and give the sizes of those that were there."""
    sizes = []
    for path in sorted(set(paths)):
        if path.exists():
            sizes.append(path.stat().st_size)
            path.unlink()
    return sizes


def _delete_folder(remains: Remains) -> int:
    shutil.rmtree(remains.path)
    return remains.num_bytes


def _by_output(found: Iterable[Remains]) -> list[tuple[Manifest, list[Path]]]:
    """Put the files that can be rewritten together by output."""
    outputs: defaultdict[tuple[str, str], list[Path]] = defaultdict(list)
    manifests: dict[tuple[str, str], Manifest] = {}
    for remains in found:
        if remains.manifest is not None and remains.place != "trained models":
            address = remains.manifest.stage, remains.manifest.fingerprint
            outputs[address].append(remains.path)
            manifests[address] = remains.manifest
    return [(manifests[address], paths) for address, paths in outputs.items()]


def _rewrite_output(
    store: Store, manifest: Manifest, paths: list[Path], documents: Collection[str], request: str
) -> list[_Rewritten]:
    folder = store.folder(manifest.stage, manifest.fingerprint)
    rewritten = [_rewrite(folder, path, documents) for path in paths]
    store.replace_files(manifest, {one.name: one.path for one in rewritten}, request)
    return rewritten


def _rewrite(folder: Path, path: Path, documents: Collection[str]) -> _Rewritten:
    """Write a file without some documents beside it; a dot begins its name, so that nobody takes it for data."""
    name, beside = path.relative_to(folder).as_posix(), path.with_name(f".{path.name}.purged")
    if path.suffix == ".bin":
        gone = _blank_tokens(folder, path, beside, documents)
    elif path.suffix == ".jsonl":
        beside.write_bytes(b"")
        gone = path.stat().st_size
    else:
        _write_without(path, beside, documents)
        gone = max(0, path.stat().st_size - beside.stat().st_size)
    return _Rewritten(name, beside, gone)


def _write_without(path: Path, beside: Path, documents: Collection[str]) -> None:
    if path.parent.name == SHARDS_DIR:
        write_shard(beside, (one for one in read_shard(path) if text_id(one.id) not in documents))
    else:
        write_table(
            beside, DropSample, (one for one in read_table(path, DropSample) if text_id(one.id) not in documents)
        )


def _blank_tokens(folder: Path, path: Path, beside: Path, documents: Collection[str]) -> int:
    rows = packed_parts(folder, documents)
    split = path.name.partition("-")[0]
    stretches = dict(stretches_by_file(folder, [row for row in rows if row.split == split]))[path]
    shutil.copyfile(path, beside)
    with beside.open("r+b") as file:
        for stretch in stretches:
            file.seek(stretch.start)
            file.write(_END_OF_DOCUMENT * (len(stretch) // len(_END_OF_DOCUMENT)))
        file.flush()
        os.fsync(file.fileno())
    return sum(map(len, stretches))
