"""`gptmodel forget` and `status`, on a small home with no server up."""

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows import cli
from flows.home import Home, keys_of
from gptmodel import registry
from gptmodel.erasure.requests import Closing, read_requests, save_request
from gptmodel.rebuilding import clean_store
from tests.unit.erasure.home import ASKED, COPY, EMAIL, NEAR, SmallHome

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """A home made once, with the key of an opened home."""
    root = tmp_path_factory.mktemp("forgetting") / "home"
    home = Home(root)
    home.keys_dir.mkdir(parents=True, mode=0o700)
    key = keys_of(home).home
    assert key is not None
    small = SmallHome(root, key)
    small.run()
    return small


@pytest.fixture
def home(made: SmallHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallHome:
    shutil.copytree(made.root, tmp_path / "home")
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    return SmallHome(tmp_path / "home", made.key)


def call(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli.app, [*arguments], prog_name="gptmodel", input=given)


def record(ended: Result) -> dict[str, object]:
    found: dict[str, object] = json.loads(ended.output.strip().splitlines()[-1])
    return found


def test_its_help_says_first_what_it_does_not_do() -> None:
    lines = [line.strip() for line in call("forget", "--help").output.splitlines() if line.strip()]
    assert lines[1] == "Does not change a trained model; retire and retrain do."


def test_it_tells_what_matched_who_saw_it_and_what_to_do_next(home: SmallHome) -> None:
    ended = call("forget", "--document", home.id(ASKED))
    assert ended.exit_code == 0, ended.output
    assert f"documents   1: {home.id(ASKED)}" in ended.output
    assert "duplicates  2:" in ended.output
    assert "gpt version 1 saw them" in ended.output
    assert "no server answers" in ended.output
    assert "trained models" in ended.output
    assert ended.output.strip().endswith("gptmodel run, then gptmodel forget --close R-1")


@pytest.mark.parametrize("copy", ["mlflow/artifacts/1/models/m-1/artifacts/artifacts/model", "cache/models/ab12"])
def test_copies_of_the_model_are_told_too(home: SmallHome, copy: str) -> None:
    before = record(call("forget", "--document", home.id(ASKED), "--json"))["remains"]
    [bundle] = home.store.root.glob("register/*/bundle")
    shutil.copytree(bundle, home.root / copy)
    after = record(call("forget", "--document", home.id(ASKED), "--json"))["remains"]
    [old], [row] = ([row for row in rows if row["place"] == "trained models"] for rows in (before, after))  # type: ignore[attr-defined]
    assert row["num_files"] == old["num_files"] + 2


def test_a_value_on_the_command_line_is_refused_without_being_shown(home: SmallHome) -> None:
    ended = call("forget", EMAIL)
    assert ended.exit_code == 2
    assert "keller" not in ended.output


def test_the_same_request_is_taken_up_not_opened_twice(home: SmallHome) -> None:
    assert record(call("forget", "--document", home.id(ASKED), "--json"))["request"] == "R-1"
    assert record(call("forget", "--document", home.id(COPY), "--json"))["request"] == "R-1"
    assert record(call("forget", "--document", home.id("3.txt"), "--json"))["request"] == "R-2"


def test_nothing_matched_opens_nothing_and_is_told_by_the_exit_code(home: SmallHome) -> None:
    ended = call("forget", "--document", "0" * 32, "--json")
    assert (ended.exit_code, record(ended)["request"]) == (1, None)
    assert read_requests(home.root / "erasures") == []


def test_a_place_that_nothing_lies_in_yet_is_left_out_when_asked_for_anyway(home: SmallHome, made: SmallHome) -> None:
    place = str(made.texts / "people")
    assert call("forget", "--source", place).exit_code == 1
    assert record(call("forget", "--source", place, "--anyway", "--json"))["request"] == "R-1"


def test_documents_are_found_by_the_values_that_finders_found_in_them(home: SmallHome) -> None:
    ended = call("forget", "--values", "-", "--json", given=f"{EMAIL}\n")
    assert record(ended)["documents"] == [home.id(NEAR)]
    assert "keller" not in ended.output


def test_a_purge_is_written_into_the_request(home: SmallHome) -> None:
    ended = call("forget", "--document", home.id(ASKED), "--purge", "--json")
    assert [row["place"] for row in record(ended)["remains"]] == ["trained models"]  # type: ignore[index, attr-defined]
    [request] = read_requests(home.root / "erasures")
    assert len(request.purges) == 1


def test_what_held_a_value_is_found_as_forgotten_after_a_purge(home: SmallHome) -> None:
    call("forget", "--values", "-", given=f"{EMAIL}\n")
    assert "forgotten by R-1\n" in call("find", "--values", "-", given=f"{EMAIL}\n").output
    call("forget", "--request", "R-1", "--purge")
    assert "forgotten by R-1, purged\n" in call("find", "--values", "-", given=f"{EMAIL}\n").output
    [value] = record(call("find", "--values", "-", "--json", given=f"{EMAIL}\n"))["values"]  # type: ignore[misc]
    assert value["documents"][0]["forgotten"] == [{"request": "R-1", "purged": True}]


def test_a_purge_waits_until_no_run_is_open(home: SmallHome) -> None:
    (home.root / "runs").mkdir(exist_ok=True)
    (home.root / "runs" / "one.json").write_text("{}")
    ended = call("forget", "--document", home.id(ASKED), "--purge")
    assert ended.exit_code == 1
    assert "an open run" in ended.output


def test_a_purge_waits_for_a_rebuild_and_removes_what_a_killed_one_left(home: SmallHome) -> None:
    rebuilds = Home(home.root).rebuilds_dir
    left = rebuilds / "gpt" / "2.partial"
    with clean_store(rebuilds, "gpt", 1):
        left.mkdir(parents=True)
        assert call("forget", "--document", home.id(ASKED), "--purge").exit_code == 1
    assert call("forget", "--request", "R-1", "--purge").exit_code == 0
    assert not left.exists()


def test_a_request_stays_open_as_long_as_nothing_ran(home: SmallHome) -> None:
    call("forget", "--document", home.id(ASKED))
    ended = call("forget", "--close", "R-1", "--json")
    assert (ended.exit_code, record(ended)["closed"]) == (1, None)


@pytest.mark.parametrize("arguments", [
    (), ("--document", "a", "--close", "R-1"), ("--close", "R-7"), ("--request", "R-7"),
])  # fmt: skip
def test_what_is_no_request_is_bad_usage(home: SmallHome, arguments: tuple[str, ...]) -> None:
    assert call("forget", *arguments).exit_code == 2


def close(home: SmallHome) -> None:
    """Close request R-1, as if it were answered."""
    [request] = read_requests(home.root / "erasures")
    closing = Closing(closed=date(2026, 11, 24), ingests=("ab12",), champion="")
    save_request(home.root / "erasures", request.model_copy(update={"closing": closing}))


def test_retiring_with_no_server_up_fails_and_the_request_stands(home: SmallHome) -> None:
    ended = call("forget", "--document", home.id(ASKED), "--retire")
    assert ended.exit_code == 1
    assert "nothing was retired, and R-1 stands" in ended.output
    assert "gptmodel forget --request R-1 --retire" in ended.output
    [request] = read_requests(home.root / "erasures")
    assert request.retired == ()


def test_a_request_is_told_of_and_purged_without_what_it_was_opened_with(home: SmallHome) -> None:
    opened = record(call("forget", "--document", home.id(ASKED), "--json"))
    told = record(call("forget", "--request", "R-1", "--json"))
    assert told["documents"] == sorted([*opened["documents"], *opened["duplicates"]])  # type: ignore[misc]
    assert [told[name] for name in ("versions", "remains")] == [opened[name] for name in ("versions", "remains")]
    purged = record(call("forget", "--request", "R-1", "--purge", "--json"))
    assert [row["place"] for row in purged["remains"]] == ["trained models"]  # type: ignore[index, attr-defined]
    assert record(call("forget", "--request", "R-1", "--json"))["documents"] == told["documents"]


def test_a_request_is_retired_by_its_id_alone(home: SmallHome) -> None:
    ended = call("forget", "--document", home.id(ASKED))
    assert "gptmodel forget --request R-1 --retire" in ended.output
    assert "gptmodel forget --request R-1 --purge" in ended.output
    assert "nothing was retired, and R-1 stands" in call("forget", "--request", "R-1", "--retire").output


def test_what_a_closed_request_covers_is_answered_by_it(home: SmallHome) -> None:
    call("forget", "--document", home.id(ASKED))
    close(home)
    ended = call("forget", "--document", home.id(COPY))
    assert ended.exit_code == 0
    assert ended.output.startswith("answered by R-1, closed on 2026-11-24")
    assert "--close" not in ended.output
    assert record(call("forget", "--document", home.id("3.txt"), "--json"))["request"] == "R-2"


def test_status_lists_open_requests_with_their_age(home: SmallHome) -> None:
    call("forget", "--document", home.id(ASKED))
    [row] = record(call("status", "--json"))["erasure_requests"]  # type: ignore[misc, attr-defined]
    assert (row["id"], row["age_days"], row["asked_by"], row["num_documents"]) == ("R-1", 0, "document", 3)
    assert "request R-1 open for 0 days" in call("status").output


def test_the_events_tell_counts_of_a_request_and_nothing_that_names_a_document(home: SmallHome) -> None:
    call("forget", "--document", home.id(ASKED))
    call("forget", "--document", home.id(ASKED), "--purge")
    close(home)
    for _ in range(2):
        call("forget", "--close", "R-1")
    opened, erased, closed = Home(home.root).events.read()
    assert [event.kind for event in (opened, erased, closed)] == ["erasure opened", "erased", "erasure closed"]
    assert {event.subject for event in (opened, erased, closed)} == {"R-1"}
    assert opened.facts == {"asked_by": "document", "num_documents": 1, "num_duplicates": 2, "num_versions": 1}
    assert set(erased.facts) == {"num_files_rewritten", "num_files_deleted", "num_bytes"}
    assert closed.facts == {"num_ingests": 1, "champion": ""}
    [request] = read_requests(home.root / "erasures")
    text = (home.root / "events.jsonl").read_text()
    assert not any(mark in text for mark in (*request.documents, *request.texts, home.id(ASKED), "keller"))


def test_forgetting_and_purging_need_no_heavy_package_and_no_server(home: SmallHome) -> None:
    code = (
        "import sys\nfrom flows import cli\n"
        f"try:\n    cli.main(['forget', '--document', '{home.id(ASKED)}', '--purge'])\n"
        "except SystemExit as ended:\n    print(ended.code)\n"
        "print({'torch', 'mlflow', 'prefect'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-2:] == ["0", "set()"]


def test_nothing_is_retired_on_a_server_that_is_not_this_homes(
    home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(registry, "version_exists", lambda *about: asked.append(str(about)))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    ended = call("forget", "--document", home.id(ASKED), "--retire")
    assert (ended.exit_code, asked) == (1, [])
    assert "server is not running" in ended.output
