"""What becomes of a run's candidate, in a real registry: the alias moves once, and a repeat repeats nothing."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows import promotion
from flows.home import Home
from flows.promotion import NOBODY, Candidate, Settlement
from flows.registration import RegisterResult, RegisterRuntime
from flows.run import Run, StageRecord
from gptmodel import approval, champions, registry
from gptmodel.approval import Approval
from gptmodel.config_file import load_config
from gptmodel.decision import Decision
from gptmodel.store import Output
from tests.integration.registered import BETTER, Registered

PASSED = Decision(passed=True, reason="no leak", scope="32 samples")
WORSE = Decision(passed=False, reason="not better", scope="16 test documents")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def model(mlflow_uri: str, tmp_path: Path) -> Registered:
    return Registered.make(mlflow_uri, tmp_path)


def run_of(home: Home, uri: str, *, cached: bool = False, force: tuple[str, ...] = (), ask: bool = False) -> Run:
    """Give a run past its promote task, as far as settling looks at it."""
    config = load_config({"preset": "smoke", "registry": {"approval": "ask" if ask else "automatic"}})
    nothing: Any = None
    delivery: Any = SimpleNamespace(uri=uri)
    output = Output(stage="promote", fingerprint="c1", digest="d1", result={})
    return Run(
        config, home, delivery, nothing, nothing, "id", "url", nothing, nothing, force=force,
        records={"promote": StageRecord(output, cached, 0.0, "")},
    )  # fmt: skip


def candidate(
    model: Registered, number: int, opponent: int | None, decision: Decision = BETTER, privacy: Decision = PASSED
) -> Candidate:
    uri = f"models:/{model.name}/{number}"
    runtime = RegisterRuntime(model_id=None, mlflow_run_id="r", is_reused=False)
    made = RegisterResult(name=model.name, version=number, uri=uri, bundle_digest="b", runtime=runtime)
    return Candidate(made, privacy, decision, f"models:/{model.name}/{opponent}" if opponent else NOBODY, "c1")


def settle(run: Run, one: Candidate, asked: Approval | None = None) -> Settlement:
    return promotion._settle(run, one, asked)


def test_a_better_candidate_takes_the_place_and_a_repeat_changes_nothing(home: Home, model: Registered) -> None:
    model.served(1)
    model.add()
    first = settle(run_of(home, model.uri), candidate(model, 2, 1))
    again = settle(run_of(home, model.uri, cached=True), candidate(model, 2, 1))
    assert ([first.kind, again.kind], model.champion, model.log) == (["promoted", "unchanged"], 2, [("promoted", 2)])


def test_a_candidate_that_lost_is_challenger_with_its_reason_and_is_logged_once(home: Home, model: Registered) -> None:
    model.served(1)
    model.add()
    kinds = [settle(run_of(home, model.uri, cached=again), candidate(model, 2, 1, WORSE)).kind for again in (0, 1)]
    assert (kinds, model.champion, model.alias("challenger")) == (["kept", "unchanged"], 1, 2)
    assert model.log == [("kept", 2)]
    assert model.read(2).description.startswith("**Decision:** not better (16 test documents)")


def test_a_killed_run_that_marked_no_challenger_is_made_up_for(home: Home, model: Registered) -> None:
    model.served(1)
    registry.note_decision(model.uri, model.name, model.add().version, WORSE)
    assert settle(run_of(home, model.uri, cached=True), candidate(model, 2, 1, WORSE)).kind == "kept"
    assert (model.alias("challenger"), model.log) == (2, [("kept", 2)])


def test_a_candidate_whose_leak_test_said_no_bears_no_alias(home: Home, model: Registered) -> None:
    model.served(1)
    model.add()
    model.move_by_hand(2)
    leaks = Decision(passed=False, reason="leaks")
    for again in (False, True):
        settled = settle(run_of(home, model.uri, cached=again), candidate(model, 2, 1, WORSE, leaks))
        assert (settled.kind, settled.reason) == ("blocked", "leaks")
    assert ((model.champion, model.alias("challenger")), model.log) == ((None, None), [("blocked", 2)])


def test_with_another_champion_than_it_was_compared_with_it_is_compared_anew(home: Home, model: Registered) -> None:
    model.served(2)
    model.add()
    assert settle(run_of(home, model.uri), candidate(model, 3, 1)).kind == "compare anew"
    assert (model.champion, model.log) == (2, [])


@pytest.mark.parametrize("force", [(), ("promote",)])
def test_a_version_that_was_rolled_back_stays_out_even_if_forced(
    home: Home, model: Registered, force: tuple[str, ...]
) -> None:
    model.served(2)
    champions.roll_back(model.uri, model.events, model.name, reason="odd answers", by="Mei")
    settled = settle(run_of(home, model.uri, force=force), candidate(model, 2, 1))
    assert settled == Settlement("kept", "v2 was rolled back by Mei: odd answers", 1, BETTER)


def test_an_alias_that_was_moved_by_hand_stays_until_promote_is_forced(home: Home, model: Registered) -> None:
    model.served(2)
    model.move_by_hand(1)
    kept = settle(run_of(home, model.uri, cached=True), candidate(model, 2, 1))
    assert (kept.kind, "moved by hand" in kept.reason, model.champion) == ("kept", True, 1)
    assert settle(run_of(home, model.uri, force=("promote",)), candidate(model, 2, 1)).kind == "promoted"
    assert model.champion == 2


def test_a_version_retired_for_another_homes_request_is_skipped(home: Home, model: Registered) -> None:
    model.served(1)
    registry.retire_version(model.uri, model.name, model.add().version, "R-7", "R-7 (a1b2)")
    assert settle(run_of(home, model.uri), candidate(model, 2, 1)).kind == "skipped"


def test_what_is_settled_already_asks_the_registry_nothing_more(home: Home, model: Registered) -> None:
    model.crowned()
    run = run_of(home, "http://127.0.0.1:9", cached=True)  # nobody answers there
    run.champion = model.read(1)
    assert promotion._is_settled(run, candidate(model, 1, None))
    assert not promotion._is_settled(run, replace(candidate(model, 1, None), privacy=WORSE))


class TestApproval:
    @pytest.fixture
    def asked(self, home: Home, model: Registered) -> tuple[Run, Candidate]:
        """A question that was put to a person."""
        model.served(1)
        model.add()
        run, one = run_of(home, model.uri, ask=True), candidate(model, 2, 1)
        assert settle(run, one).kind == "ask"
        for _ in range(2):
            approval.ask(model.uri, model.events, model.read(2), BETTER, 48, one.opponent)
        return run, one

    def test_it_is_asked_once_and_the_version_can_be_tried_meanwhile(
        self, asked: tuple[Run, Candidate], model: Registered
    ) -> None:
        assert settle(*asked).kind == "ask"
        assert (model.champion, model.alias("challenger"), model.log) == (1, 2, [("approval asked", 2)])
        assert "waits for a person's approval until" in model.read(2).description

    def test_a_yes_promotes_and_stands_in_the_decision(self, asked: tuple[Run, Candidate], model: Registered) -> None:
        question = approval.approval_of(model.read(2))
        assert question is not None
        approval.approve(model.uri, model.events, model.read(2), question, "Mei", "reads well")
        assert settle(*asked).kind == "promoted"
        assert (model.champion, model.alias("challenger")) == (2, None)
        assert model.log == [("approval asked", 2), ("approved", 2), ("promoted", 2)]
        found = model.read(2)
        assert found.tags["gptmodel.approval"] == "approved by Mei: reads well"
        assert found.description.startswith("**Decision:** better; approved by Mei: reads well (16 test documents)")

    def test_a_yes_counts_for_nothing_against_another_champion(
        self, asked: tuple[Run, Candidate], home: Home, model: Registered
    ) -> None:
        question = approval.approval_of(model.read(2))
        assert question is not None
        approval.approve(model.uri, model.events, model.read(2), question, "Mei", "reads well")
        model.crowned()
        again = candidate(model, 2, 3)
        assert (settle(asked[0], again).kind, model.champion) == ("ask", 3)
        new = approval.ask(model.uri, model.events, model.read(2), BETTER, 48, again.opponent)
        assert (new.state, new.against) == ("asked", again.opponent)
        answer = approval.approve(model.uri, model.events, model.read(2), new, "Mei", "reads well")
        assert (settle(asked[0], again, answer).kind, model.champion) == ("promoted", 2)

    @pytest.mark.parametrize("answer", ["no", "none"])
    def test_a_no_and_silence_keep_the_champion_until_promote_is_forced(
        self, asked: tuple[Run, Candidate], home: Home, model: Registered, answer: str
    ) -> None:
        version = model.read(2)
        question = approval.approval_of(version)
        assert question is not None
        if answer == "no":
            approval.decline(model.uri, model.events, version, question, "Mei", "odd")
        else:
            approval.expire(model.uri, model.events, version, question, 48)
        words = "v2 was declined by Mei: odd" if answer == "no" else "nobody approved v2 within 48 hours"
        assert settle(*asked) == Settlement("kept", words, 1, BETTER)
        assert model.read(2).description.startswith(f"**Decision:** {words}")
        assert (model.champion, model.alias("challenger")) == (1, 2)
        forced = run_of(home, model.uri, force=("promote",), ask=True)
        assert settle(forced, asked[1]).kind == "ask"
        assert settle(forced, asked[1], approval.approval_of(model.read(2))).kind == "kept"
