import gzip
import json
from pathlib import Path
from typing import Any

from benchmarks.scrub_score import read_records, score


def span(start: int, end: int, kind: str = "EMAIL", **more: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "type": kind, **more}


def record(*spans: dict[str, Any], kind: str = "pos") -> dict[str, Any]:
    return {"text": "x" * 100, "spans": list(spans), "kind": kind}


def test_half_of_the_joint_characters_is_a_match_and_less_is_a_miss_and_an_alarm() -> None:
    assert score([record(span(0, 10))], [[span(0, 20)]])["f1"] == 1
    far = score([record(span(0, 10))], [[span(0, 21)]])
    assert (far["precision"], far["recall"]) == (0, 0)


def test_another_kind_is_no_match() -> None:
    assert score([record(span(0, 10))], [[span(0, 10, "IBAN")]])["recall"] == 0


def test_a_chinese_mobile_number_may_be_called_a_telephone_number() -> None:
    assert score([record(span(0, 11, "CN_PHONE"))], [[span(0, 11, "PHONE")]])["f1"] == 1


def test_an_optional_span_counts_neither_way() -> None:
    gold = record(span(0, 10, optional=True))
    assert score([gold, gold], [[span(0, 10)], []])["by_kind"] == {}


def test_one_prediction_counts_for_one_gold_span() -> None:
    both = score([record(span(0, 10), span(0, 12))], [[span(0, 11)]])
    assert both["recall"] == 0.5


def test_a_second_prediction_inside_what_was_matched_is_no_alarm() -> None:
    assert score([record(span(0, 20))], [[span(0, 19), span(2, 6)]])["precision"] == 1


def test_a_part_of_a_url_with_credentials_is_no_alarm() -> None:
    found = [span(0, 40, "URL_WITH_CREDENTIALS"), span(10, 20, "EMAIL")]
    assert score([record(span(0, 40, "URL_WITH_CREDENTIALS"))], [found])["precision"] == 1


def test_an_alternative_is_as_good_as_the_gold_span() -> None:
    gold = record(span(0, 40, "URL_WITH_CREDENTIALS", alts=[span(10, 18, "SECRET")]))
    assert score([gold], [[span(10, 18, "SECRET")]])["recall"] == 1


def test_what_a_reader_can_still_see_is_leaked() -> None:
    assert score([record(span(0, 10))], [[span(4, 10)]])["leaked_character_ratio"] == 0.4


def test_a_clean_record_is_touched_by_any_prediction() -> None:
    clean = record(kind="neg")
    assert score([clean, clean], [[span(0, 3)], []])["clean_touched_ratio"] == 0.5


def test_kinds_that_are_not_scored_count_neither_way() -> None:
    assert score([record(span(0, 10, "PERSON"))], [[span(20, 30, "PERSON")]])["by_kind"] == {}


def test_macro_is_the_mean_over_the_kinds_of_the_gold() -> None:
    gold = [record(span(0, 10)), record(span(0, 10, "IBAN"))]
    assert score(gold, [[span(0, 10)], []])["macro_f1"] == 0.5


def test_records_are_read_from_json_lines_with_and_without_gzip(tmp_path: Path) -> None:
    line = json.dumps(record()) + "\n"
    (tmp_path / "a.jsonl").write_text(line)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    assert read_records(tmp_path / "a.jsonl") == read_records(tmp_path / "a.jsonl.gz") == [record()]
