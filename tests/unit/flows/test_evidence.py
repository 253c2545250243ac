"""`gptmodel evidence`, on a home with no server up."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from flows import cli, evidence
from gptmodel.erasure.requests import ErasureRequest, open_request
from gptmodel.evidence.account import RegistryAnswer
from gptmodel.provenance import lock_files, read_provenance
from tests.unit.evidence.known import MADE_WITH, Kept


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir(mode=0o700)
    return Kept(
        tmp_path / "home", made_with=MADE_WITH.model_copy(update={"lock_digest": read_provenance().lock_digest})
    )


def call(model: str, output: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["evidence", model, "--output", str(output), "--json", *arguments])


def record(ended: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ended.output.strip().splitlines()[-1])
    return found


def test_it_answers_where_the_folder_is_and_what_is_open(kept: Kept, tmp_path: Path) -> None:
    ended = call("models:/gpt/3", tmp_path / "out", "--as-of", "2030-01-31")
    assert ended.exit_code == 0, ended.output
    said = record(ended)
    assert (said["model"], said["folder"], said["as_of"]) == ("models:/gpt/3", str(tmp_path / "out"), "2030-01-31")
    assert said["passed"] == {
        "model files": True, "quality gate": True, "leak test": True, "promotion": True, "event chain": True,
    }  # fmt: skip
    assert "The registry was not asked" in said["open_points"][0]["says"]
    assert "  1. The registry was not asked" in ended.output


def test_config_and_locks_are_copied_and_what_is_not_there_is_said(kept: Kept, tmp_path: Path) -> None:
    call("models:/gpt/3", tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"config.toml", *(path.name for path in lock_files())}
    page = (tmp_path / "out" / "index.html").read_text()
    assert "report of the version; it holds text the model wrote, which is gone or speaks of another run" in page


def test_the_reports_are_copied_if_they_speak_of_this_very_run(kept: Kept, tmp_path: Path) -> None:
    report = kept.root / "reports" / "gpt-3" / "index.html"
    report.parent.mkdir(parents=True)
    report.write_text(f"<p>{kept.outputs['register'].fingerprint}</p>")
    call("models:/gpt/3", tmp_path / "out")
    assert (tmp_path / "out" / "reports" / "version.html").read_text() == report.read_text()
    report.write_text("<p>of another registry's version 3</p>")
    call("models:/gpt/3", tmp_path / "out")
    assert not (tmp_path / "out" / "reports").exists()


def test_the_reports_can_be_left_out(kept: Kept, tmp_path: Path) -> None:
    report = kept.root / "reports" / "gpt-3" / "index.html"
    report.parent.mkdir(parents=True)
    report.write_text(kept.outputs["register"].fingerprint)
    call("models:/gpt/3", tmp_path / "out", "--without-reports")
    assert not (tmp_path / "out" / "reports").exists()
    assert "left out on request" in (tmp_path / "out" / "index.html").read_text()


def test_the_same_home_and_day_give_the_same_digest_anywhere(kept: Kept, tmp_path: Path) -> None:
    one, two = (record(call("models:/gpt/3", tmp_path / name, "--as-of", "2030-01-31")) for name in ("one", "two"))
    assert one["digest"] == two["digest"]
    other = record(call("models:/gpt/3", tmp_path / "one", "--as-of", "2030-02-01"))
    assert other["digest"] != one["digest"]


def test_a_version_that_nobody_knows_is_told_with_the_reason(kept: Kept, tmp_path: Path) -> None:
    ended = call("models:/gpt/9", tmp_path / "out")
    assert ended.exit_code == 1
    assert "models:/gpt/9 to be in this home's store or in the registry" in ended.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("model", ["models:/gpt", "runs:/nonsense", f"runs:/{'0' * 32}/model", "/nowhere"])
def test_a_uri_that_names_nothing_is_told(kept: Kept, tmp_path: Path, model: str) -> None:
    ended = call(model, tmp_path / "out")
    assert ended.exit_code == 1, ended.output
    assert "expected" in ended.output


def test_an_alias_needs_the_registry(kept: Kept, tmp_path: Path) -> None:
    ended = call("models:/gpt@champion", tmp_path / "out")
    assert ended.exit_code == 1
    assert "the MLflow server" in ended.output


def test_a_folder_with_something_else_is_refused_before_anything_is_read(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    ended = call("models:/gpt/9", tmp_path / "out")
    assert ended.exit_code == 2
    assert "mine.txt in it" in ended.output


def test_a_number_of_another_homes_version_is_told_from_ours_by_its_files(kept: Kept) -> None:
    home = evidence.Home(kept.root)
    ours = evidence._made_here(home, "gpt", 3, RegistryAnswer(is_there=True, bundle_digest="b" * 64))
    assert ours is not None
    assert ours.fingerprint == kept.outputs["register"].fingerprint
    assert evidence._made_here(home, "gpt", 3, RegistryAnswer(is_there=True, bundle_digest="d" * 64)) is None
    assert evidence._made_here(home, "gpt", 3, RegistryAnswer(why_not_asked="no server")) == ours


def test_a_key_that_is_lost_is_not_made_anew(kept: Kept, tmp_path: Path) -> None:
    request = ErasureRequest(id="", opened=date(2030, 1, 1), asked_by="document", key_id="0" * 12, documents=("m",))
    open_request(kept.root / "erasures", request)
    ended = call("models:/gpt/3", tmp_path / "out")
    assert ended.exit_code == 0, ended.output
    assert not (kept.root / "keys" / "home.key").exists()
    assert "Whether it saw documents is not known" in json.dumps(record(ended)["open_points"])


def test_it_needs_neither_torch_nor_mlflow(kept: Kept, tmp_path: Path) -> None:
    code = (
        "import sys; from flows.cli import main\n"
        f"try: main(['evidence', 'models:/gpt/3', '--output', {str(tmp_path / 'out')!r}])\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        "assert not {'torch', 'mlflow', 'prefect'} & set(sys.modules)"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
