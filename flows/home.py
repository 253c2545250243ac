"""The home: one owner-only folder with the store, the servers' databases, remembered ports and reports.

Two homes never touch each other. Every command finds its home here; nothing else reads `GPTMODEL_HOME`.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from gptmodel.config import ScrubbingConfig
from gptmodel.errors import GPTModelError, StoreError
from gptmodel.events import EventLog
from gptmodel.keys import Keys, home_key, pseudonym_key
from gptmodel.store import Store, full_disk_explained

if TYPE_CHECKING:
    from gptmodel.corpus.scrubbing import Scrubber


@dataclass(frozen=True)
class Home:
    """Paths of one home.

    Attributes:
        root: The home's folder (mode 0700).
    """

    root: Path

    @property
    def store(self) -> Store:
        """The stage outputs."""
        return Store(self.root / "store")

    @property
    def prefect_dir(self) -> Path:
        """Prefect's own home: its database, profiles and storage."""
        return self.root / "prefect"

    @property
    def mlflow_dir(self) -> Path:
        """MLflow's database and artifacts."""
        return self.root / "mlflow"

    @property
    def keys_dir(self) -> Path:
        """The home's own key, and the hashes of a roster; a backup of the home should hold it, a report never."""
        return self.root / "keys"

    @property
    def erasures_dir(self) -> Path:
        """The erasure requests, one small file each; a backup of the home should hold them too."""
        return self.root / "erasures"

    @property
    def logs_dir(self) -> Path:
        """The servers' output."""
        return self.root / "logs"

    @property
    def runs_dir(self) -> Path:
        """One small file for each run that is open."""
        return self.root / "runs"

    @property
    def delivered_dir(self) -> Path:
        """One small file for each stage output that MLflow has."""
        return self.root / "delivered"

    @property
    def reports_dir(self) -> Path:
        """The HTML report of each model version."""
        return self.root / "reports"

    @property
    def reviews_dir(self) -> Path:
        """The sheets of scrubbed text for a person's check, and what came of them."""
        return self.root / "reviews"

    @property
    def events(self) -> EventLog:
        """Promotions, approvals, erasures and deletions; a backup of the home should hold the file."""
        return EventLog(self.root / "events.jsonl")

    @property
    def rebuilds_dir(self) -> Path:
        """Temporary stores of versions that are rebuilt; each is gone when its command ends."""
        return self.cache_dir / "reproduce"

    @property
    def locks_dir(self) -> Path:
        """The locks under which a model's champion is changed, one file for each model."""
        return self.root / "locks"

    @property
    def cache_dir(self) -> Path:
        """What saves time and may be deleted: file digests, fetched models, compiled kernels."""
        return self.root / "cache"


@contextlib.contextmanager
def one_promotion_at_a_time(home: Home, name: str) -> Iterator[None]:
    """Hold the home's lock of a model's champion, waiting for whoever has it; it ends with the process."""
    home.locks_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home.locks_dir / f"promotion-{quote(name, safe='')}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def keys_of(home: Home) -> Keys:
    """Give the keys that scrubbing works with here: the home's own, and the pseudonym key of the environment.

    Raises:
        ConfigError: A key file that others may read, or a key too short.
    """
    return Keys(home_key_of(home), pseudonym_key())


def home_key_of(home: Home) -> bytes:
    """Give the home's own key, made on first use.

    Raises:
        ConfigError: Others may read its file, or it holds no key.
    """
    home.keys_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home_key(home.keys_dir / "home.key")


def scrubber_of(home: Home, config: ScrubbingConfig) -> "Scrubber":
    """Make the scrubber of a config, with this home's keys and the roster that it keeps.

    Raises:
        ConfigError: What `Scrubber` refuses, or a key file that others may read.
    """
    from gptmodel.corpus.scrubbing import Scrubber

    return Scrubber(config, keys_of(home), home.keys_dir)


def open_home() -> Home:
    """Give the home that the environment or the place names, made owner-only if it is not there yet.

    `GPTMODEL_HOME` if set; else `.gptmodel/` beside the checkout's pyproject.toml; else in the working directory.

    Raises:
        StoreError: The folder can't be made or written.
    """
    # What this process and its children write is the owner's alone.
    os.umask(0o077)
    root = _root()
    home = Home(root)
    folders = (
        home.prefect_dir,
        home.mlflow_dir,
        home.keys_dir,
        home.logs_dir,
        home.runs_dir,
        home.delivered_dir,
        home.cache_dir,
    )
    try:
        with full_disk_explained(root.parent):
            for folder in (root, *folders):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except GPTModelError:
        raise
    except OSError as error:
        raise StoreError(
            expected=f"a folder this user may write at {root}",
            actual=error.strerror or "an error",
            mend="Set GPTMODEL_HOME to a folder of yours.",
        ) from error
    return home


def _root() -> Path:
    if named := os.environ.get("GPTMODEL_HOME"):
        return Path(named).expanduser().resolve()
    checkout = Path(__file__).resolve().parent.parent
    base = checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()
    return base / ".gptmodel"
