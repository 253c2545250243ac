"""`gptmodel review` from the command line, without a server."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner, Result

from flows import cli
from flows.home import Home
from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.documents import shard_path, write_shard
from gptmodel.corpus.scrubbing import Scrubber, scrub
from gptmodel.store import seal
from tests.unit.test_review import documents


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


class Made(BaseModel):
    """What registering left."""

    name: str
    version: int
    mlflow_run_id: str


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["review", *arguments], prog_name="gptmodel")


def commit_scrub(home: Home, folder: Path) -> None:
    write_shard(shard_path(folder / "clean", 0), documents())
    with home.store.writing("scrub", "ab" * 16, {}) as work:
        work.inputs["clean"] = folder / "clean"
        result = scrub(work, Scrubber(ScrubbingConfig(kinds=("EMAIL",))))
        manifest = seal(
            work, stage="scrub", fingerprint="ab" * 16, code_version="c", section={}, inputs={}, result=result
        )
        home.store.commit(work, manifest)


def test_a_sheet_is_made_of_the_newest_scrubbed_text_and_its_result_taken(home: Home, tmp_path: Path) -> None:
    commit_scrub(home, tmp_path)
    made = json.loads(call("--size", "10", "--json").output.splitlines()[-1])
    assert (made["num_passages"], Path(made["path"]).is_file()) == (10, True)
    result = tmp_path / "saved.json"
    result.write_text(json.dumps({"sheet": made["sheet"], "num_read": 10, "missed": []}))
    taken = call("--result", str(result), "--json")
    assert json.loads(taken.output.splitlines()[-1])["sentence"] == "0 missed in 10 passages, 95 % upper bound 25.9 %"


def test_without_scrubbed_text_the_way_to_it_is_told(home: Home) -> None:
    ended = call()
    assert ended.exit_code == 1
    assert "gptmodel run --until scrub" in ended.output


def test_a_sheet_says_which_corpus_and_sources_it_was_drawn_from(home: Home, tmp_path: Path) -> None:
    commit_scrub(home, tmp_path)
    output = call("--size", "10").output
    assert f"corpus   of no version yet (scrub/{'ab' * 16})" in output
    assert f"sources  {', '.join(sorted({one.source for one in documents() if not one.planted}))}" in output


def test_a_sheet_names_the_version_that_came_from_its_text(home: Home, tmp_path: Path) -> None:
    commit_scrub(home, tmp_path)
    [manifest] = home.store.manifests("scrub")
    made = {"name": "house", "version": 2, "mlflow_run_id": "1"}
    with home.store.writing("register", "cd" * 16, {}) as work:
        sealed = seal(work, stage="register", fingerprint="cd" * 16, code_version="c", section={},
                      inputs={"scrub": manifest.digest}, result=Made(**made))  # fmt: skip
        home.store.commit(work, sealed)
    assert "corpus   of models:/house/2 (scrub/" in call("--size", "10").output


def test_after_a_result_it_is_said_how_it_comes_onto_the_version(home: Home, tmp_path: Path) -> None:
    commit_scrub(home, tmp_path)
    made = json.loads(call("--size", "10", "--json").output.splitlines()[-1])
    result = tmp_path / "saved.json"
    result.write_text(json.dumps({"sheet": made["sheet"], "num_read": 10, "missed": []}))
    assert "The next gptmodel run of the same text writes it on the version." in call("--result", str(result)).output
