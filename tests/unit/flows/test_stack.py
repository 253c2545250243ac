import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flows import stack
from flows.home import Home, open_home
from flows.stack import HOST, Addresses, Process, client_environment
from gptmodel.errors import ConfigError, ServerError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    return open_home()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this test listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits, and is not a server."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Start nothing, only write down what would be."""
    seen: list[str] = []

    def start(home: Home, name: str, command: list[str], where: object, port: int | None = None) -> Process:
        seen.append(f"{name} {port}")
        return Process(os.getpid(), psutil.Process().create_time(), port)

    monkeypatch.setattr(stack, "_start", start)
    monkeypatch.setattr(stack, "_answers", lambda url, name: True)
    monkeypatch.setattr(stack, "_listens", lambda process: process.alive)
    return seen


def write(home: Home, **processes: Process) -> None:
    fields = {name: {"pid": one.pid, "start": one.start, "port": one.port} for name, one in processes.items()}
    (home.root / "servers.json").write_text(json.dumps(fields))


def mine(port: int | None = None) -> Process:
    return Process(os.getpid(), psutil.Process().create_time(), port)


def test_the_next_free_port_is_found_when_one_is_taken(taken: int) -> None:
    found = stack._free_port(taken)
    assert found > taken
    with socket.socket() as probe:
        probe.bind((HOST, found))


def test_a_port_that_is_taken_is_said_with_its_holder(
    home: Home, monkeypatch: pytest.MonkeyPatch, taken: int, started: list[str]
) -> None:
    said: list[str] = []
    write(home, prefect=Process(2**22 + 1, 1.0, taken), mlflow=mine(5999))
    where = stack.up(home, said.append)
    [line] = said
    assert line.startswith(f"Port {taken} is taken by another process")
    assert f"(pid {os.getpid()})" in line
    assert where.prefect_api == f"http://{HOST}:{line.rsplit(' ', 1)[1]}/api"


def test_a_remembered_port_is_used_again(home: Home, started: list[str], taken: int) -> None:
    free = stack._free_port(taken)
    write(home, prefect=Process(2**22 + 1, 1.0, free), mlflow=mine(5999))
    stack.up(home, lambda text: None)
    assert f"prefect {free}" in started
    assert not any(text.startswith("mlflow") for text in started)


def test_a_pid_that_is_another_process_is_not_taken_for_ours(home: Home, child: subprocess.Popen[bytes]) -> None:
    start = psutil.Process(child.pid).create_time()
    write(home, prefect=Process(child.pid, start - 500, 4200), worker=Process(child.pid, start - 500))
    assert not stack.is_running(home, "prefect")
    assert stack.down(home) == []
    assert child.poll() is None


def test_down_ends_what_was_started_and_its_children_and_keeps_the_ports(
    home: Home, child: subprocess.Popen[bytes]
) -> None:
    write(home, prefect=Process(child.pid, psutil.Process(child.pid).create_time(), 4321))
    assert stack.down(home) == ["prefect"]
    assert not psutil.pid_exists(child.pid)
    assert stack.down(home) == []
    assert json.loads((home.root / "servers.json").read_text())["prefect"]["port"] == 4321


def test_a_process_that_ended_is_not_alive(child: subprocess.Popen[bytes]) -> None:
    process = Process(child.pid, psutil.Process(child.pid).create_time())
    assert process.alive
    child.kill()
    child.wait()
    assert not process.alive


def test_addresses_from_the_environment_win_and_nothing_is_started(
    home: Home, monkeypatch: pytest.MonkeyPatch, started: list[str]
) -> None:
    write(home, prefect=mine(4999), mlflow=mine(5999))
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example:4200/api")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000/")
    where = stack.up(home, lambda text: None, worker=False)
    assert (where.prefect_api, where.mlflow) == ("http://prefect.example:4200/api", "http://mlflow.example:5000")
    assert where.prefect_ui == "http://prefect.example:4200"
    assert (where.started, started) == ((), [])
    assert stack.addresses(home) == where


@pytest.mark.parametrize("empty", ["PREFECT_API_URL", "MLFLOW_TRACKING_URI"])
def test_an_empty_variable_is_no_address(home: Home, monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    monkeypatch.setenv(empty, "")
    where = stack.addresses(home)
    assert (where.prefect_api, where.mlflow) == ("http://127.0.0.1:4200/api", "http://127.0.0.1:5000")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://[bad", "nonsense", "sqlite:///a.db"])
def test_an_outside_server_that_does_not_answer_is_named_with_its_variable(
    home: Home, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert not stack.is_running(home, "mlflow")
    answers = stack._answers
    monkeypatch.setattr(stack, "_answers", lambda url, name: name == "prefect" or answers(url, name))
    with pytest.raises(ServerError, match="unset MLFLOW_TRACKING_URI"):
        stack._wait_until_healthy(home, {}, print)


def test_a_server_that_ends_while_starting_is_said_with_its_log(home: Home) -> None:
    running = {"prefect": Process(2**22 + 1, 1.0, 9), "mlflow": Process(2**22 + 1, 1.0, 9)}
    with pytest.raises(ServerError, match=r"ended while starting.*prefect\.log"):
        stack._wait_until_healthy(home, running, print)


def test_a_server_of_another_home_at_the_same_port_is_not_taken_for_ours(
    monkeypatch: pytest.MonkeyPatch, child: subprocess.Popen[bytes], taken: int
) -> None:
    monkeypatch.setattr(stack, "_answers", lambda url, name: True)
    ours = Process(child.pid, psutil.Process(child.pid).create_time(), taken)
    assert not stack._is_healthy("mlflow", {"mlflow": ours})
    assert stack._is_healthy("mlflow", {"mlflow": mine(taken)})


def test_a_server_whose_port_another_took_at_the_same_time_is_started_at_the_next(
    home: Home, started: list[str], taken: int
) -> None:
    running = {"prefect": mine(9), "mlflow": Process(2**22 + 1, 1.0, taken)}
    write(home, mlflow=running["mlflow"])
    stack._wait_until_healthy(home, running, print)
    assert started == [f"mlflow {running['mlflow'].port}"]
    assert running["mlflow"].port != taken


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"prefect": []}', '{"prefect": {"pid": 1, "x": 2}}'])
def test_a_damaged_memory_is_an_empty_one(home: Home, text: str) -> None:
    (home.root / "servers.json").write_text(text)
    assert not stack.is_running(home, "prefect")
    assert stack.addresses(home).mlflow == "http://127.0.0.1:5000"


def test_two_homes_remember_apart(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, prefect=mine(4999))
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "other"))
    assert stack.is_running(home, "prefect")
    assert not stack.is_running(open_home(), "prefect")


def test_the_environment_sends_nothing_anywhere_and_stays_in_the_home(home: Home) -> None:
    environment = client_environment(home, Addresses("http://p/api", "http://m"))
    quiet = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GX_ANALYTICS_ENABLED": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    assert quiet.items() <= environment.items()
    assert environment["PREFECT_RESULTS_DEFAULT_SERIALIZER"] == "json"
    assert (environment["GPTMODEL_HOME"], environment["PREFECT_HOME"]) == (str(home.root), str(home.prefect_dir))
    assert (environment["PREFECT_API_URL"], environment["MLFLOW_TRACKING_URI"]) == ("http://p/api", "http://m")


def test_without_addresses_the_environment_names_none(home: Home) -> None:
    assert not {"PREFECT_API_URL", "MLFLOW_TRACKING_URI"} & set(client_environment(home))


def test_servers_listen_on_loopback_only(home: Home) -> None:
    for command in (stack._prefect_command(4200), stack._mlflow_command(home, 5000)):
        assert command[command.index("--host") + 1] == "127.0.0.1"


def test_an_address_with_a_password_is_refused_before_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://anna:pass@127.0.0.1:5000")  # pragma: allowlist secret
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_USERNAME") as caught:
        stack.addresses(Home(tmp_path))
    assert "anna" not in str(caught.value)
