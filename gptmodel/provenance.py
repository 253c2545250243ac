"""What code and which libraries a run was made with: commit, lock, versions, machine.

Known once for a process. A checkout answers by git; an installation without one by the environment variable
`GPTMODEL_COMMIT`, which an image's build sets; else the commit is unknown, which is said and never guessed.
"""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gptmodel import __version__

COMMIT_VARIABLE = "GPTMODEL_COMMIT"
PROVENANCE = "provenance.json"
"""Name of the file among an output's notes."""

# What the figures of a run may hang on; the lock's digest stands for all the others.
_LIBRARIES = ("mlflow", "numpy", "prefect", "tokenizers", "torch")
_LOCKS = ("requirements.lock", "requirements-dev.lock")


class Provenance(BaseModel):
    """What something was made with."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    version: str
    """Version of gptmodel."""
    commit: str = ""
    """Commit of its code, 40 hex digits; empty if nobody knows."""
    is_dirty: bool | None = None
    """Whether tracked files of the code differed from that commit; None if nobody knows."""
    lock_digest: str = ""
    """sha256 over the lock files beside the code; empty where there are none."""
    python: str
    """Version of Python."""
    libraries: dict[str, str]
    """Versions of the libraries that figures may hang on."""
    machine: str
    """Operating system and processor's architecture; no host name."""

    @property
    def code(self) -> str:
        """The code in a few words, for people: the commit, and whether files differed from it."""
        if not self.commit:
            return f"gptmodel {self.version}, commit unknown"
        return f"{self.commit[:12]}{' with uncommitted changes' if self.is_dirty else ''}"


@cache
def read_provenance() -> Provenance:
    """Give what this process runs with; git is asked once, for seconds at most."""
    root = Path(__file__).resolve().parent.parent
    commit, is_dirty = _commit(root)
    return Provenance(
        version=__version__, commit=commit, is_dirty=is_dirty, lock_digest=_lock_digest(root),
        python=platform.python_version(),
        libraries={name: importlib.metadata.version(name) for name in _LIBRARIES},
        machine=f"{platform.system()} {platform.machine()}",
    )  # fmt: skip


def _commit(root: Path) -> tuple[str, bool | None]:
    # Of this checkout alone: an installation may lie inside somebody else's repository.
    if not (root / ".git").exists() or not (commit := _git(root, "rev-parse", "HEAD")):
        return os.environ.get(COMMIT_VARIABLE, ""), None
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return commit, None if changed is None else bool(changed)


def _git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(root), "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def lock_files() -> list[Path]:
    """Give the lock files beside the code, whose bytes `lock_digest` is made of; none in an installation."""
    return _lock_files(Path(__file__).resolve().parent.parent)


def _lock_files(root: Path) -> list[Path]:
    return [root / name for name in _LOCKS if (root / name).is_file()]


def _lock_digest(root: Path) -> str:
    found = [path.read_bytes() for path in _lock_files(root)]
    return hashlib.sha256(b"\0".join(found)).hexdigest() if found else ""
