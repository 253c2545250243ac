import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows import benchmarks, cli
from gptmodel.errors import ConfigError, GPTModelError

RECORD = {
    "figures": {"filters": {"ours": {"cpu_seconds": 2.0}}},
    "ratios": {"ours vs theirs": 3.5},
    "machine": {"n": 2},
}


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["bench", *arguments], prog_name="gptmodel")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose benchmark says how it was called, and what it was asked to."""
    (tmp_path / "benchmarks").mkdir()
    body = f"import json, sys\nprint('words')\nprint(json.dumps({RECORD!r} | {{'called': sys.argv[1:]}}))\n"
    (tmp_path / "benchmarks" / "corpus.py").write_text(body)
    monkeypatch.setattr(benchmarks, "CHECKOUT", tmp_path)
    return tmp_path


@pytest.fixture
def peer(tmp_path: Path) -> Path:
    python = tmp_path / "peer" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return tmp_path / "peer"


@pytest.mark.usefixtures("checkout")
def test_the_last_line_with_json_is_figures_ratios_and_machine() -> None:
    ended = call("corpus", "--json")
    assert ended.exit_code == 0
    assert json.loads(ended.stdout.splitlines()[-1]).keys() >= {"figures", "ratios", "machine"}


@pytest.mark.usefixtures("checkout")
def test_a_group_of_figures_is_one_line_for_a_person() -> None:
    shown = call("corpus").stdout
    assert "figures / filters / ours: cpu_seconds 2.0\n" in shown
    assert "ours vs theirs" in shown


@pytest.mark.usefixtures("checkout")
def test_options_reach_the_program_each_with_its_values(peer: Path) -> None:
    asked = ["--peer", f"datatrove={peer}", "--data", "a", "--data", "b", "--sizes", "1,2", "--rounds", "5"]
    called = json.loads(call("corpus", "--json", *asked).stdout.splitlines()[-1])["called"]
    assert called == [
        "--peer", f"datatrove={peer}/bin/python", "--data", "a", "--data", "b", "--sizes", "1,2", "--rounds", "5",
    ]  # fmt: skip


def test_a_benchmark_that_does_not_exist_is_bad_usage() -> None:
    ended = call("corpse")
    assert ended.exit_code == 2
    assert "corpus" in ended.output


def test_without_a_checkout_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "CHECKOUT", tmp_path)
    with pytest.raises(ConfigError, match="Clone the project"):
        benchmarks.run_benchmark("corpus", [], {})


@pytest.mark.parametrize("peer", ["datatrove", "=somewhere", "datatrove="])
def test_a_peer_without_name_or_folder_is_refused(peer: str) -> None:
    with pytest.raises(ConfigError, match="NAME=DIR"):
        benchmarks.place_of(peer)


def test_a_peers_folder_without_an_interpreter_is_refused_with_the_way_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="python3.11 -m venv"):
        benchmarks.place_of(f"datatrove={tmp_path}")


def test_a_peer_measured_from_its_checkout_is_given_as_its_folder(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    assert benchmarks.place_of(f"nanogpt={tmp_path}") == f"nanogpt={tmp_path}"


def test_a_folder_that_is_no_checkout_of_the_peer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a checkout of nanogpt"):
        benchmarks.place_of(f"nanogpt={tmp_path}")


def test_an_option_that_the_program_refuses_is_bad_usage(checkout: Path) -> None:
    (checkout / "benchmarks" / "corpus.py").write_text("raise SystemExit(2)")
    assert call("corpus", "--part", "nosuch").exit_code == 2


def test_a_program_that_fails_is_an_error_with_its_exit_code(checkout: Path) -> None:
    (checkout / "benchmarks" / "corpus.py").write_text("raise SystemExit(7)")
    with pytest.raises(GPTModelError, match="exit code 7"):
        benchmarks.run_benchmark("corpus", [], {})
