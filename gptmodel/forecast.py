"""How long a training will take on this machine, from arithmetic alone, and the refusal when it can't end in time.

A forecast is a warning before the work starts, not a measurement: it knows the model's size, the tokens and the cores.
"""

import os
import shutil

from gptmodel.config import Config, ModelConfig
from gptmodel.errors import ConfigError

# Sustained rates of a training step: fp32 on one CPU core, and bf16 on a data-centre GPU (FLOP/s).
CPU_CORE_RATE = 3.0e10
GPU_RATE = 1.5e14
MAX_CPU_SECONDS = 86_400.0


def has_gpu() -> bool:
    """Tell whether this machine has an NVIDIA driver, without importing torch."""
    return shutil.which("nvidia-smi") is not None


def count_parameters(model: ModelConfig, vocab_size: int) -> int:
    """Count the matrices' weights (norms and biases aside) of a model from its shape."""
    feed_forward = (3 if model.activation == "swiglu" else 2) * model.embedding_dim * model.hidden_dim
    blocks = model.num_layers * (4 * model.embedding_dim**2 + feed_forward)
    embeddings = vocab_size * model.embedding_dim * (1 if model.tie_embeddings else 2)
    return blocks + embeddings


def training_flops(config: Config) -> float:
    """Count the floating-point operations of a whole training: 6 for each weight and token, and attention.

    Source: Kaplan et al. 2020, Scaling Laws for Neural Language Models, section 2.1, with attention as in Chowdhery
    et al. 2022, PaLM, appendix B.
    """
    tokens = config.training.max_steps * config.training.batch_size * config.model.context_length
    attention = 12 * config.model.num_layers * config.model.embedding_dim * config.model.context_length
    return float(tokens) * (6 * count_parameters(config.model, config.tokenizer.vocab_size) + attention)


def training_seconds(config: Config, *, num_cores: int | None = None, gpu: bool | None = None) -> float:
    """Forecast the seconds of a training on this machine, its time budget respected."""
    cores = num_cores or len(os.sched_getaffinity(0))
    seconds = training_flops(config) / (GPU_RATE if (has_gpu() if gpu is None else gpu) else CPU_CORE_RATE * cores)
    return min(seconds, config.training.max_seconds or seconds)


def refuse_if_too_large(config: Config, *, num_cores: int | None = None, gpu: bool | None = None) -> None:
    """Refuse a training that would take more than a day on this machine.

    Raises:
        ConfigError: It would; `--anyway` goes on all the same.
    """
    seconds = training_seconds(config, num_cores=num_cores, gpu=gpu)
    if seconds > MAX_CPU_SECONDS:
        cores = num_cores or len(os.sched_getaffinity(0))
        raise ConfigError(
            expected=f"a training of at most a day on {cores} cores",
            actual=f"{config.preset} on this machine: about {seconds / 86_400:.0f} days",
            mend="Use tiny, a GPU, or training.max_seconds; --anyway to go on.",
        )
