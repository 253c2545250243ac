"""A registered version, rebuilt from its manifests: bit for bit on the same machine, refused after an erasure."""

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import CHECKOUT, Command

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def copied_home(shared_home: Command, tmp_path: Path) -> Command:
    """The shared home's store and keys, to change."""
    for name in ("store", "keys"):
        shutil.copytree(shared_home.home / name, tmp_path / shared_home.home.name / name)
    return Command(tmp_path / shared_home.home.name, shared_home.addresses)


def uri_of(shared_home: Command) -> str:
    return str(json.loads((shared_home.home / "first.json").read_text())["model"]["uri"])


def test_a_version_is_rebuilt_bit_for_bit_and_nothing_of_it_stays(shared_home: Command) -> None:
    ended = shared_home("reproduce", uri_of(shared_home), "--json")
    assert ended.code == 0, ended.out + ended.err
    told = ended.record
    assert (told["verdict"], told["differences_beforehand"]) == ("bit-equal", [])
    assert [stage["name"] for stage in told["stages"]][-4:] == ["train", "evaluate", "privacy audit", "register"]
    assert len(told["stages"]) == 12
    assert [path for path in (shared_home.home / "cache" / "reproduce").rglob("*") if path.is_file()] == []


def test_a_version_is_found_by_its_alias_and_by_its_folder_too(shared_home: Command) -> None:
    name, _, _ = uri_of(shared_home).rpartition("/")
    folder = next((shared_home.home / "store" / "register").glob("*/bundle"))
    for model in (f"{name}@champion", str(folder)):
        told = shared_home("reproduce", model, "--until", "ingest", "--json").record
        assert (told["model"].rpartition("/")[0], told["verdict"], len(told["stages"])) == (name, "bit-equal", 1)


def test_after_an_erasure_it_is_refused_and_the_request_named(shared_home: Command, copied_home: Command) -> None:
    asked = copied_home("forget", "--text-file", str(CHECKOUT / "data/sample/archive/snow-draft.txt"), "--json")
    assert asked.code == 0, asked.out + asked.err
    ended = copied_home("reproduce", uri_of(shared_home), "--json")
    assert (ended.code, ended.record["verdict"]) == (1, "refused")
    num = len(asked.record["documents"]) + len(asked.record["duplicates"])
    assert f"cannot be rebuilt: {num} of 131 documents were erased on" in ended.record["reason"]
    assert "(request R-1)" in ended.record["reason"]
