"""Sources in their proportions: which window of the training text is read n-th when sources have different weights.

A source of weight 2 is read twice as often as its share of the text, one of weight 0.5 half as often. Which group of
sources gives the n-th window is arithmetic in both directions, like the order within a group, so nothing is stored and
which steps saw a window can be computed. `training` reads it; with equal weights it uses the plain `BatchOrder`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gptmodel.tokens import MIXTURE_FILE, BatchOrder


class Group(BaseModel):
    """Sources of one weight: a stretch of the train stream.

    They are laid out one after the other, so that a window belongs to the group that its first token is in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    weight: float
    """How often its text is read, relative to its share."""
    num_tokens: int
    """Tokens of its documents in the train stream."""


@dataclass(frozen=True)
class _Stretch:
    first: int
    num_windows: int
    weight: float


class MixedOrder:
    """The order in which windows are read: a pure function of (groups, batch size, seed).

    Positions are dealt to the groups as evenly as whole numbers allow: the first group gets position n where
    floor(n r) steps up, r being its share of all reading; the next group does the same among the rest, and so on.
    Within a group each pass visits every window once, in a permutation of its own.

    Source: Beatty sequences; the permutation is that of `BatchOrder`.

    Args:
        groups: The groups in the order of the stream.
        context_length: Tokens of a window.
        num_windows: Windows in the whole stream, at least 1.
        batch_size: Windows in one step.
        seed: Seed of the permutations.
    """

    def __init__(
        self, groups: Sequence[Group], context_length: int, num_windows: int, batch_size: int, seed: int
    ) -> None:
        self.batch_size = batch_size
        self._stretches = [*_stretches(groups, context_length, num_windows)]
        parts = [Fraction(str(stretch.weight)) * stretch.num_windows for stretch in self._stretches]
        # The share of each group among what the groups before it leave; the last takes all.
        self._rates = [part / sum(parts[number:]) for number, part in enumerate(parts)]
        self._orders = [BatchOrder(s.num_windows, 1, seed + number) for number, s in enumerate(self._stretches)]

    def windows(self, step: int) -> list[int]:
        """Give the batch_size windows that step n reads. Steps count from 0."""
        return [self._window_at(step * self.batch_size + offset) for offset in range(self.batch_size)]

    def steps_of(self, window: int, num_steps: int) -> list[int]:
        """Give the steps below num_steps that read a window, ascending; a step that reads it twice stands twice."""
        number = next(n for n, s in enumerate(self._stretches) if s.first <= window < s.first + s.num_windows)
        stretch, limit = self._stretches[number], num_steps * self.batch_size
        positions = list[int]()
        for epoch in count():
            start = epoch * stretch.num_windows
            if self._position_of(number, start) >= limit:
                break
            place = self._orders[number].places([window - stretch.first], epoch)[0]
            positions.append(self._position_of(number, start + place))
        return sorted(position // self.batch_size for position in positions if position < limit)

    def _window_at(self, position: int) -> int:
        number, place = self._dealt(position)
        stretch = self._stretches[number]
        epoch, inside = divmod(place, stretch.num_windows)
        return stretch.first + self._orders[number].permuted([inside], epoch)[0]

    def _dealt(self, position: int) -> tuple[int, int]:
        """Give the group that a position is dealt to, and how many it was dealt before."""
        for number, rate in enumerate(self._rates):
            before = position * rate // 1
            if (position + 1) * rate // 1 > before:
                return number, int(before)
            position -= int(before)
        raise ValueError("the last group takes every position")

    def _position_of(self, number: int, place: int) -> int:
        """Give the position at which a group is dealt its n-th: the inverse of `_dealt`."""
        position = -(-(place + 1) // self._rates[number]) - 1
        for rate in reversed(self._rates[:number]):
            position = _unselected(position, rate)
        return int(position)


def batch_order(
    folder: Path, context_length: int, num_windows: int, batch_size: int, seed: int
) -> BatchOrder | MixedOrder:
    """Give the order in which the windows of a packed train stream are read.

    Args:
        folder: Folder of the stage `pack`; where it has no `mixture.json`, all sources have one weight.
        context_length: Tokens of a window.
        num_windows: Windows in the stream, at least 1.
        batch_size: Windows in one step.
        seed: Seed of the permutations.
    """
    path = folder / MIXTURE_FILE
    if not path.exists():
        return BatchOrder(num_windows, batch_size, seed)
    groups = [Group(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    return MixedOrder(groups, context_length, num_windows, batch_size, seed)


def _stretches(groups: Sequence[Group], context_length: int, num_windows: int) -> Iterator[_Stretch]:
    first, token = 0, 0
    for group in groups:
        token += group.num_tokens
        end = num_windows if group is groups[-1] else min(num_windows, -(-token // context_length))
        if end > first:
            yield _Stretch(first, end - first, group.weight)
        first = max(first, end)


def _unselected(number: int, rate: Fraction) -> int:
    """Give the position of the n-th number that floor(n rate) does not step up at, n counted from 0."""
    total = int(-(-(number + 1) // (1 - rate)))
    while (total - 1) - (total - 1) * rate // 1 >= number + 1:
        total -= 1
    return total - 1
