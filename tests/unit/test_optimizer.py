"""AdamW as torch's own, Muon as its source says, a state of plain tensors, and the schedule's corners."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from gptmodel.config import TrainingConfig
from gptmodel.errors import ResumeError
from gptmodel.model import GPTModel
from gptmodel.optimizer import Muon, Optimizer, build_optimizer, learning_rate_at, orthogonalise


def some_model(seed: int = 0) -> GPTModel:
    torch.manual_seed(seed)
    return GPTModel(31, 16, 32, 2, 2, context_length=8)


def learn(model: nn.Module, optimizer: Optimizer, steps: range) -> None:
    for step in steps:
        ids = torch.randint(0, 31, (4, 9), generator=torch.Generator().manual_seed(step))
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.set_learning_rate(learning_rate_at(step, 10, TrainingConfig(warmup_steps=2)))
        optimizer.step()


def test_adamw_takes_the_same_steps_as_torchs_own() -> None:
    ours, theirs = some_model(), some_model()
    config = TrainingConfig(optimizer="adamw", learning_rate=1e-2, weight_decay=0.3)
    optimizer = build_optimizer(ours, config)
    matrices = [p for p in theirs.parameters() if p.dim() > 1]
    gains = [p for p in theirs.parameters() if p.dim() < 2]
    peer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.3}, {"params": gains, "weight_decay": 0.0}], lr=1e-2, betas=(0.9, 0.95)
    )
    for _ in range(3):
        for model, stepper in ((ours, optimizer), (theirs, peer)):
            stepper.zero_grad()
            model(torch.arange(8)).square().mean().backward()
            stepper.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_weight_decay_leaves_gains_alone() -> None:
    model = some_model()
    optimizer = build_optimizer(model, TrainingConfig(weight_decay=0.5, learning_rate=0.1))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.detach(), before[name] * (0.95 if parameter.dim() > 1 else 1.0))


@pytest.mark.parametrize("shape", [(24, 40), (40, 24), (24, 24)])
def test_muon_takes_about_the_same_steps_as_torchs_own(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    ours = nn.Parameter(torch.randn(shape))
    theirs = nn.Parameter(ours.detach().clone())
    muon = Muon([("up.weight", ours)], 0.02, 0.1)
    peer = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95)
    for _ in range(4):
        ours.grad = torch.randn(shape)
        theirs.grad = ours.grad.clone()
        muon.step()
        peer.step()
    torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0.01)  # theirs iterates in bf16


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_orthogonalise_brings_singular_values_near_one(precision: str) -> None:
    matrices = torch.randn(5, 16, 48, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(matrices, precision))
    assert 0.6 < float(values.min()) < float(values.max()) < 1.3


def test_orthogonalise_gives_zeros_for_a_gradient_of_zeros() -> None:
    assert torch.equal(orthogonalise(torch.zeros(1, 3, 4)), torch.zeros(1, 3, 4))


def test_queries_keys_and_values_are_orthogonalised_each_by_itself() -> None:
    torch.manual_seed(0)
    fused = nn.Parameter(torch.zeros(24, 8))
    fused.grad = torch.randn(24, 8) * torch.tensor([1.0, 100.0, 0.01]).repeat_interleave(8)[:, None]
    alone = [nn.Parameter(torch.zeros(8, 8)) for _ in range(3)]
    for part, gradient in zip(alone, fused.grad.split(8), strict=True):
        part.grad = gradient.clone()
    Muon([("blocks.0.attention.qkv.weight", fused)], 0.02, 0.0).step()
    Muon([(f"{n}.weight", part) for n, part in enumerate(alone)], 0.02, 0.0).step()
    torch.testing.assert_close(fused.detach(), torch.cat([part.detach() for part in alone]))


def test_muon_takes_the_hidden_matrices_and_adamw_the_rest() -> None:
    model = some_model()
    optimizer = build_optimizer(model, TrainingConfig(optimizer="muon"))
    learn(model, optimizer, range(1))
    kinds = {name.split(".", 1)[1].rsplit(".", 1)[0]: name.split(".")[0] for name in optimizer.state_tensors()}
    hidden = {n for n, p in model.named_parameters() if p.dim() == 2 and n.startswith("blocks.")}
    assert {name for name, kind in kinds.items() if kind == "muon"} == hidden
    assert set(kinds) == {name for name, _ in model.named_parameters()}


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_batch_is_learned(kind: str) -> None:
    model = some_model()
    optimizer = build_optimizer(model, TrainingConfig(optimizer=kind, learning_rate=1e-2))
    ids = torch.randint(0, 31, (2, 9), generator=torch.Generator().manual_seed(0))
    for _ in range(60):
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.3


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_going_on_from_a_saved_state_equals_going_on(kind: str) -> None:
    config = TrainingConfig(optimizer=kind)
    model = some_model()
    optimizer = build_optimizer(model, config)
    learn(model, optimizer, range(3))
    copy = some_model(seed=9)
    copy.load_state_dict(model.state_dict())
    resumed = build_optimizer(copy, config)
    resumed.load_state_tensors({name: tensor.clone() for name, tensor in optimizer.state_tensors().items()})
    learn(model, optimizer, range(3, 6))
    learn(copy, resumed, range(3, 6))
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), copy.parameters(), strict=True))


def test_a_loaded_state_is_a_copy() -> None:
    model = some_model()
    optimizer = build_optimizer(model, TrainingConfig())
    learn(model, optimizer, range(1))
    saved = {name: tensor.clone() for name, tensor in optimizer.state_tensors().items()}
    kept = {name: tensor.clone() for name, tensor in saved.items()}
    optimizer.load_state_tensors(saved)
    learn(model, optimizer, range(1, 2))
    assert all(torch.equal(saved[name], kept[name]) for name in kept)


@pytest.mark.parametrize("other", ["muon", "adamw"])
def test_the_state_of_another_optimiser_is_refused(other: str) -> None:
    model = some_model()
    optimizer = build_optimizer(model, TrainingConfig(optimizer=other))
    learn(model, optimizer, range(1))
    this = build_optimizer(some_model(), TrainingConfig(optimizer="adamw" if other == "muon" else "muon"))
    with pytest.raises(ResumeError, match="other names or shapes"):
        this.load_state_tensors(optimizer.state_tensors())


def test_names_stay_the_same_under_compile() -> None:
    model = some_model()
    optimizer = build_optimizer(torch.compile(model, backend="eager"), TrainingConfig(optimizer="muon"))
    learn(model, optimizer, range(1))
    assert "muon.blocks.0.attention.qkv.weight.momentum" in optimizer.state_tensors()


def test_zero_grad_forgets_every_gradient() -> None:
    model = some_model()
    optimizer = build_optimizer(model, TrainingConfig())
    model(torch.arange(8)).sum().backward()
    optimizer.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_learning_rate_of_zero_changes_nothing(kind: str) -> None:
    model = some_model()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = build_optimizer(model, TrainingConfig(optimizer=kind))
    optimizer.set_learning_rate(0.0)
    model(torch.arange(8)).square().sum().backward()
    optimizer.step()
    assert all(torch.equal(p.detach(), old) for p, old in zip(model.parameters(), before, strict=True))


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        ("cosine", 0, 0.1), ("cosine", 9, 1.0), ("cosine", 10, 1.0), ("cosine", 99, 0.2), ("cosine", 500, 0.2),
        ("wsd", 4, 0.5), ("wsd", 10, 1.0), ("wsd", 80, 1.0), ("wsd", 99, 0.2), ("wsd", 500, 0.2),
    ],
)  # fmt: skip
def test_the_schedule_has_the_stated_values(schedule: str, step: int, expected: float) -> None:
    config = TrainingConfig(schedule=schedule, warmup_steps=10, min_learning_rate_ratio=0.2)
    assert learning_rate_at(step, 100, config) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("decay_ratio", "step", "expected"), [(0.5, 49, 1.0), (0.5, 75, 0.5), (1.0, 50, 0.5), (0.0, 99, 1.0)]
)
def test_wsd_decays_over_its_share_of_the_steps(decay_ratio: float, step: int, expected: float) -> None:
    config = TrainingConfig(schedule="wsd", warmup_steps=0, min_learning_rate_ratio=0.0, decay_ratio=decay_ratio)
    assert learning_rate_at(step, 100, config) == pytest.approx(expected, abs=0.02)


def test_the_decay_of_wsd_is_linear() -> None:
    config = TrainingConfig(schedule="wsd", warmup_steps=0, min_learning_rate_ratio=0.0)
    rates = [learning_rate_at(step, 100, config) for step in range(80, 100)]
    falls = [early - late for early, late in itertools.pairwise(rates)]
    assert falls == pytest.approx([1 / 19] * 19)


@given(
    max_steps=st.integers(1, 300), warmup=st.integers(0, 400), floor=st.floats(0, 1),
    schedule=st.sampled_from(["cosine", "wsd"]),
)  # fmt: skip
def test_the_rate_stays_between_zero_and_its_peak(max_steps: int, warmup: int, floor: float, schedule: str) -> None:
    config = TrainingConfig(warmup_steps=warmup, min_learning_rate_ratio=floor, schedule=schedule)
    rates = [learning_rate_at(step, max_steps, config) for step in range(max_steps)]
    assert all(0.0 <= rate <= 1.0 for rate in rates)
    assert max_steps == 1 or max(rates) == 1.0
