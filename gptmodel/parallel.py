"""How many processes train together on a machine: by its GPUs, or as the config says.

The number shapes the weights by rounding only, as the number of threads does, so it is decided once, recorded with the
training's other choices, and outside the fingerprint: a training may go on with another number, which says so.
"""

import logging
from typing import Literal

from gptmodel.config import TrainingConfig
from gptmodel.errors import ConfigError

logger = logging.getLogger(__name__)


def choose_processes(config: TrainingConfig, device: Literal["cpu", "cuda"], recorded: int | None = None) -> int:
    """Give the number of processes on this machine.

    Args:
        config: The optimisation.
        device: What a process computes on.
        recorded: Processes of an earlier attempt, on all machines; as many are taken again where the config doesn't
            say another number and the devices are there.

    Raises:
        ConfigError: The GPUs are fewer, or a step's sequences can't be shared equally.
    """
    before = None if recorded is None else max(1, recorded // config.num_nodes)
    if config.parallel == "none":
        number = 1
    else:
        number = config.num_processes or _by_device(device, before)
        _check(config, device, number)
    if before not in (None, number):
        logger.warning(
            "the training began with %s on each machine and goes on with %d: its weights differ in rounding from there",
            "1 process" if before == 1 else f"{before} processes", number,
        )  # fmt: skip
    return number


def _by_device(device: Literal["cpu", "cuda"], before: int | None) -> int:
    if device == "cpu":
        return before or 1
    # One process was no choice: the setting was not there, or no second GPU.
    return before if before is not None and 1 < before <= _num_gpus() else _num_gpus()


def _check(config: TrainingConfig, device: Literal["cpu", "cuda"], number: int) -> None:
    total = number * config.num_nodes
    if device == "cuda" and number > _num_gpus():
        raise ConfigError(
            expected=f"a GPU for each of {number} processes",
            actual=f"{_num_gpus()}",
            mend="Lower training.num_processes, or leave it out.",
        )
    if config.batch_size % total:
        raise ConfigError(
            expected=f"training.batch_size to be divisible by the number of processes, {total}",
            actual=f"{config.batch_size}",
            mend="Change training.batch_size or training.num_processes.",
        )


def _num_gpus() -> int:
    import torch

    return torch.cuda.device_count()
