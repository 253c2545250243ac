"""What a training costs in floating-point operations, what the machine can give, and the share of it that is used.

This room counts matrix products and measures one; it knows no model, no data and no files. `training` writes the share
(`mfu`) with its metrics, benchmarks/ states it beside every speed.
"""

import contextlib
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

# A forward product of a weight costs 2 operations a token, its two backward products 4.
_OPERATIONS_OF_A_WEIGHT = 6
# Large enough for the fastest kernels. On a CPU two sizes: the smaller one ends within a few milliseconds, so that on a
# busy machine some of its products run undisturbed.
_CPU_SIZES, _GPU_SIZES = (512, 1024), (8192,)
_MEASURING_SECONDS = 0.15
_FEWEST_PRODUCTS = 3

# Dense bf16 peak (without sparsity) in FLOP/s, from NVIDIA's data sheets of each card, by the words of the device's
# name; the first row whose words all stand there counts.
_PUBLISHED_BF16_PEAKS: tuple[tuple[frozenset[str], float], ...] = (
    (frozenset({"B200"}), 2250e12),
    (frozenset({"H200", "NVL"}), 835e12),
    (frozenset({"H200"}), 989e12),
    (frozenset({"H100", "PCIe"}), 756e12),
    (frozenset({"H100", "NVL"}), 835e12),
    (frozenset({"H100"}), 989e12),
    (frozenset({"H20"}), 148e12),
    (frozenset({"A100"}), 312e12),
    (frozenset({"A800"}), 312e12),
    (frozenset({"A40"}), 149.7e12),
    (frozenset({"A30"}), 165e12),
    (frozenset({"A10"}), 125e12),
    (frozenset({"A10G"}), 70e12),
    (frozenset({"L40S"}), 362e12),
    (frozenset({"L40"}), 181e12),
    (frozenset({"L4"}), 121e12),
)


def flops_per_token(config: Mapping[str, Any]) -> float:
    """Give the floating-point operations of training on one token: matrix products, forward and backward.

    Per token `6 * (L * (4*D*D + m*D*F) + V*D) + 12 * L*D*C`, with m = 3 for swiglu and 2 otherwise: every weight that
    is multiplied, the output layer included, and attention over the whole context.

    Args:
        config: The arguments of GPTModel, as `GPTModel.config` holds them.

    Source:
        Chowdhery et al. 2022, "PaLM", appendix B, `6N + 12 L H Q T`; as there, attention counts the whole square
        though half of it is masked, and norms, activations and the optimizer count nothing. Deviation: N is what is
        multiplied alone, so the look-up in an embedding table, learned positions and gains are left out.

    Example:
        >>> flops_per_token({"vocab_size": 10, "embedding_dim": 4, "hidden_dim": 8, "num_layers": 1,
        ...                  "context_length": 2, "activation": "relu2"})
        1104.0
    """
    width, hidden, layers = config["embedding_dim"], config["hidden_dim"], config["num_layers"]
    num_matrices = 3 if config["activation"] == "swiglu" else 2
    weights = layers * (4 * width * width + num_matrices * width * hidden) + config["vocab_size"] * width
    return float(_OPERATIONS_OF_A_WEIGHT * weights + 12 * layers * width * config["context_length"])


def mfu(tokens_per_second: float, token_flops: float, machine_flops: float) -> float:
    """Give the model FLOPs utilisation, 0 to 1: what the training computes of what the machine could.

    Args:
        tokens_per_second: Tokens trained on a second.
        token_flops: Operations of one token, from `flops_per_token`.
        machine_flops: Operations a second of the machine, from `matmul_rate`.

    Source:
        Chowdhery et al. 2022, "PaLM", appendix B. Deviation: on a CPU the machine's figure is measured, see
        `measured_matmul_rate`.
    """
    return tokens_per_second * token_flops / machine_flops


def matmul_rate(device: str, precision: str, num_threads: int) -> float:
    """Give what MFU is measured against, FLOP/s: a GPU's published dense bf16 peak if its card is known, else measured.

    Args:
        device: cpu or cuda.
        precision: fp32 or bf16.
        num_threads: CPU threads; without meaning on a GPU.
    """
    if device == "cuda" and precision == "bf16":
        import torch

        published = published_peak(torch.cuda.get_device_name())
        if published is not None:
            return published
    return measured_matmul_rate(device, precision, num_threads)


def published_peak(device_name: str) -> float | None:
    """Give a card's published dense bf16 peak, FLOP/s; None for a card not in the table, or a part of one (MIG)."""
    words = set(re.split(r"[\s-]+", device_name))
    if "MIG" in words:
        return None
    return next((peak for named, peak in _PUBLISHED_BF16_PEAKS if named <= words), None)


def measured_matmul_rate(device: str, precision: str, num_threads: int) -> float:
    """Measure how fast this machine multiplies large square matrices: the best of a few products, FLOP/s.

    It takes less than half a second. The best counts, so that other work on the machine disturbs it little.

    Args:
        device: cpu or cuda.
        precision: fp32 or bf16.
        num_threads: CPU threads; torch's setting is put back afterwards, and its random generator is not touched.
    """
    sizes = _GPU_SIZES if device == "cuda" else _CPU_SIZES
    with _threads(num_threads):
        return max(_rate(size, device, precision) for size in sizes)


def _rate(size: int, device: str, precision: str) -> float:
    import torch

    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    generator = torch.Generator(device).manual_seed(0)
    left, right = (torch.randn(size, size, generator=generator, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / _best_seconds(lambda: left @ right, device)


def _best_seconds(multiply: "Callable[[], torch.Tensor]", device: str) -> float:
    _timed(multiply, device)  # the first one loads the kernels
    best, total, count = math.inf, 0.0, 0
    while total < _MEASURING_SECONDS or count < _FEWEST_PRODUCTS:
        seconds = _timed(multiply, device)
        best, total, count = min(best, seconds), total + seconds, count + 1
    return best


def _timed(multiply: "Callable[[], torch.Tensor]", device: str) -> float:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    multiply()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


@contextlib.contextmanager
def _threads(num_threads: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
