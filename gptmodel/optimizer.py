"""AdamW, or Muon for the hidden matrices and AdamW for the rest, behind one object; and the learning rate's schedule.

This room changes parameters and knows no loss, no data and no files; its state goes in and out as plain tensors, so
that `checkpoint` can write it without pickle. `training` calls it.
"""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from gptmodel.config import TrainingConfig
from gptmodel.errors import ResumeError

# Brown et al. 2020 (GPT-3), appendix B.
_BETAS = (0.9, 0.95)
_EPS = 1e-8
# Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks" (kellerjordan.github.io/posts/muon).
_MOMENTUM = 0.95
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Optimizer:
    """Every parameter's optimiser as one object; made by `build_optimizer`.

    Args:
        adamw: AdamW over its parameters.
        muon: Muon over the hidden matrices, or None.
        names: Name of each parameter.
    """

    def __init__(self, adamw: torch.optim.AdamW, muon: "Muon | None", names: Mapping[nn.Parameter, str]) -> None:
        self._adamw, self._muon, self._names = adamw, muon, dict(names)
        self._peaks = [float(group["lr"]) for group in adamw.param_groups]

    def step(self) -> None:
        """Change the parameters by their gradients."""
        self._adamw.step()
        if self._muon is not None:
            self._muon.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._names:
            parameter.grad = None

    def set_learning_rate(self, ratio: float) -> None:
        """Set every learning rate to `ratio` (0 to 1) of its peak; see `learning_rate_at`."""
        for group, peak in zip(self._adamw.param_groups, self._peaks, strict=True):
            group["lr"] = peak * ratio
        if self._muon is not None:
            self._muon.ratio = ratio

    def state_tensors(self) -> dict[str, Tensor]:
        """Give the whole state by name, step counters as tensors too; empty before the first step.

        The tensors are the optimiser's own: copy or write them before the next step.
        """
        state = {
            f"adamw.{name}.{key}": value
            for parameter, name in self._names.items()
            for key, value in self._adamw.state.get(parameter, {}).items()
        }
        if self._muon is not None:
            state |= {f"muon.{name}.momentum": value for name, value in self._muon.momenta.items()}
        return dict(sorted(state.items()))

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take a state over that `state_tensors` of an equal optimiser gave; tensors are copied.

        Raises:
            ResumeError: The state belongs to other parameters or another optimiser.
        """
        self._check_state(tensors)
        self._adamw.state.clear()
        for parameter, name in self._names.items():
            keys = {key: f"adamw.{name}.{key}" for key in ("step", "exp_avg", "exp_avg_sq")}
            if keys["step"] in tensors:
                self._adamw.state[parameter] = {key: _copied(tensors[full], parameter) for key, full in keys.items()}
        if self._muon is not None:
            self._muon.momenta = {
                name: _copied(tensors[f"muon.{name}.momentum"], parameter)
                for name, parameter in self._muon.parameters
                if f"muon.{name}.momentum" in tensors
            }

    def _check_state(self, tensors: Mapping[str, Tensor]) -> None:
        hidden = set() if self._muon is None else {name for name, _ in self._muon.parameters}
        shapes: dict[str, torch.Size] = {}
        for parameter, name in self._names.items():
            if name in hidden:
                shapes[f"muon.{name}.momentum"] = parameter.shape
            else:
                both = {f"adamw.{name}.{key}": parameter.shape for key in ("exp_avg", "exp_avg_sq")}
                shapes |= both | {f"adamw.{name}.step": torch.Size()}
        if tensors and {name: tensor.shape for name, tensor in tensors.items()} != shapes:
            raise ResumeError(
                expected=f"the optimiser's state of these parameters, {len(shapes)} tensors",
                actual=f"{len(tensors)} tensors of other names or shapes",
                mend="Train from the start, or with the settings the checkpoint was made with.",
            )


class Muon:
    """Momentum whose update is made orthogonal, for the two-dimensional parameters inside the network.

    Matrices of one shape are orthogonalised together; queries, keys and values, which share one tensor, each by
    themselves. The learning rate is scaled by sqrt(max(1, rows / columns)).

    Args:
        parameters: Names and matrices; a name that ends in `qkv.weight` holds three matrices.
        learning_rate: Peak learning rate.
        weight_decay: Decoupled decay, as a share of the learning rate.
        precision: Arithmetic of the iterations, as in `orthogonalise`.

    Source:
        Jordan et al. 2024 (Nesterov momentum 0.95, five quintic Newton-Schulz iterations); weight decay: Liu et al.
        2025, "Muon is Scalable for LLM Training".
    """

    def __init__(
        self, parameters: Iterable[tuple[str, nn.Parameter]], learning_rate: float, weight_decay: float,
        precision: str = "fp32",
    ) -> None:  # fmt: skip
        self.parameters = list(parameters)
        self.precision = precision
        self.momenta: dict[str, Tensor] = {}
        self.learning_rate, self.weight_decay, self.ratio = learning_rate, weight_decay, 1.0

    @torch.no_grad()
    def step(self) -> None:
        """Change the matrices by their gradients."""
        stacks: dict[tuple[int, ...], list[tuple[nn.Parameter, Tensor]]] = {}
        for name, parameter in self.parameters:
            if parameter.grad is not None:
                # Of a matrix that is cut among processes each has its rows; only whole can it be made orthogonal.
                whole = gathered(self._with_momentum(name, parameter.grad))
                update = _matrices(name, whole)  # (n, rows, columns)
                wide = update.mT if update.size(1) > update.size(2) else update
                stacks.setdefault(tuple(wide.shape[1:]), []).append((parameter, update))
        for members in stacks.values():
            self._apply(members)

    def _with_momentum(self, name: str, gradient: Tensor) -> Tensor:
        momentum = self.momenta.setdefault(name, torch.zeros_like(gradient))
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        return gradient.lerp(momentum, _MOMENTUM)

    def _apply(self, members: list[tuple[nn.Parameter, Tensor]]) -> None:
        wide = torch.cat([update.mT if update.size(1) > update.size(2) else update for _, update in members])
        parts = orthogonalise(wide, self.precision).split([update.size(0) for _, update in members])
        rate = self.learning_rate * self.ratio
        for (parameter, update), part in zip(members, parts, strict=True):
            rows, columns = update.shape[1:]
            straight = part.mT if rows > columns else part
            parameter.mul_(1 - rate * self.weight_decay)
            change = own_rows(straight.reshape(parameter.shape), parameter)
            parameter.add_(change, alpha=-rate * math.sqrt(max(1.0, rows / columns)))


def orthogonalise(matrices: Tensor, precision: str = "fp32") -> Tensor:
    """Bring the singular values of each matrix (n, rows, columns), rows <= columns, to about 1 (0.7 to 1.2).

    Args:
        matrices: The matrices; the answer has their type.
        precision: `bf16` iterates in bf16, which takes a third of the time of `fp32` on a CPU that multiplies bf16 in
            hardware, and longer on any other. A GPU always takes bf16.

    Source:
        The quintic Newton-Schulz iteration of Jordan et al. 2024, in bf16 there.
    """
    a, b, c = _COEFFICIENTS
    x = matrices.float() if precision == "fp32" and matrices.device.type == "cpu" else matrices.bfloat16()
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(_ITERATIONS):
        gram = torch.bmm(x, x.mT)  # (n, rows, rows)
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)  # b A + c A A
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x.to(matrices.dtype)


def gathered(tensor: Tensor) -> Tensor:
    """Give a tensor whole in every process; where it is cut among processes (a DTensor), all must ask."""
    whole: Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return whole


def own_rows(tensor: Tensor, like: Tensor) -> Tensor:
    """Cut a tensor that every process has whole as `like` is cut; where that is not cut, give it as it is."""
    if not hasattr(like, "full_tensor"):
        return tensor
    from torch.distributed.tensor import DTensor, Replicate

    assert isinstance(like, DTensor)  # noqa: S101  nothing else can be asked for its whole
    whole = DTensor.from_local(tensor.contiguous(), like.device_mesh, [Replicate()], run_check=False)
    return whole.redistribute(placements=like.placements)


def build_optimizer(model: nn.Module, config: TrainingConfig, precision: str = "fp32") -> Optimizer:
    """Make the optimiser of a model's parameters; weight decay falls on matrices only.

    Args:
        model: The model; with `config.optimizer == "muon"` its matrices below `blocks` go to Muon, everything else
            (embeddings, output layer, gains) to AdamW.
        config: The optimisation's settings.
        precision: Arithmetic of the training's matrix products, `fp32` or `bf16`; Muon iterates in it.

    Source:
        Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization"; betas of Brown et al. 2020.

    Example:
        >>> optimizer = build_optimizer(nn.Linear(2, 2), TrainingConfig())
        >>> optimizer.state_tensors()
        {}
    """
    named = {_plain_name(name): parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    hidden = {
        name: parameter for name, parameter in named.items() if name.startswith("blocks.") and parameter.dim() == 2
    }
    if config.optimizer != "muon":
        hidden = {}
    rest = [parameter for name, parameter in named.items() if name not in hidden]
    groups = [
        {"params": [parameter for parameter in rest if parameter.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [parameter for parameter in rest if parameter.dim() < 2], "weight_decay": 0.0},
    ]
    filled = [group for group in groups if group["params"]]
    adamw = torch.optim.AdamW(filled, lr=config.learning_rate, betas=_BETAS, eps=_EPS, fused=True)
    muon = Muon(hidden.items(), config.muon_learning_rate, config.weight_decay, precision) if hidden else None
    return Optimizer(adamw, muon, {parameter: name for name, parameter in named.items()})


def learning_rate_at(step: float, max_steps: int, config: TrainingConfig) -> float:
    """Give the learning rate of a step as a share of its peak, 0 to 1.

    Warm-up is linear over `config.warmup_steps`, at most half of all steps. `cosine` then falls to
    `config.min_learning_rate_ratio` at the last step; `wsd` stays at the peak and falls there linearly over the last
    `config.decay_ratio` of the steps.

    Args:
        step: Step, 0 <= step < max_steps; beyond it the last step's rate, between two steps a rate between theirs.
        max_steps: Steps of the schedule.
        config: The optimisation's settings.

    Source:
        Cosine: Loshchilov & Hutter 2017, "SGDR"; warm-up, stable, decay: Hu et al. 2024, "MiniCPM", a fifth being
        enough by Hagele et al. 2024, "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations"; short
        trainings gain by a longer decay, down to zero: Bergsma et al. 2025, "Straight to Zero".
    """
    warmup = min(config.warmup_steps, max_steps // 2)
    if step < warmup:
        return (step + 1) / warmup
    floor = config.min_learning_rate_ratio
    start = warmup if config.schedule == "cosine" else max(warmup, max_steps - round(max_steps * config.decay_ratio))
    done = min(1.0, max(0.0, (step - start) / max(1, max_steps - 1 - start)))
    if config.schedule == "cosine":
        return floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2
    return 1 - (1 - floor) * done


def _matrices(name: str, update: Tensor) -> Tensor:
    parts = 3 if name.endswith("qkv.weight") else 1
    return update.view(parts, -1, update.size(1))


def _plain_name(name: str) -> str:
    # torch.compile and DistributedDataParallel put a word before every name.
    return name.removeprefix("module.").removeprefix("_orig_mod.")


def _copied(tensor: Tensor, parameter: nn.Parameter) -> Tensor:
    return tensor.detach().to(parameter.device, copy=True)
