"""What of a home, its store aside, nothing needs."""

import json
import os
import time
from pathlib import Path

import pytest

from flows.collection import collect_after_run, cut_log
from flows.figures import CURVE_PICTURE
from flows.home import Home
from flows.leftovers import LEFT_LOG_BYTES, LOG, MOST_LOG_BYTES, kept_of, leftovers_of
from gptmodel.collection import Claims, Leftover, Survey, survey
from gptmodel.registered import Registered
from gptmodel.store import Store
from tests.unit.house import Account, House

ALIASED = "ab" * 32
REGISTERED = Registered({("gpt", 2): {"gptmodel.bundle": ALIASED}}, frozenset({("gpt", 2)}))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    for folder in (made.cache_dir / "models", made.reports_dir, made.delivered_dir, made.logs_dir, made.prefect_dir):
        folder.mkdir(parents=True)
    return made


def found(home: Home, gone: set[tuple[str, int]] | None = None, store: Survey | None = None) -> list[Leftover]:
    return leftovers_of(home, store or Survey(), REGISTERED, gone or set())


def old(path: Path) -> Path:
    """Make a file or folder that nobody touched for two days."""
    for inner in (*path.rglob("*"), path):
        os.utime(inner, (time.time() - 2 * 86_400,) * 2)
    return path


def folder(path: Path, name: str = "file") -> Path:
    path.mkdir(parents=True)
    (path / name).write_text("content")
    return path


def test_reports_of_versions_that_are_gone_go_and_others_stay(home: Home) -> None:
    for name in ("gpt-1", "gpt-2", "gpt-3", "my-notes", "corpus-7"):
        folder(home.reports_dir / name)
    assert [one.path.name for one in found(home, gone={("gpt", 1)})] == ["gpt-1"]


def test_the_report_of_a_corpus_goes_with_the_output_of_its_quality_gate(home: Home) -> None:
    (home.store.root / "quality-gate" / ("cd" * 16)).mkdir(parents=True)
    kept, gone = (folder(home.reports_dir / f"corpus-{text * 6}") for text in ("cd", "ef"))
    assert [one.path for one in found(home)] == [gone]
    assert kept.exists()


def test_a_fetched_model_stays_for_a_day_and_under_an_alias_for_ever(home: Home) -> None:
    models = home.cache_dir / "models"
    old(folder(models / ALIASED[:32]))
    unused = old(folder(models / ("cd" * 16)))
    folder(models / ("ef" * 16))
    assert [one.path for one in found(home)] == [unused]


def test_what_an_ended_command_left_in_the_cache_goes_and_the_cache_stays(home: Home) -> None:
    (home.cache_dir / "listing.json").write_text("{}")
    old(home.cache_dir / "listing.json")
    left = old(folder(home.cache_dir / "tmpabc"))
    folder(home.cache_dir / "tmpdef")
    assert [one.path for one in found(home)] == [left]


def test_what_a_killed_rebuild_left_goes_and_one_under_way_stays(home: Home) -> None:
    left = folder(home.rebuilds_dir / "gpt" / "1.partial")
    with Store(home.rebuilds_dir).writing("gpt", "2", {}):
        assert [one.path for one in found(home)] == [left]


def test_a_marker_without_its_output_goes_and_one_with_it_stays(home: Home) -> None:
    kept = House(home.root).put("privacy audit", [], Account())
    for name in (f"privacy-audit-{kept.fingerprint}", f"privacy-audit-{'0' * 32}"):
        (home.delivered_dir / f"{name}.json").write_text("{}")
    assert [one.path.name for one in found(home)] == [f"privacy-audit-{'0' * 32}.json"]


def test_samples_in_mlflow_go_with_the_training_they_are_of(home: Home) -> None:
    house = House(home.root)
    goes, stays = (house.put("train", [], Account(version=number)) for number in (1, 2))
    os.utime(house.store.path_of(goes) / "manifest.json", (1, 1))
    for number, output in enumerate((goes, stays), 1):
        marker = home.delivered_dir / f"train-{output.fingerprint}.json"
        marker.write_text(json.dumps({"run_id": f"run-{number}", "parent_run_id": ""}))
        shown = folder(home.mlflow_dir / "artifacts" / "1" / f"run-{number}" / "artifacts", "samples.jsonl")
        (shown / CURVE_PICTURE).write_bytes(b"picture")
    going = found(home, store=survey(home.store, Claims(), time.time()))
    assert {(one.what, one.path.name) for one in going} == {
        ("page in MLflow", "samples.jsonl"), ("page in MLflow", CURVE_PICTURE),
        ("delivery marker", f"train-{goes.fingerprint}.json")
    }  # fmt: skip
    assert {one.path.parts[-3] for one in going if one.what == "page in MLflow"} == {"run-1"}


def test_a_long_log_is_cut_to_its_end_and_its_writer_goes_on_after_it(home: Home) -> None:
    log = home.logs_dir / "mlflow.log"
    with log.open("a") as writer:
        for number in range(MOST_LOG_BYTES // 20 + 1):
            writer.write(f"{number:>18}.\n")
        writer.flush()
        [leftover] = found(home)
        assert (leftover.what, leftover.num_bytes) == (LOG, log.stat().st_size - LEFT_LOG_BYTES)
        cut_log(log)
        writer.write("and on\n")
    lines = log.read_text().splitlines()
    assert lines[-2:] == [f"{MOST_LOG_BYTES // 20:>18}.", "and on"]
    assert LEFT_LOG_BYTES - 40 < log.stat().st_size <= LEFT_LOG_BYTES + 20
    assert len(lines[0]) == 19  # a line that was cut through is left out


def test_keys_requests_reviews_and_events_are_told_as_never_deleted(home: Home) -> None:
    home.keys_dir.mkdir()
    (home.keys_dir / "home.key").write_text("0123456789")
    home.events.append("erased", "R-1")
    rows = {kept.because: kept.num_bytes for kept in kept_of(home)}
    assert rows["they are never deleted"] == 10 + home.events.path.stat().st_size


def test_after_a_run_a_registry_that_does_not_answer_is_told_and_nothing_raised(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home.runs_dir.mkdir()
    House(home.root).put("train", [], Account())
    assert collect_after_run(home, None).startswith("nothing deleted: nothing: this home's server is not running")
    (home.runs_dir / "another.json").write_text("{}")
    assert collect_after_run(home, None).startswith("nothing deleted: an open one")
