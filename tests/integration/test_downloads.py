"""The cache of downloaded models, against a real `mlflow server`: whole or not there, whoever fetches, changes or dies.

What every form of URI gives stands in test_tracking.py.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gptmodel import downloads, registry, tracking
from gptmodel.bundle import DIGESTS, assemble_bundle, verify_bundle
from gptmodel.errors import RegistryError
from tests.integration.servers import RunningServer

CHECKOUT = Path(__file__).resolve().parents[2]

KILLED_AT_THE_THIRD_FILE = """
import os, signal, sys
from pathlib import Path
from gptmodel import downloads
fetch, names = downloads._download, []
def fetching(http, route, query, target, model_uri):
    names.append(target.name)
    if len(names) == 3:
        target.write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    fetch(http, route, query, target, model_uri)
downloads._download = fetching
downloads.resolve_model(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
"""


def forge(folder: Path, scratch: Path) -> None:
    """Change a model folder and its digests together, so that they fit each other."""
    (folder / "config.json").write_text("[]")
    assemble_bundle(scratch, model_dir=folder, tokenizer_path=folder / "tokenizer.json")
    shutil.copyfile(scratch / DIGESTS, folder / DIGESTS)
    verify_bundle(folder)


def register(uri: str, folder: Path) -> registry.Registration:
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(os.urandom(3000))
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    assemble_bundle(folder / "bundle", model_dir=folder, tokenizer_path=folder / "tokenizer.json")
    run_id = tracking.open_pipeline_run(uri, experiment="tests", name="downloads", tags={}, params={})
    return tracking.register_version(
        uri, run_id=run_id, name=f"fetched-{uuid.uuid4().hex[:8]}", bundle_folder=folder / "bundle", tags={},
        description="", metrics={}, datasets=[], input_example=["The"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(mlflow_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> registry.Registration:
    """A version that the tests only read."""
    return register(mlflow_server.uri, tmp_path_factory.mktemp("made"))


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_cache_whose_files_and_digests_were_changed_together_is_fetched_anew(
    mlflow_uri: str, made: registry.Registration, tmp_path: Path
) -> None:
    folder = downloads.resolve_model(mlflow_uri, made.uri, tmp_path / "cache")
    expected = verify_bundle(folder)
    forge(folder, tmp_path / "forged")
    assert downloads.resolve_model(mlflow_uri, made.uri, tmp_path / "cache") == folder
    assert verify_bundle(folder) == expected


def test_a_cache_that_lacks_a_file_is_fetched_anew(
    mlflow_uri: str, made: registry.Registration, tmp_path: Path
) -> None:
    folder = downloads.resolve_model(mlflow_uri, made.uri, tmp_path / "cache")
    (folder / "model.safetensors").unlink()
    verify_bundle(downloads.resolve_model(mlflow_uri, made.uri, tmp_path / "cache"))


def test_who_fetches_at_the_same_time_gets_the_same_whole_folder(
    mlflow_uri: str, made: registry.Registration, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: downloads.resolve_model(mlflow_uri, made.uri, tmp_path / "cache"), range(6)))
    assert len(set(found)) == 1
    verify_bundle(found[0])
    assert names_in(tmp_path / "cache") == [found[0].name]


def test_a_download_that_was_killed_is_never_taken_for_whole(
    mlflow_uri: str, made: registry.Registration, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    command = [sys.executable, "-c", KILLED_AT_THE_THIRD_FILE, mlflow_uri, made.uri, str(cache)]
    done = subprocess.run(command, cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, timeout=240)
    assert done.returncode == -signal.SIGKILL
    assert all(name.endswith(".partial") for name in names_in(cache))
    verify_bundle(downloads.resolve_model(mlflow_uri, made.uri, cache))


def test_what_a_killed_download_left_is_removed_after_a_day(
    mlflow_uri: str, made: registry.Registration, tmp_path: Path
) -> None:
    for name, days in ((".1.1.partial", 2), (".1.2.partial", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        for path in (tmp_path / name / "config.json", tmp_path / name):
            os.utime(path, (time.time() - days * 86_400,) * 2)
    folder = downloads.resolve_model(mlflow_uri, made.uri, tmp_path)
    assert sorted(names_in(tmp_path)) == [".1.2.partial", folder.name]


@pytest.mark.parametrize("form", ["models:/{name}/1", "runs:/{run}/model"])
def test_files_and_digests_changed_together_on_the_server_are_refused(
    mlflow_server: RunningServer, tmp_path: Path, form: str
) -> None:
    made = register(mlflow_server.uri, tmp_path / "made")
    run_id = registry.read_version(mlflow_server.uri, made.name, 1).run_id
    (folder,) = mlflow_server.folder.glob(f"artifacts/*/models/{made.model_id}/artifacts/artifacts/model")
    forge(folder, tmp_path / "forged")
    with pytest.raises(RegistryError, match="changed the artifacts"):
        downloads.resolve_model(mlflow_server.uri, form.format(name=made.name, run=run_id), tmp_path / "cache")
    assert names_in(tmp_path / "cache") == []
