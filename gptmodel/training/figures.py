"""The figures of steps on their way from the device: read at once on a CPU, a few steps later on a GPU."""

from collections import deque
from typing import NamedTuple

import torch
from torch import Tensor

# So many steps the host may be ahead of a GPU: enough that the GPU never waits for it.
_GPU_LAG = 4


class StepFigures(NamedTuple):
    """What a step showed.

    Attributes:
        step: Its number, from 0.
        loss: Mean loss of its batch, nats a token.
        gradient_norm: Norm of its gradient before clipping.
    """

    step: int
    loss: float
    gradient_norm: float


class _OnItsWay(NamedTuple):
    step: int
    values: Tensor  # loss and norm, (2,), on the host
    copied: "torch.cuda.Event | None"


class Figures:
    """Hands out each step's figures in order, without making a GPU wait for the host.

    Args:
        device: Where they are computed.
    """

    def __init__(self, device: str) -> None:
        self._is_on_gpu = device == "cuda"
        self._lag = _GPU_LAG if self._is_on_gpu else 0
        self._on_their_way: deque[_OnItsWay] = deque()

    def add(self, step: int, loss: Tensor, gradient_norm: Tensor) -> None:
        """Send a step's figures, scalars on the device, on their way."""
        values, copied = torch.stack([loss, gradient_norm]).float(), None
        if self._is_on_gpu:
            on_host = torch.empty(2, pin_memory=True)
            on_host.copy_(values, non_blocking=True)
            values, copied = on_host, torch.cuda.Event()
            copied.record()
        self._on_their_way.append(_OnItsWay(step, values, copied))

    def arrived(self, *, all_of_them: bool = False) -> list[StepFigures]:
        """Give the figures that are old enough not to be waited for, or all of them, oldest first."""
        left = 0 if all_of_them else self._lag
        return [self._read(self._on_their_way.popleft()) for _ in range(len(self._on_their_way) - left)]

    def _read(self, one: _OnItsWay) -> StepFigures:
        if one.copied is not None:
            one.copied.synchronize()
        return StepFigures(one.step, *one.values.tolist())
