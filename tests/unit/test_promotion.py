"""Promotion: who is compared on what, and what the decision says of it."""

from pathlib import Path

import pytest

from gptmodel import promotion
from gptmodel.config import RegistryConfig
from gptmodel.corpus.documents import Document, shard_path, write_shard
from gptmodel.corpus.split_table import Split, SplitRow, write_shard_split
from gptmodel.decision import Decision
from gptmodel.promotion import PromotionResult, decide_promotion, held_out
from gptmodel.store import Workspace

PASSED = Decision(passed=True, reason="no leak")


def write_table(folder: Path, splits: dict[str, Split]) -> Path:
    rows = [SplitRow(name, "notes", split, False) for name, split in splits.items()]
    write_shard_split(folder, shard_path(folder, 0).stem, rows)
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    """A candidate whose test split is the documents a, b.1 and b.2; nothing is scored."""
    write_shard(shard_path(tmp_path / "scrub", 0), [Document(n, "notes", "p", n) for n in ("a", "b.1", "b.2", "c")])
    split = write_table(tmp_path / "split", {"a": "test", "b.1": "test", "b.2": "test", "c": "train"})
    (tmp_path / "promote").mkdir()
    return Workspace(tmp_path / "promote", {"scrub": tmp_path / "scrub", "split": split, "register": tmp_path})


@pytest.fixture(autouse=True)
def _no_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Decision(passed=True, reason="better", scope="some test documents")
    monkeypatch.setattr(promotion, "compare", lambda *arguments: answer)


def decide(
    work: Workspace, champion_version: int | None, champion_split: Path | None, privacy: Decision = PASSED
) -> PromotionResult:
    champion = None if champion_version is None else Path("champion")
    return decide_promotion(
        work, RegistryConfig(), version=2, privacy=privacy, champion_version=champion_version, champion=champion,
        champion_split=champion_split,
    )  # fmt: skip


def test_texts_the_champion_was_trained_on_are_left_out(work: Workspace, tmp_path: Path) -> None:
    result = decide(work, 1, write_table(tmp_path / "other", {"a": "train", "b.1": "test"}))
    assert (result.num_documents, result.decision.scope) == (2, "some test documents")


def test_no_part_of_a_text_the_champion_saw_is_left_in(work: Workspace) -> None:
    assert [name for name, _ in held_out(work.inputs["scrub"], work.inputs["split"], {"b"})] == ["a"]


def test_a_text_seen_whole_is_left_out_when_it_has_grown_into_parts(work: Workspace, tmp_path: Path) -> None:
    assert decide(work, 1, write_table(tmp_path / "other", {"b": "train"})).num_documents == 1


def test_where_the_champions_split_is_gone_the_scope_says_that_overlap_is_not_known(work: Workspace) -> None:
    result = decide(work, 1, None)
    assert result.num_documents == 3
    assert result.decision.scope.startswith("some test documents; ")
    assert "trained on some of them is not known" in result.decision.scope


def test_without_a_champion_the_scope_says_nothing_of_one(work: Workspace) -> None:
    assert decide(work, None, None).decision.scope == "some test documents"


def test_a_no_of_the_leak_test_keeps_the_champion_and_its_own_scope(work: Workspace) -> None:
    result = decide(work, 1, None, Decision(passed=False, reason="no: leaks", scope="32 samples"))
    assert (result.champion_version, result.decision.scope) == (1, "32 samples")
    assert result.decision.reason == "blocked by the leak test: leaks"
