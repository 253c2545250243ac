"""`gptmodel promote` and `gptmodel rollback` against a real registry; what needs a comparison is in tests/e2e."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows import cli
from gptmodel import champions, registry
from tests.integration.registered import Registered


@pytest.fixture
def model(mlflow_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registered:
    (tmp_path / "home").mkdir(mode=0o700)
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    return Registered.make(mlflow_uri, tmp_path / "home")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, [*arguments], prog_name="gptmodel")


def test_rollback_says_what_it_did_and_the_events_know_who(model: Registered) -> None:
    model.served(2)
    ended = call("rollback", model.name, "--reason", "odd answers", "--by", "Mei", "--json")
    found = json.loads(ended.stdout.splitlines()[-1])
    sentence = f"v1 of {model.name} is champion again: v2 was rolled back by Mei: odd answers"
    assert (ended.exit_code, found["reason"], found["model"]["version"]) == (0, sentence, 1)
    assert (model.champion, model.events.read()[0].by) == (1, "Mei")


def test_rollback_without_an_earlier_champion_is_an_error_with_its_mend(model: Registered) -> None:
    model.served(1)
    ended = call("rollback", model.name)
    assert (ended.exit_code, "gptmodel promote models:/" in ended.output) == (1, True)


def test_a_version_whose_leak_test_said_no_is_not_promoted_on_anybodys_word(model: Registered) -> None:
    model.served(1)
    model.add(leak_test="no")
    ended = call("promote", f"models:/{model.name}/2", "--anyway", "--reason", "I want it")
    assert (ended.exit_code, model.champion, "Kept v1: blocked: its leak test said no" in ended.output) == (3, 1, True)


def test_a_version_that_was_rolled_back_is_promoted_only_with_a_reason(model: Registered) -> None:
    model.served(2)
    champions.roll_back(model.uri, model.events, model.name, reason="odd", by="Mei")
    uri = f"models:/{model.name}/2"
    refused, no_reason = call("promote", uri), call("promote", uri, "--anyway")
    assert ([refused.exit_code, no_reason.exit_code], model.champion) == ([1, 2], 1)
    assert "v2 was rolled back by Mei: odd; to promote it all the same: --anyway --reason TEXT" in refused.output

    done = call("promote", uri, "--anyway", "--reason", "was fine", "--by", "Bo", "--json")
    assert (done.exit_code, json.loads(done.stdout.splitlines()[-1])["passed"], model.champion) == (0, True, 2)
    assert not {champions.ROLLED_BACK, champions.ROLLED_BACK_TO} & model.read(2).tags.keys()
    event = model.events.read()[-1]
    assert (event.kind, event.by, "a person's word against: v2 was rolled back" in event.reason) == (
        "promoted", "Bo", True,
    )  # fmt: skip


def test_a_retired_version_needs_the_same(model: Registered) -> None:
    model.served(1)
    registry.retire_version(model.uri, model.name, model.add().version, "R-7", "R-7 (a1b2)")
    assert call("promote", f"models:/{model.name}/2").exit_code == 1
    assert call("promote", f"models:/{model.name}/2", "--anyway", "--reason", "appeal won").exit_code == 0
    assert (model.champion, registry.RETIRED_TAG in model.read(2).tags) == (2, False)


def test_a_name_means_the_challenger_else_the_newest_version(model: Registered) -> None:
    model.served(1)
    assert "Unchanged v1" in call("promote", model.name).output
    model.add(leak_test="no")
    model.add(leak_test="no")
    assert json.loads(call("promote", model.name, "--json").stdout.splitlines()[-1])["model"]["version"] == 3
    model.move_by_hand(2, "challenger")
    assert json.loads(call("promote", model.name, "--json").stdout.splitlines()[-1])["model"]["version"] == 2


def test_an_unknown_model_is_explained(model: Registered) -> None:
    ended = call("promote", "nobody")
    assert (ended.exit_code, "models:/nobody to be in the registry" in ended.output) == (1, True)


@pytest.mark.parametrize("name", ["gpt/1", "", "gpt' or name = 'x"])
def test_what_can_be_no_models_name_is_explained(model: Registered, name: str) -> None:
    ended = call("promote", name)
    assert (ended.exit_code, "a model's name, or a version as models:/gpt/3" in ended.output) == (1, True)


def test_a_reason_that_is_no_text_is_refused_before_anything_is_changed(model: Registered) -> None:
    model.served(2)
    ended = call("rollback", model.name, "--reason", "odd \udcff")
    assert (ended.exit_code, "it is not UTF-8" in ended.output, model.champion) == (2, True, 2)
