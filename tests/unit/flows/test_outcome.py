import json
from types import SimpleNamespace
from typing import Any

import pytest

from flows.outcome import summarise
from flows.run import StageRecord
from gptmodel.chain import STAGE_NAMES
from tests.unit.flows.accounts import output


def run_of(*names: str, run_id: str | None = "f00", **changed: dict[str, Any]) -> Any:
    made = [output(name, **changed.get(name.replace(" ", "_"), {})) for name in names]
    return SimpleNamespace(
        flow_run_id="flow", links={}, samples=[], curve=[],
        records={one.stage: StageRecord(one, False, 1.23456, "first run") for one in made},
        delivery=SimpleNamespace(run_id=run_id, earlier_run=lambda last: f"earlier run of {last.stage}"),
    )  # fmt: skip


def add_up(corpus: dict[str, Any]) -> bool:
    return corpus["num_read"] == corpus["num_kept"] + corpus["num_dropped"] + corpus["num_quarantined"] and corpus[
        "num_dropped"
    ] == sum(corpus["dropped_by_reason"].values())


@pytest.mark.parametrize("end", range(1, len(STAGE_NAMES) + 1))
def test_documents_add_up_wherever_the_run_ends(end: int) -> None:
    assert add_up(summarise(run_of(*STAGE_NAMES[:end]))["corpus"])


def test_a_long_text_that_was_divided_counts_by_its_parts() -> None:
    corpus = summarise(run_of("ingest", "clean"))["corpus"]
    assert (corpus["num_read"], corpus["num_kept"], corpus["num_divided"]) == (27, 22, 1)


def test_duplicates_are_among_what_was_dropped() -> None:
    dropped = summarise(run_of(*STAGE_NAMES))["corpus"]["dropped_by_reason"]
    assert dropped == {"too short": 2, "too few letters": 1, "exact duplicate": 2, "near duplicate": 1}


def test_what_erasure_requests_leave_out_was_read_and_dropped() -> None:
    sources = [source | {"num_forgotten": 2} for source in output("ingest").result["sources"]]
    corpus = summarise(run_of(*STAGE_NAMES, ingest={"num_forgotten": 4, "num_read": 28, "sources": sources}))["corpus"]
    assert corpus["dropped_by_reason"]["forgotten"] == 4
    assert add_up(corpus)


def test_each_source_adds_up_by_itself() -> None:
    corpus = summarise(run_of(*STAGE_NAMES))["corpus"]
    assert all(add_up(source) for source in corpus["sources"].values())
    assert {name: source["num_kept"] for name, source in corpus["sources"].items()} == {"books": 12, "mail": 7}


def test_what_did_not_happen_is_null() -> None:
    summary = summarise(run_of("ingest", "clean"))
    absent = ("findings", "tokenizer", "training", "evaluation", "privacy", "decision", "model", "not_searched")
    assert {name: summary[name] for name in absent} == dict.fromkeys(absent)


def test_the_record_of_a_whole_run_has_nothing_null_at_its_top() -> None:
    summary = summarise(run_of(*STAGE_NAMES))
    assert [name for name, value in summary.items() if value is None] == []
    assert summary["model"] == {"name": "gpt", "version": 1, "uri": "models:/gpt/1"}
    assert summary["decision"]["reason"].startswith("first version")
    json.dumps(summary, allow_nan=False)


def test_stages_come_in_order_with_what_others_script_against() -> None:
    stages = summarise(run_of(*STAGE_NAMES))["stages"]
    assert [stage["name"] for stage in stages] == list(STAGE_NAMES)
    assert set(stages[0]) == {"name", "fingerprint", "digest", "cached", "seconds", "reason"}
    assert stages[0]["seconds"] == 1.235


def test_a_quality_gate_that_said_no_is_the_decision() -> None:
    refusal = {"decision": {"passed": False, "reason": "too few documents", "scope": "all", "numbers": {}}}
    summary = summarise(run_of(*STAGE_NAMES[:6], quality_gate=refusal))
    assert summary["decision"] == {"passed": False, "reason": "too few documents"}


def test_a_quality_gate_that_said_yes_is_not_the_runs_decision() -> None:
    assert summarise(run_of(*STAGE_NAMES[:6]))["decision"] is None


def test_a_run_that_told_mlflow_nothing_names_the_run_that_did() -> None:
    assert summarise(run_of("ingest", "clean", run_id=None))["mlflow_run_id"] == "earlier run of clean"
    assert summarise(run_of("ingest", "clean"))["mlflow_run_id"] == "f00"


def test_scrubbing_without_findings_is_an_empty_record_not_null() -> None:
    assert summarise(run_of("ingest", "clean", "scrub", scrub={"findings": {}}))["findings"] == {}
