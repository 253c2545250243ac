import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows import cli
from flows.commands import pipeline
from gptmodel import __version__
from gptmodel.config_file import load_config
from gptmodel.errors import GateError

CHECKOUT = Path(__file__).resolve().parents[3]
SECRET = "the text of a document"  # pragma: allowlist secret


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))


def call(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli.app, list(arguments), prog_name="gptmodel", input=given)


def names() -> set[str]:
    return {str(command.name or command.callback.__name__) for command in cli.app.registered_commands}


def test_every_command_of_the_readme_exists() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|[`|(] ?)gptmodel ([a-z]+)", readme, flags=re.MULTILINE))
    assert {"run", "plan", "generate", "evaluate", "scrub", "deploy", "init", "status", "down"} <= named
    assert named <= names()


def test_every_long_option_of_the_readmes_commands_exists() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    unknown = []
    for name, rest in re.findall(r"gptmodel ([a-z]+)([^`\n#|]*)", readme):
        if name in names():
            options = set(re.findall(r"--[a-z][a-z-]+", rest))
            unknown += [(name, option) for option in options if option not in call(name, "--help").output]
    assert unknown == []


@pytest.mark.parametrize("name", sorted(names()))
def test_every_command_has_help_with_words(name: str) -> None:
    shown = call(name, "--help")
    assert shown.exit_code == 0
    assert len(shown.output.split("\n\n")[1].strip()) > 20


@pytest.mark.parametrize("name", sorted(names()))
def test_an_unknown_option_is_bad_usage(name: str) -> None:
    ended = call(name, "--no-such-option")
    assert ended.exit_code == 2
    assert "--no-such-option" in ended.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["generate", "--model", "m", "--top-p", "1.5"],
        ["generate", "--model", "m", "--max-new-tokens", "0"],
        ["generate", "--model", "m", "--seed", "x"],
        ["generate"],
        ["init", "mine.toml"],
        ["scrub"],
    ],
)
def test_bad_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert call(*arguments).exit_code == 2


def test_the_version_is_printed() -> None:
    ended = call("--version")
    assert (ended.exit_code, ended.output) == (0, f"gptmodel {__version__}\n")


def test_without_arguments_help_is_shown() -> None:
    assert "scrub" in call().output


def test_an_unexpected_exception_is_one_clear_message_and_a_file_without_document_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(pipeline, "load_config", broken)
    ended = call("plan")
    [file] = (tmp_path / "home" / "logs").glob("last-error.txt")
    assert ended.exit_code == 1
    assert "an unexpected RuntimeError" in ended.output
    assert str(file) in ended.output
    assert SECRET not in ended.output + file.read_text()
    assert "Traceback" not in ended.output
    assert "RuntimeError" in file.read_text()


def test_an_unexpected_exception_without_a_home_is_still_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(SECRET)

    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(pipeline, "load_config", broken)
    ended = call("plan")
    assert (ended.exit_code, isinstance(ended.exception, SystemExit)) == (1, True)
    assert "an unexpected RuntimeError" in ended.output


def test_an_unexpected_exception_is_an_object_with_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "load_config", lambda *_: 1 / 0)
    ended = call("plan", "--json")
    error = json.loads(ended.stdout)["error"]
    assert set(error) == {"expected", "actual", "mend"}
    assert "ZeroDivisionError" in error["actual"]


def test_ctrl_c_is_130_and_says_that_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "load_config", interrupted)
    ended = call("plan")
    assert ended.exit_code == 130
    assert "goes on from there" in ended.output


def test_a_gates_no_is_exit_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise GateError(expected="documents", actual="none", mend="Give more.")

    monkeypatch.setattr(pipeline, "load_config", refused)
    assert call("plan").exit_code == 3


def test_bad_config_is_exit_code_2_with_its_three_parts_as_json() -> None:
    ended = call("plan", "--config", "tinny", "--json")
    assert ended.exit_code == 2
    assert "tiny" in json.loads(ended.stdout)["error"]["mend"]


@pytest.mark.parametrize("command", ["run", "plan"])
def test_pseudonyms_without_a_key_are_refused_before_anything_starts(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GPTMODEL_PSEUDONYM_KEY", raising=False)
    monkeypatch.delenv("GPTMODEL_PSEUDONYM_KEY_FILE", raising=False)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("some text")
    ended = call(command, "--source", str(tmp_path / "text"), "--set", "scrubbing.replacement=pseudonym")
    assert ended.exit_code == 2
    assert "GPTMODEL_PSEUDONYM_KEY_FILE" in ended.output
    assert not list((tmp_path / "home" / "logs").glob("*"))


def test_init_writes_a_config_and_refuses_to_write_it_twice(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("A plain text.")
    asked = ("init", str(tmp_path / "mine.toml"), "--source", str(tmp_path / "texts"))
    first, second = call(*asked), call(*asked)
    assert (first.exit_code, second.exit_code) == (0, 2)
    assert "gptmodel run --config" in first.output


def test_down_where_nothing_runs_is_done() -> None:
    ended = call("down")
    assert (ended.exit_code, ended.output) == (0, "Nothing was running.\n")


def test_the_command_answers_help_without_the_heavy_packages() -> None:
    code = "import sys, flows.cli; print([n for n in ('torch', 'mlflow', 'prefect', 'pandas') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_main_ends_the_process_with_the_commands_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"gptmodel {__version__}\n"


def test_a_chinese_column_is_written_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"内容": "A plain text."}), encoding="utf-8")
    plain = os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "init", str(tmp_path / "mine.toml"), "--source", str(tmp_path / "a.jsonl")],
        cwd=CHECKOUT, env=plain, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert load_config(tmp_path / "mine.toml").corpus.sources[0].text_column == "内容"
