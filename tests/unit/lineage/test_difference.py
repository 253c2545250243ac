"""What differs between two versions of a home whose corpora are known."""

from pathlib import Path
from typing import Any

import pytest

from gptmodel.corpus.split_table import SPLIT_DIR
from gptmodel.lineage.ancestry import trace
from gptmodel.lineage.difference import changed_settings, difference
from gptmodel.lineage.versions import list_versions
from tests.unit.erasure.home import SmallHome
from tests.unit.house import A, B, C, D, House
from tests.unit.lineage.conftest import ADDED, EDITED, REMOVED


def of(home: House | SmallHome) -> dict[str, Any]:
    old, new = (trace(home.store, version) for version in list_versions(home.store))
    return difference(home.store, old, new)


def test_settings_are_told_by_dotted_path_and_sources_by_name() -> None:
    old = '[training]\nmax_steps = 1\nseed = 2\n[[corpus.sources]]\nname = "a"\nweight = 1.0\n'
    new = '[training]\nmax_steps = 3\nseed = 2\n[[corpus.sources]]\nname = "a"\nweight = 2.0\n[model]\nwidth = 4\n'
    assert changed_settings(old, new) == [
        {"path": "corpus.sources.a.weight", "from": 1.0, "to": 2.0},
        {"path": "model.width", "from": None, "to": 4},
        {"path": "training.max_steps", "from": 1, "to": 3},
    ]
    assert changed_settings(new, new) == []


def test_documents_are_added_removed_and_moved(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.version(house.corpus({A: "train", B: "train", C: "train"}), 1)
    house.version(house.corpus({B: "test", C: "train", D: "validation"}), 2)
    documents = of(house)["documents"]
    assert (documents["added"], documents["removed"], documents["num_same"]) == ([D], [A], 2)
    assert (documents["added_by_source"], documents["removed_by_split"]) == ({"notes": 1}, {"train": 1})
    assert documents["moved"] == [{"from": "train", "to": "test", "num_documents": 1}]
    assert (documents["same_test"], documents["num_changed"]) == (False, None)


def test_the_same_test_documents_are_known_as_such(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.version(house.corpus({A: "test", B: "train"}), 1)
    house.version(house.corpus({A: "test", B: "validation"}), 2)
    assert of(house)["documents"]["same_test"] is True


def test_a_real_retrain_names_the_changed_files_and_texts(retrained: SmallHome) -> None:
    found = of(retrained)
    [source] = found["sources"]["changed"]
    counts = [source[f"num_files_{what}"] for what in ("added", "removed", "changed")]
    assert (source["name"], source["change"], counts) == ("notes", "changed", [1, 1, 1])
    documents = found["documents"]
    assert (documents["added"], documents["removed"]) == ([retrained.id(ADDED)], [retrained.id(REMOVED)])
    assert documents["num_changed"] == 1, EDITED


def test_a_split_that_is_gone_leaves_the_documents_unknown(tmp_path: Path) -> None:
    house = House(tmp_path)
    split = house.corpus({A: "train"})
    house.version(split, 1)
    house.version(house.corpus({B: "train"}), 2)
    (house.store.path_of(split) / SPLIT_DIR / "00000-000.parquet").unlink()
    assert of(house)["documents"] is None


@pytest.mark.parametrize("name", ["num_steps", "num_read", "num_findings"])
def test_metrics_stand_side_by_side(retrained: SmallHome, name: str) -> None:
    [row] = [row for row in of(retrained)["metrics"] if row["name"] == name]
    assert row["from"] is not None
    assert row["to"] is not None
