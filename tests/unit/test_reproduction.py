"""How what was rebuilt compares with what the version came from: file by file, figure by figure."""

from typing import Any

import pytest

from gptmodel.provenance import Provenance
from gptmodel.reproduction import Made, StageVerdict, changed_files, compare, other_tools, overall

A, B, C = (letter * 64 for letter in "abc")
FIGURES: dict[str, Any] = {
    "num_documents": 16, "loss": 5.4, "by_language": {"en": {"num": 11}, "zh": {"num": 5}}, "passed": True,
    "reason": "passed: 5.4 is less than 6", "digests": [A, B], "first": "zh",
}  # fmt: skip
WITH = Provenance(version="1", lock_digest=A, python="3.11.7", libraries={"torch": "2.13.0"}, machine="Linux x86_64")


def made(digest: str = A, files: dict[str, str] | None = None, **figures: Any) -> Made:
    return Made(digest, files or {"one.bin": A, "two.bin": B}, FIGURES | figures)


def test_an_equal_digest_is_bit_equal_and_nothing_is_told() -> None:
    found = compare("pack", made(), made(files={"another": C}))
    assert (found.verdict, found.file, found.figure, found.words) == ("bit-equal", None, None, "")


def test_other_bytes_with_equal_figures_are_equal_metrics_and_name_the_first_file() -> None:
    found = compare("train", made(), made(B, {"one.bin": A, "two.bin": C}))
    assert found.verdict == "equal metrics"
    assert found.words == f"two.bin {B[:12]} -> {C[:12]}"


@pytest.mark.parametrize(
    ("files", "words"),
    [({"one.bin": A}, f"two.bin {B[:12]} -> nothing"), ({"a.bin": C, "one.bin": A, "two.bin": B}, "a.bin nothing ->")],
)
def test_a_file_that_is_missing_or_more_than_expected_differs(files: dict[str, str], words: str) -> None:
    assert compare("train", made(), made(B, files)).words.startswith(words)


@pytest.mark.parametrize(
    ("figures", "name", "words"),
    [
        ({"num_documents": 17}, "num_documents", "num_documents 16 -> 17"),
        ({"by_language": {"en": {"num": 11}, "zh": {"num": 4}}}, "by_language.zh.num", "by_language.zh.num 5 -> 4"),
        ({"by_language": {"en": {"num": 11}}}, "by_language.zh", "by_language.zh 1 entries -> nothing"),
        ({"passed": False}, "passed", "passed True -> False"),
        ({"digests": [A, C]}, "digests.1", f"digests.1 {B[:12]} -> {C[:12]}"),
        ({"loss": 5.5}, "loss", "loss 5.4 -> 5.5"),
        ({"more": 1}, "more", "more nothing -> 1"),
    ],
)
def test_a_figure_that_differs_is_told_with_both_values(figures: dict[str, Any], name: str, words: str) -> None:
    found = compare("evaluate", made(), made(B, **figures))
    assert found.verdict == "diverged"
    assert found.figure is not None
    assert (found.figure.name, found.figure.words) == (name, words)


def test_text_in_an_account_is_never_shown() -> None:
    words = compare("evaluate", made(), made(B, first="en-GB")).words
    assert words == "first text of 2 characters -> text of 5 characters"


def test_a_sentence_about_figures_is_no_figure() -> None:
    found = compare("evaluate", made(), made(B, {**made().files}, reason="passed: 5.40001 is less than 6"))
    assert (found.verdict, found.words) == ("equal metrics", "only sentences of its account differ")


def test_fractions_within_the_tolerance_count_as_equal_and_counts_do_not() -> None:
    assert compare("train", made(), made(B, loss=5.41), tolerance=0.01).verdict == "equal metrics"
    assert compare("train", made(), made(B, loss=5.41), tolerance=0.0).verdict == "diverged"
    assert compare("train", made(num=10_000), made(B, num=10_001), tolerance=0.01).verdict == "diverged"


def test_a_stage_that_read_something_else_says_since_when() -> None:
    found = compare("train", made(), made(B, loss=6.0), since="clean")
    assert found.words == "what it reads diverged (since clean); loss 5.4 -> 6.0"


def test_a_version_is_as_its_worst_stage() -> None:
    verdicts = [StageVerdict(name=one, verdict=one, expected=A, actual=A) for one in ("bit-equal", "equal metrics")]
    assert overall(verdicts) == "equal metrics"
    assert overall([*verdicts, compare("train", made(), made(B, loss=6.0))]) == "diverged"


def test_changed_gone_and_further_files_are_named_by_their_digests() -> None:
    then = {"notes": {"a.txt": A, "b.txt": B, "c.txt": C}}
    now = {"notes": {"a.txt": A, "b.txt": C, "d.txt": A}}
    assert changed_files(then, now) == [
        f"source notes: b.txt changed ({B[:12]} -> {C[:12]})", f"source notes: c.txt is gone (it was {C[:12]})",
        "source notes: d.txt was not there",
    ]  # fmt: skip


def test_of_many_changed_files_most_are_counted() -> None:
    said = changed_files({"notes": {f"{number}.txt": A for number in range(100, 107)}}, {"notes": {}})
    assert len(said) == 6
    assert said[-1] == "source notes: 2 more files differ"


def test_other_libraries_are_named_with_the_stages_that_were_made_with_them() -> None:
    older = WITH.model_copy(update={"libraries": {"torch": "2.12.0"}, "python": "3.11.6"})
    said = other_tools({"ingest": WITH, "train": older, "evaluate": older}, WITH)
    assert said == ["Python 3.11.6 -> 3.11.7 (train, evaluate)", "torch 2.12.0 -> 2.13.0 (train, evaluate)"]


def test_tools_that_were_not_noted_or_are_the_same_say_nothing() -> None:
    assert other_tools({"ingest": None, "train": WITH}, WITH) == []
    assert other_tools({"train": WITH}, WITH.model_copy(update={"machine": "Darwin arm64"})) == [
        "machine Linux x86_64 -> Darwin arm64 (every stage)"
    ]
