"""The scrubber's test of itself: honest counts by kind, from values that no file ever holds."""

import random

import pytest

from gptmodel.config import ScrubbingConfig, SelfTestConfig
from gptmodel.corpus.scrubbing import Scrubbed, Scrubber
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.kinds import KINDS
from gptmodel.corpus.scrubbing.measuring.carriers import LOOK_ALIKES, SORTS, draw_carried
from gptmodel.corpus.scrubbing.measuring.self_test import KindTest, recall_by_kind, self_test, self_test_sentence
from gptmodel.intervals import lower_bound

FEW = SelfTestConfig(num_values=6)


class Blind(Scrubber):
    """Finds nothing."""

    def scrub(self, text: str) -> Scrubbed:
        return Scrubbed(text, [])


class Greedy(Scrubber):
    """Takes every text whole."""

    def scrub(self, text: str) -> Scrubbed:
        return Scrubbed("", [Finding(0, len(text), "EMAIL", "all")])


class Half(Scrubber):
    """Finds the first half of each text."""

    def scrub(self, text: str) -> Scrubbed:
        return Scrubbed("", [Finding(0, len(text) // 2, "EMAIL", "half")])


def test_every_kind_with_a_finder_has_values_and_look_alikes() -> None:
    assert set(KINDS) <= set(SORTS) == set(LOOK_ALIKES)


def test_every_searched_kind_is_tested_and_no_other() -> None:
    rows = self_test(Scrubber(ScrubbingConfig(kinds=("EMAIL", "CN_ID"))), FEW)
    assert [(row.kind, row.num_values, row.num_decoys) for row in rows] == [("EMAIL", 6, 6), ("CN_ID", 6, 6)]


def test_a_scrubber_that_finds_nothing_has_a_recall_of_zero() -> None:
    rows = self_test(Blind(ScrubbingConfig()), FEW)
    assert set(recall_by_kind(rows).values()) == {0.0}
    assert {row.lower_bound for row in rows} == {0.0}


def test_a_scrubber_that_takes_everything_touches_every_look_alike() -> None:
    rows = self_test(Greedy(ScrubbingConfig()), FEW)
    assert all((row.num_found, row.num_decoys_touched) == (6, 6) for row in rows)


def test_a_value_of_which_a_part_stays_counts_as_missed() -> None:
    [row] = self_test(Half(ScrubbingConfig(kinds=("SECRET",))), SelfTestConfig(num_values=30))
    assert row.num_found < 10


def test_the_finders_catch_most_values_and_leave_most_look_alikes() -> None:
    rows = self_test(Scrubber(ScrubbingConfig()), SelfTestConfig(num_values=40, seed=7))
    assert sum(row.num_found for row in rows) > 0.9 * sum(row.num_values for row in rows)
    assert sum(row.num_decoys_touched for row in rows) < 0.05 * sum(row.num_decoys for row in rows)


def test_the_bound_is_clopper_and_pearsons() -> None:
    rows = self_test(Scrubber(ScrubbingConfig(kinds=("EMAIL",))), SelfTestConfig(num_values=20))
    assert rows[0].lower_bound == lower_bound(rows[0].num_found, 20)


def test_the_same_seed_gives_the_same_texts_and_another_gives_others() -> None:
    texts = [draw_carried(SORTS["EMAIL"], 5, random.Random(seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_carried_value_stands_where_it_says(kind: str) -> None:
    for sorts in (SORTS[kind], LOOK_ALIKES[kind]):
        for one in draw_carried(sorts, 20, random.Random(3)):
            assert 0 <= one.start < one.end <= len(one.text)
            assert "{" not in one.text[one.start : one.end] or one.text[one.start : one.start + 2] == "${"


def test_no_value_is_tested_where_none_is_asked_for() -> None:
    assert self_test(Scrubber(ScrubbingConfig()), SelfTestConfig(num_values=0)) == []


def test_a_kind_without_invented_values_has_no_recall() -> None:
    row = KindTest(kind="STAFF_ID", num_values=0, num_found=0, recall=None, lower_bound=None, num_decoys=0,
                   num_decoys_touched=0)  # fmt: skip
    assert recall_by_kind([row]) == {}


def test_the_sentence_names_the_kind_of_which_the_fewest_were_found() -> None:
    rows = [
        {"kind": kind, "num_values": 20, "num_found": found, "recall": found / 20, "lower_bound": 0.66,
         "num_decoys": 20, "num_decoys_touched": 0}
        for kind, found in (("EMAIL", 20), ("SECRET", 17))
    ]  # fmt: skip
    assert self_test_sentence(rows) == "37 of 40 found; the fewest of SECRET: 17 of 20, 95 % lower bound 66 %"
    assert self_test_sentence([]) == ""
