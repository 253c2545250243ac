"""Turns as champion and rollbacks, in a real registry that several homes may share."""

from pathlib import Path

import pytest

from gptmodel import champions, registry
from gptmodel.champions import CHAMPION_SINCE, ROLLED_BACK, ROLLED_BACK_TO
from gptmodel.errors import RegistryError, StoreError
from gptmodel.events import EventLog
from tests.integration.registered import BETTER, Registered


@pytest.fixture
def model(mlflow_uri: str, tmp_path: Path) -> Registered:
    return Registered.make(mlflow_uri, tmp_path)


def roll_back(model: Registered, reason: str = "odd answers", by: str = "Mei") -> champions.Rollback:
    return champions.roll_back(model.uri, model.events, model.name, reason=reason, by=by)


class TestCrowning:
    def test_the_turns_count_up_and_each_is_logged_once(self, model: Registered) -> None:
        turns = [champions.turn_of(model.crowned()) for _ in range(3)]
        assert (turns, model.champion) == ([1, 2, 3], 3)
        assert model.log == [("promoted", 1), ("promoted", 2), ("promoted", 3)]

    def test_what_a_killed_run_left_undone_after_the_alias_is_done_once(self, model: Registered) -> None:
        version = model.add()
        registry.promote_version(model.uri, model.name, version.version, BETTER)
        done = [champions.finish_crowning(model.uri, model.events, model.read(1), BETTER) for _ in range(2)]
        assert (done, champions.turn_of(model.read(1)), model.log) == ([True, False], 1, [("promoted", 1)])

    def test_a_turn_that_was_noted_and_not_logged_is_logged_with_its_number(self, model: Registered) -> None:
        registry.set_tag(model.uri, model.add(), CHAMPION_SINCE, "0007 2026-01-01T00:00:00+00:00")
        assert champions.finish_crowning(model.uri, model.events, model.read(1), BETTER)
        assert model.events.read()[0].facts["turn"] == 7


class TestRollback:
    def test_it_returns_to_the_champion_before_and_says_by_whom_and_why(self, model: Registered) -> None:
        model.served(2)
        done = roll_back(model)
        assert done.sentence == (f"v1 of {model.name} is champion again: v2 was rolled back by Mei: odd answers")
        gone = model.read(2)
        assert (model.champion, gone.tags[ROLLED_BACK], gone.tags[ROLLED_BACK_TO]) == (1, "by Mei: odd answers", "1")
        assert gone.description.splitlines()[0] == (
            "**Decision:** was rolled back by Mei: odd answers; v1 is champion again"
        )
        event = model.events.read()[-1]
        assert (event.kind, event.subject, event.by, event.reason) == ("rolled back", gone.uri, "Mei", "odd answers")

    def test_a_second_one_goes_further_back(self, model: Registered) -> None:
        model.served(3)
        assert [roll_back(model).champion, roll_back(model).champion, model.champion] == [2, 1, 1]

    def test_versions_that_were_deleted_or_retired_are_passed_over(self, model: Registered) -> None:
        model.served(4)
        model.delete(3)
        registry.retire_version(model.uri, model.name, 2, "R-1", "R-1 (a1b2)")
        assert roll_back(model).champion == 1

    def test_without_a_champion_before_it_says_so_and_changes_nothing(self, model: Registered) -> None:
        model.served(1)
        with pytest.raises(RegistryError, match="before v1 that may be in service"):
            roll_back(model)
        assert (model.champion, ROLLED_BACK in model.read(1).tags) == (1, False)

    def test_without_a_champion_it_says_so(self, model: Registered) -> None:
        with pytest.raises(RegistryError, match="to roll back"):
            roll_back(model)

    def test_a_champion_made_by_hand_is_the_one_before_the_next(self, model: Registered) -> None:
        model.served(2)
        model.move_by_hand(1)
        model.crowned()
        assert roll_back(model).champion == 1

    def test_another_home_that_shares_the_registry_returns_to_the_same(self, model: Registered, tmp_path: Path) -> None:
        model.served(2)
        other = EventLog(tmp_path / "other.jsonl")
        assert champions.roll_back(model.uri, other, model.name).champion == 1


class TestInterrupted:
    """A rollback whose process was killed between its requests."""

    @pytest.fixture
    def begun(self, model: Registered) -> Registered:
        model.served(3)
        registry.set_tag(model.uri, model.read(3), ROLLED_BACK, "by Mei: odd answers")
        return model

    @pytest.mark.parametrize("is_alias_moved", [False, True])
    def test_the_same_command_finishes_it_and_goes_no_further(self, begun: Registered, is_alias_moved: bool) -> None:
        if is_alias_moved:
            begun.move_by_hand(2)
        assert roll_back(begun, "typed again", "Bo").account == "by Mei: odd answers"
        assert (begun.champion, begun.log) == (2, [("rolled back", 3)])

    @pytest.mark.parametrize("is_alias_moved", [False, True])
    def test_a_run_finishes_it(self, begun: Registered, is_alias_moved: bool) -> None:
        if is_alias_moved:
            begun.move_by_hand(2)
        for _ in range(2):
            champion = registry.champion_of(begun.uri, begun.name)
            champions.settle_rollback(begun.uri, begun.events, begun.read(3), champion)
        assert (begun.champion, begun.log) == (2, [("rolled back", 3)])

    def test_a_version_put_back_by_hand_after_it_stays(self, begun: Registered) -> None:
        roll_back(begun)
        begun.move_by_hand(3)
        champion = champions.settle_rollback(begun.uri, begun.events, begun.read(3), begun.read(3))
        assert (champion is not None and champion.version, begun.champion) == (3, 3)


class TestRolledBack:
    def test_a_version_registered_anew_with_the_same_fingerprint_counts_as_the_same(self, model: Registered) -> None:
        model.served(2, fingerprint="f1")
        roll_back(model)
        again = model.add(fingerprint="f1")
        assert champions.rollback_of(model.uri, model.events, again) == "by Mei: odd answers"
        assert champions.rollback_of(model.uri, model.events, model.read(1)) == ""

    def test_it_is_known_after_the_version_was_deleted(self, model: Registered) -> None:
        model.served(2, fingerprint="f1")
        roll_back(model)
        model.delete(2)
        assert champions.rollback_of(model.uri, model.events, model.add(fingerprint="f1")) == "by Mei: odd answers"

    def test_once_it_is_lifted_and_the_version_promoted_it_is_over(self, model: Registered) -> None:
        model.served(2, fingerprint="f1")
        roll_back(model)
        champions.lift_rollback(model.uri, model.read(2))
        champions.crown(model.uri, model.events, model.read(2), BETTER, model.read(1))
        assert champions.rollback_of(model.uri, model.events, model.read(2)) == ""


def test_a_broken_event_log_stops_a_promotion_and_a_rollback_before_the_alias_moves(model: Registered) -> None:
    model.crowned()
    model.crowned()
    third = model.add()
    model.events.path.write_text(model.events.path.read_text().replace("better", "worse", 1))
    with pytest.raises(StoreError, match="was changed"):
        champions.crown(model.uri, model.events, third, BETTER, model.read(2))
    with pytest.raises(StoreError, match="was changed"):
        champions.roll_back(model.uri, model.events, model.name)
    assert model.champion == 2
    assert ROLLED_BACK not in model.read(2).tags
