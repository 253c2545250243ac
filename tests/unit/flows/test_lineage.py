"""`gptmodel lineage` and `gptmodel diff` on a home whose versions are known, with no server up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows import cli
from flows.diff import uri_of
from flows.home import Home, keys_of
from tests.unit.house import A, B, C, House

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with two versions; the second was not trained on A."""
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = Home(tmp_path / "home")
    home.keys_dir.mkdir(parents=True, mode=0o700)
    house = House(home.root, keys_of(home).home)
    house.version(house.corpus({A: "train", B: "test"}), 1)
    house.version(house.corpus({B: "test"}, {C: "near"}, dropped=[A]), 2)
    return home


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, arguments, prog_name="gptmodel")


def record(*arguments: str) -> dict:
    return json.loads(call(*arguments, "--json").output.splitlines()[-1])


def test_a_version_by_its_number_needs_no_server(home: Home) -> None:
    ended = call("lineage", "models:/gpt/2")
    assert ended.exit_code == 0
    assert ended.output.splitlines()[0] == "models:/gpt/2"
    assert record("lineage", "models:/gpt/2")["mlflow_run_id"] == "run-2"


def test_a_picture_that_cannot_be_written_is_refused_in_words(home: Home, tmp_path: Path) -> None:
    answer = call("lineage", "models:/gpt/1", "--picture", str(tmp_path / "nowhere" / "p.svg"))
    assert answer.exit_code == 2
    assert "a file that can be written" in answer.output


def test_the_picture_is_written_where_it_is_asked_for(home: Home, tmp_path: Path) -> None:
    assert call("lineage", "models:/gpt/1", "--picture", str(tmp_path / "p.svg")).exit_code == 0
    assert (tmp_path / "p.svg").read_text().startswith("<svg")


@pytest.mark.parametrize("uri", ["models:/gpt/9", "models:/other/1"])
def test_a_version_that_nobody_knows_is_an_error(home: Home, uri: str) -> None:
    ended = call("lineage", uri)
    assert ended.exit_code == 1
    assert "nothing in the store" in ended.output


def test_an_alias_without_a_server_says_so(home: Home) -> None:
    ended = call("lineage", "models:/gpt@champion")
    assert ended.exit_code == 1
    assert "gptmodel up" in ended.output


@pytest.mark.parametrize("arguments", [(), ("models:/gpt/1", "--document", A), ("--document", A, "--source", "notes")])
def test_exactly_one_thing_is_asked_for(home: Home, arguments: tuple[str, ...]) -> None:
    assert call("lineage", *arguments).exit_code == 2


def test_a_document_names_the_versions_and_why_others_did_not_read_it(home: Home) -> None:
    [document] = record("lineage", "--document", A)["documents"]
    assert (document["id"], document["status"], document["source"]) == (A, "trained", "notes")
    assert document["versions"] == [{"name": "gpt", "version": 1, "split": "train", "steps": None}]
    assert "gpt v1: train, at steps that nobody can tell any more" in call("lineage", "--document", A).output


def test_an_unknown_document_is_answered_as_unknown(home: Home) -> None:
    [document] = record("lineage", "--document", "f" * 32)["documents"]
    assert (document["status"], document["versions"]) == ("unknown", [])


def test_a_source_that_nothing_came_from_matches_nothing(home: Home) -> None:
    assert record("lineage", "--source", "nowhere") == {"documents": []}
    assert "Nothing that this home's store knows of" in call("lineage", "--source", "nowhere").output


def test_a_difference_is_told_in_lines_and_as_json(home: Home) -> None:
    lines = call("diff", "1", "models:/gpt/2").output.splitlines()
    assert lines[0] == "models:/gpt/1 -> models:/gpt/2"
    assert "  1 removed (notes 1)" in lines
    assert record("diff", "v1", "2")["documents"]["removed"] == [A]


def test_a_difference_with_a_version_of_another_name_is_an_error(home: Home) -> None:
    assert call("diff", "1", "2", "--name", "other").exit_code == 1


@pytest.mark.parametrize(
    ("version", "uri"), [("3", "models:/gpt/3"), ("v3", "models:/gpt/3"), ("models:/a@champion", "models:/a@champion")]
)
def test_a_number_is_a_version_of_the_named_model(version: str, uri: str) -> None:
    assert uri_of(version, "gpt") == uri


@pytest.mark.parametrize(
    "arguments", [["lineage", "--document", A], ["lineage", "--source", "notes"], ["lineage", "models:/gpt/1"]]
)
def test_looking_up_needs_no_heavy_package_and_no_server(home: Home, arguments: list[str]) -> None:
    code = (
        f"import sys\nfrom flows import cli\ntry:\n    cli.main({arguments!r})\nexcept SystemExit as ended:\n"
        "    print(ended.code)\nprint({'torch', 'mlflow', 'prefect', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-2:] == ["0", "set()"], done.stderr
