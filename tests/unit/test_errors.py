"""Errors carry three parts, the right exit code, and survive a process boundary."""

import pickle

import pytest

from gptmodel import errors
from gptmodel.errors import ConfigError, GateError, GPTModelError, StoreError


def test_an_error_says_expected_actual_and_mend() -> None:
    error = ConfigError(expected="a preset", actual="'tony'", mend="Did you mean 'tiny'?")
    assert str(error) == "expected a preset; got 'tony'. Did you mean 'tiny'?"


@pytest.mark.parametrize(("kind", "code"), [(ConfigError, 2), (GateError, 3), (StoreError, 1)])
def test_each_kind_of_error_has_its_exit_code(kind: type[GPTModelError], code: int) -> None:
    assert kind.exit_code == code


def test_errors_are_caught_by_the_fitting_builtin_too() -> None:
    with pytest.raises(ValueError, match="expected"):
        raise ConfigError(expected="x", actual="y", mend="z")


def test_an_error_survives_the_way_back_from_a_worker_process() -> None:
    error = pickle.loads(pickle.dumps(StoreError(expected="x", actual="y", mend="z")))
    assert (type(error), error.mend) == (StoreError, "z")


def test_the_drawn_tree_names_every_error() -> None:
    classes = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert [name for name in classes if name not in str(errors.__doc__)] == []
