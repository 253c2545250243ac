"""The processes of a training, started as children of the stage and ended with it.

The stage's own process trains nothing then: it starts torchrun, passes on what the first process says, and turns the
end of a process into an error that names it. However this process ends, by SIGKILL even, none of them stays.
"""

import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import gptmodel
from gptmodel.config import TrainingConfig
from gptmodel.errors import GPTModelError, TrainingError
from gptmodel.metrics import Progress
from gptmodel.training.agent import Death, read_deaths
from gptmodel.training.request import (
    PROCESSES_DIR,
    Reason,
    Request,
    error_of,
    read_messages,
    read_reasons,
    write_request,
)

logger = logging.getLogger(__name__)

LOG_FILE = "processes.log"
_WORKER = "gptmodel.training.worker"
_POLL_SECONDS = 0.2
# torchrun waits 30 seconds for processes that it asked to end.
_GRACE_SECONDS = 45.0
# Processes noticed as ended within so many seconds ended together; those noticed later were ended by torchrun.
_TOGETHER_SECONDS = 2


def launch(request: Request, num_processes: int, progress: Progress | None = None) -> None:
    """Train with several processes, to the end.

    Args:
        request: What to train.
        num_processes: Processes on this machine.
        progress: See `train`.

    Raises:
        GPTModelError: What a process raised on purpose, with its number.
        TrainingError: A process ended otherwise.
    """
    folder = request.work.notes / PROCESSES_DIR
    path = write_request(folder, request)
    options = [*_rendezvous(request.training, request.folder.stem, first=True),
               f"--nproc-per-node={num_processes}", "-m", _WORKER, str(path)]  # fmt: skip
    _tell_others(request, num_processes, path)
    with (folder / LOG_FILE).open("wb") as log:
        agent = subprocess.Popen(
            [sys.executable, "-P", "-m", "gptmodel.training.agent", str(os.getpid()), str(folder), *options],
            env=_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            _follow(agent, folder, progress)
        finally:
            _end(agent)
    if not agent.returncode:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        raise _cause(read_deaths(folder), read_reasons(folder), num_processes * request.training.num_nodes, folder)


def _rendezvous(training: TrainingConfig, name: str, *, first: bool) -> list[str]:
    """Give torchrun's options for how the machines find each other."""
    if training.num_nodes == 1:
        return ["--standalone"]
    return [
        f"--nnodes={training.num_nodes}", "--rdzv-backend=c10d", f"--rdzv-endpoint={training.rendezvous}",
        f"--rdzv-id={name}", f"--rdzv-conf=is_host={int(first)}",
    ]  # fmt: skip


def _tell_others(request: Request, num_processes: int, path: Path) -> None:
    if request.training.num_nodes > 1:
        options = _rendezvous(request.training, request.folder.stem, first=False)
        command = ["torchrun", *options, f"--nproc-per-node={num_processes}", "-m", _WORKER, str(path)]
        logger.warning("type on each of the other %d machines: %s", request.training.num_nodes - 1, shlex.join(command))


def _environment() -> dict[str, str]:
    # What is imported is what this process has imported, never what lies where it stands.
    root = str(Path(gptmodel.__file__).resolve().parent.parent)
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    # A process takes as many threads as its plan says; what stands here keeps torchrun from deciding that aloud.
    here = {"PYTHONPATH": paths, "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}
    return {"OMP_WAIT_POLICY": "passive", **os.environ, **here}


def _follow(agent: subprocess.Popen[bytes], folder: Path, progress: Progress | None) -> None:
    """Pass on what the first process says until all have ended."""
    for messages in read_messages(folder):
        for message in messages:
            if "line" not in message:
                logging.getLogger(message["logger"]).log(message["level"], "%s", message["text"])
            elif progress is not None:
                progress(message["done_ratio"], message["line"])
        if not messages and agent.poll() is not None:
            return
        time.sleep(_POLL_SECONDS)


def _end(agent: subprocess.Popen[bytes]) -> None:
    """End torchrun, which ends the processes; they write a checkpoint first if they can."""
    if agent.poll() is not None:
        return
    agent.terminate()
    try:
        agent.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        agent.kill()
        agent.wait()


def _cause(deaths: Sequence[Death], reasons: Sequence[Reason], size: int, folder: Path) -> GPTModelError:
    """Give the error that tells why it ended: of several processes that ended, the one that the others followed."""
    for reason in reasons:
        if (error := error_of(reason, size)) is not None:
            return error
    killed = _killed(deaths)
    if killed is not None:
        who, how = f"process {killed.rank}", f"was ended by {signal.Signals(-killed.exit_code).name}"
        why = "Most often memory ran out: lower training.micro_batch_size or training.num_processes. "
    elif reasons:
        who, how, why = f"process {reasons[0].rank}", f"ended with {reasons[0].kind}", ""
    else:
        who, how, why = "one of them", "ended without a word", ""
    return TrainingError(
        expected=f"{size} processes that train to the end",
        actual=f"{who} {how}",
        mend=f"{why}The same command goes on from the newest checkpoint; more is in {folder}.",
    )


def _killed(deaths: Sequence[Death]) -> Death | None:
    first = min((death.when for death in deaths), default=0)
    together = (death for death in deaths if death.when <= first + _TOGETHER_SECONDS)
    return next((death for death in together if death.exit_code < 0 and -death.exit_code != signal.SIGTERM), None)
