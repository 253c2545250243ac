"""The funnel: it adds up on a corpus of which everything is known, and says where accounts do not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.corpus import funnel as room
from gptmodel.corpus import split_table
from gptmodel.corpus.funnel import Count, Funnel, SourceFunnel, build_funnel
from tests.unit.corpus import known as corpus
from tests.unit.corpus.known import IN, STAGES, Known

Accounts = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return corpus.build(tmp_path_factory.mktemp("known"))


def of(funnel: Funnel, name: str) -> SourceFunnel:
    return next(source for source in funnel.sources if source.name == name)


def test_every_document_and_byte_of_a_real_run_is_accounted_for(known: Known) -> None:
    assert build_funnel(known.accounts).imbalances() == []


@pytest.mark.parametrize("end", range(1, len(STAGES) + 1))
def test_it_adds_up_wherever_a_run_ends(known: Known, end: int) -> None:
    funnel = build_funnel({stage: known.accounts[stage] for stage in STAGES[:end]})
    assert funnel.imbalances() == []
    for source in (*funnel.sources, funnel.total):
        read = source.num_read + source.num_added
        assert read == source.kept.num_documents + source.dropped.num_documents + source.num_quarantined


@pytest.mark.parametrize("name", ["notes", "mail"])
def test_each_loss_is_what_is_known_of_the_source(known: Known, name: str) -> None:
    source, truth = of(build_funnel(known.accounts), name), corpus.counted(known, name)
    lost = {(line.stage, line.what): -line.num_documents for line in source.lines() if line.kind == "lost"}
    assert lost == {(stage, reason): number for (_, stage, reason), number in truth.items() if reason}
    assert sum(count.num_documents for count in source.splits.values()) == truth[IN, "split", ""]


def test_a_long_text_is_one_text_and_several_documents(known: Known) -> None:
    source = of(build_funnel(known.accounts), "notes")
    assert source.num_added == 2
    assert source.documents.num_documents == source.num_texts + 2


def test_its_lines_lead_from_what_was_read_to_what_is_kept(known: Known) -> None:
    for source in build_funnel(known.accounts).sources:
        lines = list(source.lines())
        way = [line for line in lines if line.kind != "left"]
        assert sum(line.num_documents for line in way) == source.kept.num_documents
        changes = sum(line.num_bytes or 0 for line in way)
        assert source.documents.num_bytes + changes == source.kept.num_bytes


def test_bytes_are_lost_to_placeholders_and_repeated_lines(known: Known) -> None:
    steps = {step.stage: step for step in of(build_funnel(known.accounts), "notes").steps}
    assert steps["scrub"].num_bytes_rewritten == 2 * (len(corpus.SECRET) - len("<EMAIL>"))
    assert steps["deduplicate"].num_bytes_rewritten == 20 * (len(corpus.FOOTER) + 1)


def test_planted_test_phrases_are_named_and_in_no_count(known: Known) -> None:
    funnel = build_funnel(known.accounts)
    assert funnel.num_planted == known.accounts["ingest"]["num_planted"] > 0
    assert {source.name for source in funnel.sources} == {"notes", "mail"}


def test_a_source_that_is_left_out_says_why_and_counts_nothing(known: Known) -> None:
    accounts = copy.deepcopy(known.accounts)
    row = dict.fromkeys(("num_documents", "num_parts", "num_bytes", "num_quarantined", "num_files"), 0)
    why = {"name": "old", "left_out": "may be used until 2020-01-01", "quarantined_by_reason": {}}
    accounts["ingest"]["sources"].append(row | why)
    funnel = build_funnel(accounts)
    assert (of(funnel, "old").left_out, of(funnel, "old").kept) == ("may be used until 2020-01-01", Count())
    assert funnel.imbalances() == []


def test_the_total_is_the_sum_of_the_sources(known: Known) -> None:
    funnel = build_funnel(known.accounts)
    assert funnel.total.kept == sum((source.kept for source in funnel.sources), Count())
    assert funnel.total.lost_by("deduplicate").keys() == {"contaminated", "exact", "near"}


def test_a_run_that_read_nothing_has_an_empty_funnel() -> None:
    assert build_funnel({}).sources == ()
    assert build_funnel({}).imbalances() == []


def test_the_splits_are_those_of_the_split() -> None:
    assert room.SPLITS == split_table.SPLITS


def test_it_is_read_back_from_json_as_it_was(known: Known) -> None:
    funnel = build_funnel(known.accounts)
    assert Funnel.model_validate_json(funnel.model_dump_json()) == funnel


def lose(stage: str, field: str) -> Callable[[Accounts], None]:
    def change(accounts: Accounts) -> None:
        next(row for row in accounts[stage]["sources"] if row["name"] == "notes")[field] -= 1

    return change


@pytest.mark.parametrize(("change", "words"), [
    (lose("ingest", "num_parts"), "documents, clean took"),
    (lose("clean", "num_kept"), "documents remain of clean's, but it kept"),
    (lose("clean", "num_bytes_read"), "bytes, clean took"),
    (lose("scrub", "num_documents"), "clean gave"),
    (lose("deduplicate", "num_read"), "deduplicate took"),
    (lose("split", "num_train"), "the splits hold"),
    (lose("split", "num_bytes_test"), "bytes, the splits hold"),
])  # fmt: skip
def test_a_document_or_byte_that_is_lost_is_named(known: Known, change: Callable[[Accounts], None], words: str) -> None:
    accounts = copy.deepcopy(known.accounts)
    change(accounts)
    assert any(words in sentence for sentence in build_funnel(accounts).imbalances())


@pytest.mark.parametrize(("stage", "field"), [
    ("ingest", "num_read"), ("clean", "num_kept"), ("scrub", "num_documents"), ("deduplicate", "num_kept"),
    ("split", "num_test"),
])  # fmt: skip
def test_a_total_that_is_not_the_sum_of_its_sources_is_named(known: Known, stage: str, field: str) -> None:
    accounts = copy.deepcopy(known.accounts)
    accounts[stage][field] += 1
    [sentence] = build_funnel(accounts).imbalances()
    assert "in all" in sentence


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=5))
def test_a_funnel_after_ingest_adds_up_for_any_counts(counts: list[tuple[int, int, int]]) -> None:
    sources = [
        {"name": f"s{place}", "num_documents": texts, "num_parts": texts + more, "num_bytes": 10 * texts,
         "num_quarantined": set_aside, "quarantined_by_reason": {"empty": set_aside}}
        for place, (texts, more, set_aside) in enumerate(counts)
    ]  # fmt: skip
    ingest = {
        "num_read": sum(texts + aside for texts, _, aside in counts), "num_planted": 0, "sources": sources,
        "num_parts": sum(texts + more for texts, more, _ in counts),
    }  # fmt: skip
    funnel = build_funnel({"ingest": ingest})
    assert funnel.imbalances() == []
    assert funnel.total.num_read == ingest["num_read"]
