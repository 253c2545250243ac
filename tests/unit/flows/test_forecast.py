"""`gptmodel plan` after a complete run: what of it is still there."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel

from flows.forecast import forecast
from flows.home import Home
from gptmodel.chain import CHAIN, STAGE_NAMES, code_version, fingerprint, section_of
from gptmodel.config import Config
from gptmodel.config_file import load_config
from gptmodel.corpus.sources.stage import list_sources
from gptmodel.erasure.requests import ErasureRequest, open_request
from gptmodel.store import seal


class Account(BaseModel):
    stage: str


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which every stage is finished; the candidate was measured against version 1."""
    home, config = Home(tmp_path / "home"), config_of(tmp_path)
    home.cache_dir.mkdir(parents=True)
    commit_all(home, config)
    return home


def config_of(folder: Path, *overrides: str) -> Config:
    (folder / "notes").mkdir(exist_ok=True)
    (folder / "notes" / "a.txt").write_text("a text\n")
    return load_config("smoke", overrides, [folder / "notes"])


def commit_all(home: Home, config: Config) -> None:
    external = {
        "ingest": list_sources(config.corpus, home.cache_dir / "listing.json").digests(),
        "promote": {"champion": "models:/gpt/1"},
    }
    digests: dict[str, str] = {}
    for stage in CHAIN:
        inputs = {name: digests[name] for name in stage.inputs} | external.get(stage.name, {})
        address = fingerprint(stage, config, inputs)
        with home.store.writing(stage.name, address, {}) as work:
            manifest = seal(
                work, stage=stage.name, fingerprint=address, code_version=code_version(stage),
                section=section_of(stage, config), inputs=inputs, result=Account(stage=stage.name),
            )  # fmt: skip
            digests[stage.name] = home.store.commit(work, manifest).digest


def running(home: Home, config: Config, *, until: str | None = None, force: tuple[str, ...] = ()) -> list[str]:
    view = forecast(home, config, until=until, force=list(force))
    return [row["name"] for row in view.record["stages"] if not row["cached"]]


def test_after_a_complete_run_nothing_runs(home: Home, tmp_path: Path) -> None:
    assert running(home, config_of(tmp_path)) == []


def test_the_plan_says_that_promote_rests_on_the_champion(home: Home, tmp_path: Path) -> None:
    [promote] = forecast(home, config_of(tmp_path), until=None, force=[]).record["stages"][-1:]
    assert (promote["reason"], promote["seconds"]) == ("cached, if the champion is the same as then", 0.0)


def test_promote_runs_where_its_own_setting_differs(home: Home, tmp_path: Path) -> None:
    assert running(home, config_of(tmp_path, "registry.min_improvement=0.5")) == ["promote"]


def test_promote_runs_where_what_it_reads_is_made_again(home: Home, tmp_path: Path) -> None:
    assert running(home, config_of(tmp_path, "split.seed=5"))[-1] == "promote"


def test_promote_runs_where_it_is_forced(home: Home, tmp_path: Path) -> None:
    assert running(home, config_of(tmp_path), force=("promote",)) == ["promote"]


def test_a_plan_that_ends_earlier_knows_nothing_of_promote(home: Home, tmp_path: Path) -> None:
    view = forecast(home, config_of(tmp_path), until="pack", force=[])
    assert [row["name"] for row in view.record["stages"]] == list(STAGE_NAMES[:8])


def test_an_erasure_request_is_why_ingest_runs(home: Home, tmp_path: Path) -> None:
    request = ErasureRequest(id="", opened=date(2026, 11, 20), asked_by="text", key_id="k", texts=("mark",))
    open_request(home.erasures_dir, request)
    view = forecast(home, config_of(tmp_path), until="ingest", force=[])
    assert view.record["stages"][0]["reason"].endswith("erasure request R-1")


def test_the_plan_warns_of_data_about_people_that_nobody_looks_for(home: Home, tmp_path: Path) -> None:
    config = config_of(tmp_path)
    [source] = config.corpus.sources
    private = source.model_copy(update={"personal_data": "yes"})
    corpus = config.corpus.model_copy(update={"sources": (private,)})
    view = forecast(home, config.model_copy(update={"corpus": corpus}), until=None, force=[])
    [words] = view.record["warnings"]
    assert words in view.lines
    assert 'Source "notes" has personal_data = yes, and nothing here looks for ADDRESS' in words


def test_the_plan_names_sources_that_say_nothing_of_personal_data(home: Home, tmp_path: Path) -> None:
    [words] = forecast(home, config_of(tmp_path), until=None, force=[]).record["warnings"]
    assert words.startswith('warning: Source "notes" says nothing of personal data')


def test_what_a_site_adds_runs_every_stage_that_searches(home: Home, tmp_path: Path) -> None:
    (tmp_path / "allowed.txt").write_text("info@example.com")
    config = config_of(tmp_path, f'scrubbing.allow_file="{tmp_path / "allowed.txt"}"')
    assert running(home, config)[0] == "scrub"
    (tmp_path / "names.txt").write_text("Quagga Smith")
    config = config_of(tmp_path, f'scrubbing.known_values="{tmp_path / "names.txt"}"')
    assert running(home, config)[0] == "clean"
