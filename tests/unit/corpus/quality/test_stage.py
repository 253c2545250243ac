"""The quality gate: it says yes to a sound corpus, and no with numbers and ids to each kind of unsound one."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gptmodel.corpus.quality.checks import CheckResult
from gptmodel.corpus.quality.stage import QualityResult, decide
from gptmodel.corpus.split_table import read_split
from gptmodel.store import data_files, file_digest
from tests.unit.corpus.gate import House, clean_result, failed, make, prose, self_tested, sound

SECRET = "anna.keller@example.com"  # pragma: allowlist secret


def digests(folder: Path) -> dict[str, str]:
    """Give what the output's digest is made of."""
    return {name: file_digest(path) for name, path in data_files(folder)}


def lasting(result: QualityResult) -> dict[str, object]:
    return result.model_dump(exclude={"runtime"})


def test_a_sound_corpus_passes_every_check(tmp_path: Path) -> None:
    result = sound(tmp_path).check()
    assert failed(result) == {}
    assert result.decision.passed
    assert result.decision.reason == f"passed {result.num_checks} of {result.num_checks} checks"


def test_the_decision_carries_its_scope(tmp_path: Path) -> None:
    decision = sound(tmp_path).check().decision
    assert "60 of 60 documents searched again" in decision.scope
    assert "not searched: ADDRESS" in decision.scope


def test_too_few_documents_close_the_gate_with_both_numbers(tmp_path: Path) -> None:
    decision = sound(tmp_path).check(min_documents=100).decision
    assert not decision.passed
    assert decision.reason == "60 documents kept, at least 100 needed."


def test_a_value_left_in_the_text_closes_the_gate_with_its_document_but_not_its_value(tmp_path: Path) -> None:
    bad = make(99, f"{prose(99)}\nwrite to {SECRET} today")
    result = sound(tmp_path, bad).check()
    assert not result.decision.passed
    assert bad.id in result.decision.reason
    assert SECRET not in result.model_dump_json()


def test_a_name_left_in_the_text_only_warns(tmp_path: Path) -> None:
    bad = make(99, f"{prose(99)}\nName: Anna Keller")
    result = sound(tmp_path, bad).check()
    check = failed(result)["a second search finds no names or numbers by their context"]
    assert result.decision.passed
    assert (check.severity, check.document_ids) == ("soft", [bad.id])


def test_nothing_that_is_written_holds_text_of_the_documents(tmp_path: Path) -> None:
    sound(tmp_path, make(99, f"{prose(99)}\nwrite to {SECRET} today")).check()
    written = [path.read_bytes() for path in (tmp_path / "gate").rglob("*") if path.is_file()]
    assert len(written) > 20
    assert not any(SECRET.encode() in data or b"speaks of" in data for data in written)


def test_planted_test_phrases_are_not_judged(tmp_path: Path) -> None:
    phrases = [replace(make(n, f"write to {SECRET}"), source="planted", planted="catchable") for n in range(100, 164)]
    result = sound(tmp_path, *phrases).check()
    assert result.decision.passed
    assert "60 of 60 documents" in result.decision.scope


def test_a_cluster_in_two_splits_closes_the_gate(tmp_path: Path) -> None:
    house = sound(tmp_path)
    ids = {row.split: row.id for row in read_split(tmp_path / "split")}
    house.change_members(**{ids["test"]: {"cluster": ids["train"]}})
    assert failed(house.check())["no duplicates across splits"].document_ids == [ids["test"]]


def test_an_empty_split_closes_the_gate(tmp_path: Path) -> None:
    house = sound(tmp_path)
    tested = [row.id for row in read_split(tmp_path / "split") if row.split == "test"]
    house.change_split(**{name: {"split": "train"} for name in tested})
    assert "0 documents in test, at least 1 needed" in house.check().decision.reason


def test_a_document_lost_between_stages_closes_the_gate_with_its_source(tmp_path: Path) -> None:
    house = sound(tmp_path)
    house.clean = clean_result(Counter(notes=61))
    assert "1 documents of notes unaccounted for, at most 0 allowed" in house.check().decision.reason


def test_a_soft_check_only_warns(tmp_path: Path) -> None:
    house = House(tmp_path, [make(number, f"{number} {'river stone '[: number % 9 + 3]}") for number in range(60)])
    result = house.check()
    assert failed(result)["documents have a usual length"].severity == "soft"
    assert result.decision.passed
    assert "warning: a median of" in result.decision.reason


def test_a_language_beyond_its_expected_share_warns(tmp_path: Path) -> None:
    documents = [make(number, lang="zh" if number % 4 == 0 else "en") for number in range(60)]
    house = House(tmp_path, documents)
    assert failed(house.check(expected_languages={"en": 0.75, "zh": 0.25})) == {}
    check = failed(house.check(expected_languages={"en": 1.0}))["languages have their expected shares"]
    assert check.observed.endswith("is in en instead of 100 %")
    assert check.limit == "a difference of at most 10 %"


def test_a_source_that_gives_nearly_all_text_warns(tmp_path: Path) -> None:
    house = sound(tmp_path, make(1, "a few words that stand for themselves alone", source="mail"))
    assert failed(house.check())["no source dominates"].observed.endswith("of the text is from notes")


def test_only_shards_that_changed_are_read_again(tmp_path: Path) -> None:
    house = sound(tmp_path)
    house.check()
    assert house.check().runtime.num_reused == 3
    trained = next(row.id for row in read_split(tmp_path / "split") if row.split == "train")
    house.change_split(**{trained: {"split": "test"}})
    assert house.check().runtime.num_reused == 2


def test_a_repeat_gives_the_same_result(tmp_path: Path) -> None:
    house = sound(tmp_path, make(99, f"{prose(99)}\nwrite to {SECRET} today"))
    first = lasting(house.check()), digests(house.gate.path)
    assert first == (lasting(house.check()), digests(house.gate.path))


def test_the_workers_make_no_difference(tmp_path: Path) -> None:
    one, two = sound(tmp_path / "one"), sound(tmp_path / "two")
    with ThreadPoolExecutor(3) as pool:
        assert lasting(one.check()) == lasting(two.check(mapper=pool.map))
    assert digests(one.gate.path) == digests(two.gate.path)


def test_nothing_is_printed_or_warned(tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn) -> None:
    sound(tmp_path).check(min_documents=100)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert not [warning for warning in recwarn if "great_expectations" in str(warning.filename)]


def test_a_decision_without_failures_has_no_objection() -> None:
    check = CheckResult(name="n", passed=True, severity="hard", observed="1", limit="at least 1")
    assert decide([check], "scope", {}).numbers == {
        "num_checks": 1,
        "num_passed": 1,
        "num_failed_hard": 0,
        "num_warnings": 0,
    }


def test_values_that_the_second_scanner_sees_close_the_gate(tmp_path: Path) -> None:
    rows = [make(number, f"{prose(number)}\nanna.keller@example.com") for number in range(60, 64)]
    result = sound(tmp_path, *rows).check(max_residual_findings=1000)
    check = failed(result)["a second scanner finds next to no sensitive data"]
    assert not result.decision.passed
    assert "a value in 4 of 64 documents (EMAIL in 4), 95 % upper bound" in check.observed
    assert "lower bound 2.16 %" in check.observed
    assert check.limit == "at most 2 %"
    assert set(check.document_ids) == {row.id for row in rows}


def test_a_single_value_in_few_documents_is_a_warning_for_it_may_be_a_false_alarm(tmp_path: Path) -> None:
    result = sound(tmp_path, make(60, f"{prose(60)}\nanna.keller@example.com")).check(
        max_residual_findings=1000, max_residual_ratio=0.01
    )
    assert result.decision.passed
    assert "a second scanner suspects little" in failed(result)


def test_the_decision_states_what_the_second_scanner_saw_with_its_bound(tmp_path: Path) -> None:
    decision = sound(tmp_path).check().decision
    assert "sees a value in 0 of 60 documents, 95 % upper bound 4.87 %" in decision.scope
    assert (decision.numbers["num_documents_scanned"], decision.numbers["num_documents_with_residual"]) == (60, 0)
    assert decision.numbers["residual_upper_bound"] == pytest.approx(1 - 0.05 ** (1 / 60))


def test_without_a_sample_the_second_scanner_is_not_spoken_of(tmp_path: Path) -> None:
    decision = sound(tmp_path).check(residual_documents=0).decision
    assert decision.passed
    assert "second scanner" not in decision.scope
    assert decision.numbers["residual_upper_bound"] is None


def test_a_kind_that_the_scrubber_finds_too_seldom_closes_the_gate_with_its_numbers(tmp_path: Path) -> None:
    house = sound(tmp_path)
    house.scrub = house.scrub.model_copy(update=self_tested(PHONE=12))
    decision = house.check().decision
    assert not decision.passed
    assert decision.reason == (
        "invented values found: PHONE 12 of 20 (60 %, 95 % lower bound 48 %), at least 80 % needed."
    )
    assert decision.numbers["least_self_test_recall"] == 0.6


def test_a_kind_that_nobody_tested_warns_by_name(tmp_path: Path) -> None:
    house = sound(tmp_path)
    house.scrub = house.scrub.model_copy(update={"untested_kinds": ("STAFF_ID",)})
    check = failed(house.check())["every searched kind was tested"]
    assert (check.severity, check.observed) == ("soft", "no invented value was tried of STAFF_ID")
