"""The folder of the evidence, written as a whole: beside its place first, then renamed into it.

`SHA256SUMS` names every other file with its digest, as `sha256sum -c` reads it. A folder that is there already is
replaced only if it holds an earlier evidence and nothing else.
"""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gptmodel.errors import ConfigError, StoreError
from gptmodel.evidence.account import SCHEMA, Evidence
from gptmodel.evidence.page import write_evidence_page
from gptmodel.store import data_files, entry_of, file_digest, full_disk_explained, write_synced

PAGE, RECORD, SUMS = "index.html", "evidence.json", "SHA256SUMS"


@dataclass(frozen=True)
class Attachment:
    """A file that is copied into the folder.

    Attributes:
        path: The file.
        what: What it is, in a few words.
    """

    path: Path
    what: str


@dataclass(frozen=True)
class Folder:
    """A folder of evidence that was written.

    Attributes:
        path: The folder.
        num_files: Files in it.
        digest: sha256 of its `SHA256SUMS`, which stands for all of them.
    """

    path: Path
    num_files: int
    digest: str


def write_folder(
    path: Path, evidence: Evidence, attachments: Mapping[str, Attachment], missing: Sequence[str] = ()
) -> Folder:
    """Write the folder; the same evidence and attachments give the same bytes.

    Args:
        path: The folder; made with its parents, readable by its owner only.
        evidence: What there is to tell.
        attachments: Files to copy, by their name in the folder.
        missing: What would have been copied and is not there, a few words each.

    Raises:
        ConfigError: The folder holds something other than an earlier evidence.
        StoreError: It can't be written.
        DiskFullError: No space left.
    """
    path = path.expanduser().absolute()
    refuse_other_content(path)
    with _beside(path) as partial:
        for name, attachment in attachments.items():
            (partial / name).parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(attachment.path, partial / name)
        copies = {name: entry_of(partial / name) for name in sorted(attachments)}
        evidence = evidence.model_copy(update={"copies": copies})
        told = {name: attachment.what for name, attachment in attachments.items()}
        write_evidence_page(partial / PAGE, evidence, told, missing)
        write_synced(partial / RECORD, evidence.model_dump_json(indent=1) + "\n")
        digests = {name: file_digest(file) for name, file in data_files(partial)}
        write_synced(partial / SUMS, "".join(f"{digest}  {name}\n" for name, digest in digests.items()))
        _put(partial, path)
    return Folder(path, len(digests) + 1, file_digest(path / SUMS))


def refuse_other_content(path: Path) -> None:
    """Refuse a place that holds something which an earlier evidence did not put there.

    Raises:
        ConfigError: It does, or it is no folder.
    """
    if not path.exists():
        return
    if not path.is_dir() or path.is_symlink():
        raise _other(path, "something that is no folder")
    found = {name.relative_to(path).as_posix() for name in path.rglob("*") if not name.is_dir()}
    if not found:
        return
    strange = sorted(found - _named_files(path))
    if strange:
        raise _other(path, f"{strange[0]} in it{f' and {len(strange) - 1} more' if len(strange) > 1 else ''}")


def _named_files(path: Path) -> set[str]:
    """Give the files that an evidence folder says it holds; none if it is not one."""
    try:
        lines = (path / SUMS).read_text(encoding="utf-8").splitlines()
        is_ours = json.loads((path / RECORD).read_bytes())["schema_name"] == SCHEMA
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {line.partition("  ")[2] for line in lines} | {SUMS} if is_ours else set()


def _other(path: Path, actual: str) -> ConfigError:
    return ConfigError(
        expected=f"a new or empty folder, or an earlier evidence and nothing else, at {path}",
        actual=actual, mend="Name another folder, or move what is there.",
    )  # fmt: skip


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Give an owner-only folder in the same file system; it is gone afterwards, whatever happens."""
    try:
        with full_disk_explained(path.parent):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
            try:
                yield partial
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            expected=f"a folder that this user may write at {path}", actual=error.strerror or "an error",
            mend="Name another folder: --output DIR.",
        ) from None  # fmt: skip


def _put(partial: Path, path: Path) -> None:
    """Rename the new folder into its place; the old one leaves only when its successor is whole."""
    old = partial.with_suffix(".old")
    if path.exists():
        path.rename(old)
    partial.rename(path)
    shutil.rmtree(old, ignore_errors=True)
