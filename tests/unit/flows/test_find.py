"""`gptmodel find`, on a home whose corpora are known, with no server up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows import cli
from flows.find import read_values
from flows.home import Home, keys_of
from gptmodel.errors import ConfigError
from tests.unit.house import A, B, House

CHECKOUT = Path(__file__).resolve().parents[3]
ANNA, PHONE, EVE = "anna.keller@example.com", "138 0013 8000", "eve@example.org"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in which one version was trained on two documents."""
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    home = Home(tmp_path / "home")
    home.keys_dir.mkdir(parents=True, mode=0o700)
    house = House(home.root, keys_of(home).home)
    scrubbed = house.scrubbed({A: f"Write to {ANNA}", B: f"{ANNA}, 电话：{PHONE}"})
    house.version(house.split_of(scrubbed, {A: "train", B: "validation"}), 1)
    return home


def call(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli.app, ["find", *arguments], prog_name="gptmodel", input=given)


def test_values_of_standard_input_are_answered_by_line(home: Home) -> None:
    ended = call("--values", "-", given=f"{EVE}\n\n{ANNA}\n")
    assert ended.exit_code == 0
    lines = ended.output.splitlines()
    assert lines[0] == "line 1: no finding with this value"
    assert lines[1] == "line 3: 2 documents"
    assert lines[2] == f"  {A}  notes/a.txt  EMAIL  trained  gpt v1 (train)"
    assert "no proof" in ended.output
    assert "Kinds not searched: ADDRESS" in ended.output


def test_values_of_a_file_are_answered_as_json(home: Home, tmp_path: Path) -> None:
    (tmp_path / "values.txt").write_text(f"+86 13800138000\n{EVE}\n")
    record = json.loads(call("--values", str(tmp_path / "values.txt"), "--json").output.splitlines()[-1])
    assert (record["num_values"], record["num_found"], record["not_searched"]) == (2, 1, [])
    assert record["values"] == [
        {"line": 1, "kinds": ["CN_PHONE"], "documents": [{
            "id": B, "source": "notes", "path": "b.txt", "kinds": ["CN_PHONE"], "status": "held out",
            "split": "validation", "drop_reason": None,
            "versions": [{"name": "gpt", "version": 1, "split": "validation",
                          "steps": {"num": 0, "first": None, "last": None, "list": []}, "champion": None}],
            "forgotten": [],
        }]},
        {"line": 2, "kinds": [], "documents": []},
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "gb18030"])
def test_values_may_come_in_any_encoding(home: Home, encoding: str) -> None:
    given = f"电话号码 {PHONE}\n{ANNA}\n以上是全部号码和地址\n".encode(encoding)
    ended = call("--values", "-", "--json", given=given)
    assert json.loads(ended.output.splitlines()[-1])["num_found"] == 2


@pytest.mark.parametrize("arguments", [("--values", ANNA), ("--values", "-", ANNA), (ANNA,), ("--value", ANNA)])
def test_a_value_on_the_command_line_is_refused_without_being_shown(home: Home, arguments: tuple[str, ...]) -> None:
    ended = call(*arguments, given="")
    assert ended.exit_code == 2
    assert "keller" not in ended.output


@pytest.mark.parametrize("given", ["", "\n \n"])
def test_no_value_is_bad_usage(home: Home, given: str) -> None:
    ended = call("--values", "-", given=given)
    assert ended.exit_code == 2
    assert "no line with a value" in ended.output


def test_no_value_is_shown_again(home: Home) -> None:
    for arguments in (("--values", "-"), ("--values", "-", "--json")):
        ended = call(*arguments, given=f"{ANNA}\n{PHONE}\n{EVE}\n")
        assert [value for value in (ANNA, PHONE, EVE) if value in ended.output] == []


def test_a_missing_option_says_where_values_come_from(home: Home) -> None:
    with pytest.raises(ConfigError, match="standard input"):
        read_values("")


def test_a_given_value_shows_in_no_repr(tmp_path: Path) -> None:
    (tmp_path / "values.txt").write_text(ANNA)
    [value] = read_values(str(tmp_path / "values.txt"))
    assert (value.text, ANNA in repr(value)) == (ANNA, False)


def test_finding_needs_no_heavy_package_and_no_server(home: Home) -> None:
    code = (
        "import sys\nfrom flows import cli\n"
        "try:\n    cli.main(['find', '--values', '-'])\nexcept SystemExit as ended:\n    print(ended.code)\n"
        "print({'torch', 'mlflow', 'prefect'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, input=ANNA)
    assert done.stdout.splitlines()[-2:] == ["0", "set()"]
