"""The champion of a finished run stands alone: in MLflow's own server, and in a folder with torch and tokenizers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gptmodel.downloads import resolve_model
from tests.e2e.conftest import Command
from tests.integration.servers import RunningServer, free_port

pytestmark = pytest.mark.timeout(900)

PROMPT = "The function returns"
SAMPLING = {"max_new_tokens": 12, "temperature": 0.8, "seed": 7}


@pytest.fixture(scope="module")
def champion(shared_home: Command) -> str:
    name = json.loads((shared_home.home / "first.json").read_text())["model"]["name"]
    return f"models:/{name}@champion"


@pytest.fixture(scope="module")
def expected(shared_home: Command, champion: str) -> str:
    """What `gptmodel generate` says, without its filter."""
    options = [f"--{key.replace('_', '-')}={value}" for key, value in SAMPLING.items()]
    ended = shared_home("generate", "--model", champion, "--prompt", PROMPT, "--no-filter", "--json", *options)
    assert ended.code == 0, ended.err
    return str(ended.record["text"])


@pytest.fixture(scope="module")
def serving(shared_home: Command, champion: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder, port = tmp_path_factory.mktemp("serving"), free_port()
    program = Path(sys.executable).with_name("mlflow")
    command = [str(program), "models", "serve", "-m", champion, "--env-manager", "local", "--host", "127.0.0.1",
               "--port", str(port), "--workers", "1"]  # fmt: skip
    env = {**shared_home.environment, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    env["PATH"] = f"{program.parent}{os.pathsep}{env['PATH']}"
    server = RunningServer(f"http://127.0.0.1:{port}", folder, command, env)
    server.start()
    yield server
    server.stop()


def test_mlflows_own_server_answers_as_generate_does(serving: RunningServer, expected: str) -> None:
    body: dict[str, Any] = {"dataframe_split": {"columns": ["prompt"], "data": [[PROMPT]]}, "params": SAMPLING}
    answer = httpx.post(f"{serving.uri}/invocations", json=body, timeout=60)
    assert [row["text"] for row in answer.json()["predictions"]] == [expected]


def test_a_copy_of_the_folder_answers_as_generate_does(
    shared_home: Command, champion: str, expected: str, tmp_path: Path
) -> None:
    folder = resolve_model(shared_home.addresses["MLFLOW_TRACKING_URI"], champion, tmp_path)
    options = [f"--{key.replace('_', '-')}={value}" for key, value in SAMPLING.items()]
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "load.py"), PROMPT, *options], cwd=tmp_path,
        env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.stdout.decode() == expected + "\n", done.stderr.decode()
