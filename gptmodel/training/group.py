"""The processes that train one model together, as the training loop sees them; alone, it is a group of one."""

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from torch import Tensor, nn


class Group(Protocol):
    """What the loop asks of the processes that train together.

    Attributes:
        rank: Number of this process, from 0.
        size: Processes in all.
        is_first: Whether this is process 0, the only one that writes files.
    """

    @property
    def rank(self) -> int: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def is_first(self) -> bool: ...  # noqa: D102

    def wrap(self, model: nn.Module) -> nn.Module:
        """Give the module whose forward pass is trained; its gradients are means over the group."""
        ...

    def own_part(self, windows: Sequence[int]) -> Sequence[int]:
        """Give the contiguous part of a step's windows that this process computes."""
        ...

    def accumulating(self, module: nn.Module) -> AbstractContextManager[None]:
        """Within it gradients are added up here, not exchanged: for all micro-batches of a step but the last."""
        ...

    def mean(self, values: Tensor) -> Tensor:
        """Give the mean of each value over the group, the same in every process."""
        ...

    def broadcast(self, value: Any) -> Any:
        """Give every process the first one's value (JSON values)."""
        ...

    def barrier(self) -> None:
        """Wait until every process is here."""
        ...


class Alone:
    """A group of one process."""

    rank = 0
    size = 1
    is_first = True

    def wrap(self, model: nn.Module) -> nn.Module:
        """Give the model itself."""
        return model

    def own_part(self, windows: Sequence[int]) -> Sequence[int]:
        """Give all windows."""
        return windows

    def accumulating(self, module: nn.Module) -> AbstractContextManager[None]:
        """Change nothing: there is nobody to exchange gradients with."""
        return contextlib.nullcontext()

    def mean(self, values: Tensor) -> Tensor:
        """Give the values."""
        return values

    def broadcast(self, value: Any) -> Any:
        """Give the value."""
        return value

    def barrier(self) -> None:
        """Wait for nobody."""
