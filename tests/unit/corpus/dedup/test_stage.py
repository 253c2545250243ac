"""Duplicates: what counts as one, which is kept, and that no order matters."""

import random
from pathlib import Path

import pytest

from gptmodel.config import DedupConfig
from gptmodel.corpus.dedup.evaluation_texts import list_evaluation_texts
from gptmodel.corpus.dedup.members import Member, read_clusters, read_members
from gptmodel.corpus.dedup.signing import text_key
from gptmodel.corpus.dedup.stage import DedupResult, deduplicate
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


def account(result: DedupResult) -> dict[str, object]:
    return result.model_dump(exclude={"runtime"})


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
    steps = [base, [*base[30:], *prose(2, 30).split()], [*base[60:], *prose(2, 30).split(), *prose(3, 30).split()]]
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
    first, members = run(tmp_path / "a", documents)
    second, others = run(tmp_path / "b", random.Random(5).sample(documents, len(documents)), num_shards=7)
    assert (account(first), members) == (account(second), others)
    for name in ("clusters.parquet", "index.npy", "repeated-lines.npy"):
        tables = [tmp_path / side / "deduplicate" / name for side in "ab"]
        assert tables[0].read_bytes() == tables[1].read_bytes()


def test_documents_without_words_are_compared_exactly(tmp_path: Path) -> None:
    result, _ = run(tmp_path, [make("a.txt", "..."), make("b.txt", "!!!"), make("c.txt", "...")])
    assert (result.num_kept, result.num_exact) == (2, 1)


def test_an_empty_corpus_gives_an_empty_table(tmp_path: Path) -> None:
    result, members = run(tmp_path, [])
    assert (result.num_read, members) == (0, {})


def test_equal_texts_have_equal_keys() -> None:
    assert text_key("One  two") == text_key("one\ntwo ") != text_key("onetwo")


FOOTER = "Subscribe to our weekly newsletter and never miss an article."


def test_a_repeated_line_is_removed_and_counted(tmp_path: Path) -> None:
    documents = [make(f"{n}.txt", f"{prose(n)}\n{FOOTER}") for n in range(20)]
    result, members = run(tmp_path, documents)
    assert (result.num_repeated_lines, result.num_lines_removed, result.num_kept) == (1, 20, 20)
    assert {member.num_repeated_lines for member in members.values()} == {1}
    assert members["3.txt"].num_bytes == len(prose(3))


def test_documents_are_compared_without_their_repeated_lines(tmp_path: Path) -> None:
    footer = "\n".join(f"{FOOTER} Number {n} of this long list." for n in range(30))
    documents = [make(f"{n}.txt", f"{prose(n, 30)}\n{footer}") for n in range(20)]
    assert run(tmp_path, documents)[0].num_near == 0
    assert run(tmp_path, documents, repeated_line_min_documents=0)[0].num_near > 0


def test_a_document_of_which_little_is_left_is_left_out(tmp_path: Path) -> None:
    documents = [make(f"{n}.txt", f"{prose(n)}\n{FOOTER}") for n in range(20)]
    result, members = run(tmp_path, [*documents, make("short.txt", f"Hello there.\n{FOOTER}\n{FOOTER}")])
    # One document that is mostly repeated lines stays whole, so that its text is not lost.
    assert members["short.txt"].kept
    result, members = run(tmp_path, [*documents, *(make(f"s{n}.txt", f"No {n}.\n{FOOTER}") for n in range(4))])
    left_out = [path for path, member in members.items() if member.reason == "boilerplate"]
    assert len(left_out) == result.num_boilerplate == 3


def test_copies_of_one_document_are_duplicates_whatever_their_number(tmp_path: Path) -> None:
    result, _ = run(tmp_path, [make(f"{n}.txt", f"{prose(1)}\n{prose(2)}") for n in range(50)])
    assert (result.num_kept, result.num_exact, result.num_boilerplate) == (1, 49, 0)


def test_the_account_adds_up_for_each_source(tmp_path: Path) -> None:
    documents = [make(f"{n}-{copy}.txt", prose(n) + " more" * copy, f"s{copy}") for n in range(9) for copy in range(3)]
    result, _ = run(tmp_path, documents)
    for source in result.sources:
        assert source.num_read == source.num_kept + sum(source.dropped_by_reason.values()) == 9
    assert result.num_read == sum(source.num_read for source in result.sources)


def test_clusters_are_listed_with_the_kept_document_first(tmp_path: Path) -> None:
    run(tmp_path, [make("a.txt", prose(1)), make("b.txt", prose(1)), make("c.txt", prose(2))])
    listed = list(read_clusters(tmp_path / "deduplicate"))
    assert [member.kept for member in listed] == [True, False]
    assert {member.cluster for member in listed} == {listed[0].id}


def grown(folder: Path, runs: list[list[Document]], code_version: str = "1") -> list[DedupResult]:
    """Deduplicate one set of documents after the other, each with the outputs before it at hand."""
    results = []
    for number, documents in enumerate(runs):
        root = folder / str(number)
        for shard in range(4):
            mine = [d for d in documents if shard_of(d.source, d.path, 4) == shard]
            write_shard(shard_path(root / "scrub", shard), mine)
        (root / "deduplicate").mkdir()
        earlier = [folder / str(before) / "deduplicate" for before in reversed(range(number))]
        inputs = {"scrub": root / "scrub"}
        work = Workspace(root / "deduplicate", inputs, code_version=code_version, earlier=earlier)
        results.append(deduplicate(work, DedupConfig(), ("notes",)))
    return results


def tables(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and "notes" not in path.parts[-3:]]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("seed", range(3))
def test_an_index_that_grew_gives_what_a_full_run_gives(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    pool = [make(f"{n}-{copy}.txt", prose(n, 60) + " more" * copy) for n in range(25) for copy in range(4)]
    pool += [make(f"f{n}.txt", f"{prose(n, 40)}\n{FOOTER}") for n in range(100, 125)]
    # Documents come and go: a cluster may lose the very one that held it together.
    steps = [draw.sample(pool, 60), draw.sample(pool, 90), draw.sample(pool, 70), pool]
    results = grown(tmp_path / "grown", steps)
    full = grown(tmp_path / "full", [steps[-1]])[0]
    assert account(results[-1]) == account(full)
    assert tables(tmp_path / "grown" / "3" / "deduplicate") == tables(tmp_path / "full" / "0" / "deduplicate")
    assert results[-1].runtime.num_known_texts > 0


def test_only_what_is_fresh_is_compared(tmp_path: Path) -> None:
    documents = [make(f"{n}.txt", prose(n)) for n in range(40)]
    first, second = grown(tmp_path, [documents, [*documents, make("late.txt", prose(99))]])
    assert (first.runtime.num_known_texts, second.runtime.num_known_texts) == (0, 40)
    # Two parts a shard: lines and signatures; the shard that got the document is made again.
    assert second.runtime.num_reused == second.runtime.num_parts - 1


def test_a_document_that_shares_a_run_of_words_with_an_evaluation_text_is_left_out(tmp_path: Path) -> None:
    question = "Which of the seven bridges was built first and by whom was it paid for in the end?"
    (tmp_path / "judged").mkdir()
    (tmp_path / "judged" / "quiz.txt").write_text(question)
    config = DedupConfig(evaluation_texts=(str(tmp_path / "judged"),))
    documents = [make("a.txt", f"{prose(1)} {question.upper()} {prose(2)}"), make("b.txt", prose(3))]
    write_shard(shard_path(tmp_path / "scrub", 0), documents)
    (tmp_path / "deduplicate").mkdir()
    work = Workspace(tmp_path / "deduplicate", {"scrub": tmp_path / "scrub"})
    listing = list_evaluation_texts(config, tmp_path / "cache.json")
    result = deduplicate(work, config, (), listing)
    assert (result.num_kept, result.num_contaminated) == (1, 1)
    assert [member.reason for member in read_members(work.path)] == ["contaminated", ""]
