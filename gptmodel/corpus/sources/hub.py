"""Data sets as streams by the library `datasets`: `dataset:OWNER/NAME` of its hub, `dataset:FOLDER` of this machine.

Nothing is downloaded as a whole, no text is kept on disk, and no code of a data set is run: the library knows data
files alone. A stream that fails ends the run with an error, since what was read half is no text. A damaged record
costs the rest of the stream, for the library reads its files in pieces of many records; where that matters, name the
files themselves (hf://datasets/OWNER/NAME/...). Called by listing, locations, reading and survey.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gptmodel.config import SourceConfig
from gptmodel.corpus.sources.quarantine import Rejected
from gptmodel.corpus.sources.records import Item, record_of
from gptmodel.corpus.sources.streams import Columns
from gptmodel.errors import SourceError

_PREFIX = "dataset:"


def is_dataset(path: str) -> bool:
    """Tell whether a source's path names a data set.

    Example:
        >>> is_dataset("dataset:roneneldan/TinyStories"), is_dataset("/texts")
        (True, False)
    """
    return path.startswith(_PREFIX)


def stream_path(source: SourceConfig) -> str:
    """Give the path of a data set's documents within their source: SUBSET/SPLIT, or SPLIT."""
    return f"{source.subset}/{source.split}" if source.subset else source.split


def folder_of(source: SourceConfig) -> Path | None:
    """Give the folder of a data set that lies on this machine; None for one of the hub."""
    folder = Path(os.path.abspath(os.path.expanduser(source.path.removeprefix(_PREFIX))))
    return folder if folder.is_dir() else None


def mark_of(source: SourceConfig) -> list[Any] | None:
    """Give what tells a data set of the hub from another one; None without a revision: it may change at any time."""
    return [source.path, source.subset, source.split, source.revision] if source.revision else None


def read_dataset(source: SourceConfig) -> Iterator[Item]:
    """Read a data set's records in their order.

    Raises:
        SourceError: It can't be opened, or the stream fails.
    """
    columns = Columns(source.text_column, source.id_column)
    stream = _open(source)
    names = stream.column_names
    if names is not None:
        if columns.text not in names:
            yield Rejected(0, "no_text_column")
            return
        # The others may be pictures or sound, which are costly to decode.
        stream = stream.select_columns([name for name in (columns.text, columns.id) if name in names])
    position = 0
    try:
        for row in stream:
            position += 1
            yield record_of(row, position, columns)
    except SourceError:
        raise
    except ValueError:  # what is read is no valid table; among these are pyarrow's and json's errors
        yield Rejected(position + 1, "broken_file")
    except Exception as error:
        raise _failed(source, error) from error


def first_rows(source: SourceConfig, num_rows: int) -> list[dict[str, Any]]:
    """Read the first records of a data set as they stand.

    Raises:
        SourceError: It can't be opened, or the stream fails.
    """
    stream = _open(source)
    try:
        return list(stream.take(num_rows))
    except Exception as error:
        raise _failed(source, error) from error


def _open(source: SourceConfig) -> Any:
    import datasets

    datasets.disable_progress_bars()
    folder = folder_of(source)
    name = source.path.removeprefix(_PREFIX) if folder is None else os.fspath(folder)
    if "/" not in name:  # a bare name may be one of the library's formats, read from whatever lies in this folder
        raise SourceError(
            expected=f"OWNER/NAME of a data set, or a folder that is there (source {source.name})",
            actual=repr(name),
            mend="Look its full name up on the hub, as Salesforce/wikitext.",
        )
    try:
        return datasets.load_dataset(
            name, source.subset, split=source.split, revision=None if folder else source.revision, streaming=True
        )
    except Exception as error:  # the library raises what its parts raise: of files, of the network, of names
        raise _failed(source, error) from error


def _failed(source: SourceConfig, error: Exception) -> SourceError:
    words = str(error).partition("\n")[0][:200]
    return SourceError(
        expected=f"the data set {source.path.removeprefix(_PREFIX)!r}, split {source.split!r} (source {source.name})",
        actual=f"{type(error).__name__}: {words}",
        mend="Check its name, subset, split and revision, and the network; without one, name a folder: dataset:FOLDER.",
    )
