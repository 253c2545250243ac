"""Duplicates: what counts as one, which is kept, and that no order matters."""

import random
from pathlib import Path

import pytest

from gptmodel.config import DedupConfig
from gptmodel.corpus.dedup import DedupResult, Member, deduplicate, read_members, text_key
from gptmodel.corpus.documents import Document, document_id, shard_of, shard_path, write_shard
from gptmodel.store import Workspace

WORDS = (
    "river stone window letter garden mirror winter silver bridge candle copper engine forest island kitchen".split()
)


def make(path: str, text: str, source: str = "notes", **more: str) -> Document:
    return Document(document_id(source, path, "0"), source, path, text, **more)  # type: ignore[arg-type]


def prose(seed: int, count: int = 200) -> str:
    return " ".join(f"{word}{seed}" for word in random.Random(seed).choices(WORDS, k=count))


def run(
    folder: Path, documents: list[Document], order: tuple[str, ...] = (), num_shards: int = 3, **settings: object
) -> tuple[DedupResult, dict[str, Member]]:
    for number in range(num_shards):
        mine = [d for d in documents if shard_of(d.source, d.path, num_shards) == number]
        write_shard(shard_path(folder / "scrub", number), mine)
    (folder / "deduplicate").mkdir(exist_ok=True)
    work = Workspace(folder / "deduplicate", {"scrub": folder / "scrub"})
    result = deduplicate(work, DedupConfig(**settings), order)
    paths = {document.id: document.path for document in documents}
    return result, {paths[member.id]: member for member in read_members(work.path)}


def test_distinct_documents_are_all_kept(tmp_path: Path) -> None:
    result, _ = run(tmp_path, [make(f"{n}.txt", prose(n)) for n in range(20)])
    assert (result.num_read, result.num_kept, result.num_clusters) == (20, 20, 0)


@pytest.mark.parametrize("change", [str, str.upper, lambda text: f"  {text}\n", lambda text: text.replace(" ", "\n")])
def test_case_and_white_space_make_no_other_document(tmp_path: Path, change) -> None:
    result, members = run(tmp_path, [make("a.txt", prose(1)), make("b.txt", change(prose(1)))])
    assert (result.num_kept, result.num_exact, result.num_near) == (1, 1, 0)
    assert {member.reason for member in members.values()} == {"", "exact"}


def test_a_sentence_inserted_makes_a_near_duplicate(tmp_path: Path) -> None:
    text = prose(1).split()
    changed = " ".join([*text[:100], "a", "sentence", "that", "was", "inserted", *text[100:]])
    result, _ = run(tmp_path, [make("a.txt", " ".join(text)), make("b.txt", changed)])
    assert (result.num_kept, result.num_exact, result.num_near) == (1, 0, 1)


def test_near_duplicates_in_chinese_are_found(tmp_path: Path) -> None:
    text = "今天下午我们在学校的图书馆里讨论了新的教学计划，并且决定从下个月开始实行。每位老师都要准备一份说明。"
    result, _ = run(tmp_path, [make("a.txt", text + "谢谢大家"), make("b.txt", text)])
    assert result.num_near == 1


def test_half_a_document_is_not_a_duplicate(tmp_path: Path) -> None:
    result, _ = run(tmp_path, [make("a.txt", prose(1)), make("b.txt", prose(1, 100) + " " + prose(2, 100))])
    assert result.num_kept == 2


def test_near_duplicates_stay_when_they_are_not_looked_for(tmp_path: Path) -> None:
    documents = [make("a.txt", prose(1)), make("b.txt", prose(1) + " end"), make("c.txt", prose(1))]
    result, _ = run(tmp_path, documents, near=False)
    assert (result.num_kept, result.num_exact, result.num_near) == (2, 1, 0)


def test_the_earlier_source_keeps_its_document(tmp_path: Path) -> None:
    documents = [make(f"{source}.txt", prose(1), source) for source in ("a", "b", "c")]
    _, members = run(tmp_path, documents, order=("c", "a", "b"))
    assert [path for path, member in members.items() if member.kept] == ["c.txt"]


def test_within_a_source_the_smallest_id_is_kept(tmp_path: Path) -> None:
    documents = [make(f"{n}.txt", prose(1)) for n in range(10)]
    _, members = run(tmp_path, documents, order=("notes",))
    smallest = min(document.id for document in documents)
    assert {member.cluster for member in members.values()} == {smallest}


def test_documents_joined_through_a_third_are_one_cluster(tmp_path: Path) -> None:
    base = prose(1, 300).split()
    steps = [base, [*base[40:], *prose(2, 40).split()], [*base[80:], *prose(2, 40).split(), *prose(3, 40).split()]]
    _, members = run(tmp_path, [make(f"{n}.txt", " ".join(step)) for n, step in enumerate(steps)])
    assert len({member.cluster for member in members.values()}) == 1


def test_each_cluster_keeps_exactly_one(tmp_path: Path) -> None:
    documents = [make(f"{n}-{copy}.txt", prose(n) + " more" * copy) for n in range(8) for copy in range(3)]
    result, members = run(tmp_path, documents)
    assert sorted(member.cluster for member in members.values() if member.kept) == sorted(
        {member.cluster for member in members.values()}
    )
    assert result.num_kept + result.num_exact + result.num_near == result.num_read


def test_planted_test_phrases_stay_aside(tmp_path: Path) -> None:
    planted = [make(f"p{n}.txt", prose(1), "planted", planted="in_clear") for n in range(5)]
    result, members = run(tmp_path, [make("a.txt", prose(1)), *planted])
    assert (result.num_read, result.num_kept) == (1, 1)
    assert set(members) == {"a.txt"}


def test_order_and_shards_do_not_matter(tmp_path: Path) -> None:
    documents = [make(f"{n}-{copy}.txt", prose(n) + " more" * copy) for n in range(15) for copy in range(3)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = run(tmp_path / "a", documents)
    second = run(tmp_path / "b", random.Random(5).sample(documents, len(documents)), num_shards=7)
    assert first == second
    table = "deduplicate/clusters.parquet"
    assert (tmp_path / "a" / table).read_bytes() == (tmp_path / "b" / table).read_bytes()


def test_documents_without_words_are_compared_exactly(tmp_path: Path) -> None:
    result, _ = run(tmp_path, [make("a.txt", "..."), make("b.txt", "!!!"), make("c.txt", "...")])
    assert (result.num_kept, result.num_exact) == (2, 1)


def test_an_empty_corpus_gives_an_empty_table(tmp_path: Path) -> None:
    result, members = run(tmp_path, [])
    assert (result.num_read, members) == (0, {})


def test_equal_texts_have_equal_keys() -> None:
    assert text_key("One  two") == text_key("one\ntwo ") != text_key("onetwo")
