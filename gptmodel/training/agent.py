"""torchrun as a child of the training stage: `python -m gptmodel.training.agent PARENT FOLDER OPTIONS...`.

It is torchrun and nothing else, but for two things: it ends with the process that started it, and it leaves how the
processes ended in `deaths.json` of the folder instead of a traceback.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gptmodel.training.lifetime import die_with_parent

DEATHS_FILE = "deaths.json"


@dataclass(frozen=True)
class Death:
    """How a process ended that did not end well.

    Attributes:
        rank: Its number.
        exit_code: Its exit code; -9 for signal 9.
        when: When it was noticed, whole seconds since the epoch.
    """

    rank: int
    exit_code: int
    when: int


def main(arguments: Sequence[str]) -> int:
    """Run torchrun with the options behind PARENT (a process id) and FOLDER; give the exit code."""
    parent, folder, *options = arguments
    die_with_parent(int(parent))
    from torch.distributed import run as torchrun
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    try:
        torchrun.run(torchrun.parse_args(options))
    except ChildFailedError as error:
        deaths = [Death(rank, failure.exitcode, failure.timestamp) for rank, failure in error.failures.items()]
        (Path(folder) / DEATHS_FILE).write_text(json.dumps([asdict(death) for death in deaths]))
        return 1
    except SignalException as stopped:
        return 128 + int(stopped.sigval)
    return 0


def read_deaths(folder: Path) -> list[Death]:
    """Read how processes of this machine ended; none where all ended well."""
    path = folder / DEATHS_FILE
    return [Death(**death) for death in json.loads(path.read_bytes())] if path.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
