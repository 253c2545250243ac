"""What goes wrong is one clear message, the right exit code, no traceback, and nothing half-written taken for done."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import CHECKOUT, Command

pytestmark = pytest.mark.timeout(900)

SERVER_GONE = {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
TRACKING_GONE = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "/no/such/folder"], "/no/such/folder"),
        (["--config", "tinny"], "Did you mean 'tiny'"),
        (["--set", "training.max_step=3"], "Did you mean 'max_steps'"),
        (["--set", "training.max_steps=-3"], "greater than 0"),
        (["--until", "clear"], "ingest, clean, scrub"),
        (["--config", "small"], "--anyway"),
        (["--set", 'cleaning.skip=["to short"]'], "Did you mean 'too short'"),
        (["--set", 'dedup.evaluation_texts=["/no/such/quiz.txt"]'], "/no/such/quiz.txt"),
        (["--set", 'scrubbing.allow_file="/no/such/list.txt"'], "scrubbing.allow_file"),
        (["--set", 'scrubbing.known_values="/no/such/list.txt"'], "scrubbing.known_values"),
        (["--set", 'scrubbing.custom=[{kind="STAFF_ID", pattern="(?=x)y"}]'], "scrubbing.custom 1 (STAFF_ID)"),
        (["--set", 'scrubbing.custom=[{kind="STAFF_ID"}]'], "either a pattern or words"),
        (["--set", 'scrubbing.recognizer={engine="spacy", model="no_such_model"}'], "scrubbing.recognizer"),
        (["--source", "https://host.example/a.txt?token=t0k3n"], "without a password, signature or token"),
    ],
)
def test_bad_usage_is_refused_before_anything_starts(command: Command, arguments: list[str], said: str) -> None:
    ended = command("run", *arguments, "--json")
    error = ended.record["error"]
    assert (ended.code, set(error)) == (2, {"expected", "actual", "mend"})
    assert said in json.dumps(error)
    assert "t0k3n" not in ended.err + ended.out
    assert "Traceback" not in ended.err + ended.out
    assert not (command.home / "store").exists()


def test_an_empty_source_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = command("run", "--source", str(tmp_path / "empty"))
    assert ended.code == 2
    assert "Traceback" not in ended.err


def test_a_corpus_too_small_for_its_splits_is_said_with_numbers(command: Command, tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "one.txt").write_text("A single short document that can't fill three splits at all.")
    ended = command.smoke("--source", str(tmp_path / "few"))
    assert ended.code in (1, 3)
    assert "Traceback" not in ended.err
    assert not list((command.home / "store" / "train").glob("*"))


def test_a_corpus_too_small_for_the_context_is_said_with_numbers(shared_home: Command) -> None:
    ended = shared_home.smoke("--set", "model.context_length=100000", "--anyway")
    assert ended.code == 1
    assert "context" in json.dumps(ended.record["error"])


def test_binary_and_unreadable_files_are_set_aside_with_their_reasons(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.txt").write_text(
            f"Document {number} tells of {number * 7} things and how they were seen. " * 9
        )
    (folder / "picture.txt").write_bytes(bytes(range(256)) * 40)
    (folder / "broken.jsonl").write_text('{"text": "a line that is whole and long enough to stay"}\n{"text": \n')
    ended = command.smoke("--source", str(folder), "--until", "ingest")
    assert ended.code == 0, ended.err
    assert ended.record["corpus"]["num_quarantined"] == 2


@pytest.mark.parametrize(("gone", "who"), [(SERVER_GONE, "Prefect"), (TRACKING_GONE, "MLflow")])
def test_a_server_that_does_not_answer_is_named(command: Command, gone: dict[str, str], who: str) -> None:
    ended = command.smoke(environment=gone)
    assert ended.code == 1
    assert who in json.dumps(ended.record["error"])
    assert "Traceback" not in ended.err


def test_a_prefect_server_that_goes_away_in_the_middle_costs_no_finished_stage(
    begun: Callable[[str], Command],
) -> None:
    command = begun("quality gate")
    script = str(CHECKOUT / "tests" / "e2e" / "losing.py")
    lost = (script, "prefect", "tokenizer", "never")
    ended = command.smoke(program=lost, environment={"PYTHONPATH": str(CHECKOUT)})
    assert ended.code == 1, ended.out + ended.err
    assert "gptmodel up" in json.dumps(ended.record["error"])
    assert "Traceback" not in ended.err
    done = list((command.home / "store" / "tokenizer").glob("*/manifest.json"))
    again = command.smoke("--until", "pack")
    assert (len(done), again.code) == (1, 0), again.err
    cached = {stage["name"] for stage in again.record["stages"] if stage["cached"]}
    assert {"ingest", "tokenizer"} <= cached


@pytest.mark.parametrize(("before", "stage"), [("tokenizer", "pack"), ("pack", "train")])
def test_a_full_disk_is_said_and_the_next_run_goes_on(begun: Callable[[str], Command], before: str, stage: str) -> None:
    command = begun(before)
    script = str(CHECKOUT / "tests" / "e2e" / "filling.py")
    ended = command.smoke(program=(script, stage), environment={"PYTHONPATH": str(CHECKOUT)})
    assert ended.code == 1, ended.out + ended.err
    assert "free disk space" in ended.record["error"]["expected"]
    assert "Traceback" not in ended.err
    assert command.smoke("--until", stage).code == 0


def test_the_commands_help_names_every_command() -> None:
    import subprocess

    help_text = subprocess.run([sys.executable, "-m", "flows.cli", "--help"], cwd=CHECKOUT, capture_output=True,
                               text=True, check=True).stdout  # fmt: skip
    for name in ("up", "down", "status", "init", "run", "plan", "generate", "evaluate", "scrub", "bench", "--version"):
        assert name in help_text
