"""The command as a user types it: in a process of its own, against real servers that the session shares."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gptmodel.chain import STAGE_NAMES

CHECKOUT = Path(__file__).resolve().parents[2]
RUN_SECONDS = 600


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """The object on the last line of standard output."""
        found: dict[str, Any] = json.loads(self.out.strip().splitlines()[-1])
        return found


@dataclass(frozen=True)
class Command:
    """`gptmodel` with a home of its own.

    Attributes:
        home: GPTMODEL_HOME.
        addresses: Servers used instead of local ones.
    """

    home: Path
    addresses: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """What the process sees."""
        return os.environ | self.addresses | {"GPTMODEL_HOME": str(self.home), "OMP_NUM_THREADS": "1"}

    def __call__(self, *arguments: str, given: str | None = None, program: tuple[str, ...] = ("-m", "flows.cli"),
                 environment: dict[str, str] | None = None) -> Ended:  # fmt: skip
        """Run it to its end."""
        done = subprocess.run(
            [sys.executable, *program, *arguments], cwd=CHECKOUT, env=self.environment | (environment or {}),
            input=given, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    def smoke(self, *arguments: str, **options: Any) -> Ended:
        """Run the preset smoke, registered under a name of this home's own."""
        name = self.home.name.replace("_", "-")
        return self("run", "--config", "smoke", "--set", f"registry.name={name}", "--json", *arguments, **options)


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start one Prefect and one MLflow server for the session, by the command itself, and stop them."""
    command = Command(tmp_path_factory.mktemp("servers"), {})
    ended = command("up", "--json")
    assert ended.code == 0, ended.out + ended.err
    record = ended.record
    yield {"PREFECT_API_URL": record["prefect_url"] + "/api", "MLFLOW_TRACKING_URI": record["mlflow_url"]}
    command("down")


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory, addresses: dict[str, str]) -> Command:
    """A home in which the preset smoke has run once."""
    command = Command(tmp_path_factory.mktemp("smoke"), addresses)
    ended = command.smoke()
    assert ended.code == 0, ended.out + ended.err
    (command.home / "first.json").write_text(json.dumps(ended.record))
    (command.home / "first.json").chmod(0o600)
    return command


@pytest.fixture
def command(tmp_path: Path, addresses: dict[str, str]) -> Command:
    """A fresh home."""
    return Command(tmp_path / f"home-{os.urandom(4).hex()}", addresses)


def copy_outputs(source: Command, target: Command, last: str) -> None:
    """Bring a home to where another's run was after a stage, for tests of what comes then."""
    for name in STAGE_NAMES[: STAGE_NAMES.index(last) + 1]:
        folder = Path("store", name.replace(" ", "-"))
        shutil.copytree(source.home / folder, target.home / folder)
    shutil.copytree(source.home / "keys", target.home / "keys", dirs_exist_ok=True)


@pytest.fixture
def begun(command: Command, shared_home: Command) -> Callable[[str], Command]:
    """Give a fresh home in which the preset smoke is done up to a stage."""

    def begin(last: str) -> Command:
        copy_outputs(shared_home, command, last)
        return command

    return begin


def was_killed(ended: Ended) -> bool:
    """Tell whether the process died of SIGKILL."""
    return ended.code == -signal.SIGKILL
