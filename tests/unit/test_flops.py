"""What a training costs and what the machine gives."""

import pytest
import torch

from gptmodel.flops import flops_per_token, measured_matmul_rate, mfu, published_peak
from gptmodel.model import GPTModel

CONFIG = GPTModel(50, 16, 32, 2, 2, context_length=8, activation="gelu").config


def test_a_forward_pass_costs_a_third_of_what_is_counted() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    model = GPTModel(**CONFIG)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 8, dtype=torch.int64))
    attention = 2 * 2 * 2 * 16 * 8 * 8  # counted by hand: the counter does not know the CPU's fused attention
    assert (counter.get_total_flops() + attention) * 3 == pytest.approx(flops_per_token(CONFIG) * 8)


def test_a_third_matrix_of_the_feed_forward_layer_counts() -> None:
    more = flops_per_token(CONFIG | {"activation": "swiglu"}) - flops_per_token(CONFIG)
    assert more == 6 * 2 * 16 * 32


def test_utilisation_is_a_share_of_what_the_machine_gives() -> None:
    assert mfu(1000.0, 2e6, 4e9) == 0.5


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA A10G", 70e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA GeForce RTX 5050", None),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", None),
    ],
)
def test_a_card_is_known_by_the_words_of_its_name(name: str, peak: float | None) -> None:
    assert published_peak(name) == peak


def test_measuring_leaves_threads_and_random_numbers_as_they_were() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    assert measured_matmul_rate("cpu", "fp32", 1) > 1e6
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
