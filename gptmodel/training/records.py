"""What a training remembers besides weights: its curve and its samples, in files beside and in every checkpoint."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gptmodel.metrics import append_text, write_lines

CURVE_FILE = "curve.jsonl"
SAMPLES_FILE = "samples.jsonl"


@dataclass
class Records:
    """A training's curve and samples so far.

    Attributes:
        curve: Points of the curve: step, train_loss, at validations validation_loss and validation_bits_per_byte too.
        samples: Completions of the prompt: step, prompt, text.
        losses: Loss of each step since the last point of the curve.
    """

    curve: list[dict[str, Any]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write both files anew, so that they hold nothing of steps that were lost."""
        write_lines(folder / CURVE_FILE, self.curve)
        write_lines(folder / SAMPLES_FILE, self.samples)

    def mean_loss(self) -> float:
        """Give the mean loss since the last point of the curve, and begin anew."""
        losses, self.losses = self.losses, []
        return math.fsum(losses) / len(losses)

    def add_point(self, folder: Path | None, point: dict[str, Any]) -> None:
        """Add a point to the curve and to its file, if there is to be one."""
        self.curve.append(point)
        if folder is not None:
            append_text(folder / CURVE_FILE, json.dumps(point) + "\n")

    def add_sample(self, folder: Path | None, sample: dict[str, Any]) -> None:
        """Add a completion to the samples and to their file, if there is to be one."""
        self.samples.append(sample)
        if folder is not None:
            append_text(folder / SAMPLES_FILE, json.dumps(sample) + "\n")
