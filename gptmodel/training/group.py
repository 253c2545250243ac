"""The processes that train one model together, as the training loop sees them; alone, it is a group of one."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn

from gptmodel.training.shards import assembled

Result = TypeVar("Result")


class Group(Protocol):
    """What the loop asks of the processes that train together.

    Attributes:
        rank: Number of this process, from 0.
        size: Processes in all.
        is_first: Whether this is process 0, the only one that writes files.
        sharded: Whether each process holds a part of the model only, and writes that part of a checkpoint.
        should_stop: Whether the processes were asked to stop after this step; the same in all.
    """

    @property
    def rank(self) -> int: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def is_first(self) -> bool: ...  # noqa: D102
    @property
    def sharded(self) -> bool: ...  # noqa: D102
    @property
    def should_stop(self) -> bool: ...  # noqa: D102

    def wrap(self, model: nn.Module) -> nn.Module:
        """Give the module whose forward pass is trained; its gradients are means over the group."""
        ...

    def own_part(self, windows: Sequence[int]) -> Sequence[int]:
        """Give the contiguous part of a step's windows that this process computes."""
        ...

    def accumulating(self, module: nn.Module) -> AbstractContextManager[None]:
        """Within it gradients are added up here, not exchanged: for all micro-batches of a step but the last."""
        ...

    def seed_step(self, seed: int, step: int) -> None:
        """Prepare the generators for a step, so that no two processes drop the same places out."""
        ...

    def clip_gradients(self, model: nn.Module, largest: float) -> Tensor:
        """Scale the gradients to a norm of at most `largest`; give the norm that they had, in every process."""
        ...

    def mean(self, values: Tensor) -> Tensor:
        """Give the mean of each value over the group, the same in every process."""
        ...

    def whole(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give the first process all tensors whole and the others none; all must ask."""
        ...

    def pieces(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give what this process writes of a state."""
        ...

    def placed(self, written: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give a state that a group of any size wrote as this group holds it.

        Raises:
            ValueError: Parts of it are missing.
        """
        ...

    def gather(self, value: Any) -> list[Any]:
        """Give every process the values of all (JSON values), in the order of their ranks."""
        ...

    def broadcast(self, value: Any) -> Any:
        """Give every process the first one's value (JSON values)."""
        ...

    def first_then_all(self, do: Callable[[], Result]) -> Result:
        """Let the first process do something, then the others, who find done what is done once."""
        ...

    def barrier(self) -> None:
        """Wait until every process is here."""
        ...


class Alone:
    """A group of one process."""

    rank = 0
    size = 1
    is_first = True
    sharded = False
    should_stop = False

    def wrap(self, model: nn.Module) -> nn.Module:
        """Give the model itself."""
        return model

    def own_part(self, windows: Sequence[int]) -> Sequence[int]:
        """Give all windows."""
        return windows

    def accumulating(self, module: nn.Module) -> AbstractContextManager[None]:
        """Change nothing: there is nobody to exchange gradients with."""
        return contextlib.nullcontext()

    def seed_step(self, seed: int, step: int) -> None:
        """Change nothing: the generator goes on from step to step."""

    def clip_gradients(self, model: nn.Module, largest: float) -> Tensor:
        """Scale the gradients to a norm of at most `largest`; give the norm that they had."""
        return nn.utils.clip_grad_norm_(model.parameters(), largest)

    def mean(self, values: Tensor) -> Tensor:
        """Give the values."""
        return values

    def whole(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give the tensors."""
        return dict(tensors)

    def pieces(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give the tensors."""
        return dict(tensors)

    def placed(self, written: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Put the state together, whoever wrote it.

        Raises:
            ValueError: Parts of it are missing.
        """
        return assembled(written)

    def gather(self, value: Any) -> list[Any]:
        """Give the one value."""
        return [value]

    def broadcast(self, value: Any) -> Any:
        """Give the value."""
        return value

    def first_then_all(self, do: Callable[[], Result]) -> Result:
        """Do it."""
        return do()

    def barrier(self) -> None:
        """Wait for nobody."""
