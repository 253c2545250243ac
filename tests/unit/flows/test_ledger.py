import json
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows import stack
from flows.home import Home, open_home
from flows.ledger import Entry, close_dead_runs, closed_to_runs, is_any_open
from gptmodel.open_runs import End

GONE = {"host": socket.gethostname(), "pid": 2**22 + 1, "start": 1.0}  # beyond the largest pid
NOWHERE = "http://127.0.0.1:9"


class Servers:
    """Prefect's answers for flow runs and MLflow's for the runs of `f1`, and what they were told."""

    def __init__(self) -> None:
        self.flow_runs: dict[str, str] = {}
        self.mlflow_runs: dict[str, str] = {}
        self.end_times: dict[str, int] = {}
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
        if "experiments/get-by-name" in path:
            return 200, {"experiment": {"experiment_id": "1"}}
        if "runs/search" in path:
            assert body["filter"].endswith("tags.`prefect.flow_run_id` = 'f1'")
            running = [name for name, status in self.mlflow_runs.items() if status == "RUNNING"]
            return 200, {"runs": [{"info": {"run_id": name}} for name in running]}
        if "logged-models/search" in path:
            return 200, {}
        self.mlflow_runs[body["run_id"]], self.end_times[body["run_id"]] = body["status"], body["end_time"]
        return 200, {}


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


def left_behind(home: Home, url: str, **fields: Any) -> Path:
    path = home.runs_dir / f"{fields.get('flow_run_id', 'x')}.json"
    servers = {"prefect": url, "mlflow": url, "is_in_mlflow": True}
    path.write_text(json.dumps(GONE | servers | fields))
    return path


def opened(home: Home, url: str) -> Entry:
    return Entry(home, "f1", stack.Addresses(f"{url}/api", url))


def test_a_run_is_listed_exactly_as_long_as_it_is_open(home: Home) -> None:
    entry = opened(home, NOWHERE)
    fields = json.loads(entry.path.read_text())
    assert (fields["flow_run_id"], fields["pid"], fields["host"]) == ("f1", os.getpid(), socket.gethostname())
    assert is_any_open(home)
    assert not is_any_open(home, besides=entry)
    entry.close()
    entry.close()
    assert list(home.runs_dir.iterdir()) == []
    assert not is_any_open(home)


def test_a_dead_process_is_closed_on_both_sides(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"] = "RUNNING"
    made.mlflow_runs |= {"pipeline": "RUNNING", "train": "RUNNING", "pack": "FINISHED"}
    entry = left_behind(home, url, flow_run_id="f1")
    assert close_dead_runs(home) == 1
    assert (made.flow_runs["f1"], entry.exists()) == ("CRASHED", False)
    assert made.mlflow_runs == {"pipeline": "KILLED", "train": "KILLED", "pack": "FINISHED"}


def test_a_run_whose_end_mlflow_could_not_be_told_is_closed_with_its_true_end_and_time(
    home: Home, servers: tuple[Servers, str]
) -> None:
    made, url = servers
    entry = opened(home, url)
    entry.note_mlflow()
    entry.note_end("train", End("FINISHED", 5000))
    entry.note_end("pipeline", End("FAILED", 7000))
    entry.note_end("pack", End("FINISHED", 4000))
    entry.forget_end("pack")
    entry.close()
    assert entry.path.exists()
    assert not is_any_open(home)
    made.flow_runs["f1"] = "COMPLETED"
    made.mlflow_runs |= {"pipeline": "RUNNING", "train": "RUNNING", "evaluate": "RUNNING"}
    assert close_dead_runs(home) == 0  # nothing was interrupted
    assert made.mlflow_runs == {"pipeline": "FAILED", "train": "FINISHED", "evaluate": "KILLED"}
    assert (made.end_times["pipeline"], made.end_times["train"]) == (7000, 5000)
    assert not entry.path.exists()


def test_a_living_process_is_left_alone(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"] = made.mlflow_runs["m"] = "RUNNING"
    entry = opened(home, url)
    assert close_dead_runs(home) == 0
    assert (made.flow_runs["f1"], made.mlflow_runs["m"], entry.path.exists()) == ("RUNNING", "RUNNING", True)


def test_another_process_under_the_same_pid_is_not_taken_for_it(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"] = "RUNNING"
    left_behind(home, url, flow_run_id="f1", pid=os.getpid(), start=1.0)
    assert close_dead_runs(home) == 1
    assert made.flow_runs["f1"] == "CRASHED"


@pytest.mark.parametrize(("state", "is_closed"), [("RUNNING", False), ("CRASHED", True), ("CANCELLED", True)])
def test_a_run_of_another_machine_is_closed_once_prefect_says_that_it_is_over(
    home: Home, servers: tuple[Servers, str], state: str, is_closed: bool
) -> None:
    made, url = servers
    made.flow_runs["f1"], made.mlflow_runs["m"] = state, "RUNNING"
    entry = left_behind(home, url, flow_run_id="f1", host=f"not-{socket.gethostname()}")
    assert close_dead_runs(home) == is_closed
    assert (made.flow_runs["f1"], made.mlflow_runs["m"]) == (state, "KILLED" if is_closed else "RUNNING")
    assert entry.exists() == (not is_closed)


@pytest.mark.parametrize(("named", "sent"), [("ada:pass", "Basic YWRhOnBhc3M="), ("", None)])
def test_prefects_user_and_password_of_the_environment_are_sent(
    home: Home, servers: tuple[Servers, str], monkeypatch: pytest.MonkeyPatch, named: str, sent: str | None
) -> None:
    made, url = servers
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", named)
    made.flow_runs["f1"] = "RUNNING"
    left_behind(home, url, flow_run_id="f1", is_in_mlflow=False)
    assert close_dead_runs(home) == 1
    assert made.authorizations == {sent}


def test_a_run_that_ended_by_itself_keeps_its_end(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"], made.mlflow_runs["m"] = "COMPLETED", "FINISHED"
    left_behind(home, url, flow_run_id="f1")
    assert close_dead_runs(home) == 1
    assert (made.flow_runs["f1"], made.mlflow_runs["m"]) == ("COMPLETED", "FINISHED")


def test_a_run_that_the_servers_have_forgotten_is_closed(home: Home, servers: tuple[Servers, str]) -> None:
    entry = left_behind(home, servers[1], flow_run_id="f1")
    assert close_dead_runs(home) == 1
    assert not entry.exists()


def test_a_server_that_is_away_leaves_the_entry_for_the_next_call(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.flow_runs["f1"] = "RUNNING"
    entry = left_behind(home, NOWHERE, flow_run_id="f1")
    assert close_dead_runs(home) == 0
    assert entry.exists()
    left_behind(home, url, flow_run_id="f1")
    assert close_dead_runs(home) == 1
    assert made.flow_runs["f1"] == "CRASHED"


def test_a_homes_own_server_is_asked_where_it_runs_and_no_other_in_its_place(
    home: Home, servers: tuple[Servers, str]
) -> None:
    made, url = servers
    own = {"pid": os.getpid(), "start": psutil.Process().create_time(), "port": int(url.rpartition(":")[2])}
    entry = left_behind(home, url, flow_run_id="f1", prefect=None, mlflow=None)
    made.flow_runs["f1"] = made.mlflow_runs["m"] = "RUNNING"
    assert close_dead_runs(home) == 0
    assert entry.exists()
    (home.root / "servers.json").write_text(json.dumps({"prefect": own, "mlflow": own}))
    assert close_dead_runs(home) == 1
    assert (made.flow_runs["f1"], made.mlflow_runs["m"]) == ("CRASHED", "KILLED")


def test_the_address_of_a_homes_own_server_is_not_remembered(home: Home) -> None:
    own = {"pid": os.getpid(), "start": psutil.Process().create_time(), "port": 5011}
    (home.root / "servers.json").write_text(json.dumps({"mlflow": own}))
    entry = Entry(home, "f1", stack.Addresses("http://prefect.example/api", "http://127.0.0.1:5011"))
    fields = json.loads(entry.path.read_text())
    assert (fields["prefect"], fields["mlflow"]) == ("http://prefect.example", None)


def test_a_server_that_refuses_leaves_the_entry(home: Home, servers: tuple[Servers, str]) -> None:
    made, url = servers
    made.refuses = True
    entry = left_behind(home, url, flow_run_id="f1")
    assert close_dead_runs(home) == 0
    assert entry.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', '{"pid": "x", "start": 1, "flow_run_id": "f"}'])
def test_a_damaged_entry_disturbs_nothing(home: Home, servers: tuple[Servers, str], text: str) -> None:
    made, url = servers
    made.flow_runs["f1"] = "RUNNING"
    (home.runs_dir / "damaged.json").write_text(text)
    left_behind(home, url, flow_run_id="f1")
    assert close_dead_runs(home) == 1


def test_a_run_that_starts_while_the_home_is_closed_to_runs_waits(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.runs_dir.mkdir()
    with ThreadPoolExecutor(1) as pool:
        with closed_to_runs(home):
            opening = pool.submit(Entry, home, "run", stack.Addresses(f"{NOWHERE}/api", NOWHERE))
            with pytest.raises(TimeoutError):
                opening.result(timeout=0.2)
            assert not list(home.runs_dir.glob("*.json"))
        assert opening.result(timeout=30).path.exists()
