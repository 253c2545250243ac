import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import artifacts, pace
from gptmodel.corpus.cleaning import DropSample
from gptmodel.corpus.dedup.cluster_table import Cluster
from gptmodel.corpus.funnel import build_funnel
from gptmodel.decision import Decision
from tests.unit.flows.accounts import ACCOUNTS, output

VALID_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would be sent to the dashboard."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(artifacts, "create_table_artifact", lambda **given: sent.append(given))
    monkeypatch.setattr(
        artifacts, "create_markdown_artifact", lambda text, **given: sent.append(given | {"markdown": text})
    )
    return sent


@pytest.mark.parametrize("stage", ACCOUNTS)
def test_every_account_becomes_tables_with_keys_that_prefect_takes(stage: str, left: list[dict[str, Any]]) -> None:
    artifacts.show_account(stage, ACCOUNTS[stage], "what it did")
    assert left
    assert [sent["key"] for sent in left if not VALID_KEY.fullmatch(sent["key"])] == []
    assert len({sent["key"] for sent in left}) == len(left)
    cells = [cell for sent in left for row in sent["table"] for pair in row.items() for cell in pair]
    assert all(isinstance(cell, str) for cell in cells)


def test_lists_of_records_are_tables_of_their_own(left: list[dict[str, Any]]) -> None:
    artifacts.show_account("ingest", ACCOUNTS["ingest"], "about")
    figures, sources = left
    assert {"figure": "documents", "value": "22"} in figures["table"]
    assert {"figure": "quarantined by reason: empty", "value": "2"} in figures["table"]
    assert [row["name"] for row in sources["table"]] == ["books", "mail"]
    assert (sources["key"], sources["description"]) == ("ingest-sources", "sources of ingest")


def test_a_record_for_each_name_is_a_table_with_the_names_first(left: list[dict[str, Any]]) -> None:
    artifacts.show_account("scrub", {"findings_by_source": {"mail": {"EMAIL": 7}, "notes": {"PHONE": 1}}}, "about")
    figures, by_source = left
    assert figures["table"] == []
    assert by_source["table"] == [{"name": "mail", "EMAIL": "7"}, {"name": "notes", "PHONE": "1"}]


def test_many_counts_are_a_table_of_their_own_the_largest_first(left: list[dict[str, Any]]) -> None:
    languages = {f"l{number:02d}": number for number in range(20)}
    artifacts.show_account("clean", {"languages": languages, "few": {"en": 1}}, "about")
    figures, table = left
    assert figures["table"] == [{"figure": "few: en", "value": "1"}]
    assert table["table"][0] == {"name": "l19", "count": "19"}
    assert (table["key"], len(table["table"])) == ("clean-languages", 20)


def test_the_funnel_is_a_table_by_source_that_says_whether_it_adds_up(left: list[dict[str, Any]]) -> None:
    artifacts.show_funnel(build_funnel(ACCOUNTS))
    [table] = left
    assert table["description"].endswith("It adds up.")
    books, mail, total = table["table"]
    assert (books["source"], books["read"], books["set aside"], books["dropped by rules"]) == (
        "books", "14", "2", "too short 2, too few letters 1",
    )  # fmt: skip
    assert (mail["duplicates"], mail["kept"], mail["test"]) == ("exact 2, near 1", "7", "1")
    assert (total["source"], total["documents"], total["text"]) == ("all sources", "25", "0.0 MB")


def test_a_funnel_that_does_not_add_up_says_where(left: list[dict[str, Any]]) -> None:
    artifacts.show_funnel(build_funnel(ACCOUNTS | {"split": ACCOUNTS["split"] | {"num_train": 16}}))
    assert left[0]["description"].endswith("It does not add up: split: 20 in all, 19 by source")


def test_a_funnel_of_one_source_needs_no_total(left: list[dict[str, Any]]) -> None:
    ingest = ACCOUNTS["ingest"] | {"sources": ACCOUNTS["ingest"]["sources"][:1], "num_read": 14, "num_parts": 15}
    artifacts.show_funnel(build_funnel({"ingest": ingest}))
    assert [row["source"] for row in left[0]["table"]] == ["books"]


def test_samples_of_what_was_dropped_stand_as_code_and_never_as_markup(left: list[dict[str, Any]]) -> None:
    sample = DropSample("notes", "too short", "ab" * 16, "![x](http://elsewhere)\n\n# <b>next")
    artifacts.show_drop_samples([sample], ["the rule <x> drops"])
    [markdown] = left
    assert markdown["key"] == "clean-dropped-samples"
    assert markdown["markdown"].startswith("**Look here**\n\n    the rule <x> drops\n\n**too short** (notes, `abab")
    assert markdown["markdown"].endswith("\n\n    ![x](http://elsewhere)\n    \n    # <b>next")


def test_without_samples_that_is_said(left: list[dict[str, Any]]) -> None:
    artifacts.show_drop_samples([], [])
    assert left[0]["markdown"] == "No sample was kept."


def test_the_largest_clusters_name_what_is_kept_and_how_much_it_stands_for(left: list[dict[str, Any]]) -> None:
    cluster = Cluster("ab" * 16, "notes", 3, 900, {"mail": 1, "notes": 2}, {"exact": 1, "near": 1})
    artifacts.show_clusters([cluster], 5)
    [table] = left
    assert table["table"] == [
        {"documents": "3", "kept": "ab" * 16, "from": "notes", "sources": "mail 1, notes 2",
         "left out": "exact 1, near 1"},
    ]  # fmt: skip
    assert "of 5 clusters" in table["description"]


def test_the_progress_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []
    monkeypatch.setattr(artifacts, "create_progress_artifact", lambda percent, **given: said.append(given) or "id")
    monkeypatch.setattr(artifacts, "update_progress_artifact", lambda _, **given: said.append(given))
    clock = iter([0.0, 60.0])
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    page = artifacts.Progress("clean")
    page.report(0.1, "1 of 10 shards")
    page.report(0.4, "4 of 10 shards")
    assert [row["description"] for row in said] == ["1 of 10 shards", "4 of 10 shards, about 2 min left"]
    assert said[1]["progress"] == 40.0


def test_a_decision_is_not_repeated_among_the_figures(left: list[dict[str, Any]]) -> None:
    artifacts.show_account("promote", ACCOUNTS["promote"], "about")
    assert not any("decision" in row["figure"] for row in left[0]["table"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"), (True, "yes"), (False, "no"), (1234567, "1,234,567"), (0.123456, "0.1235"), (-2.5, "-2.5"),
        (123456.7, "123,457"), ([], "none"), ({}, "none"), (("a", 1), "a, 1"), ({"num_kept": 2}, "kept 2"), ("x", "x"),
    ],
)  # fmt: skip
def test_values_are_written_for_people(value: Any, text: str) -> None:
    assert artifacts._text(value) == text


def test_a_decision_shows_its_answer_scope_and_numbers(left: list[dict[str, Any]]) -> None:
    numbers = {"p_value": 0.4, "leak_upper_bound": None}
    artifacts.show_decision("privacy audit", Decision(passed=True, reason="passed: fine", scope="all", numbers=numbers))
    artifacts.show_decision("quality gate", Decision(passed=False, reason="too few documents"))
    yes, no = left
    for words in ("## privacy audit: passed", "\nfine", "**Scope:** all", "| p value | 0.4 |", "upper bound | none |"):
        assert words in yes["markdown"]
    assert (yes["key"], no["key"]) == ("privacy-audit-decision", "quality-gate-decision")
    assert no["markdown"].startswith("## quality gate: no")
    assert "|" not in no["markdown"]


def test_a_decision_names_the_checks_that_failed_with_their_documents_and_leads_to_their_pages(
    left: list[dict[str, Any]],
) -> None:
    checks = [
        {"name": "few", "passed": False, "severity": "hard", "observed": "3", "limit": "at most 1",
         "document_ids": ["a1", "b2"]},
        {"name": "usual", "passed": False, "severity": "soft", "observed": "9", "limit": "at most 5"},
        {"name": "sound", "passed": True, "severity": "hard", "observed": "0", "limit": "at most 0"},
    ]  # fmt: skip
    pages = {"All checks": "http://127.0.0.1:1/#/page", "On this machine": "file:///home/index.html"}
    result = {"decision": {"passed": False, "reason": "3, at most 1 allowed."}, "checks": checks}
    artifacts.show_decision_of(output("quality gate", **result), pages)
    text = left[0]["markdown"]
    assert "| few | no | 3 | at most 1 | a1, b2 |" in text
    assert "| usual | warning | 9 | at most 5 | none |" in text
    assert "sound" not in text
    assert "- [All checks](http://127.0.0.1:1/#/page)\n- On this machine: `file:///home/index.html`" in text


def test_samples_stand_as_code_and_never_as_markup(left: list[dict[str, Any]]) -> None:
    artifacts.show_samples([{"step": 3, "prompt": "The", "text": " <script>\nnext"}], [{"step": 3, "train_loss": 5.0}])
    table, markdown = left
    assert table["table"] == [{"step": "3", "train_loss": "5"}]
    assert markdown["markdown"].endswith("\n\n**1. step 3**\n\n    The <script>\n    next")


def test_the_loss_curve_is_a_picture_that_needs_no_other_server(left: list[dict[str, Any]]) -> None:
    artifacts.show_samples([], [{"step": 3, "train_loss": 5.0}, {"step": 4, "train_loss": 4.0}])
    assert left[1]["markdown"].startswith("![Loss by step; the marks are the samples](data:image/png;base64,iVBOR")


def test_no_samples_are_said(left: list[dict[str, Any]]) -> None:
    artifacts.show_samples([], [])
    assert left[1]["markdown"] == "no samples"


@given(st.integers(0, 500), st.integers(1, 80))
def test_thinning_keeps_both_ends_and_the_order(count: int, most: int) -> None:
    rows = [{"step": number} for number in range(count)]
    kept = artifacts._thinned(rows, most)
    assert kept == sorted(kept, key=lambda row: row["step"])
    assert len(kept) <= 2 * most + 1
    assert (kept[:1], kept[-1:]) == (rows[:1], rows[-1:])


def test_a_dashboard_that_is_away_does_not_disturb_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(artifacts, "create_progress_artifact", away)
    page = artifacts.Progress("train")
    page.report(0.5, "half")
    assert not page.is_shown


def test_progress_makes_one_page_and_stays_between_0_and_100(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(artifacts, "create_progress_artifact", lambda value, **_: seen.append(value) or "id")
    monkeypatch.setattr(artifacts, "update_progress_artifact", lambda _, progress, **__: seen.append(progress))
    page = artifacts.Progress("train")
    for ratio in (-1.0, 0.123, 7.0):
        page.report(ratio, "")
    assert seen == [0.0, 12.3, 100.0]
