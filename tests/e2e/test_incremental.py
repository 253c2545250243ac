"""Text that keeps arriving: only shards that hold it are read, and the result is that of reading everything."""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Command

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

WORDS = "river stone window letter garden mirror winter silver bridge candle copper engine forest island".split()
CORPUS_STAGES = ("ingest", "clean", "scrub", "deduplicate", "split")
SETTINGS = ("corpus.num_shards=12", "engine.name=threads", "split.validation_ratio=0.2", "split.test_ratio=0.2",
            "dedup.repeated_line_min_documents=8")  # fmt: skip


def text(number: int) -> str:
    words = random.Random(number).choices(WORDS, k=60)
    return (
        f"{' '.join(words)} {number}.\nWrite to anna{number}@example.org.\nThe same closing line under every letter.\n"
    )


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, addresses: dict[str, str]) -> tuple[Command, Path]:
    """A home after the first run, and its folder: sixty letters, some of them twice."""
    made = tmp_path_factory.mktemp("texts") / "letters"
    made.mkdir()
    restore(made)
    command = Command(tmp_path_factory.mktemp("first"), addresses)
    run(command, made)
    return command, made


@pytest.fixture
def folder(first: tuple[Command, Path]) -> Path:
    """The folder, as the first run found it."""
    restore(first[1])
    return first[1]


@pytest.fixture
def command(first: tuple[Command, Path], tmp_path: Path) -> Command:
    """A copy of the home after the first run."""
    shutil.copytree(first[0].home, tmp_path / "home")
    return Command(tmp_path / "home", first[0].addresses)


def restore(folder: Path) -> None:
    """Let the sixty letters lie there and nothing else; one that did not change is not touched."""
    letters = {f"{number}.txt": text(number % 50) for number in range(60)}
    for path in folder.iterdir():
        if letters.get(path.name) != path.read_text():
            path.unlink()
    for name, said in letters.items():
        if not (folder / name).exists():
            (folder / name).write_text(said)


def run(command: Command, folder: Path, *more: str) -> Any:
    pairs = [part for pair in SETTINGS for part in ("--set", pair)]
    ended = command("run", "--config", "smoke", "--source", str(folder), *pairs, "--until", "split", "--json", *more)
    assert ended.code == 0, ended.out + ended.err
    return ended


def digests(ended: Any) -> dict[str, str]:
    return {stage["name"]: stage["digest"] for stage in ended.record["stages"]}


def raw_text(command: Command) -> list[Path]:
    stages = (command.home / "store" / name for name in ("ingest", "clean"))
    return [path for stage in stages for path in stage.glob("*/shards/*.parquet")]


def test_only_shards_with_fresh_text_are_read_and_the_result_is_that_of_reading_all(
    command: Command, folder: Path
) -> None:
    # Nothing says that the letters are free of personal data: their raw text is deleted, also where it is reused.
    assert raw_text(command) == []
    (folder / "3.txt").write_text(text(1003))
    (folder / "new.txt").write_text(text(1004))
    (folder / "7.txt").unlink()
    grown = run(command, folder)
    reused = [line for line in grown.err.splitlines() if "shards reused" in line]
    assert [line.split()[1] for line in reused] == ["ingest", "clean", "scrub", "deduplicate"]
    assert raw_text(command) == []
    anew = run(command, folder, *(part for stage in CORPUS_STAGES for part in ("--force", stage)))
    assert "reused" not in anew.err
    assert digests(anew) == digests(grown)


def test_raw_text_is_made_again_only_for_the_shards_that_are_read(command: Command, folder: Path) -> None:
    (folder / "3.txt").write_text(text(1003))
    run(command, folder)
    # The first listing again: its ingest is finished, its text is gone, and clean's own output is still there.
    (folder / "3.txt").write_text(text(3))
    back = run(command, folder)
    assert all(stage["cached"] for stage in back.record["stages"])


def test_text_that_a_later_change_needs_is_made_again_and_said(command: Command, folder: Path) -> None:
    changed = run(command, folder, "--set", "cleaning.min_chars=30")  # twelve shards, and the planted phrases
    assert "ingest: 13 shards made again: the text was deleted after scrubbing" in " ".join(changed.err.split())
    assert {stage["name"]: stage["cached"] for stage in changed.record["stages"]} == {
        "ingest": False, "clean": False, "scrub": True, "deduplicate": True, "split": True,
    }  # fmt: skip
