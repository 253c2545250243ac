"""Lineage in both directions against a corpus whose truth is known: two retrains, one erasure, every planted document.

The truth is that of `history`, computed from names and rules; only which outputs a version came from is taken from the
versions themselves.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from flows import cli
from gptmodel.lineage.versions import list_versions
from gptmodel.store import Store
from tests.e2e.conftest import Command
from tests.e2e.history import (
    ASKED,
    NUM_RUNS,
    OLD,
    PERSON,
    RATIO,
    SOURCES,
    STRANGER,
    Fate,
    identity,
    planted,
)

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

HISTORY, ROLES = planted()
CONFIG = f"""
preset = "smoke"
[corpus]
num_shards = 4
[split]
validation_ratio = {RATIO}
test_ratio = {RATIO}
[dedup]
repeated_line_min_documents = 0
[training]
max_steps = 6
eval_interval = 3
[evaluation]
num_prompts = 1
[privacy]
num_samples = 1
num_invited_samples = 1
num_prefixes = 1
[privacy.planted]
enabled = false
"""


@dataclass(frozen=True)
class Told:
    """A home with the whole history behind it.

    Attributes:
        command: The command in that home.
        config: The config of all runs.
        texts: The folder with the sources' folders, as the last run found it.
        name: Name of the model.
    """

    command: Command
    config: Path
    texts: Path
    name: str

    def ask(self, *arguments: str, given: str | None = None) -> Any:
        """Ask the command, in this process, and give the object it answers."""
        ended = CliRunner(env=self.command.environment).invoke(cli.app, [*arguments, "--json"], input=given)
        assert ended.exit_code == 0, ended.output
        return json.loads(ended.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, addresses: dict[str, str]) -> Told:
    """Run, retrain twice on changed folders, forget a document, run again."""
    root = tmp_path_factory.mktemp("truth")
    command, texts = Command(root / "home", addresses), root / "texts"
    name = f"truth-{os.urandom(4).hex()}"
    sources = "".join(f'[[corpus.sources]]\nname = "{one}"\npath = "{texts / one}"\n' for one in SOURCES)
    (root / "mine.toml").write_text(f'{CONFIG}[registry]\nname = "{name}"\n{sources}')
    ended = command(str(root / "mine.toml"), str(texts), program=("-m", "tests.e2e.history"))
    assert ended.code == 0, ended.out + ended.err
    assert ended.record["model"]["version"] == NUM_RUNS
    return Told(command, root / "mine.toml", texts, name)


def fate_of(row: dict[str, Any]) -> Fate:
    seen = frozenset((version["version"], version["split"]) for version in row["versions"])
    return Fate(row["status"], row["split"] or "", row["drop_reason"] or "", seen)


def agree(said: Fate, truth: Fate) -> bool:
    """Compare, of a reason only the word that says it."""
    is_same = (said.status, said.split, said.seen) == (truth.status, truth.split, truth.seen)
    return is_same and (truth.reason in said.reason if truth.reason else not said.reason)


def documents(told: Told, *arguments: str) -> dict[str, Fate]:
    """Ask what became of documents; what could not be read never got an id, and is told by its place."""
    rows = told.ask("lineage", *arguments)["documents"]
    return {row["id"] or identity(f"{row['source']}/{row['path']}"): fate_of(row) for row in rows}


@pytest.mark.parametrize("role", ROLES)
def test_every_planted_document_is_told_as_it_was(told: Told, role: str) -> None:
    name = ROLES[role]
    asked = ("--source", str(told.texts / name)) if role == "broken" else ("--document", identity(name))
    said, truth = documents(told, *asked), HISTORY.fate(name)
    assert said.keys() == {identity(name)}
    assert agree(said[identity(name)], truth), (said, truth)


def test_every_other_document_too(told: Told) -> None:
    said = documents(told, "--source", "letters") | documents(told, "--source", "notes")
    wrong = {name: (said.get(identity(name)), HISTORY.fate(name)) for name in HISTORY.editions
             if identity(name) not in said or not agree(said[identity(name)], HISTORY.fate(name))}  # fmt: skip
    assert wrong == {}
    assert said.keys() == {identity(name) for name in HISTORY.editions}


def test_a_document_that_never_was_is_unknown(told: Told) -> None:
    stranger = identity("letters/never.txt")
    assert documents(told, "--document", stranger) == {stranger: Fate("unknown", "", "", frozenset())}


@pytest.mark.parametrize("role", ["asked for", "removed", "twin", "short"])
def test_a_text_is_found_under_all_names_it_lay_under(told: Told, role: str, tmp_path: Path) -> None:
    said = HISTORY.editions[ROLES[role]][1]
    assert isinstance(said, str)
    (tmp_path / "anything.txt").write_text(said)
    found = documents(told, "--text-file", str(tmp_path / "anything.txt"))
    same = {name for name, editions in HISTORY.editions.items() if said in editions.values()}
    assert found.keys() == {identity(name) for name in same}
    assert all(agree(found[identity(name)], HISTORY.fate(name)) for name in same)


def holders(told: Told, value: str) -> dict[str, set[tuple[int, str]]]:
    [row] = told.ask("find", "--values", "-", given=value + "\n")["values"]
    return {
        one["id"]: {(version["version"], version["split"]) for version in one["versions"]} for one in row["documents"]
    }


def test_a_value_leads_to_the_versions_that_saw_it_and_to_no_other(told: Told) -> None:
    person, edited, asked, copy = (identity(ROLES[role]) for role in ("person", "edited", "asked for", "its copy"))
    assert holders(told, PERSON) == {person: {(run, "train") for run in (1, 2, 3, 4)}}
    assert holders(told, OLD) == {edited: {(1, "train")}}  # later versions saw an edition without it
    assert holders(told, ASKED) == {asked: {(run, "train") for run in (1, 2, 3)}, copy: set()}
    assert holders(told, STRANGER) == {}


@pytest.mark.parametrize("run", range(1, NUM_RUNS + 1))
def test_a_version_names_the_files_it_came_from(told: Told, run: int) -> None:
    record = told.ask("lineage", f"models:/{told.name}/{run}")
    assert record["model"] == f"models:/{told.name}/{run}"
    files = {name: said.encode() if isinstance(said, str) else said for name, said in HISTORY.files(run).items()}
    digests = {hashlib.sha256(raw).hexdigest() for raw in files.values()}
    assert {row["sha256"] for row in record["sources"]} == digests
    read = sum(row["num_documents"] for row in record["sources"])
    assert read == len(HISTORY.read(run))


@pytest.mark.parametrize("run", range(1, NUM_RUNS + 1))
def test_a_version_was_made_from_the_documents_it_must_have_been(told: Told, run: int) -> None:
    store = Store(told.command.home / "store")
    [version] = [one for one in list_versions(store) if one.version == run]
    rows = [row for path in (store.folder("split", version.outputs["split"]) / "splits").glob("*.parquet")
            for row in pq.read_table(path).to_pylist()]  # fmt: skip
    truth = {identity(name): split for name, split in HISTORY.splits(run).items()}
    assert {row["id"]: row["split"] for row in rows} == truth


def test_what_gc_and_retention_delete_changes_no_answer_and_makes_no_run_compute_anything(told: Told) -> None:
    questions = ("--source", "letters"), ("--source", "notes"), ("--document", identity(ROLES["asked for"]))
    before = [documents(told, *question) for question in questions]
    assert told.ask("gc")["items"] == []  # all versions are in the registry
    settings = ("--set", "retention.collect_after_run=true", "--set", "retention.keep_versions=0")
    again = told.command("run", "--config", str(told.config), *settings, "--json")
    assert again.code == 0, again.out + again.err
    assert all(stage["cached"] for stage in again.record["stages"])
    [line] = [line for line in again.err.splitlines() if line.startswith("gc ")]
    assert line.endswith(" deleted.")
    texts = {
        path.parent.name for path in (told.command.home / "store" / "scrub").glob("*/shards") if any(path.iterdir())
    }
    assert 1 <= len(texts) < NUM_RUNS  # of versions with an alias, and of the last run
    assert [documents(told, *question) for question in questions] == before
    assert holders(told, OLD) == {identity(ROLES["edited"]): {(1, "train")}}
