import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flows.home import Home, open_home
from flows.ledger import Entry, close_dead_runs

GONE = {"host": socket.gethostname(), "pid": 2**22 + 1, "start": 1.0}  # beyond the largest pid
NOWHERE = "http://127.0.0.1:9"


class Servers:
    """Prefect's and MLflow's answers for one run each, and what they were told."""

    def __init__(self) -> None:
        self.flow_runs: dict[str, str] = {}
        self.mlflow_runs: dict[str, str] = {}
        self.refuses = False
        self.authorizations: set[str | None] = set()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if self.refuses:
            return 500, {}
        if "/mlflow/" in path:
            return self._mlflow(method, path, body)
        name = path.split("/flow_runs/")[1].split("/")[0]
        if name not in self.flow_runs:
            return 404, {}
        if method == "POST":
            assert body["force"]
            self.flow_runs[name] = body["state"]["type"]
        return 200, {"state_type": self.flow_runs[name]}

    def _mlflow(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if "runs/update" in path:
            self.mlflow_runs[body["run_id"]] = body["status"]
            return 200, {}
        if "runs/search" in path:
            return 200, {"runs": []}
        name = path.split("run_id=")[1]
        if name not in self.mlflow_runs:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"}
        return 200, {"run": {"info": {"status": self.mlflow_runs[name], "experiment_id": "1"}}}


@pytest.fixture
def servers() -> Iterator[tuple[Servers, str]]:
    made = Servers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply("GET")

        def do_POST(self) -> None:
            self._reply("POST")

        def _reply(self, method: str) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.authorizations.add(self.headers.get("Authorization"))
            status, answer = made.answer(method, self.path, json.loads(raw) if raw else None)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield made, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    return open_home()


def left_behind(home: Home, **fields: Any) -> Path:
    path = home.runs_dir / f"{fields.get('flow_run_id', 'x')}.json"
    path.write_text(json.dumps(GONE | fields))
    return path


def close(home: Home, url: str) -> int:
    return close_dead_runs(home, f"{url}/api", url)


def test_a_run_is_listed_exactly_as_long_as_it_is_open(home: Home) -> None:
    entry = Entry(home, "f1")
    entry.note_mlflow_run("m1")
    fields = json.loads(entry.path.read_text())
    assert (fields["flow_run_id"], fields["mlflow_run_id"], fields["pid"]) == ("f1", "m1", os.getpid())
    assert fields["host"] == socket.gethostname()
    entry.close()
    entry.close()
    assert list(home.runs_dir.iterdir()) == []


def test_a_dead_process_is_closed_on_both_sides(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"], made.mlflow_runs["m1"] = "RUNNING", "RUNNING"
    entry = left_behind(home, flow_run_id="f1", mlflow_run_id="m1")
    assert close(home, url) == 1
    assert (made.flow_runs["f1"], made.mlflow_runs["m1"], entry.exists()) == ("CRASHED", "KILLED", False)


def test_a_living_process_is_left_alone(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"] = "RUNNING"
    entry = Entry(home, "f1")
    assert close(home, url) == 0
    assert (made.flow_runs["f1"], entry.path.exists()) == ("RUNNING", True)


def test_another_process_under_the_same_pid_is_not_taken_for_it(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"] = "RUNNING"
    left_behind(home, flow_run_id="f1", pid=os.getpid(), start=1.0)
    assert close(home, url) == 1
    assert made.flow_runs["f1"] == "CRASHED"


def test_a_run_of_another_machine_is_left_alone(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"] = "RUNNING"
    entry = left_behind(home, flow_run_id="f1", host=f"not-{socket.gethostname()}")
    assert close(home, url) == 0
    assert (made.flow_runs["f1"], entry.exists()) == ("RUNNING", True)


@pytest.mark.parametrize(("named", "sent"), [("ada:pass", "Basic YWRhOnBhc3M="), ("", None)])
def test_prefects_user_and_password_of_the_environment_are_sent(
    home: Home, servers: tuple[Servers, str], monkeypatch: pytest.MonkeyPatch, named: str, sent: str | None
) -> None:
    made, url = servers
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", named)
    made.flow_runs["f1"] = "RUNNING"
    left_behind(home, flow_run_id="f1")
    assert close(home, url) == 1
    assert made.authorizations == {sent}


def test_a_run_that_ended_by_itself_keeps_its_end(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"], made.mlflow_runs["m1"] = "COMPLETED", "FINISHED"
    left_behind(home, flow_run_id="f1", mlflow_run_id="m1")
    assert close(home, url) == 1
    assert (made.flow_runs["f1"], made.mlflow_runs["m1"]) == ("COMPLETED", "FINISHED")


def test_a_run_that_the_servers_have_forgotten_is_closed(home: Home, servers: tuple[Servers, str]) -> None:
    entry = left_behind(home, flow_run_id="f1", mlflow_run_id="m1")
    assert close(home, servers[1]) == 1
    assert not entry.exists()


def test_a_server_that_is_away_leaves_the_entry_for_the_next_call(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"] = "RUNNING"
    entry = left_behind(home, flow_run_id="f1")
    assert close(home, NOWHERE) == 0
    assert entry.exists()
    assert close(home, url) == 1
    assert made.flow_runs["f1"] == "CRASHED"


def test_a_server_that_refuses_leaves_the_entry(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.refuses = True
    entry = left_behind(home, flow_run_id="f1")
    assert close(home, url) == 0
    assert entry.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', '{"pid": "x", "start": 1, "flow_run_id": "f"}'])
def test_a_damaged_entry_disturbs_nothing(home: Home, servers: tuple[Servers, str], text: str) -> None:
    made, url = servers
    made.flow_runs["f1"] = "RUNNING"
    (home.runs_dir / "damaged.json").write_text(text)
    left_behind(home, flow_run_id="f1")
    assert close(home, url) == 1
