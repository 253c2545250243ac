import pytest

from flows.summary import counted, describe
from gptmodel.chain import STAGE_NAMES
from tests.unit.flows.accounts import SCOPE, output


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_every_stage_has_words(stage: str) -> None:
    words = describe(output(stage))
    assert words.strip()
    assert not any(mark in words for mark in ("None", "{", "nan"))


def test_counts_come_by_size_and_zeros_are_left_out() -> None:
    assert counted({"A": 1, "B": 1200, "C": 0, "D": 1}) == "B 1,200  A 1  D 1"


def test_what_does_not_fit_is_counted() -> None:
    assert counted({"A": 3, "B": 2, "C": 1, "D": 0}, most=1) == "A 3  and 2 more"


def test_no_counts_are_no_words() -> None:
    assert counted({}) == counted({"A": 0}) == ""


def test_ingest_says_what_was_set_aside_only_if_there_is_any() -> None:
    assert describe(output("ingest")) == "22 documents, 0.0 MB from books, mail; 2 set aside"
    assert "aside" not in describe(output("ingest", num_quarantined=0))


def test_ingest_says_what_erasure_requests_left_out() -> None:
    assert describe(output("ingest", num_forgotten=3)).endswith("; 3 left out by erasure requests")


def test_clean_says_why_documents_were_dropped() -> None:
    assert describe(output("clean")) == "22 kept; dropped 3: too short 2  too few letters 1"
    assert describe(output("clean", num_dropped=0, dropped_by_reason={})) == "22 kept"


def test_clean_passes_on_what_its_rules_warn_of() -> None:
    words = describe(output("clean", warnings=["source mail: the rule 'too short' drops 9 of 10"]))
    assert words.split("\n")[1] == "warning: source mail: the rule 'too short' drops 9 of 10"


def test_deduplicate_says_what_else_it_left_out_only_if_there_is_any() -> None:
    assert describe(output("deduplicate")) == "19 kept; 2 exact, 1 near duplicates"
    words = describe(output("deduplicate", num_boilerplate=4, num_contaminated=1))
    assert words.endswith("1 near duplicates, 4 of boilerplate alone, 1 with evaluation text")


def test_scrub_says_what_it_found_of_invented_values() -> None:
    row = {"kind": "EMAIL", "num_values": 20, "num_found": 19, "recall": 0.95, "lower_bound": 0.78, "num_decoys": 0,
           "num_decoys_touched": 0}  # fmt: skip
    last = describe(output("scrub", self_test=[row])).split("\n")[-1]
    assert last == "tested on invented values: 19 of 20 found; the fewest of EMAIL: 19 of 20, 95 % lower bound 78 %"


def test_scrub_always_says_what_was_not_searched() -> None:
    for findings in ({"EMAIL": 1}, {}):
        assert describe(output("scrub", findings=findings)).split("\n")[1] == SCOPE
    assert "documents: none" in describe(output("scrub", num_findings=0, findings={}))


def test_scrub_says_what_it_left_out_only_if_there_is_any() -> None:
    left_out = output("scrub", num_dropped=3, dropped_by_reason={"holds EMAIL": 2, "holds IBAN": 1})
    assert describe(left_out).split("\n")[0].endswith("; left out 3: holds EMAIL 2  holds IBAN 1")
    assert "left out" not in describe(output("scrub"))


def test_a_quality_gate_that_says_no_gives_its_reason() -> None:
    decision = {"passed": False, "reason": "too few documents: 3 < 20", "scope": "", "numbers": {}}
    assert describe(output("quality gate", decision=decision)) == "no: too few documents: 3 < 20"


def test_training_that_went_on_says_from_where() -> None:
    runtime = {"seconds": 1.0, "tokens_per_second": 5.0, "resumed_from_step": 20}
    assert "resumed at step 20" in describe(output("train", runtime=runtime))
    assert "resumed" not in describe(output("train"))


def test_gates_speak_their_own_sentence() -> None:
    assert describe(output("promote")) == "first version: 1.74 bits per byte on 2 test documents"
    assert describe(output("privacy audit")) == "passed: 3 planted test phrases rank like others"
