"""Train on prepared inputs with or without metrics, and count what they take, as a process of its own.

    python -m benchmarks.logged_run SETTINGS.json with|without

SETTINGS as in benchmarks/char_run.py, and "points": how many of the curve and of the metrics. What counts as logging:
metrics and their file, the machine's figures, the progress line and the curve; validations and samples do not. Without,
all of it is left out but the curve, which the result needs. The last line is one JSON object.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.metrics import Meter, MetricsLog, SystemFigures
from gptmodel.store import Workspace
from gptmodel.training import trainer
from gptmodel.training.records import Records
from gptmodel.training.stage import train

# What logs, and what it gives when it is left out.
LOGGING: tuple[tuple[type, str, Any], ...] = (
    (MetricsLog, "add", None), (MetricsLog, "flush", None), (SystemFigures, "read", {}),
    (Meter, "figures", {}), (Meter, "show", None),
)  # fmt: skip


class Stopwatch:
    """Sums the CPU time spent inside some functions; what one of them calls of the others counts once.

    Attributes:
        seconds: CPU time inside them: on a busy machine the clock would count what others do meanwhile.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0

    def timing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function that is timed."""

        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.thread_time()
            self._depth += 1
            try:
                return function(*arguments, **named)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.thread_time() - started

        return timed


def _leave_out(nothing: Any, *arguments: Any, **named: Any) -> Any:
    return nothing


def main() -> None:
    """Train once with a stopwatch on everything that logs."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    watch = Stopwatch()
    for owner, name, nothing in LOGGING:
        timed = watch.timing(getattr(owner, name))
        setattr(owner, name, timed if sys.argv[2] == "with" else partial(_leave_out, nothing))
    for name, points in settings["points"].items():
        getattr(trainer, name)  # an error where it is called otherwise
        setattr(trainer, name, points)
    Records.add_point = watch.timing(Records.add_point)  # type: ignore[method-assign]
    output = Path(settings["output"])
    output.mkdir(parents=True)
    work = Workspace(output, {stage: Path(folder) for stage, folder in settings["inputs"].items()})
    training = TrainingConfig(**settings["training"])
    begun = time.process_time()
    train(work, ModelConfig(**settings["model"]), training, lambda done_ratio, message: None)
    print(json.dumps({"logging_seconds": watch.seconds, "cpu_seconds": time.process_time() - begun}))


if __name__ == "__main__":
    main()
