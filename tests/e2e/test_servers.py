"""The local servers of a home: started, used again, moved to a free port, started anew, and stopped exactly.

One module, so that no two workers of the suite start and kill servers at the same time.
"""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.conftest import CHECKOUT, Command, Ended, copy_outputs, was_killed
from tests.e2e.test_outages import HERE, runs_of

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

INTERRUPTING = str(CHECKOUT / "tests" / "e2e" / "interrupting.py")
NAMES = {"prefect", "mlflow", "worker"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """A home with servers of its own, up before each test that asks for it."""
    command = Command(tmp_path_factory.mktemp("own"), {})
    yield command
    command("down")


def up(command: Command) -> Ended:
    ended = command("up", "--json")
    assert ended.code == 0, ended.out + ended.err
    return ended


def remembered(command: Command) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((command.home / "servers.json").read_text())
    return found


def pids(command: Command) -> dict[str, int]:
    return {name: fields["pid"] for name, fields in remembered(command).items()}


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def assert_answers(record: dict[str, Any]) -> None:
    assert httpx.get(record["prefect_url"] + "/api/health", trust_env=False).json() is True
    assert httpx.get(record["mlflow_url"] + "/health", trust_env=False).text == "OK"


def test_up_starts_both_servers_and_a_worker_at_the_addresses_it_prints(own: Command) -> None:
    record = up(own).record
    assert_answers(record)
    known = remembered(own)
    assert set(known) == NAMES
    assert record["prefect_url"] == f"http://127.0.0.1:{known['prefect']['port']}"
    assert record["mlflow_url"] == f"http://127.0.0.1:{known['mlflow']['port']}"
    assert all(psutil.pid_exists(pid) for pid in pids(own).values())
    opened = {file.path for file in psutil.Process(known["mlflow"]["pid"]).open_files()}
    children = psutil.Process(known["mlflow"]["pid"]).children(recursive=True)
    opened |= {file.path for child in children for file in child.open_files()}
    assert str(own.home / "logs" / "mlflow.log") in opened


def test_servers_listen_on_loopback_only(own: Command) -> None:
    up(own)
    families = [psutil.Process(pid) for pid in pids(own).values()]
    members = [member for root in families for member in (root, *root.children(recursive=True))]
    listening = {
        socket_.laddr.ip
        for member in members
        for socket_ in member.net_connections(kind="inet")
        if socket_.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_a_second_up_uses_what_runs(own: Command) -> None:
    first, before = up(own).record, pids(own)
    again = up(own)
    assert (again.record, pids(own)) == (first, before)


def test_status_says_where_everything_is(own: Command) -> None:
    record = up(own).record
    status = own("status", "--json")
    assert status.code == 0
    assert status.record | record == status.record
    assert (status.record["worker"], status.record["champion"]) == (True, None)
    assert status.record["home"] == str(own.home)
    assert status.record["disk_free_bytes"] > 0


def test_a_server_that_was_killed_is_started_anew_at_its_port(own: Command) -> None:
    record, before = up(own).record, pids(own)
    kill(before["mlflow"])
    assert own("status", "--json").record["mlflow_url"] is None
    again, after = up(own).record, pids(own)
    assert_answers(again)
    assert again == record
    assert after["mlflow"] != before["mlflow"]
    assert after["prefect"] == before["prefect"]


def test_a_killed_run_is_closed_though_its_servers_were_killed_too(own: Command, shared_home: Command) -> None:
    copy_outputs(shared_home, own, "pack")
    record = up(own).record
    servers = {"PREFECT_API_URL": record["prefect_url"] + "/api", "MLFLOW_TRACKING_URI": record["mlflow_url"]}
    ended = own.smoke(program=(INTERRUPTING, "train", "SIGKILL"), environment=HERE | servers)
    assert was_killed(ended), ended.out + ended.err
    [entry] = (own.home / "runs").glob("*.json")
    for pid in pids(own).values():
        kill(pid)
    own("status")
    assert entry.exists()  # nobody could be told
    again = up(own)
    assert "Closed 1 interrupted run" in again.err
    runs = runs_of(again.record["mlflow_url"], entry.stem)
    assert {run["info"]["run_name"]: run["info"]["status"] for run in runs}["train"] == "KILLED"
    assert [run for run in runs if run["info"]["status"] == "RUNNING"] == []
    assert not entry.exists()


def test_down_stops_exactly_what_was_started_and_a_taken_port_is_replaced(
    own: Command, addresses: dict[str, str]
) -> None:
    record, before = up(own).record, pids(own)
    family = [member for pid in before.values() for member in (psutil.Process(pid), *children_of(pid))]
    stopped = own("down")
    assert (stopped.code, stopped.out.strip()) == (0, "Stopped: worker, prefect, mlflow.")
    assert [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE] == []
    # The servers of another home are none of its business.
    assert httpx.get(addresses["PREFECT_API_URL"] + "/health", trust_env=False).json() is True
    assert httpx.get(addresses["MLFLOW_TRACKING_URI"] + "/health", trust_env=False).text == "OK"
    assert own("down").out.strip() == "Nothing was running."
    status = own("status", "--json").record
    assert (status["prefect_url"], status["mlflow_url"], status["worker"]) == (None, None, False)

    port = remembered(own)["mlflow"]["port"]
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", port))
        thief.listen()
        ended = up(own)
    assert f"Port {port} is taken by another process (pid {os.getpid()}); using " in ended.err
    assert ended.record["prefect_url"] == record["prefect_url"]
    assert ended.record["mlflow_url"] != record["mlflow_url"]
    assert_answers(ended.record)


def kill(pid: int) -> None:
    """End a server as a machine that restarts does."""
    for member in (*children_of(pid), psutil.Process(pid)):
        member.send_signal(signal.SIGKILL)
    wait_until(lambda: is_gone(pid))


def children_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def wait_until(is_so: Any) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
