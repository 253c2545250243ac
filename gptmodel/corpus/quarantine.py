"""What could not be read: a closed list of reasons, and the table of what was set aside.

Readers raise or yield one of these reasons instead of failing; `ingest` counts them and writes the table. The table
says where a thing lies (source, path, position) and why it was set aside, never what it holds.
"""

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "unsupported_format",
    "empty",
    "binary",
    "unknown_encoding",
    "damaged_archive",
    "expands_too_much",
    "broken_record",
    "broken_file",
    "no_text_column",
    "too_large",
    "too_deep",
    "unreadable",
]

REASONS: dict[Reason, str] = {
    "unsupported_format": "no reader for a file of this name",
    "empty": "a file or record without text",
    "binary": "bytes that are no text",
    "unknown_encoding": "text in an encoding that could not be told",
    "damaged_archive": "compressed data that ends early or is corrupt",
    "expands_too_much": "compressed data that grows beyond the limits",
    "broken_record": "a record that is no valid JSON, or a row that does not fit its header",
    "broken_file": "a JSON or Parquet file that is not valid as a whole",
    "no_text_column": "the text column is missing, or holds no text",
    "too_large": "a file or record that must be read whole and is larger than the limit",
    "too_deep": "HTML nested more deeply than any page is",
    "unreadable": "the system refused to read the file",
}


class NotTextError(Exception):
    """A file that gives no (more) text; stays inside the corpus room and ends as a row of the quarantine.

    Args:
        reason: Why, in one word of the closed list.
    """

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(REASONS[reason])


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record, or the rest of a file, that was set aside.

    Attributes:
        position: Number of the record in its file, from 1; 0 for the file as a whole.
        reason: Why it was set aside.
    """

    position: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One row of the quarantine's table."""

    source: str
    path: str
    position: int
    reason: Reason
