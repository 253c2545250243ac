"""Content-addressed stage outputs: the only truth about what is done.

A stage writes into `<store>/<stage>/<fingerprint>.partial/` under a lock; the manifest is written and synced there
last, and the rename to `<fingerprint>/` is the commit. Whatever is not committed never counts as done. Files under
`notes/` (times, logs, the config) lie beside the data and outside its digest. Flows call this room; stages only see
the `Workspace` they write into and the `Output`s they read.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, TypeVar

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from gptmodel.errors import DiskFullError, StoreBusyError, StoreError

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
NOTES_DIR = "notes"
LAST_USED = "last-used"
"""Empty file among an output's notes: its time says when a run last found the output and went on with it."""
# Shards of documents: the only data that is deleted by policy while the manifest stays.
TEXT_DIR = "shards"

Result = TypeVar("Result", bound=BaseModel)


class FileEntry(BaseModel):
    """Size and digest of one data file of a stage's output."""

    model_config = ConfigDict(frozen=True)

    num_bytes: int
    sha256: str


class Manifest(BaseModel):
    """What a committed stage made, from what, and with which settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    stage: str
    fingerprint: str
    code_version: str
    section: dict[str, Any]
    inputs: dict[str, str]
    digest: str
    files: dict[str, FileEntry]
    result: dict[str, Any]
    released: bool = False
    purged: tuple[str, ...] = ()
    """Erasure requests that documents were taken out of the files for: the files are as `files` says, while `digest`
    stays that of what the stage made, which later outputs were made from."""


class Output(BaseModel):
    """A finished stage's output as it travels between tasks: small, frozen, never data.

    Attributes:
        stage: Name of the stage.
        fingerprint: Address of the output within its stage.
        digest: Digest of the data made, which the fingerprints of later stages contain.
        result: The stage's account (counts, ratios, decisions) as JSON values.
    """

    model_config = ConfigDict(frozen=True)

    stage: str
    fingerprint: str
    digest: str
    result: dict[str, Any]

    def read(self, kind: type[Result]) -> Result:
        """Give the account as the stage's own record."""
        return kind.model_validate(self.result)


class Workspace:
    """The partial folder a stage writes into, and the inputs it reads.

    Attributes:
        path: Folder for the data files; every file in it but `notes/` is part of the output's digest.
        notes: Folder for what depends on clock or machine.
        inputs: Folders of the stages it reads, by stage name.
        code_version: Code version of the stage.
        earlier: Folders of earlier outputs of the stage, whose parts may be taken over.
        wanted: Files of text that must lie in the folder; others may be such as were deleted by policy.
        restore: Makes deleted text of an input again, by stage and file names.
    """

    def __init__(
        self, path: Path, inputs: Mapping[str, Path], *, code_version: str = "", earlier: Sequence[Path] = (),
        wanted: Collection[str] = (), restore: Callable[[str, list[str]], None] | None = None,
    ) -> None:  # fmt: skip
        self.path = path
        self.inputs = dict(inputs)
        self.code_version = code_version
        self.earlier = tuple(earlier)
        self.wanted = wanted
        self.restore = restore

    @property
    def notes(self) -> Path:
        """Folder beside the data for times, logs and the config, made on first use."""
        folder = self.path / NOTES_DIR
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def is_wanted(self, name: str) -> bool:
        """Tell whether a file of text must lie in the folder, even if an equal one was deleted by policy."""
        return name in self.wanted

    def ensure_text(self, stage: str, names: Sequence[str]) -> None:
        """Make sure that files of an input's text are there, where they were deleted by policy.

        Raises:
            StoreError: A file is missing and nobody can make it again.
        """
        missing = [name for name in names if not (self.inputs[stage] / name).exists()]
        if missing and self.restore is None:
            raise StoreError(
                expected=f"the text of {stage}",
                actual=f"{len(missing)} files that were deleted after scrubbing",
                mend=f"Compute it again: gptmodel run --force '{stage}'",
            )
        if missing and self.restore is not None:
            self.restore(stage, missing)

    def clear(self) -> None:
        """Remove what an interrupted attempt left; a stage that can't go on from it calls this first."""
        for child in self.path.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()


class Store:
    """All stage outputs of one home."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, stage: str, fingerprint: str) -> Path:
        """Give the folder of a committed output."""
        return self.root / stage.replace(" ", "-") / fingerprint

    def path_of(self, output: Output) -> Path:
        """Give the folder of an output that travelled as a record."""
        return self.folder(output.stage, output.fingerprint)

    def find(self, stage: str, fingerprint: str) -> Manifest | None:
        """Give the manifest of a committed, undamaged output, else None."""
        folder = self.folder(stage, fingerprint)
        manifest = self.read_manifest(folder)
        return None if manifest is None or damage(folder, manifest) else manifest

    def read_manifest(self, folder: Path) -> Manifest | None:
        """Read a folder's manifest; None if there is none or it can't be read."""
        try:
            return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        except (OSError, ValidationError):
            return None

    def manifests(self, stage: str) -> list[Manifest]:
        """List a stage's committed manifests, newest first."""
        files = (self.root / stage.replace(" ", "-")).glob(f"[0-9a-f]*/{MANIFEST}")
        paths = [path for path in files if "." not in path.parent.name]
        found = [self.read_manifest(path.parent) for path in sorted(paths, key=_age)]
        return [manifest for manifest in found if manifest is not None]

    def committed_at(self, manifest: Manifest) -> float:
        """Give when an output was committed, seconds since the epoch; 0 if it is gone."""
        return -_age(self.folder(manifest.stage, manifest.fingerprint) / MANIFEST)

    @contextlib.contextmanager
    def writing(
        self, stage: str, fingerprint: str, inputs: Mapping[str, Output], *, code_version: str = "",
        reuse: bool = True, wanted: Collection[str] = (),
        restore: Callable[[str, list[str]], None] | None = None,
    ) -> Iterator[Workspace]:  # fmt: skip
        """Open a stage's partial folder under its lock; an interrupted attempt's folder is taken over.

        Args:
            stage: Name of the stage.
            fingerprint: Address of the output.
            inputs: What it reads, by stage name.
            code_version: Code version of the stage.
            reuse: Whether parts of earlier outputs, and of an interrupted attempt, may be taken over.
            wanted: See `Workspace`.
            restore: See `Workspace`.

        Raises:
            StoreBusyError: Another living process computes the same output.
            StoreError: A file of an input is not what was committed.
            DiskFullError: The disk ran full meanwhile.
        """
        partial = self.folder(stage, fingerprint).with_suffix(".partial")
        with full_disk_explained(self.root):
            partial.parent.mkdir(parents=True, exist_ok=True)
            with _locked(partial.with_suffix(".lock")):
                for output in inputs.values():
                    folder = self.path_of(output)
                    if manifest := self.read_manifest(folder):
                        verify(folder, manifest)
                partial.mkdir(mode=0o700, exist_ok=True)
                earlier = [self.folder(stage, old.fingerprint) for old in self.manifests(stage)] if reuse else []
                work = Workspace(
                    partial, {name: self.path_of(output) for name, output in inputs.items()},
                    code_version=code_version, earlier=earlier, wanted=wanted, restore=restore,
                )  # fmt: skip
                if not reuse:
                    work.clear()
                yield work

    def commit(self, work: Workspace, manifest: Manifest) -> Output:
        """Write and sync the manifest, then rename the folder: from here on the stage is done."""
        target = work.path.with_suffix("")
        write_synced(work.path / MANIFEST, manifest.model_dump_json(indent=1))
        if target.exists():
            # Damaged, forced or released: the old folder leaves only when its successor is whole.
            old = target.with_suffix(".old")
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
        work.path.rename(target)
        sync(target.parent)
        shutil.rmtree(target.with_suffix(".old"), ignore_errors=True)
        return output_of(manifest)

    def replace_files(self, manifest: Manifest, files: Mapping[str, Path], request: str) -> None:
        """Put other files in place of some of a committed output's, which keeps its fingerprint and digest.

        The manifest is written first: if the process dies in between, the output counts as damaged until the call is
        repeated.

        Args:
            manifest: The output's manifest.
            files: The files that take their place, by name; they lie in the same file system.
            request: Id of the erasure request that they are replaced for.
        """
        folder = self.folder(manifest.stage, manifest.fingerprint)
        entries = {name: entry_of(path) for name, path in files.items()}
        purged = tuple(sorted({*manifest.purged, request}))
        changed = manifest.model_copy(update={"files": {**manifest.files, **entries}, "purged": purged})
        for path in files.values():
            sync(path)
        times = (folder / MANIFEST).stat()
        write_synced(folder / MANIFEST, changed.model_dump_json(indent=1))
        # Which output of a stage is its newest is told by when it was made.
        os.utime(folder / MANIFEST, ns=(times.st_atime_ns, times.st_mtime_ns))
        for name, path in files.items():
            path.replace(folder / name)
            sync((folder / name).parent)

    def mark_used(self, output: Output) -> None:
        """Note that a run found an output and goes on with it; what is used last is what the next run wants."""
        with contextlib.suppress(OSError):
            notes = self.path_of(output) / NOTES_DIR
            notes.mkdir(mode=0o700, exist_ok=True)
            (notes / LAST_USED).touch(mode=0o600)

    def discard(self, path: Path) -> None:
        """Delete an output's folder, or what an interrupted attempt left of one.

        It loses its name first and its manifest next, so that nothing half deleted is ever taken for an output, and
        is found again by its name `.old` where this is interrupted.

        Raises:
            StoreBusyError: A living process works on that output.
            OSError: A file can't be deleted.
        """
        old = path.with_suffix(".old")
        with _locked(path.with_suffix(".lock")):
            if path != old and path.exists():
                if old.exists():
                    shutil.rmtree(old)
                path.rename(old)
                sync(path.parent)
            if old.exists():
                (old / MANIFEST).unlink(missing_ok=True)
                shutil.rmtree(old)

    def release(self, output: Output) -> int:
        """Delete the documents' text of an output but keep its manifest, marked `released`; return the bytes freed."""
        folder = self.path_of(output)
        manifest = self.read_manifest(folder)
        if manifest is None:
            return 0
        if not manifest.released:
            # Marked first: after a crash in between, the leftover files are deleted by the next call.
            released = manifest.model_copy(update={"released": True})
            write_synced(folder / MANIFEST, released.model_dump_json(indent=1))
        return _remove_text(folder)


def _remove_text(folder: Path) -> int:
    freed = 0
    for path in (folder / TEXT_DIR).glob("*"):
        freed += path.stat().st_size
        path.unlink()
    return freed


def seal(work: Workspace, *, stage: str, fingerprint: str, code_version: str, section: dict[str, Any],
         inputs: Mapping[str, str], result: BaseModel, absent: Mapping[str, FileEntry] | None = None,
         ) -> Manifest:  # fmt: skip
    """Digest a workspace's data files into the manifest that commits them.

    Args:
        work: The folder.
        stage: Name of the stage.
        fingerprint: Address of the output.
        code_version: Code version of the stage.
        section: Settings that shaped it.
        inputs: Digests of what it read, by name.
        result: The stage's account.
        absent: Text that belongs to the output but was deleted by policy, so that it need not be made.
    """
    present = {name: entry_of(path) for name, path in data_files(work.path)}
    for name in present:
        sync(work.path / name)
    files = dict(sorted({**(absent or {}), **present}.items()))
    account = result.model_dump(mode="json")
    # Times, speeds and where an attempt was resumed stand under `runtime`: part of the account, not of the output.
    lasting = {key: value for key, value in account.items() if key != "runtime"}
    body = {"files": {name: entry.sha256 for name, entry in files.items()}, "result": lasting}
    return Manifest(
        stage=stage, fingerprint=fingerprint, code_version=code_version, section=section, inputs=dict(inputs),
        digest=digest_of(body), files=files, result=account, released=bool(absent),
    )  # fmt: skip


def output_of(manifest: Manifest) -> Output:
    """Give the record that travels between tasks for a committed stage."""
    return Output(
        stage=manifest.stage, fingerprint=manifest.fingerprint, digest=manifest.digest, result=manifest.result
    )


def damage(folder: Path, manifest: Manifest) -> str | None:
    """Say what is wrong with a committed output: a file missing or of another size; None if nothing is."""
    for name, entry in manifest.files.items():
        if manifest.released and name.startswith(f"{TEXT_DIR}/") and not (folder / name).exists():
            continue
        try:
            size = (folder / name).stat().st_size
        except OSError:
            return f"{name} is missing"
        if size != entry.num_bytes:
            return f"{name} has {size} bytes, not {entry.num_bytes}"
    return None


def verify(folder: Path, manifest: Manifest) -> None:
    """Check that an output's data files are, byte for byte, those that were committed; deleted text is passed over.

    Raises:
        StoreError: A file differs from what was committed.
    """
    for name, entry in manifest.files.items():
        if manifest.released and name.startswith(f"{TEXT_DIR}/") and not (folder / name).exists():
            continue
        if file_digest(folder / name) != entry.sha256:
            raise StoreError(
                expected=f"{name} as committed by {manifest.stage}",
                actual="another digest",
                mend=f"Compute it again: gptmodel run --force '{manifest.stage}'",
            )


def digest_of(value: Any) -> str:
    """Give the sha256 of a JSON value in canonical form, 64 hex digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """Give the sha256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_synced(path: Path, text: str) -> None:
    """Write a small text file so that after a crash it is either the old one or the new one, owner-only."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with full_disk_explained(path.parent), _opened(partial) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _opened(path: Path) -> TextIO:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8")


@contextlib.contextmanager
def full_disk_explained(where: Path) -> Iterator[None]:
    """Turn the system's 'no space left' into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(where if where.exists() else Path.cwd()).free
        raise DiskFullError(
            expected=f"free disk space under {where}",
            actual=f"{free // 2**20} MiB free, not enough for this stage",
            mend="Free some space and type the same command again: it goes on where it stopped.",
        ) from error


def entry_of(path: Path) -> FileEntry:
    """Give a file's size and digest."""
    return FileEntry(num_bytes=path.stat().st_size, sha256=file_digest(path))


def data_files(folder: Path, only: Callable[[Path], bool] | None = None) -> list[tuple[str, Path]]:
    """List the files of an output that its digest is made of, by name relative to its folder, in order.

    Args:
        folder: The output's folder.
        only: Chooses among them; None takes all.
    """
    paths = (path for path in folder.rglob("*") if path.is_file() and (only is None or only(path)))
    named = [(path.relative_to(folder).as_posix(), path) for path in paths]
    # A dot-file is a temporary one that a killed attempt left.
    return sorted(
        (name, path) for name, path in named
        if name != MANIFEST and not name.startswith(f"{NOTES_DIR}/") and not path.name.startswith(".")
    )  # fmt: skip


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file's lock; the system gives it back whenever the process ends, however it ends."""
    with _acquired(path) as file:
        me = psutil.Process()
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"host": socket.gethostname(), "pid": me.pid, "start": me.create_time()}))
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _acquired(path: Path) -> Iterator[TextIO]:
    while True:
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _busy(path) from None
            if _is_same(file, path):
                yield file
                return
        # Its holder removed the file between our opening and locking it.


def _is_same(file: TextIO, path: Path) -> bool:
    try:
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _busy(path: Path) -> StoreBusyError:
    try:
        holder = json.loads(path.read_text())
        who = f"process {holder['pid']} on {holder['host']}"
    except (OSError, ValueError, KeyError):
        who = "another process"
    return StoreBusyError(
        expected=f"{path.stem} to be free",
        actual=f"{who} is computing it",
        mend="Wait for that run to end, or end it and type the command again.",
    )


def is_locked(path: Path) -> bool:
    """Tell whether a living process holds the lock of an output."""
    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def is_alive(pid: int, start: float) -> bool:
    """Tell whether the process that started at `start` (seconds since the epoch) under this pid still runs."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - start) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def sync(path: Path) -> None:
    """Make sure that a file, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
