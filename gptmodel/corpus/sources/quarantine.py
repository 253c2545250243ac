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
    "leaves_folder",
    "link",
    "device",
    "encrypted",
    "nested_archive",
    "repeated_member",
    "overlapping_member",
    "too_many_members",
    "unsafe_xml",
]

REASONS: dict[Reason, str] = {
    "unsupported_format": "no reader for a file of this name, or for the way it is compressed",
    "empty": "a file or record without text",
    "binary": "bytes that are no text",
    "unknown_encoding": "text in an encoding that could not be told",
    "damaged_archive": "compressed data, or an archive, that ends early or is corrupt",
    "expands_too_much": "compressed data that grows beyond the limits",
    "broken_record": "a record that is no valid JSON, or a row that does not fit its header",
    "broken_file": "a JSON, XML, Parquet or Arrow file that is not valid as a whole",
    "no_text_column": "the text column is missing, or holds no text",
    "too_large": "a file or record that must be read whole and is larger than the limit",
    "too_deep": "HTML nested more deeply than any page is",
    "unreadable": "the system refused to read the file",
    "leaves_folder": "a member of an archive whose name leads out of it",
    "link": "a link in an archive",
    "device": "a device, pipe or other special file in an archive",
    "encrypted": "a member of an archive that asks for a password",
    "nested_archive": "an archive in an archive",
    "repeated_member": "a member of an archive with the name of an earlier one",
    "overlapping_member": "a member of an archive that shares its bytes with another",
    "too_many_members": "an archive with more members than the limit; the rest of it was not read",
    "unsafe_xml": "XML whose entities grow without end or lead outside it",
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
        position: Number of the record in its file, from 1; 0 for the file as a whole. In an archive that ends early,
            the number of the member that can't be read.
        reason: Why it was set aside.
    """

    position: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One row of the quarantine's table; the path of an archive's member is ARCHIVE/MEMBER."""

    source: str
    path: str
    position: int
    reason: Reason
