"""The raw files behind a version, with their digests and what each gave: ingest's listing beside its index of texts.

The listing stays when text is deleted, so that a file's digest is known after its text is gone.
"""

import json
from collections import Counter
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict

from gptmodel.corpus.sources.forgetting import FORGOTTEN_DIR, TEXTS_DIR
from gptmodel.corpus.sources.listing import LISTING_FILE
from gptmodel.corpus.tables import read_columns

_Place = tuple[str, str]


class RawFile(BaseModel):
    """One file that ingest read."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    source: str
    """Its source."""
    path: str
    """Its path within the source."""
    sha256: str
    """sha256 of its bytes; of what a server says of it, for a file behind a URL; `unreadable` or `unmarked` where
    nothing told it."""
    num_documents: int | None
    """Texts read from it, those that an erasure request left out aside; None where ingest kept no index."""


def read_raw_files(ingest: Path) -> list[RawFile]:
    """List the files that an ingest read, by source and path; none if its listing is gone.

    Args:
        ingest: Folder of the output.
    """
    try:
        listed = json.loads((ingest / LISTING_FILE).read_bytes())
    except (OSError, ValueError):
        return []
    counts = _counts(ingest, {(source, path) for source, files in listed.items() for path in files})
    return [
        RawFile(
            source=source, path=path, sha256=digest,
            num_documents=None if counts is None else counts[source, path],
        )
        for source, files in listed.items() for path, digest in files.items()
    ]  # fmt: skip


def _counts(ingest: Path, listed: set[_Place]) -> Counter[_Place] | None:
    """Count the texts of each file; those of an archive's members are the archive's."""
    if not any((ingest / TEXTS_DIR).glob("*.parquet")):
        return None
    import pyarrow.compute as pc

    texts = read_columns(ingest / TEXTS_DIR, ["id", "source", "path"])
    if any((ingest / FORGOTTEN_DIR).glob("*.parquet")):
        forgotten = read_columns(ingest / FORGOTTEN_DIR, ["id"])["id"].combine_chunks()
        texts = texts.filter(pc.invert(pc.is_in(texts["id"], value_set=forgotten)))
    counts: Counter[_Place] = Counter()
    for row in texts.group_by(["source", "path"]).aggregate([("id", "count")]).to_pylist():
        counts[_file_of(row["source"], row["path"], listed)] += row["id_count"]
    return counts


def _file_of(source: str, path: str, listed: set[_Place]) -> _Place:
    """Give the listed file that a text lies in: itself, or the archive it is a member of."""
    outer = (str(folder) for folder in PurePosixPath(path).parents)
    return next(((source, name) for name in (path, *outer) if (source, name) in listed), (source, path))
