"""The split: by cluster, stable under growth and order, and never too small."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptmodel.config import SplitConfig
from gptmodel.corpus.dedup.members import MEMBERS_DIR, Member
from gptmodel.corpus.dedup.repeated_lines import REPEATED_LINES_FILE, read_repeated
from gptmodel.corpus.documents import Document, document_id, shard_path, write_shard
from gptmodel.corpus.split import SplitResult, assign, hash_split, split
from gptmodel.corpus.split_table import SPLITS, Split, SplitRow, read_shard_split, read_split
from gptmodel.corpus.tables import write_table
from gptmodel.errors import CorpusTooSmallError
from gptmodel.store import Workspace

CONFIG = SplitConfig(validation_ratio=0.2, test_ratio=0.2)
few = settings(max_examples=25)  # each example writes a table


def name(number: int) -> str:
    return document_id("notes", f"{number}.txt", "0")


def member(number: int, cluster: int | None = None) -> Member:
    kept = cluster is None or cluster == number
    cluster_id = name(number if cluster is None else cluster)
    return Member(name(number), "notes", cluster_id, kept, "" if kept else "near", num_bytes=20)


def members_of(clusters: dict[int, int]) -> list[Member]:
    """Make the table of documents whose clusters are numbered; each cluster's smallest id is kept."""
    smallest: dict[int, str] = {}
    for number, cluster in clusters.items():
        smallest[cluster] = min(smallest.get(cluster, name(number)), name(number))
    return [
        Member(name(n), "notes", smallest[c], smallest[c] == name(n), "" if smallest[c] == name(n) else "near")
        for n, c in clusters.items()
    ]


def write_members(folder: Path, number: int, members: list[Member]) -> None:
    write_table(folder / f"{shard_path(folder, number).stem}.parquet", Member, members)


def run(folder: Path, *shards: list[Member], planted: int = 0) -> SplitResult:
    """Split the members of some shards; planted test phrases come in a shard after them, without members."""
    (folder / "split").mkdir()
    for number, members in enumerate(shards):
        write_members(folder / "deduplicate" / MEMBERS_DIR, number, members)
        documents = [Document(m.id, m.source, "a.txt", "text") for m in members]
        write_shard(shard_path(folder / "scrub", number), documents)
    phrases = [Document(f"p{n}", "planted", "p.txt", "phrase", planted="in_clear") for n in range(planted)]
    write_shard(shard_path(folder / "scrub", len(shards)), phrases)
    inputs = {"scrub": folder / "scrub", "deduplicate": folder / "deduplicate"}
    return split(Workspace(folder / "split", inputs), CONFIG)


def places_of(folder: Path, members: list[Member]) -> list[Split]:
    """Give the split of each member, in their order."""
    write_members(folder, 0, members)
    return [SPLITS[number] for number in assign(folder, CONFIG)]


def test_every_kept_document_is_in_one_split(tmp_path: Path) -> None:
    result = run(tmp_path, [member(n) for n in range(200)])
    assert [row.id for row in read_split(tmp_path / "split")] == [name(n) for n in range(200)]
    assert result.num_train + result.num_validation + result.num_test == 200


def test_documents_left_out_are_in_no_split(tmp_path: Path) -> None:
    members = members_of({n: n // 2 for n in range(100)})
    run(tmp_path, members)
    assert {row.id for row in read_split(tmp_path / "split")} == {m.id for m in members if m.kept}


def test_each_shard_has_a_table_of_its_own(tmp_path: Path) -> None:
    shards = [[member(n) for n in range(100)], [], [member(n) for n in range(100, 150)]]
    result = run(tmp_path, *shards, planted=2)
    tables = [[row.id for row in read_shard_split(tmp_path / "split", f"{n:05d}-000")] for n in range(4)]
    assert tables == [*([m.id for m in members] for members in shards), ["p0", "p1"]]
    assert result.num_train + result.num_validation + result.num_test == 150


def test_readers_of_the_text_find_the_repeated_lines_here(tmp_path: Path) -> None:
    (tmp_path / "deduplicate").mkdir()
    np.save(tmp_path / "deduplicate" / REPEATED_LINES_FILE, np.array([3, 7], dtype=np.uint64))
    run(tmp_path, [replace(member(n), num_repeated_lines=n) for n in range(100)])
    assert read_repeated(tmp_path / "split").tolist() == [3, 7]
    assert [row.num_repeated_lines for row in read_split(tmp_path / "split")] == list(range(100))


def test_shares_are_as_asked_for() -> None:
    places = [hash_split(name(n), SplitConfig(validation_ratio=0.1, test_ratio=0.3)) for n in range(5000)]
    assert [round(places.count(split) / 5000, 1) for split in SPLITS] == [0.6, 0.1, 0.3]


def test_bytes_are_those_of_the_text_as_it_is_read(tmp_path: Path) -> None:
    result = run(tmp_path, [member(n) for n in range(100)])
    assert (result.num_bytes_train, result.num_bytes_test) == (20 * result.num_train, 20 * result.num_test)


def test_planted_test_phrases_go_to_train_and_are_not_counted(tmp_path: Path) -> None:
    result = run(tmp_path, [member(n) for n in range(100)], planted=7)
    rows = [row for row in read_split(tmp_path / "split") if row.planted]
    assert [row.split for row in rows] == ["train"] * 7
    assert result.num_train + result.num_validation + result.num_test == 100


def test_a_cluster_goes_to_test_if_any_member_hashes_there(tmp_path: Path) -> None:
    by_split = {split: next(n for n in range(1000) if hash_split(name(n), CONFIG) == split) for split in SPLITS}
    everything = members_of(dict.fromkeys(by_split.values(), 0))
    assert set(places_of(tmp_path, everything)) == {"test"}


def test_a_cluster_goes_to_validation_if_none_hashes_to_test(tmp_path: Path) -> None:
    by_split = {split: next(n for n in range(1000) if hash_split(name(n), CONFIG) == split) for split in SPLITS}
    pair = members_of({by_split["train"]: 0, by_split["validation"]: 0})
    assert set(places_of(tmp_path, pair)) == {"validation"}


def places(folder: Path, clusters: dict[int, int]) -> dict[int, Split]:
    return dict(zip(clusters, places_of(folder, members_of(clusters)), strict=True))


@few
@given(
    st.dictionaries(st.integers(0, 200), st.integers(0, 30)), st.dictionaries(st.integers(201, 400), st.integers(0, 30))
)
def test_growth_moves_a_document_only_from_train_towards_test(
    tmp_path: Path, old: dict[int, int], added: dict[int, int]
) -> None:
    before, after = places(tmp_path, old), places(tmp_path, old | added)
    assert all(SPLITS.index(after[number]) >= SPLITS.index(before[number]) for number in old)


@few
@given(st.dictionaries(st.integers(0, 200), st.integers(0, 30)), st.integers(2, 10))
def test_clusters_that_merge_move_only_towards_test(tmp_path: Path, clusters: dict[int, int], into: int) -> None:
    merged = {number: cluster % into for number, cluster in clusters.items()}
    before, after = places(tmp_path, clusters), places(tmp_path, merged)
    assert all(SPLITS.index(after[n]) >= SPLITS.index(before[n]) for n in clusters)


def parts_of(placed: dict[tuple[int, int], int]) -> list[Member]:
    """Make the table of parts, given as (text, part) with the number of their cluster."""
    return [
        Member(f"{name(text)}.{part}", "notes", f"c{cluster}", True, "") for (text, part), cluster in placed.items()
    ]


def test_the_parts_of_one_text_hash_as_the_whole_text_does() -> None:
    assert all(
        hash_split(f"{name(n)}.{part}", CONFIG) == hash_split(name(n), CONFIG) for n in range(99) for part in (1, 2)
    )


PARTS = st.dictionaries(st.tuples(st.integers(0, 40), st.integers(1, 3)), st.integers(0, 60))


@few
@given(PARTS)
def test_the_parts_of_one_text_lie_in_one_split(tmp_path: Path, placed: dict[tuple[int, int], int]) -> None:
    texts = [text for text, _ in placed]
    by_text = set(zip(texts, places_of(tmp_path, parts_of(placed)), strict=True))
    assert len(by_text) == len(set(texts))


@few
@given(PARTS)
def test_a_cluster_of_parts_lies_in_one_split(tmp_path: Path, placed: dict[tuple[int, int], int]) -> None:
    by_cluster = set(zip(placed.values(), places_of(tmp_path, parts_of(placed)), strict=True))
    assert len(by_cluster) == len(set(placed.values()))


@few
@given(PARTS, PARTS)
def test_growth_moves_a_part_only_from_train_towards_test(
    tmp_path: Path, old: dict[tuple[int, int], int], added: dict[tuple[int, int], int]
) -> None:
    grown = added | old
    before = dict(zip(old, places_of(tmp_path, parts_of(old)), strict=True))
    after = dict(zip(grown, places_of(tmp_path, parts_of(grown)), strict=True))
    assert all(SPLITS.index(after[part]) >= SPLITS.index(split) for part, split in before.items())


def test_a_text_that_grows_into_parts_stays_with_what_its_parts_duplicate(tmp_path: Path) -> None:
    to_test = next(n for n in range(1000) if hash_split(name(n), CONFIG) == "test")
    to_train = next(n for n in range(1000) if hash_split(name(n), CONFIG) == "train")
    copy = Member(name(to_test), "notes", "c1", False, "exact")
    members = [*parts_of({(to_train, 1): 0, (to_train, 2): 1}), copy]
    assert places_of(tmp_path, members) == ["test", "test", "test"]


@few
@given(st.dictionaries(st.integers(0, 200), st.integers(0, 30)), st.randoms(use_true_random=False))
def test_order_does_not_matter(tmp_path: Path, clusters: dict[int, int], shuffler) -> None:
    shuffled = list(clusters.items())
    shuffler.shuffle(shuffled)
    assert places(tmp_path, clusters) == places(tmp_path, dict(shuffled))


def test_a_cluster_over_several_shards_lies_in_one_split(tmp_path: Path) -> None:
    members = members_of({n: n % 50 for n in range(200)})
    for number in range(4):
        write_members(tmp_path, number, members[50 * number : 50 * (number + 1)])
    where = assign(tmp_path, CONFIG).reshape(4, 50)
    assert (where == where[0]).all()
    assert [SPLITS[number] for number in where.flatten()] == places_of(tmp_path / "one", members)


def test_no_members_give_no_places(tmp_path: Path) -> None:
    assert len(assign(tmp_path, CONFIG)) == 0


def test_another_seed_gives_another_split() -> None:
    one, two = ([hash_split(name(n), SplitConfig(seed=seed)) for n in range(500)] for seed in (0, 1))
    assert one != two


def test_too_few_documents_are_refused_with_their_numbers(tmp_path: Path) -> None:
    with pytest.raises(
        CorpusTooSmallError, match=r"at least 2 documents in each split.* 0 in validation.*of 1 in all"
    ) as caught:
        run(tmp_path, [member(0)])
    assert "Add documents" in caught.value.mend


def test_the_mend_names_the_ratio_of_the_split_that_is_short(tmp_path: Path) -> None:
    test_only = [n for n in range(3000) if hash_split(name(n), CONFIG) != "validation"][:100]
    with pytest.raises(CorpusTooSmallError) as caught:
        run(tmp_path, [member(n) for n in test_only])
    assert "split.validation_ratio" in caught.value.mend
    assert "split.test_ratio" not in caught.value.mend


def test_the_table_reads_back_as_it_was(tmp_path: Path) -> None:
    run(tmp_path, [member(n) for n in range(60)], planted=1)
    assert SplitRow("p0", "planted", "train", True) in read_split(tmp_path / "split")
