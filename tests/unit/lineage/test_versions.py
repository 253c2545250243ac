"""The registered versions of a store of small outputs, made by hand."""

import shutil
from pathlib import Path

import pytest

from gptmodel.lineage.versions import list_versions
from tests.unit.house import A, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_version_names_all_outputs_that_it_came_from(house: House) -> None:
    split = house.corpus({A: "train"})
    house.version(split, 1)
    [version] = list_versions(house.store)
    assert (version.name, version.version, version.mlflow_run_id, version.uri) == ("gpt", 1, "run-1", "models:/gpt/1")
    assert set(version.outputs) == {"clean", "scrub", "deduplicate", "split", "train"}
    assert (version.digests["split"], version.outputs["split"]) == (split.digest, split.fingerprint)


def test_an_output_deleted_since_has_its_digest_still(house: House) -> None:
    split = house.corpus({A: "train"})
    house.version(split, 1)
    shutil.rmtree(house.store.path_of(split))
    [version] = list_versions(house.store)
    assert version.digests["split"] == split.digest
    assert "split" not in version.outputs
