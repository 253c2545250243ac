from pathlib import Path

from gptmodel.corpus.dedup.cluster_table import Cluster, largest_clusters
from gptmodel.corpus.dedup.members import CLUSTERS_FILE, Member
from gptmodel.corpus.tables import write_table


def write(folder: Path, sizes: dict[str, int]) -> None:
    """Write clusters by the id of the kept document; the first of the others is exact, the rest are near."""
    rows = []
    for name, size in sizes.items():
        rows.append(Member(name, "notes", name, True, "", 0, 50))
        others = [("exact", "mail"), *[("near", "notes")] * size][: size - 1]
        rows += [
            Member(f"{name}{n}", source, name, False, reason, 0, 10)  # type: ignore[arg-type]
            for n, (reason, source) in enumerate(others)
        ]
    write_table(folder / CLUSTERS_FILE, Member, rows)


def test_the_largest_come_first_and_no_more_than_asked_for(tmp_path: Path) -> None:
    write(tmp_path, {"a": 2, "b": 5, "c": 3, "d": 2})
    assert [cluster.id for cluster in largest_clusters(tmp_path, 3)] == ["b", "c", "a"]


def test_a_cluster_says_what_it_holds_and_what_was_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"a": 3})
    assert largest_clusters(tmp_path, 1) == [
        Cluster("a", "notes", 3, 20, {"mail": 1, "notes": 2}, {"exact": 1, "near": 1})
    ]


def test_where_nothing_was_compared_there_are_none(tmp_path: Path) -> None:
    assert largest_clusters(tmp_path, 3) == []
