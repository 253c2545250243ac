"""How many sequences of a step fit into memory at once."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from gptmodel.config import ModelConfig, TrainingConfig
from gptmodel.errors import TrainingError
from gptmodel.optimizer import build_optimizer
from gptmodel.runtime import Runtime, build_model, loss_function, memory_bytes, new_model, settled
from gptmodel.training.data import Batch
from gptmodel.training.group import Alone
from gptmodel.training.step import Stepper

if TYPE_CHECKING:
    from gptmodel.model import GPTModel

# What a step keeps for its backward pass may take this share of the machine's memory: besides it there are the model,
# its gradients, the optimizer's state, and whatever else runs there.
_CPU_MEMORY_RATIO = 0.25
_PLAIN = Runtime(device="cpu", num_threads=1, precision="fp32", compiled=False)


def fitting_micro_batch(
    model: ModelConfig, training: TrainingConfig, vocab_size: int, runtime: Runtime, num_rows: int
) -> int:
    """Give the largest divisor of a step's sequences that fits into memory, so that all micro-batches are equal.

    On a CPU what one sequence keeps for the backward pass is counted, and a quarter of the machine's memory is the
    bound; on a GPU a step is tried, uncompiled, with ever fewer sequences until one does not run out of memory.

    Args:
        model: Shape of the model.
        training: The optimisation.
        vocab_size: Tokens in the vocabulary.
        runtime: How the training computes.
        num_rows: Sequences of a step, in this process.

    Raises:
        TrainingError: Not even one fits on the GPU.
    """
    sizes = [size for size in range(num_rows, 0, -1) if num_rows % size == 0]
    if runtime.device == "cpu":
        each = activation_bytes(model, vocab_size)
        return next((size for size in sizes if size * each <= _CPU_MEMORY_RATIO * memory_bytes()), 1)
    return next((size for size in sizes if _runs(model, training, vocab_size, runtime, size)), None) or _refuse(model)


def activation_bytes(model: ModelConfig, vocab_size: int) -> int:
    """Count what the backward pass of one sequence needs kept, in fp32; nothing is computed or allocated for it."""
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage.nbytes()
        held.append(tensor)
        return tensor

    held: list[torch.Tensor] = []  # so that no storage is freed and its number given to another
    with torch.device("meta"):
        module = new_model(model, vocab_size).train()
        ids = torch.zeros(1, model.context_length, dtype=torch.int64)
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            loss_function(_PLAIN)(module, ids, ids)
    weights = {parameter.untyped_storage()._cdata for parameter in module.parameters()}
    return sum(size for number, size in kept.items() if number not in weights)


def scratch_step(
    model: "GPTModel", training: TrainingConfig, runtime: Runtime, num_rows: int, micro_batch_size: int
) -> Callable[[], None]:
    """Give a function that trains a model one step on random tokens, to see what that takes."""
    optimizer = build_optimizer(model, training, runtime.precision)
    stepper = Stepper(
        model, optimizer, loss_function(runtime), Alone(), batch_size=num_rows, micro_batch_size=micro_batch_size,
        gradient_clip=training.gradient_clip,
    )  # fmt: skip
    shape = (num_rows, model.context_length)
    ids = torch.randint(model.config["vocab_size"], shape, device=runtime.device)

    def step() -> None:
        stepper.gradients(Batch(ids, ids))
        stepper.update()

    return step


def _runs(model: ModelConfig, training: TrainingConfig, vocab_size: int, runtime: Runtime, size: int) -> bool:
    plain = runtime.model_copy(update={"compiled": False})
    try:
        with settled(runtime, training.seed):
            step = scratch_step(build_model(model, vocab_size, runtime), training, plain, size, size)
            for _ in range(2):  # the second one has the optimizer's state beside it
                step()
            torch.cuda.synchronize()
    except torch.cuda.OutOfMemoryError:
        return False
    finally:
        torch.cuda.empty_cache()
    return True


def _refuse(model: ModelConfig) -> int:
    raise TrainingError(
        expected=f"memory for a step of one sequence of {model.context_length} tokens",
        actual="a GPU that runs out of it",
        mend="Make the model or model.context_length smaller.",
    )
