"""A registered version alone: loaded by MLflow and by plain Python where gptmodel is not installed, and served."""

import inspect
import json
import os
import pickle
import pickletools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch

from gptmodel import downloads, registry, tracking
from gptmodel.bundle import assemble_bundle
from gptmodel.config import TokenizerConfig
from gptmodel.decision import Decision
from gptmodel.generation import Generator
from gptmodel.model import GPTModel
from gptmodel.model_folder import save_model
from gptmodel.tokenizer import learn
from tests.integration.servers import RunningServer, free_port

# Two servers and three fresh imports of MLflow and torch, on a machine that may be busy.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CHECKOUT = Path(__file__).resolve().parents[2]
NAME = "served"
PROMPTS = ["The function", "函数"]
WISH = {"max_new_tokens": 12, "temperature": 0.8, "top_k": 20, "top_p": 0.9, "seed": 7}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    texts = [f"The function number {n} returns a list of names. 函数返回名称的列表。\n" for n in range(20)]
    tokenizer = learn(texts, TokenizerConfig(vocab_size=300), ["<EMAIL>"])
    torch.manual_seed(0)
    save_model(folder, GPTModel(tokenizer.vocab_size, 16, 32, 2, 2, context_length=32))
    assemble_bundle(folder / "bundle", model_dir=folder, tokenizer_path=tokenizer.save(folder))
    return folder / "bundle"


@pytest.fixture(scope="module")
def registered(mlflow_server: RunningServer, bundle: Path) -> registry.Registration:
    uri = mlflow_server.uri
    run_id = tracking.open_pipeline_run(uri, experiment="tests", name="served", tags={}, params={})
    made = tracking.register_version(
        uri, run_id=run_id, name=NAME, bundle_folder=bundle, tags={}, description="", metrics={}, datasets=[],
        input_example=PROMPTS,
    )  # fmt: skip
    registry.promote_version(uri, NAME, made.version, Decision(passed=True, reason="first version"))
    return made


@pytest.fixture(scope="module")
def expected(bundle: Path) -> list[str]:
    wish: Any = WISH
    return [generated.text for generated in Generator.load(bundle).generate(PROMPTS, **wish)]


def python(code: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process far from the checkout."""
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | env
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=clean, capture_output=True, text=True, timeout=240
    )


@pytest.fixture(scope="module")
def logged(mlflow_server: RunningServer, registered: registry.Registration) -> Path:
    (folder,) = mlflow_server.folder.glob(f"artifacts/*/models/{registered.model_id}/artifacts")
    return folder


def test_mlflow_loads_the_champion_without_pickle_and_generates(
    mlflow_server: RunningServer, registered: registry.Registration, expected: list[str], tmp_path: Path
) -> None:
    code = (
        f"import json, mlflow, pandas as pd\nmodel = mlflow.pyfunc.load_model('models:/{NAME}@champion')\n"
        f"table = model.predict(pd.DataFrame({{'prompt': {PROMPTS!r}}}), params={WISH!r})\n"
        "print(json.dumps(list(table['text'])))"
    )
    done = python(code, tmp_path, MLFLOW_TRACKING_URI=mlflow_server.uri, MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == expected


def test_the_model_carries_the_code_it_needs_and_no_more(logged: Path, expected: list[str], tmp_path: Path) -> None:
    wish = ", ".join(f"{key}={value}" for key, value in WISH.items())
    code = (
        "import json, sys, gptmodel\nfrom pathlib import Path\nfrom gptmodel.generation import Generator\n"
        f"texts = Generator.load(Path({str(logged / 'artifacts/model')!r})).generate({PROMPTS!r}, {wish})\n"
        "heavy = [m for m in ('mlflow', 'prefect', 'pandas', 'pyarrow') if m in sys.modules]\n"
        "print(json.dumps([[text.text for text in texts], heavy, gptmodel.__file__]))"
    )
    done = python(code, tmp_path, PYTHONPATH=str(logged / "code"), PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 0, done.stderr
    texts, heavy, package = json.loads(done.stdout)
    assert (texts, heavy) == (expected, [])
    assert Path(package).is_relative_to(logged)
    assert not (logged / "code" / "gptmodel" / "tracking.py").exists()


def test_the_downloaded_folder_speaks_by_its_own_file(
    mlflow_server: RunningServer, registered: registry.Registration, bundle: Path, tmp_path: Path
) -> None:
    folder = downloads.resolve_model(mlflow_server.uri, f"models:/{NAME}@champion", tmp_path / "cache")
    expected = Generator.load(bundle).generate(["The function"], max_new_tokens=9, temperature=0.0)[0].text
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import load; print(load.complete('The function', 9, 0.0))"
    assert python(code, tmp_path, PYTHONDONTWRITEBYTECODE="1").stdout == expected + "\n"


def is_pickle(raw: bytes) -> bool:
    """Tell whether bytes are a pickle of any protocol, or an archive in which one could lie."""
    if raw[:4] in (b"PK\x03\x04", b"\x1f\x8b\x08\x00") or raw[:1] == b"\x80":
        return True
    try:
        return bool(list(pickletools.genops(raw)))
    except ValueError:
        return False


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_the_test_for_pickles_knows_one(protocol: int) -> None:
    assert is_pickle(pickle.dumps({"weights": [1.0, "x"]}, protocol))


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
def test_no_file_of_a_registered_version_is_a_pickle(logged: Path) -> None:
    files = [path for path in logged.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"MLmodel", "model.safetensors", "load.py", "pyfunc.py"}
    assert [path.name for path in files if is_pickle(path.read_bytes())] == []
    assert "loader_module: mlflow.pyfunc.loaders.code_model" in (logged / "MLmodel").read_text()


def test_no_text_of_a_registered_version_names_a_folder_of_this_machine(logged: Path) -> None:
    texts = {path.name: path.read_bytes() for path in logged.rglob("*") if path.is_file()}
    here = (str(CHECKOUT).encode(), b"/tmp/")
    assert [name for name, text in texts.items() if any(place in text for place in here)] == []


def test_the_signature_has_every_sampling_parameter_and_an_example(logged: Path) -> None:
    from mlflow.models import Model

    described = Model.load(str(logged))
    assert described.signature is not None
    parameters = {spec.name: spec.default for spec in described.signature.params}
    of_generate = inspect.signature(Generator.generate).parameters.values()
    assert list(parameters) == [named.name for named in of_generate if named.kind is named.KEYWORD_ONLY]
    assert described.signature.inputs.input_names() == ["prompt"]
    assert described.signature.outputs.input_names() == ["text", "num_tokens"]
    example = json.loads((logged / "input_example.json").read_text())
    assert example["inputs" if "inputs" in example else "data"]


@pytest.fixture(scope="module")
def scoring(
    mlflow_server: RunningServer, registered: registry.Registration, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    folder, port = tmp_path_factory.mktemp("scoring"), free_port()
    command = [
        str(Path(sys.executable).with_name("mlflow")), "models", "serve", "-m", f"models:/{NAME}@champion",
        "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    env = {"MLFLOW_TRACKING_URI": mlflow_server.uri, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    server = RunningServer(f"http://127.0.0.1:{port}", folder, command, env)
    server.start()
    yield server
    server.stop()


def invoke(server: RunningServer, params: dict[str, Any]) -> httpx.Response:
    body = {"dataframe_split": {"columns": ["prompt"], "data": [[prompt] for prompt in PROMPTS]}, "params": params}
    return httpx.post(f"{server.uri}/invocations", json=body, timeout=60)


def test_mlflows_own_server_generates_from_the_champion(scoring: RunningServer, expected: list[str]) -> None:
    answer = invoke(scoring, WISH)
    assert [row["text"] for row in answer.json()["predictions"]] == expected


@pytest.mark.parametrize(
    "params",
    [
        {"temperature": "hot"}, {"temperature": -1.0}, {"temperature": True}, {"top_p": 0.0}, {"top_k": -1},
        {"seed": 1.5}, {"max_new_tokens": -1}, {"max_new_tokens": "many"}, {"max_new_tokens": 10**9},
    ],
)  # fmt: skip
def test_a_wrong_sampling_parameter_is_the_callers_error(scoring: RunningServer, params: dict[str, Any]) -> None:
    answer = invoke(scoring, params)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert next(iter(params)) in answer.json()["message"]


def test_a_parameter_that_is_null_is_the_default(scoring: RunningServer) -> None:
    assert invoke(scoring, {**WISH, "top_p": None}).json() == invoke(scoring, {**WISH, "top_p": 1.0}).json()


@pytest.mark.parametrize("table", [{"columns": ["prompt"], "data": [[None]]}, {"columns": ["text"], "data": [["x"]]}])
def test_a_prompt_that_is_no_text_is_the_callers_error(scoring: RunningServer, table: dict[str, Any]) -> None:
    answer = httpx.post(f"{scoring.uri}/invocations", json={"dataframe_split": table}, timeout=60)
    assert answer.status_code == 400
    assert "prompt" in answer.json()["message"]


def test_a_changed_file_is_never_served(logged: Path, tmp_path: Path) -> None:
    shutil.copytree(logged, tmp_path / "copy")
    weights = tmp_path / "copy" / "artifacts" / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    done = python(f"import mlflow; mlflow.pyfunc.load_model({str(tmp_path / 'copy')!r})", tmp_path)
    assert done.returncode != 0
    assert "model.safetensors was changed" in done.stderr
