"""The split: by cluster, stable under growth and order, and never too small."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptmodel.config import SplitConfig
from gptmodel.corpus.dedup import Member, write_members
from gptmodel.corpus.documents import Document, document_id, shard_path, write_shard
from gptmodel.corpus.split import SplitResult, assign, hash_split, split
from gptmodel.corpus.split_table import SPLITS, SplitRow, read_split
from gptmodel.errors import CorpusTooSmallError
from gptmodel.store import Workspace

CONFIG = SplitConfig(validation_ratio=0.2, test_ratio=0.2)


def name(number: int) -> str:
    return document_id("notes", f"{number}.txt", "0")


def member(number: int, cluster: int | None = None) -> Member:
    kept = cluster is None or cluster == number
    return Member(name(number), "notes", name(number if cluster is None else cluster), kept, "" if kept else "near")


def members_of(clusters: dict[int, int]) -> list[Member]:
    """Make the table of documents whose clusters are numbered; each cluster's smallest id is kept."""
    smallest: dict[int, str] = {}
    for number, cluster in clusters.items():
        smallest[cluster] = min(smallest.get(cluster, name(number)), name(number))
    return [
        Member(name(n), "notes", smallest[c], smallest[c] == name(n), "" if smallest[c] == name(n) else "near")
        for n, c in clusters.items()
    ]


def run(folder: Path, members: list[Member], planted: int = 0, config: SplitConfig = CONFIG) -> SplitResult:
    (folder / "deduplicate").mkdir(parents=True)
    (folder / "split").mkdir()
    write_members(folder / "deduplicate" / "clusters.parquet", members)
    documents = [Document(m.id, m.source, "a.txt", "é" * 10) for m in members]
    documents += [Document(f"p{n}", "planted", "p.txt", "phrase", planted="in_clear") for n in range(planted)]
    write_shard(shard_path(folder / "scrub", 0), documents)
    inputs = {"scrub": folder / "scrub", "deduplicate": folder / "deduplicate"}
    return split(Workspace(folder / "split", inputs), config)


def test_every_kept_document_is_in_one_split(tmp_path: Path) -> None:
    result = run(tmp_path, [member(n) for n in range(200)])
    rows = read_split(tmp_path / "split")
    assert [row.id for row in rows] == sorted(name(n) for n in range(200))
    assert result.num_train + result.num_validation + result.num_test == 200


def test_documents_left_out_are_in_no_split(tmp_path: Path) -> None:
    members = members_of({n: n // 2 for n in range(100)})
    run(tmp_path, members)
    assert {row.id for row in read_split(tmp_path / "split")} == {m.id for m in members if m.kept}


def test_shares_are_as_asked_for() -> None:
    places = [hash_split(name(n), SplitConfig(validation_ratio=0.1, test_ratio=0.3)) for n in range(5000)]
    assert [round(places.count(split) / 5000, 1) for split in SPLITS] == [0.6, 0.1, 0.3]


def test_bytes_are_counted_in_utf8(tmp_path: Path) -> None:
    result = run(tmp_path, [member(n) for n in range(100)])
    assert (result.num_bytes_train, result.num_bytes_test) == (20 * result.num_train, 20 * result.num_test)


def test_planted_test_phrases_go_to_train_and_are_not_counted(tmp_path: Path) -> None:
    result = run(tmp_path, [member(n) for n in range(100)], planted=7)
    rows = [row for row in read_split(tmp_path / "split") if row.planted]
    assert [row.split for row in rows] == ["train"] * 7
    assert result.num_train + result.num_validation + result.num_test == 100


def test_a_cluster_goes_to_test_if_any_member_hashes_there() -> None:
    by_split = {split: next(n for n in range(1000) if hash_split(name(n), CONFIG) == split) for split in SPLITS}
    everything = members_of(dict.fromkeys(by_split.values(), 0))
    assert set(assign(everything, CONFIG).values()) == {"test"}


def test_a_cluster_goes_to_validation_if_none_hashes_to_test() -> None:
    by_split = {split: next(n for n in range(1000) if hash_split(name(n), CONFIG) == split) for split in SPLITS}
    pair = members_of({by_split["train"]: 0, by_split["validation"]: 0})
    assert set(assign(pair, CONFIG).values()) == {"validation"}


def places(clusters: dict[int, int]) -> dict[int, str]:
    members = members_of(clusters)
    where = assign(members, CONFIG)
    return {number: where[member.cluster] for number, member in zip(clusters, members, strict=True)}


@given(
    st.dictionaries(st.integers(0, 200), st.integers(0, 30)), st.dictionaries(st.integers(201, 400), st.integers(0, 30))
)
def test_growth_moves_a_document_only_from_train_towards_test(old: dict[int, int], added: dict[int, int]) -> None:
    before, after = places(old), places(old | added)
    assert all(SPLITS.index(after[number]) >= SPLITS.index(before[number]) for number in old)  # type: ignore[arg-type]


@given(st.dictionaries(st.integers(0, 200), st.integers(0, 30)), st.integers(2, 10))
def test_clusters_that_merge_move_only_towards_test(clusters: dict[int, int], into: int) -> None:
    before, after = places(clusters), places({number: cluster % into for number, cluster in clusters.items()})
    assert all(SPLITS.index(after[n]) >= SPLITS.index(before[n]) for n in clusters)  # type: ignore[arg-type]


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


@given(PARTS)
def test_the_parts_of_one_text_lie_in_one_split(placed: dict[tuple[int, int], int]) -> None:
    members = parts_of(placed)
    where = assign(members, CONFIG)
    by_text = {(member.id.partition(".")[0], where[member.cluster]) for member in members}
    assert len(by_text) == len({text for text, _ in placed})


@given(PARTS, PARTS)
def test_growth_moves_a_part_only_from_train_towards_test(
    old: dict[tuple[int, int], int], added: dict[tuple[int, int], int]
) -> None:
    before, after = assign(parts_of(old), CONFIG), assign(parts_of(added | old), CONFIG)
    assert all(SPLITS.index(after[cluster]) >= SPLITS.index(split) for cluster, split in before.items())


def test_a_text_that_grows_into_parts_stays_with_what_its_parts_duplicate() -> None:
    to_test = next(n for n in range(1000) if hash_split(name(n), CONFIG) == "test")
    to_train = next(n for n in range(1000) if hash_split(name(n), CONFIG) == "train")
    copy = Member(name(to_test), "notes", "c1", False, "exact")
    where = assign([*parts_of({(to_train, 1): 0, (to_train, 2): 1}), copy], CONFIG)
    assert where == {"c0": "test", "c1": "test"}


@given(st.dictionaries(st.integers(0, 200), st.integers(0, 30)), st.randoms(use_true_random=False))
def test_order_does_not_matter(clusters: dict[int, int], shuffler) -> None:
    members = members_of(clusters)
    shuffled = list(members)
    shuffler.shuffle(shuffled)
    assert assign(members, CONFIG) == assign(shuffled, CONFIG)


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
