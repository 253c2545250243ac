"""A step in micro-batches is the step at once, up to rounding."""

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from gptmodel.config import TrainingConfig
from gptmodel.model import GPTModel
from gptmodel.optimizer import build_optimizer
from gptmodel.runtime import Runtime, loss_function
from gptmodel.training.data import Batch
from gptmodel.training.group import Alone
from gptmodel.training.step import Stepper

CPU = Runtime(device="cpu", num_threads=1, precision="fp32", compiled=False)


def new_model() -> GPTModel:
    torch.manual_seed(0)
    return GPTModel(50, 16, 32, 1, 2, context_length=8)


def new_batch(num_rows: int) -> Batch:
    ids = torch.randint(50, (num_rows, 9), generator=torch.Generator().manual_seed(1))
    return Batch(ids[:, :-1], ids[:, 1:])


def stepper(
    model: GPTModel, num_rows: int, micro_batch_size: int, group: Alone | None = None, clip: float = 1e9
) -> Stepper:
    optimizer = build_optimizer(model, TrainingConfig())
    return Stepper(
        model, optimizer, loss_function(CPU), group or Alone(), batch_size=num_rows,
        micro_batch_size=micro_batch_size, gradient_clip=clip,
    )  # fmt: skip


def gradients(model: nn.Module) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("micro_batch_size", [1, 2, 3, 4, 6, 100])
def test_accumulated_gradients_equal_those_of_the_whole_batch(micro_batch_size: int) -> None:
    whole, parts, batch = new_model(), new_model(), new_batch(6)
    loss, norm = stepper(whole, 6, 6).gradients(batch)
    loss_of_parts, norm_of_parts = stepper(parts, 6, micro_batch_size).gradients(batch)
    torch.testing.assert_close(loss_of_parts, loss)
    torch.testing.assert_close(norm_of_parts, norm)
    torch.testing.assert_close(gradients(parts), gradients(whole))


def test_the_whole_batch_at_once_takes_the_plain_gradients_to_the_bit() -> None:
    plain, stepped, batch = new_model(), new_model(), new_batch(4)
    loss = loss_function(CPU)(plain, *batch)
    loss.backward()
    assert torch.equal(stepper(stepped, 4, 4).gradients(batch)[0], loss.detach())
    assert all(torch.equal(*pair) for pair in zip(gradients(stepped), gradients(plain), strict=True))


def test_a_long_gradient_is_clipped_and_its_norm_told() -> None:
    model = new_model()
    _, norm = stepper(model, 4, 2, clip=0.01).gradients(new_batch(4))
    assert norm > 0.01
    clipped = torch.stack([gradient.norm() for gradient in gradients(model)]).norm()
    assert clipped == pytest.approx(0.01, rel=1e-3)


def test_an_update_changes_the_weights_and_forgets_the_gradients() -> None:
    model = new_model()
    before = copy.deepcopy(model.state_dict())
    one = stepper(model, 4, 2)
    one.gradients(new_batch(4))
    one.update()
    assert not torch.equal(model.embedding.weight, before["embedding.weight"])
    assert gradients(model) == []


class Half(Alone):
    """One of two processes that share a step; the mean over both is taken by the test."""

    size = 2

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def own_part(self, windows: Sequence[int]) -> Sequence[int]:
        return windows[3 * self.rank : 3 * self.rank + 3]


def test_the_mean_over_two_processes_is_the_whole_step() -> None:
    whole, batch = new_model(), new_batch(6)
    loss, _ = stepper(whole, 6, 6).gradients(batch)
    halves = [new_model(), new_model()]
    losses = [
        stepper(model, 6, 2, Half(rank)).gradients(batch.rows(3 * rank, 3 * rank + 3))[0]
        for rank, model in enumerate(halves)
    ]
    torch.testing.assert_close(sum(losses) / 2, loss)
    means = [(one + other) / 2 for one, other in zip(*map(gradients, halves), strict=True)]
    torch.testing.assert_close(means, gradients(whole))
