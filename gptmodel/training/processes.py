"""Several processes that train one model together, on one machine or more: DDP or FSDP2.

Each has its own device and its own contiguous part of every step's windows; gradients are means over all of them, so
that the step is the one a single process would take, up to rounding. `worker` joins them by the variables that
torchrun sets; `trainer` sees a `Group`. Nothing that passes between them is pickled.
"""

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, Shard
from torch.nn.parallel import DistributedDataParallel

from gptmodel.optimizer import gathered
from gptmodel.training.group import Result
from gptmodel.training.shards import Pieces, assembled, piece_name, rows_of

# How long the others wait for a process that samples, validates or writes a checkpoint alone.
_TIMEOUT = timedelta(minutes=30)
_STEPS_BETWEEN_LOOKS = 8
_SEED_OF_STEP, _SEED_OF_RANK = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03  # those of the batch order


class Processes:
    """The processes of a joined group; made by `joined`.

    Args:
        device: cpu or cuda.
        sharded: See below. If not, by DistributedDataParallel (Li et al. 2020, "PyTorch Distributed"); if so, by
            `fully_shard`, the second form of FSDP (Zhao et al. 2023, "PyTorch FSDP").

    Attributes:
        sharded: Whether each holds some rows of each tensor only, not the whole model.
    """

    def __init__(self, device: Literal["cpu", "cuda"], *, sharded: bool) -> None:
        self.sharded = sharded
        self._device = device
        self._mesh = init_device_mesh(device, (dist.get_world_size(),))
        self._asked, self._num_asked = False, torch.zeros(())
        self._num_means, self._looked_at = 0, 0

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""
        return dist.get_rank()

    @property
    def size(self) -> int:
        """Processes in all."""
        return dist.get_world_size()

    @property
    def is_first(self) -> bool:
        """Whether this is process 0."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """Give the module whose forward pass is trained; under FSDP it is the model itself, cut in place."""
        if not self.sharded:
            return DistributedDataParallel(model, forward_sync_buffers=False, gradient_as_bucket_view=True)
        for block in model.get_submodule("blocks").children():
            fully_shard(block, mesh=self._mesh)
        fully_shard(model, mesh=self._mesh)
        return model

    def own_part(self, windows: Sequence[int]) -> Sequence[int]:
        """Give this process's contiguous part, as even as whole numbers allow."""
        first, end = (len(windows) * rank // self.size for rank in (self.rank, self.rank + 1))
        return windows[first:end]

    def accumulating(self, module: nn.Module) -> AbstractContextManager[None]:
        """Within it gradients are added up here, not exchanged: for all micro-batches of a step but the last."""
        if isinstance(module, DistributedDataParallel):
            return module.no_sync()
        return _unsynchronised(module) if isinstance(module, FSDPModule) else contextlib.nullcontext()

    def seed_step(self, seed: int, step: int) -> None:
        """Seed the generators for a step: dropout follows from seed, step and rank, and needs no state to go on."""
        mixed = seed + (step + 1) * _SEED_OF_STEP + self.rank * _SEED_OF_RANK
        torch.manual_seed(mixed & 0x7FFFFFFFFFFFFFFF)

    def clip_gradients(self, model: nn.Module, largest: float) -> Tensor:
        """Scale the gradients to a norm of at most `largest`; give the norm that they had, over all processes."""
        return gathered(torch.nn.utils.clip_grad_norm_(model.parameters(), largest))

    def mean(self, values: Tensor) -> Tensor:
        """Give the mean of each value over the group, the same in every process.

        Whether one was asked to stop travels along, so that all learn of it at the same step.
        """
        flat = values.detach().to(self._device).reshape(-1)
        total = torch.cat((flat, flat.new_full((1,), float(self._asked))))
        dist.all_reduce(total)  # gloo knows no mean
        self._num_asked, self._num_means = total[-1], self._num_means + 1
        return (total[:-1] / self.size).reshape(values.shape).to(values.device)

    @property
    def should_stop(self) -> bool:
        """Whether any of the processes had been asked to stop at the last `mean`; the same in every process.

        A GPU is asked every few steps only, since the host waits for its answer.
        """
        if self._device == "cuda" and self._num_means - self._looked_at < _STEPS_BETWEEN_LOOKS:
            return False
        self._looked_at = self._num_means
        return bool(self._num_asked > 0)

    def stop(self) -> None:
        """Ask all processes to stop after the step that they are in."""
        self._asked = True

    def gather(self, value: Any) -> list[Any]:
        """Give every process the values of all (JSON values), in the order of their ranks."""
        text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8).to(self._device)
        sizes = [torch.zeros(1, dtype=torch.int64, device=self._device) for _ in range(self.size)]
        dist.all_gather(sizes, torch.tensor([text.numel()], device=self._device))
        lengths = [int(size) for size in sizes]
        padded = text.new_zeros(max(lengths))
        padded[: text.numel()] = text
        rows = [torch.zeros_like(padded) for _ in range(self.size)]
        dist.all_gather(rows, padded)
        return [json.loads(bytes(row[:length].tolist())) for row, length in zip(rows, lengths, strict=True)]

    def broadcast(self, value: Any) -> Any:
        """Give every process the first one's value (JSON values)."""
        return self.gather(value if self.is_first else None)[0]

    def first_then_all(self, do: Callable[[], Result]) -> Result:
        """Let the first process do something, then the others, who find done what is done once."""
        if not self.is_first:
            self.barrier()
        result = do()
        if self.is_first:
            self.barrier()
        return result

    def barrier(self) -> None:
        """Wait until every process is here."""
        dist.barrier()

    def whole(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give the first process all tensors whole, on the CPU, and the others none; all must ask."""
        found: dict[str, Tensor] = {}
        for name, tensor in tensors.items():  # one after the other: the device holds one whole tensor at a time
            full = gathered(tensor.detach())
            if self.is_first:
                found[name] = full.cpu()
        return found

    def pieces(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give what this process writes: its rows of cut tensors; the first writes whole ones too."""
        found: dict[str, Tensor] = {}
        for name, tensor in tensors.items():
            if isinstance(tensor, DTensor):
                start, stop = rows_of(tensor.size(0), self.rank, self.size)
                if start < stop:
                    found[piece_name(name, start, stop)] = tensor.to_local()
            elif self.is_first:
                found[name] = tensor
        return found

    def placed(self, written: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Give the state that the pieces of a group of any size make up, as this group holds it.

        Raises:
            ValueError: Rows are missing.
        """
        return assembled(written, self._own_rows) if self.sharded else assembled(written)

    def _own_rows(self, pieces: Pieces) -> Tensor:
        shape = pieces.shape
        if not shape or pieces.name.startswith("rng."):  # single numbers and generators' states are whole everywhere
            return pieces.read()
        local = pieces.rows(*rows_of(shape[0], self.rank, self.size)).to(self._device)
        stride = torch.empty(shape, device="meta").stride()
        return DTensor.from_local(local, self._mesh, [Shard(0)], run_check=False, shape=shape, stride=stride)


@contextlib.contextmanager
def joined(device: Literal["cpu", "cuda"], *, sharded: bool) -> Iterator[Processes]:
    """Join the group that torchrun started this process for, and leave it.

    Gradients travel by gloo between CPUs and by NCCL between GPUs.
    """
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device == "cuda" else "gloo", timeout=_TIMEOUT)
    try:
        group = Processes(device, sharded=sharded)
        with _stopping(group):
            yield group
    finally:
        dist.destroy_process_group()


@contextlib.contextmanager
def _stopping(group: Processes) -> Iterator[None]:
    """Let an interrupt stop all processes of a group together: one that went alone would leave the others waiting."""
    before = {number: signal.signal(number, lambda *_: group.stop()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _unsynchronised(module: FSDPModule) -> Iterator[None]:
    module.set_requires_gradient_sync(False)
    try:
        yield
    finally:
        module.set_requires_gradient_sync(True)
