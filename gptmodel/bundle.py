"""The model folder: weights, shape and tokenizer with their digests and the code that loads them, whole in itself.

A folder with `model.safetensors`, `config.json`, `tokenizer.json`, `load.py` and `digests.json` is what is registered,
downloaded, served and copied by hand. Nothing in it is pickled. `tracking` uploads such a folder, `downloads` fetches
one; every load goes through `verify_bundle`, so a changed file never speaks. This room knows no server.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from gptmodel.errors import RegistryError
from gptmodel.served_code import loading_code
from gptmodel.store import FileEntry, file_digest, full_disk_explained, write_synced

BUNDLE_FILES = ("model.safetensors", "config.json", "tokenizer.json")  # without which a folder is no model folder
LOADER = "load.py"
DIGESTS = "digests.json"

# Names come from a downloaded file and become paths: one folder, no way out of it.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Bundle(BaseModel):
    """What a model folder holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    digest: str
    """sha256 of `digests.json`, 64 hex digits; it stands for all files of the folder."""
    files: dict[str, FileEntry]
    """Size and digest of each file, by name."""

    @property
    def num_bytes(self) -> int:
        """Size of all files together."""
        return sum(entry.num_bytes for entry in self.files.values())


class _Digests(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int
    files: dict[str, FileEntry]


def assemble_bundle(folder: Path, *, model_dir: Path, tokenizer_path: Path) -> Bundle:
    """Copy a trained model and its tokenizer into one folder, add the code that loads them, and write the digests.

    The files are copied, not linked: whoever edits a model folder must not reach into the store.

    Args:
        folder: Folder to fill; made if missing.
        model_dir: Folder with `model.safetensors` and `config.json`.
        tokenizer_path: The `tokenizer.json` the model was trained with.

    Raises:
        RegistryError: One of the three files is missing.
        DiskFullError: No space left.
    """
    sources = {name: model_dir / name for name in BUNDLE_FILES} | {"tokenizer.json": tokenizer_path}
    with full_disk_explained(folder.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, source in sources.items():
            _copy(source, folder / name)
    write_synced(folder / LOADER, loading_code())
    return _seal(folder)


def verify_bundle(folder: Path) -> Bundle:
    """Check every file of a model folder against its digest.

    Raises:
        RegistryError: A file is missing, differs or is not named, or the folder has no readable `digests.json`.
    """
    bundle = read_digests(folder / DIGESTS)
    for path in sorted(folder.iterdir()):
        # What Python and file managers leave behind is passed over; no file of a model has such a name.
        if path.name not in {DIGESTS, *bundle.files} and not path.name.startswith((".", "_")):
            raise _damaged(folder, f"{path.name} is not named by {DIGESTS}")
    for name, entry in bundle.files.items():
        path = folder / name
        if not path.is_file():
            raise _damaged(folder, f"{name} is missing")
        if path.stat().st_size != entry.num_bytes or file_digest(path) != entry.sha256:
            raise _damaged(folder, f"{name} was changed")
    return bundle


def read_digests(path: Path) -> Bundle:
    """Read a `digests.json` without looking at the files it names.

    Raises:
        RegistryError: It is missing, unreadable, or names a file outside its folder.
    """
    try:
        digests = _Digests.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise _no_model_folder(path.parent) from error
    if not set(BUNDLE_FILES) <= set(digests.files) or not all(map(_PLAIN_NAME.fullmatch, digests.files)):
        raise _no_model_folder(path.parent)
    return Bundle(digest=file_digest(path), files=digests.files)


def _seal(folder: Path) -> Bundle:
    entries = {name: _entry(folder / name) for name in sorted((*BUNDLE_FILES, LOADER))}
    write_synced(folder / DIGESTS, _as_json(entries))
    return read_digests(folder / DIGESTS)


def _entry(path: Path) -> FileEntry:
    return FileEntry(num_bytes=path.stat().st_size, sha256=file_digest(path))


def _as_json(entries: Mapping[str, FileEntry]) -> str:
    files = {name: entry.model_dump() for name, entry in entries.items()}
    return json.dumps({"schema_version": 1, "files": files}, indent=1, sort_keys=True) + "\n"


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise RegistryError(
            expected=f"a trained model with {', '.join(BUNDLE_FILES)}",
            actual=f"no {source.name} in {source.parent}",
            mend="Train it again: gptmodel run --force train",
        )
    shutil.copyfile(source, target)


def _damaged(folder: Path, what: str) -> RegistryError:
    return RegistryError(
        expected=f"the files of {folder} as registered",
        actual=what,
        mend="Don't use this copy: delete the folder and load the model from the registry again.",
    )


def _no_model_folder(folder: Path) -> RegistryError:
    return RegistryError(
        expected=f"a model folder ({', '.join((*BUNDLE_FILES, DIGESTS))})",
        actual=f"{folder} without a readable {DIGESTS}",
        mend="Give a folder that was registered or downloaded, or a URI such as models:/gpt@champion.",
    )
