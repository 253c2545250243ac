"""A run on text with invented values of every kind: no byte that it leaves may hold one, and `find` knows them all.

What an auditor is handed is searched with it.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from gptmodel.corpus.split_table import SPLITS
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import TokenSplit
from tests.e2e.conftest import Command, Ended
from tests.e2e.searching import places_of

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

# Invented, with right checksums where the kind has one. Sentence and value, which stands at {}.
PLANTED = {
    "Please write to {} before Friday.": "anneliese.quorn@example.org",
    "The written out form is {} on the old page.": "t.vandermolen [at] example [dot] net",
    "Her office can be reached at {} in the morning.": "+49 30 901820",
    "患者的手机号码是{}，请在下午联系。": "138 1357 2468",
    "The account is {} at that bank.": "DE89 3704 0044 0532 0130 00",
    "They paid with card {} last week.": "4539 1488 0343 6467",
    "The login came from {} at night.": "81.2.69.142",
    "His social security number is {} on the form.": "536-22-8734",
    "公民身份号码{}已经登记在册。": "11010519491231002X",
    "Clone it from {} first.": "https://deploy:Zx8qLmT4vR@git.example.org/team/repo.git",  # pragma: allowlist secret
    "Set password = {} in the old file.": "qT7-vLw9!zKp2",  # pragma: allowlist secret
    "The donation goes to {} as always.": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",  # pragma: allowlist secret
    "Patient name: {}\nSeen in the afternoon.": "Philippa Thornbury",
}
PARTS = ("anneliese.quorn", "Zx8qLmT4vR", "Thornbury")
"""Telling parts of values that must not stay either."""

STORY = (
    "On day {} the market by the river opened late, and the fishmonger set out {} buckets in a row. Children watched "
    "the shadows in the water until the wind came down from the hills and the awnings were folded. "
)


NEVER_THERE = "somebody.else@example.org"
"""A value that is asked for and that no text holds."""


@dataclass(frozen=True)
class PlantedRun:
    """A home after a run on planted values, and after somebody asked for them.

    Attributes:
        home: The home.
        run: How the run ended.
        asked: How the question ended.
        evidence: Folder that was written for an auditor.
        left: Folders with all that both may have written.
    """

    home: Path
    run: Ended
    asked: Ended
    evidence: Path
    left: tuple[Path, ...]


def _write_texts(folder: Path) -> None:
    """Write each value into two documents, one more that cleaning drops, and one that can't be read."""
    folder.mkdir()
    for number, (sentence, value) in enumerate(PLANTED.items()):
        for copy in range(2):
            day = 2 * number + copy
            text = f"{STORY.format(day, day + 3)}\n\n{sentence.format(value)}\n\n{STORY.format(day + 100, day)}"
            (folder / f"letter-{day}.txt").write_text(text, encoding="utf-8")
    for number in range(30):
        (folder / f"story-{number}.txt").write_text(STORY.format(number + 300, number) * 3)
    card = PLANTED["They paid with card {} last week."]
    (folder / "numbers.txt").write_text(f"{card} [1] {card} [2] = 0123 4567 8910 1112 1314 (15) [16] = 17")
    (folder / "broken.jsonl").write_text(f'{{"text": "{card}')


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, addresses: dict[str, str]) -> PlantedRun:
    folder = tmp_path_factory.mktemp("planted")
    _write_texts(folder / "texts")
    (folder / "temporary").mkdir()
    command = Command(folder / "planted-home", addresses)
    temporary = {"TMPDIR": str(folder / "temporary")}
    run = command.smoke(
        "--source", str(folder / "texts"), "--set", "privacy.planted.enabled=false", environment=temporary
    )
    given = "\n".join([*PLANTED.values(), NEVER_THERE])
    asked = command("find", "--values", "-", "--json", given=given, environment=temporary)
    uri = run.record["model"]["uri"]
    handed = command("evidence", uri, "--output", str(folder / "evidence"), environment=temporary)
    assert handed.code == 0, handed.err
    servers = [path for path in tmp_path_factory.getbasetemp().glob("servers*") if not path.is_symlink()]
    left = (command.home, folder / "temporary", folder / "evidence", *servers)
    return PlantedRun(command.home, run, asked, folder / "evidence", left)


def test_the_run_met_all_that_can_become_of_a_document(planted: PlantedRun) -> None:
    corpus = planted.run.record["corpus"]
    assert (corpus["num_dropped"] > 0, corpus["num_quarantined"]) == (True, 1)
    assert planted.run.record["model"]["version"] == 1
    assert not list((planted.home / "store" / "clean").glob("*/shards/*"))


def test_no_byte_that_a_run_and_a_question_leave_holds_a_value(planted: PlantedRun) -> None:
    assert len(planted.left) > 2
    assert places_of([*PLANTED.values(), *PARTS, NEVER_THERE], *planted.left) == []


def test_the_evidence_names_no_document_and_no_key(planted: PlantedRun) -> None:
    documents = [document["id"] for row in planted.asked.record["values"] for document in row["documents"]]
    assert documents
    secret = [*documents, (planted.home / "keys" / "home.key").read_text().strip()]
    handed = [(planted.evidence / name).read_text() for name in ("index.html", "evidence.json")]
    assert [value for value in secret if any(value in text for text in handed)] == []


def test_no_value_is_shown(planted: PlantedRun) -> None:
    shown = planted.run.out + planted.run.err + planted.asked.out + planted.asked.err
    assert [value for value in (*PLANTED.values(), *PARTS, NEVER_THERE) if value in shown] == []


def test_no_packed_token_holds_a_value(planted: PlantedRun) -> None:
    [tokenizer], [packed] = (list((planted.home / "store" / name).glob("*")) for name in ("tokenizer", "pack"))
    splits = [TokenSplit.open(packed, split) for split in SPLITS]
    decoded = "".join(Tokenizer.load(tokenizer).decode([int(n) for n in split[0 : len(split)]]) for split in splits)
    assert "<EMAIL>" in decoded
    assert [value for value in (*PLANTED.values(), *PARTS) if value in decoded] == []


def test_every_value_is_found_by_its_hash_after_the_text_is_gone(planted: PlantedRun) -> None:
    assert planted.asked.code == 0, planted.asked.err
    record = planted.asked.record
    missed = [row["line"] for row in record["values"] if not row["documents"]]
    assert (missed, record["num_found"]) == ([len(PLANTED) + 1], len(PLANTED))


def test_a_value_found_names_its_documents_splits_and_version(planted: PlantedRun) -> None:
    first = planted.asked.record["values"][0]
    assert {document["path"] for document in first["documents"]} == {"letter-0.txt", "letter-1.txt"}
    [version] = first["documents"][0]["versions"]
    assert (version["version"], version["split"] in SPLITS) == (1, True)
    assert version["champion"] is planted.run.record["decision"]["passed"]
