"""Run the command and send it a signal in the middle of one stage: `interrupting.py STAGE SIGNAL ARGUMENTS...`.

The signal comes when the stage has computed everything and is about to write its manifest, the worst moment; for
`train` it comes at the second checkpoint, so that the run has something to go on from.
"""

import os
import signal
import sys
from typing import Any

from flows.cli import main
from gptmodel import store
from gptmodel.checkpoint_writer import CheckpointWriter


def interrupt_at(stage: str, number: signal.Signals) -> None:
    """Arrange for the signal."""
    seal, save = store.seal, CheckpointWriter.save
    seen = []

    def sealing(work: Any, **named: Any) -> Any:
        if named["stage"] == stage:
            os.kill(os.getpid(), number)
        return seal(work, **named)

    def saving(writer: CheckpointWriter, *positional: Any, **named: Any) -> None:
        save(writer, *positional, **named)
        seen.append(writer)
        if stage == "train" and len(seen) == 2:
            writer.wait()
            os.kill(os.getpid(), number)

    import flows.run

    flows.run.seal = sealing  # type: ignore[attr-defined]
    CheckpointWriter.save = saving  # type: ignore[method-assign]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a shell runs in the background
    interrupt_at(sys.argv[1], signal.Signals[sys.argv[2]])
    main(sys.argv[3:])
