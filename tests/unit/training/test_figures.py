"""Figures of steps: at once on a CPU, all of them when asked for."""

import torch

from gptmodel.training.figures import Figures, StepFigures


def test_on_a_cpu_a_steps_figures_are_there_at_once() -> None:
    figures = Figures("cpu")
    figures.add(3, torch.tensor(2.5), torch.tensor(0.5))
    assert figures.arrived() == [StepFigures(3, 2.5, 0.5)]
    assert figures.arrived() == []


def test_those_that_lag_behind_come_in_order_and_none_is_lost() -> None:
    figures = Figures("cpu")
    figures._lag = 2
    seen: list[int] = []
    for step in range(5):
        figures.add(step, torch.tensor(1.0), torch.tensor(1.0))
        seen += [one.step for one in figures.arrived()]
    assert seen == [0, 1, 2]
    assert [one.step for one in figures.arrived(all_of_them=True)] == [3, 4]
