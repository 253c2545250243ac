"""How many processes train together: as the config says, else one a GPU; a record of earlier is kept."""

import logging

import pytest

from gptmodel.config import TrainingConfig, fingerprint_section
from gptmodel.errors import ConfigError
from gptmodel.parallel import choose_processes


@pytest.fixture(autouse=True)
def four_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)


def settings(**named: object) -> TrainingConfig:
    return TrainingConfig.model_validate({"parallel": "ddp", "batch_size": 24, **named})


def test_without_the_setting_one_process_trains() -> None:
    assert choose_processes(TrainingConfig(), "cuda") == 1


def test_each_gpu_gets_a_process() -> None:
    assert choose_processes(settings(), "cuda") == 4


def test_on_a_cpu_there_is_one_unless_the_config_says_more() -> None:
    assert choose_processes(settings(), "cpu") == 1
    assert choose_processes(settings(num_processes=3), "cpu") == 3


def test_an_earlier_number_is_kept_where_the_devices_are_there() -> None:
    assert choose_processes(settings(), "cuda", recorded=2) == 2


def test_with_fewer_devices_it_goes_on_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert choose_processes(settings(), "cuda", recorded=8) == 4
    assert "began with 8 processes on each machine and goes on with 4" in caplog.text


def test_more_processes_than_gpus_are_refused() -> None:
    with pytest.raises(ConfigError, match="a GPU for each of 6 processes; got 4"):
        choose_processes(settings(num_processes=6), "cuda")


def test_a_batch_that_the_gpus_cannot_share_is_refused() -> None:
    with pytest.raises(ConfigError, match="divisible by the number of processes, 4; got 6"):
        choose_processes(settings(batch_size=6), "cuda")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"num_processes": 5}, "must be divisible by the number of processes"),
        ({"num_processes": 2, "num_nodes": 5, "rendezvous": "first:29500"}, "must be divisible by the number"),
        ({"parallel": "none", "num_processes": 2}, "needs parallel = ddp or fsdp"),
        ({"num_nodes": 2}, "needs rendezvous"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(named: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings(**named)


def test_the_number_of_processes_is_no_part_of_the_fingerprint() -> None:
    several = settings(num_processes=2, num_nodes=3, rendezvous="first:29500")
    assert fingerprint_section(several) == fingerprint_section(TrainingConfig(batch_size=24))
