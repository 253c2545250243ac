import json
from pathlib import Path

from benchmarks.clusters import compare, judge, pairs, read_theirs, shingles, similar_pairs
from benchmarks.pages import lay_out

WORDS = " ".join(f"word{number}" for number in range(100))


def rows(*texts: str) -> list[dict[str, str]]:
    return [{"id": f"{number}", "text": text, "path": f"page/{number}.txt"} for number, text in enumerate(texts)]


def test_shingles_are_runs_of_five_words_without_case_and_punctuation() -> None:
    assert shingles("One, two three. FOUR five six") == {
        ("one", "two", "three", "four", "five"), ("two", "three", "four", "five", "six"),
    }  # fmt: skip


def test_a_han_character_is_a_word() -> None:
    assert len(shingles("庭院深深深几许")) == 3


def test_a_short_text_is_one_run_and_an_empty_one_none() -> None:
    assert shingles("two words") == {("two", "words")}
    assert shingles("...") == set()


def test_texts_are_similar_from_seven_tenths_of_their_shingles_on() -> None:
    near, far = f"{WORDS} more words at the end of it", f"{WORDS} {WORDS[::-1]}"
    assert similar_pairs({"a": WORDS, "b": near, "c": far}) == {("a", "b")}


def test_texts_without_a_word_are_not_similar() -> None:
    assert similar_pairs({"a": "...", "b": "!"}) == set()


def test_members_of_one_cluster_are_pairs() -> None:
    assert pairs({"a": "x", "b": "x", "c": "x", "d": "y"}) == {("a", "b"), ("a", "c"), ("b", "c")}


def test_sides_are_compared_by_pairs_and_by_documents_removed() -> None:
    said = compare({"ours": {"a": "a", "b": "a", "c": "c", "d": "c"}, "theirs": {"a": "1", "b": "1"}})
    assert (said["num_removed_ours"], said["num_removed_theirs"], said["num_pairs_both"]) == (2, 1, 1)
    assert said["removed_difference_ratio"] == 1.0


def test_precision_and_recall_are_of_pairs_joined_through_others_too() -> None:
    chain = [" ".join(f"word{number}" for number in range(start, start + 100)) for start in (0, 12, 24)]
    said = judge(rows(*chain, "something else"), {"ours": {"0": "x", "1": "x", "3": "x"}})
    assert (said["num_similar_pairs"], said["num_true_pairs"]) == (2, 3)
    assert (said["ours"]["precision"], said["ours"]["recall"]) == (round(1 / 3, 4), round(1 / 3, 4))
    assert said["ours"]["recall_of_similar"] == 0.5


def test_nothing_found_has_no_precision() -> None:
    assert judge(rows("a text", "another one"), {"ours": {}})["ours"]["precision"] is None


def test_datatroves_clusters_are_read_of_what_it_kept_and_removed(tmp_path: Path) -> None:
    for folder, lines in {"kept": [("a", 0), ("c", -1)], "removed": [("b", 0)]}.items():
        (tmp_path / folder).mkdir()
        content = [{"id": name, "metadata": {"minhash_cluster_id": cluster}} for name, cluster in lines]
        (tmp_path / folder / "00000.jsonl").write_text("\n".join(map(json.dumps, content)))
    assert read_theirs(tmp_path) == {"a": "0", "b": "0"}


def test_versions_of_a_page_share_a_folder(tmp_path: Path) -> None:
    sources = ("docs@0123abc:a.md", "docs@4567def:a.md", "docs@0123abc:b.md")
    lines = [json.dumps({"text": "text", "source": source}) for source in sources]
    (tmp_path / "pages.jsonl").write_text("\n".join(lines))
    lay_out(tmp_path / "pages.jsonl", tmp_path / "pages")
    assert sorted(len(list(page.iterdir())) for page in (tmp_path / "pages").iterdir()) == [1, 2]
