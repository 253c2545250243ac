"""What an auditor would stop at: each of it makes a point, and without it there is none."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gptmodel.evidence.account import Evidence, OpenPoint
from gptmodel.evidence.open_points import open_points
from gptmodel.evidence.page import TITLES
from tests.unit.evidence.known import Kept, accounts

MADE = "identity.made_with."
SOURCE = "sources.0."
EXPOSURE = "leak_test.exposure."
REQUEST = {
    "id": "R-1", "opened": date(2030, 1, 1), "closed": None, "asked_by": "document", "num_documents": 1,
    "num_duplicates": 0, "relation": "saw", "num_purges": 0, "is_retired_for": False,
}  # fmt: skip


def points(whole: Evidence, **changes: Any) -> Sequence[OpenPoint]:
    """Give the open points after some fields, named by dotted paths, were changed."""
    data = whole.model_dump()
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: Any = data
        for name in parents:
            place = place[int(name) if isinstance(place, list | tuple) else name]
        place[last] = value
    return open_points(Evidence.model_validate(data))


def test_a_version_with_everything_said_and_measured_has_none(whole: Evidence) -> None:
    assert points(whole) == ()


@pytest.mark.parametrize(
    ("path", "value", "section", "words"),
    [
        ("identity.changed_files", "x is missing", "identity", "not as they were registered: x is missing"),
        ("config", "", "identity", "The run's config is gone"),
        (f"{MADE}commit", "", "identity", "Which commit of the code"),
        (f"{MADE}is_dirty", None, "identity", "Whether the code differed"),
        (f"{MADE}lock_digest", "", "identity", "No lock file"),
        ("registry.why_not_asked", "no server", "decisions", "The registry was not asked"),
        ("registry.retired", "R-1", "decisions", "in service although it was retired"),
        ("stages.2.made_with.is_dirty", True, "lineage", "the exact code can't be had back: scrub."),
        ("stages.2.state", "damaged", "lineage", "Damaged in the store: scrub"),
        ("stages.2.state", "gone", "lineage", "known by its digest alone: scrub"),
        (f"{SOURCE}owner", "", "sources", "Nobody is named who answers for notes"),
        (f"{SOURCE}licence", "unknown", "sources", "No licence is named for notes"),
        (f"{SOURCE}purpose", "", "sources", "No purpose is named for notes"),
        (f"{SOURCE}personal_data", "unknown", "sources", "Nobody said whether data about people is in notes"),
        ("as_of", date(2031, 2, 1), "sources", "The day until which it may be used is past for notes"),
        ("funnel.sources.0.num_read", 1, "funnel", "does not add up"),
        ("funnel", None, "funnel", "the account is gone"),
        ("search.not_searched", ("PHONE",), "search", "Not searched: PHONE"),
        ("search.in_part", ("names in labelled fields",), "search", "in part: names in labelled fields"),
        ("search.self_test_sentence", "", "recall", "was not measured"),
        ("search.untested", ("STAFF_ID",), "recall", "not tested: STAFF_ID"),
        ("second_scanner", None, "left-over", "No second scanner"),
        ("second_scanner.num_hits", 2, "left-over", "The second scanner sees a value"),
        ("human_sample", None, "left-over", "No person checked"),
        ("human_sample.num_missed", 1, "left-over", "A person's check: "),
        ("human_sample.upper_bound", 0.3, "left-over", "A person's check: "),
        ("leak_test", {}, "leak-test", "account is gone"),
        ("leak_test.decision.passed", False, "leak-test", "The leak test said"),
        (f"{EXPOSURE}num_catchable", 0, "leak-test", "No test phrases were planted"),
        (f"{EXPOSURE}can_see", False, "leak-test", "is weak on this model: 9 of 10"),
        (f"{EXPOSURE}power", 0.3, "leak-test", "all scrubbed ones leaked, is 30%"),
        (f"{EXPOSURE}power", None, "leak-test", "all scrubbed ones leaked, is unknown"),
        (f"{EXPOSURE}num_reached_training", None, "leak-test", "was not looked at"),
        ("leak_test.decision.numbers.leak_upper_bound", 0.5, "leak-test", "up to 50.0% of sampled texts"),
        ("leak_test.samples.is_indexed", False, "leak-test", "were not compared"),
        ("checks.0.passed", False, "quality", "check failed: enough documents (1771; allowed: 20)"),
        ("quality", None, "quality", "account is gone"),
        ("chain.problem", "event 1 was changed", "decisions", "broken: event 1 was changed"),
        ("chain.events.0.kind", "kept", "decisions", "No person approved it"),
        ("comparisons", (), "decisions", "No decision on its promotion is known"),
    ],
)
def test_what_is_missing_or_weak_is_a_point(
    whole: Evidence, path: str, value: object, section: str, words: str
) -> None:
    [point] = points(whole, **{path: value})
    assert point.section == section
    assert words in point.says


def test_what_is_accepted_in_writing_is_a_point_all_the_same(whole: Evidence) -> None:
    [point] = points(whole, **{"search.not_searched": ("PHONE",), "search.accepted": ("PHONE",)})
    assert point.says == "Not searched: PHONE (accepted). The training text may hold them."


def test_a_kind_poorly_found_is_named_with_its_counts(whole: Evidence) -> None:
    [point] = points(whole, **{"search.self_test.0.num_found": 40, "search.self_test.0.recall": 0.8})
    assert point.says == "Of invented values fewer than 90 % were found: EMAIL 40 of 50."


def test_a_purged_stage_names_the_request(whole: Evidence) -> None:
    [point] = points(whole, **{"stages.7.state": "purged", "stages.7.purged_for": ("R-1",)})
    assert point.says.endswith("can't be rebuilt as it was: pack (R-1).")


def test_a_version_that_the_registry_lacks_has_a_point(whole: Evidence) -> None:
    [point] = points(whole, registry={"is_there": False})
    assert "does not have this version" in point.says


def test_a_version_in_service_without_an_event_has_a_point(whole: Evidence) -> None:
    said = [one.says for one in points(whole, **{"chain.events": ()})]
    assert said[1] == "The event log holds nothing of how it went into service."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "It saw documents of the erasure request R-1, which is open, and it is not retired for it"),
        ({"closed": date(2030, 1, 2)}, "which is closed since 2030-01-02, and it is not retired for it"),
        ({"is_retired_for": True}, "which is open, and it is retired for it"),
        ({"relation": "may have seen"}, "Whether it saw documents is not known"),
    ],
)
def test_an_erasure_request_that_came_later_is_a_point(whole: Evidence, change: dict[str, Any], words: str) -> None:
    [point] = points(whole, erasures=(REQUEST | change,))
    assert words in point.says


@pytest.mark.parametrize(
    "change",
    [{"relation": "left out"}, {"relation": "did not see"}, {"closed": date(2030, 1, 2), "is_retired_for": True}],
)
def test_an_erasure_request_that_is_answered_is_none(whole: Evidence, change: dict[str, Any]) -> None:
    assert points(whole, erasures=(REQUEST | change,)) == ()


def test_accounts_that_are_gone_make_points_of_known_sections(tmp_path: Path) -> None:
    kept = Kept(tmp_path, {stage: {} for stage in {*accounts()} - {"register"}})
    found = kept.evidence().open_points
    assert {"funnel", "search", "left-over", "leak-test", "quality", "decisions"} <= {one.section for one in found}
    assert all(one.section in TITLES for one in found)
