import re
from typing import Any

import pytest

from gptmodel.leak_pictures import exposure_svg, extraction_svg, leak_test_parts, leak_test_rows

EXPOSURE: dict[str, Any] = {
    "num_catchable": 3, "num_references": 100, "bits": [0.1, 1.2, 2.0],
    "by_repetitions": [{"repetitions": 1, "bits": [1.0, 1.5]}, {"repetitions": 16, "bits": [6.6, 6.7]}],
}  # fmt: skip
EXTRACTION: dict[str, Any] = {
    "copy_tokens": 32,
    "by_prefix": [{"prefix_tokens": 8, "num_prefixes": 32, "num_copies": 0},
                  {"prefix_tokens": 64, "num_prefixes": 20, "num_copies": 3}],
}  # fmt: skip


def words(svg: str) -> str:
    return " ".join(re.findall(r">([^<>]+)<", svg))


@pytest.mark.parametrize("name", ["scrubbed", "1", "16", "how well known, bits"])
def test_the_picture_of_ranks_names_its_columns(name: str):
    assert name in words(exposure_svg(EXPOSURE))


def test_the_picture_of_copies_says_how_many_of_how_many():
    assert "0 of 32" in words(extraction_svg(EXTRACTION))
    assert "3 of 20" in words(extraction_svg(EXTRACTION))


def test_the_same_account_gives_the_same_bytes():
    assert exposure_svg(EXPOSURE) == exposure_svg(EXPOSURE)
    assert extraction_svg(EXTRACTION) == extraction_svg(EXTRACTION)


def test_colours_follow_the_page():
    assert "var(--accent" in exposure_svg(EXPOSURE)
    assert "#040506" not in extraction_svg(EXTRACTION)


def test_what_was_not_tried_is_not_drawn():
    assert not any(leak_test_parts({}).values())


def test_a_test_without_scrubbed_phrases_draws_those_in_clear():
    assert "scrubbed" not in words(exposure_svg({**EXPOSURE, "bits": []}))


def test_rows_leave_out_what_was_not_measured():
    rows = dict(leak_test_rows({"exposure": {"num_catchable": 3, "power": None}, "samples": {"num_leaks": 0}}))
    assert list(rows.values()) == ["3", "0"]


def test_copies_that_were_not_tried_have_no_rows():
    assert leak_test_rows({"extraction": {"num_stretches": 0, "num_copied": 0}}) == []
