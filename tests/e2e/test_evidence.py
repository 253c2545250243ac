"""The evidence of a version that a real run registered, with a registry to ask."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Command

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def uri(shared_home: Command) -> str:
    record = json.loads((shared_home.home / "first.json").read_text())
    return str(record["model"]["uri"])


def test_the_evidence_of_a_run_is_whole_and_the_same_again(shared_home: Command, uri: str, tmp_path: Path) -> None:
    ended = shared_home("evidence", uri, "--output", str(tmp_path / "one"), "--as-of", "2030-01-31", "--json")
    assert ended.code == 0, ended.out + ended.err
    assert subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "one", check=False).returncode == 0
    data = json.loads((tmp_path / "one" / "evidence.json").read_text())
    assert [stage["stage"] for stage in data["stages"]][-2:] == ["register", "promote"]
    assert data["registry"]["is_there"]
    assert data["registry"]["bundle_digest"] == data["identity"]["bundle_digest"]
    assert {"reports/version.html", "reports/corpus.html", "config.toml"} <= set(data["copies"])
    again = shared_home("evidence", uri, "--output", str(tmp_path / "two"), "--as-of", "2030-01-31", "--json")
    assert again.record["digest"] == ended.record["digest"]


def test_of_another_homes_version_the_registry_is_all_that_is_known(
    command: Command, shared_home: Command, uri: str, tmp_path: Path
) -> None:
    ended = command("evidence", uri, "--output", str(tmp_path / "out"), "--json")
    assert ended.code == 0, ended.out + ended.err
    assert ended.record["passed"]["leak test"] is None
    assert "was not made in this home" in ended.record["open_points"][0]["says"]
    assert json.loads((tmp_path / "out" / "evidence.json").read_text())["registry"]["is_there"]
