"""What a reader gives: one record for each text, or why there is none."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gptmodel.corpus.sources.quarantine import Rejected
from gptmodel.corpus.sources.streams import Columns

MAX_RECORD_CHARS = 16 * 2**20
"""Longest line of JSON lines, and longest text of a record with columns."""


@dataclass(slots=True)
class Record:
    """One text as a reader found it.

    Attributes:
        chunks: The text in pieces; a file of plain text streams.
        position: Number of the record in its file, from 1; 0 where the file, or the part that `path` names, is it.
        id: Value of the id column as text; None where there is none.
        path: Path within its file, where one file holds several named texts.
    """

    chunks: Iterable[str]
    position: int = 0
    id: str | None = None
    path: str | None = None


Item = Record | Rejected


def record_of(value: Any, position: int, columns: Columns) -> Item:
    """Give the record that a parsed value holds, if it is an object with text in the text column."""
    text = value.get(columns.text) if isinstance(value, dict) else None
    if not isinstance(text, str):
        return Rejected(position, "no_text_column")
    if len(text) > MAX_RECORD_CHARS:
        return Rejected(position, "too_large")
    return Record([text], position, id_text(value.get(columns.id)) if columns.id else None)


def id_text(value: Any) -> str | None:
    """Give the value of an id column as text; None for an empty one."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
