"""Lines that a source repeats: found, removed, and never at the cost of what stands around them."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import DedupConfig
from gptmodel.corpus.dedup import repeated_lines
from gptmodel.corpus.dedup.repeated_lines import (
    count_lines,
    find_repeated,
    holds_repeated,
    renumbered,
    strip_repeated,
)
from gptmodel.corpus.dedup.stretches import Hashes

FOOTER = "Subscribe to our weekly newsletter and never miss an article."
CHINESE_FOOTER = "本文由编辑部整理发布，转载请注明出处。"
CONFIG = DedupConfig(repeated_line_min_documents=5, repeated_line_min_ratio=0.1)

Texts = list[tuple[str, str]]


def article(number: int, end: str = "") -> str:
    words = random.Random(number).choices("river stone window letter garden mirror winter silver".split(), k=40)
    return " ".join(words) + f" number {number}.\n{end}"


def found(documents: Texts, config: DedupConfig = CONFIG, num_shards: int = 3) -> Hashes:
    names = sorted({source for source, _ in documents})
    numbers = {name: number for number, name in enumerate(names)}
    shards = [documents[at::num_shards] for at in range(num_shards)]
    tables = [count_lines([(source, numbers[source], text) for source, text in shard]) for shard in shards]
    return find_repeated(tables, [sum(source == name for source, _ in documents) for name in names], config)


def in_web(texts: list[str]) -> Texts:
    return [("web", text) for text in texts]


@pytest.mark.parametrize("footer", [FOOTER, CHINESE_FOOTER])
def test_a_line_in_many_documents_is_removed_from_all(footer: str) -> None:
    documents = in_web([article(number, footer) for number in range(20)])
    stripped = [strip_repeated(text, source, found(documents)) for source, text in documents]
    assert all(footer not in item.text and item.num_lines == 1 for item in stripped)


def test_the_rest_of_a_document_stays() -> None:
    documents = in_web([article(number, FOOTER) for number in range(20)])
    assert strip_repeated(documents[3][1], "web", found(documents)).text == article(3).rstrip("\n")


def test_lines_around_a_removed_one_do_not_grow_together() -> None:
    documents = in_web([f"138\n{FOOTER}\n0013 {article(number)}" for number in range(20)])
    assert strip_repeated(documents[0][1], "web", found(documents)).text.startswith("138\n\n0013")


def test_white_space_around_a_line_makes_no_other_line() -> None:
    documents = in_web([article(number, f"{' ' * number}{FOOTER}\t") for number in range(20)])
    assert len(found(documents)) == 1


@pytest.mark.parametrize(("num_holding", "num_documents"), [(4, 20), (9, 100)])
def test_a_line_in_few_documents_stays(num_holding: int, num_documents: int) -> None:
    documents = in_web([article(n, FOOTER if n < num_holding else "") for n in range(num_documents)])
    assert not len(found(documents))


def test_repeats_within_one_document_count_once() -> None:
    documents = in_web([article(0, "\n".join([FOOTER] * 50)), *(article(number) for number in range(1, 20))])
    assert not len(found(documents))


def test_each_source_counts_for_itself() -> None:
    assert not len(found([(f"s{number % 5}", article(number, FOOTER)) for number in range(20)]))


@pytest.mark.parametrize("line", ["Returns:", "else:", "Reference Implementation", "---", "目录"])
def test_short_lines_stay_however_frequent(line: str) -> None:
    assert not len(found(in_web([article(number, line) for number in range(20)])))


def test_off_finds_nothing() -> None:
    documents = in_web([article(number, FOOTER) for number in range(20)])
    assert not len(found(documents, DedupConfig(repeated_line_min_documents=0)))


def test_a_document_of_mostly_repeated_lines_names_its_template() -> None:
    letter = "A letter that was sent to everyone in the house.\nIt says that the garden is open in winter.\nYours"
    documents = in_web([f"{letter} {number}" for number in range(20)])
    templates = {strip_repeated(text, source, found(documents)).template for source, text in documents}
    assert len(templates) == 1
    assert templates != {0}


def test_a_document_with_some_repeated_lines_names_no_template() -> None:
    documents = in_web([article(number, FOOTER) for number in range(20)])
    assert strip_repeated(documents[0][1], "web", found(documents)).template == 0


def test_texts_that_hold_a_repeated_line_are_known_in_bulk() -> None:
    documents = in_web([article(number, FOOTER if number % 2 else "") for number in range(20)])
    hits = holds_repeated([text for _, text in documents], ["web"] * 20, found(documents))
    assert hits.tolist() == [number % 2 == 1 for number in range(20)]


@pytest.mark.parametrize("num_shards", [1, 2, 7])
def test_the_result_depends_on_the_set_alone(num_shards: int) -> None:
    documents = in_web([article(n, FOOTER) for n in range(15)] + [article(n, CHINESE_FOOTER) for n in range(50, 60)])
    shuffled = random.Random(3).sample(documents, len(documents))
    assert found(documents).tolist() == found(shuffled, num_shards=num_shards).tolist()


def test_adding_up_in_ranges_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = in_web([article(n, f"{FOOTER}\n{CHINESE_FOOTER}\nThe same four words here.") for n in range(20)])
    whole = found(documents).tolist()
    monkeypatch.setattr(repeated_lines, "_LINES_AT_ONCE", 7)
    assert found(documents).tolist() == whole
    assert len(whole) == 3


LINES = st.lists(st.sampled_from(["a line of five words", "另外一行足够长的文字在这里", "short", "", "  "]), max_size=6)


@given(st.lists(LINES, min_size=1, max_size=12))
def test_counts_equal_counting_one_by_one(texts: list[list[str]]) -> None:
    table = count_lines([("web", 0, "\n".join(lines)) for lines in texts])
    long = {line for lines in texts for line in lines if len(line) > 8}
    expected = sorted(sum(line in lines for lines in texts) for line in long)
    assert sorted(table["num_documents"].tolist()) == expected


def test_tables_of_shards_that_number_sources_differently_agree() -> None:
    table = count_lines([("b", 0, article(1)), ("a", 1, article(2))])
    renamed = renumbered(table, ["b", "a"], {"a": 0, "b": 1})
    assert sorted(renamed["source"].tolist()) == [0, 1]
    assert np.array_equal(renamed["hash"], table["hash"])
    assert (renamed["source"] != table["source"]).all()
