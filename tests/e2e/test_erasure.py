"""An erasure request, end to end: document and duplicates are gone from the next run, and a purge leaves no byte."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.e2e.conftest import Command

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

WORDS = "river stone window letter garden mirror winter silver bridge candle copper engine forest island".split()
TELLTALE = "quillwort marzipan"
SETTINGS = ("corpus.num_shards=6", "engine.name=threads", "split.validation_ratio=0.2", "split.test_ratio=0.2",
            "dedup.repeated_line_min_documents=8")  # fmt: skip


def text(number: int, more: str = "", num_words: int = 60) -> str:
    words = random.Random(number).choices(WORDS, k=num_words)
    return f"{' '.join(words)} {number}.\n{more}\nWrite to anna{number}@example.org.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty letters; one is there three times, under two names and nearly."""
    made = tmp_path / "letters"
    made.mkdir()
    for number in range(30):
        (made / f"{number}.txt").write_text(text(number))
    asked = text(99, f"The {TELLTALE} stood by the door.", num_words=300)
    (made / "asked.txt").write_text(asked)
    (made / "copy.txt").write_text(asked)
    (made / "near.txt").write_text(asked.replace("stood", "lay"))
    return made


def call(command: Command, what: str, folder: Path) -> Any:
    pairs = [part for pair in SETTINGS for part in ("--set", pair)]
    ended = command(what, "--config", "smoke", "--source", str(folder), *pairs, "--until", "pack", "--json")
    assert ended.code == 0, ended.out + ended.err
    return ended


def holders(home: Path) -> set[str]:
    """Give the stages and places of a home in which the words of the document are; shards are read as what they are."""
    return {path.relative_to(home).parts[1 if "store" in path.parts else 0] for path in _files(home)}


def _files(home: Path) -> Iterator[Path]:
    for path in home.rglob("*"):
        if path.suffix == ".parquet" and TELLTALE in json.dumps(pq.read_table(path).to_pylist(), default=str):
            yield path
        elif path.is_file() and TELLTALE.encode() in path.read_bytes():
            yield path


def places(record: dict[str, Any]) -> set[str]:
    return {place["place"] for place in record["remains"] if place["can_be_purged"]}


def test_a_forgotten_document_and_its_duplicates_are_gone_from_the_next_run_and_from_the_disk(
    command: Command, folder: Path
) -> None:
    first = call(command, "run", folder)
    assert first.record["corpus"]["num_read"] == 33
    assert holders(command.home) == {"scrub"}

    asked = command("forget", "--text-file", str(folder / "asked.txt"), "--json")
    assert asked.code == 0, asked.out + asked.err
    assert (asked.record["request"], len(asked.record["documents"])) == ("R-1", 2)
    assert len(asked.record["duplicates"]) == 1
    assert places(asked.record) == {"scrubbed text", "token files"}
    assert call(command, "plan", folder).record["stages"][0]["reason"] == "erasure request R-1"

    again = call(command, "run", folder)
    corpus = again.record["corpus"]
    assert corpus["dropped_by_reason"]["forgotten"] == 3
    assert corpus["num_read"] == corpus["num_kept"] + corpus["num_dropped"] + corpus["num_quarantined"] == 33
    assert "of 6 shards reused" in " ".join(again.err.partition(" 2 clean")[0].split())
    scrub = next(stage["fingerprint"] for stage in again.record["stages"] if stage["name"] == "scrub")
    shards = (command.home / "store" / "scrub" / scrub / "shards").glob("*.parquet")
    assert not any(TELLTALE in row["text"] for path in shards for row in pq.read_table(path).to_pylist())

    purged = command("forget", "--text-file", str(folder / "copy.txt"), "--purge", "--json")
    assert purged.code == 0, purged.out + purged.err
    assert (purged.record["request"], places(purged.record)) == ("R-1", set())
    assert holders(command.home) == set()
    assert all(stage["cached"] for stage in call(command, "plan", folder).record["stages"])

    status = command("status", "--json")
    assert [row["id"] for row in status.record["erasure_requests"]] == ["R-1"]
    close = command("forget", "--close", "R-1", "--json")
    assert (close.code, close.record["closed"]) == (1, None)
