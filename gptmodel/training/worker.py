"""One of the processes that train together: `torchrun ... -m gptmodel.training.worker REQUEST`.

The stage starts it on its own machine; on others it is typed there, with the same request. An interrupt (SIGINT or
SIGTERM, which torchrun passes on) ends all processes after the same step, with a checkpoint.
"""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gptmodel.training.lifetime import die_with_parent
from gptmodel.training.request import Messenger, Request, write_reason


def main(arguments: Sequence[str]) -> int:
    """Train as one of several, as the request says whose path is given; give the exit code."""
    die_with_parent()
    path, rank = Path(arguments[0]), int(os.environ["RANK"])
    try:
        _train(Request.model_validate_json(path.read_bytes()), path.parent, rank)
    except KeyboardInterrupt:
        return 130
    except BaseException as error:
        write_reason(path.parent, rank, error)
        return 1
    return 0


def _train(request: Request, folder: Path, rank: int) -> None:
    from gptmodel.runtime import find_device
    from gptmodel.training.processes import joined
    from gptmodel.training.stage import train

    messenger = Messenger(folder)
    if rank == 0:
        logging.getLogger("gptmodel").addHandler(messenger)
        logging.getLogger("gptmodel").setLevel(logging.INFO)
    with joined(find_device()[0], sharded=request.training.parallel == "fsdp") as group:
        progress = messenger.progress if group.is_first else None
        train(request.work, request.model, request.training, progress, group)


if __name__ == "__main__":
    # Its peers would wait for one that only tidies up: what is written is synced, so it goes at once.
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)
