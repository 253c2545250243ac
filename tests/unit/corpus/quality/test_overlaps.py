"""What train and the held-out splits share is found across shards, and costs no more than its marks."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptmodel.corpus.documents import Document
from gptmodel.corpus.quality import overlaps as quality_overlaps
from gptmodel.corpus.quality.overlaps import MIN_LINE_BYTES, Marks, Overlap, find_overlaps
from gptmodel.corpus.split_table import Split

LONG = "a line that is long enough to tell where it was taken from"
Row = tuple[str, Split, str, str]
"""Id, split, text and cluster of a document."""


def overlaps_of(folder: Path, *shards: list[Row]) -> list[Overlap]:
    names = [f"read-{number}" for number in range(len(shards))]
    for name, rows in zip(names, shards, strict=True):
        marks = Marks()
        for document_id, split, text, cluster in rows:
            marks.add(Document(document_id, "notes", "a.txt", text), split, cluster)
        marks.save(folder, name)
    return find_overlaps(folder, names)


def crossing(folder: Path, *shards: list[Row]) -> list[list[bool]]:
    return [overlap.crosses.tolist() for overlap in overlaps_of(folder, *shards)]


def test_the_same_text_in_train_and_test_crosses_whatever_its_case_and_white_space(tmp_path: Path) -> None:
    shards: list[list[Row]] = [[("a", "train", "One  text", "a")], [("b", "test", "one text\n", "b")]]
    assert crossing(tmp_path, *shards) == [[False], [True]]


def test_a_cluster_in_train_and_validation_crosses(tmp_path: Path) -> None:
    shards: list[list[Row]] = [[("a", "validation", "x", "a"), ("c", "test", "z", "c")], [("b", "train", "y", "a")]]
    assert crossing(tmp_path, *shards) == [[True, False], [False]]


def test_parts_of_one_text_in_train_and_test_cross(tmp_path: Path) -> None:
    rows: list[Row] = [("a.1", "train", "x", "a.1"), ("a.2", "test", "y", "a.2"), ("a", "test", "z", "a")]
    assert crossing(tmp_path, rows) == [[False, True, False]]


def test_the_same_text_in_test_and_validation_does_not_cross(tmp_path: Path) -> None:
    assert crossing(tmp_path, [("a", "test", "x", "a"), ("b", "validation", "x", "b")]) == [[False, False]]


def test_the_bytes_in_long_lines_that_train_has_too_are_counted(tmp_path: Path) -> None:
    held_out: Row = ("b", "test", f"{LONG}\n  {LONG.upper()}\nand a line of its own, which nobody else has\nshort", "b")
    first, second = overlaps_of(tmp_path, [held_out], [("a", "train", f"short\n{LONG}", "a")])
    assert first.num_bytes_copied.tolist() == [2 * len(LONG) + 2]
    assert second.num_bytes_copied.tolist() == [0]
    assert not first.crosses.any()


def test_a_line_counts_from_its_length_in_bytes(tmp_path: Path) -> None:
    texts = ["字" * 14, "x" * (MIN_LINE_BYTES - 1), "x" * MIN_LINE_BYTES]
    trained: list[Row] = [(f"t{n}", "train", f"{text}\nmore", f"t{n}") for n, text in enumerate(texts)]
    tested: list[Row] = [(f"h{n}", "test", f"{text}\nother", f"h{n}") for n, text in enumerate(texts)]
    assert overlaps_of(tmp_path, trained, tested)[1].num_bytes_copied.tolist() == [42, 0, 40]


def test_an_id_that_two_documents_have_is_told_within_and_across_shards(tmp_path: Path) -> None:
    shards: list[list[Row]] = [
        [("a", "train", "1", "a"), ("b", "train", "2", "b"), ("a", "train", "3", "a")],
        [("c", "test", "4", "c"), ("b", "train", "5", "b")],
    ]
    found = [overlap.is_repeated.tolist() for overlap in overlaps_of(tmp_path, *shards)]
    assert found == [[True, True, True], [False, True]]


def test_shards_without_documents_share_nothing(tmp_path: Path) -> None:
    assert [overlap.crosses.tolist() for overlap in overlaps_of(tmp_path, [], [("a", "test", "x", "a")], [])] == [
        [], [False], []
    ]  # fmt: skip


def test_no_shard_gives_no_overlap(tmp_path: Path) -> None:
    assert find_overlaps(tmp_path, []) == []


SHARDS = st.lists(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["train", "validation", "test"]), st.integers(0, 8))),
    max_size=4,
)


@settings(max_examples=40)
@given(SHARDS, st.integers(1, 9))
def test_joining_range_by_range_finds_what_comparing_all_finds(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[tuple[int, Split, int]]], at_once: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "joined"
    folder.mkdir(exist_ok=True)
    lines = [f"{LONG}, number {number}" for number in range(9)]
    rows: list[list[Row]] = [
        [(f"d{n}", split, f"{lines[line]}\nof {n} in {shard}", f"c{shard}-{place}")
         for place, (n, split, line) in enumerate(one)] for shard, one in enumerate(shards)
    ]  # fmt: skip
    everything = [row for one in rows for row in one]
    trained = {text.split("\n")[0] for _, split, text, _ in everything if split == "train"}
    texts = {text for _, split, text, _ in everything if split == "train"}
    ids = Counter(name for name, *_ in everything)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality_overlaps, "_MARKS_AT_ONCE", at_once)
        found = overlaps_of(folder, *rows)
    for one, overlap in zip(rows, found, strict=True):
        held_out = [(split != "train", text) for _, split, text, _ in one]
        assert overlap.crosses.tolist() == [out and text in texts for out, text in held_out]
        copied = [len(text.split("\n")[0]) * (out and text.split("\n")[0] in trained) for out, text in held_out]
        assert overlap.num_bytes_copied.tolist() == copied
        assert overlap.is_repeated.tolist() == [ids[name] > 1 for name, *_ in one]


def test_an_overlap_of_nothing_has_a_place_for_each_document() -> None:
    overlap = Overlap.none(3)
    assert [len(column) for column in (overlap.crosses, overlap.num_bytes_copied, overlap.is_repeated)] == [3, 3, 3]
    overlap.crosses |= np.array([True, False, False])
    assert not overlap.is_repeated.any()
