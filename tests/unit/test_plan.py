"""The plan: what is cached, what runs, and the reason in words."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from gptmodel import plan as plan_module
from gptmodel.chain import CHAIN, Stage, fingerprint, section_of
from gptmodel.config import Config
from gptmodel.config_file import load_config
from gptmodel.plan import Look, look, plan
from gptmodel.store import Manifest, Output, Store, output_of, seal

SOURCES = {"source:sample": "d1"}


class Account(BaseModel):
    num_documents: int


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def short_chain(monkeypatch: pytest.MonkeyPatch) -> tuple[Stage, ...]:
    chain = CHAIN[:4]
    monkeypatch.setattr(plan_module, "CHAIN", chain)
    return chain


def run_all(
    store: Store, config: Config, *, sources: dict[str, str] | None = None, num_documents: int = 3
) -> list[str]:
    """Commit every stage that is not there, as the flow does; return the names of those computed."""
    outputs: dict[str, Output] = {}
    computed = []
    for stage in plan_module.CHAIN:
        inputs = {name: outputs[name].digest for name in stage.inputs}
        inputs |= (sources or SOURCES) if stage.name == "ingest" else {}
        seen = look(store, stage, config, inputs)
        if seen.manifest is None:
            computed.append(stage.name)
            commit(store, stage, config, inputs, num_documents)
            seen = look(store, stage, config, inputs)
        assert seen.manifest is not None
        outputs[stage.name] = output_of(seen.manifest)
    return computed


def commit(store: Store, stage: Stage, config: Config, inputs: dict[str, str], num_documents: int) -> None:
    address = fingerprint(stage, config, inputs)
    with store.writing(stage.name, address, {}) as work:
        (work.path / "shards").mkdir()
        (work.path / "shards" / "a").write_text(json.dumps([stage.name, section_of(stage, config), num_documents]))
        section = section_of(stage, config)
        manifest = seal(work, stage=stage.name, fingerprint=address, code_version="c", section=section,
                        inputs=inputs, result=Account(num_documents=num_documents))  # fmt: skip
        store.commit(work, manifest)


def looks(store: Store, config: Config, **options: object) -> dict[str, Look]:
    found = plan(store, config, {"ingest": SOURCES}, **options)  # type: ignore[arg-type]
    return {seen.stage.name: seen for seen in found}


def test_an_empty_store_runs_everything_for_the_first_time(store: Store, short_chain: tuple[Stage, ...]) -> None:
    found = looks(store, load_config("smoke"))
    assert [seen.runs for seen in found.values()] == [True] * 4
    assert found["ingest"].reason == "first run"


def test_a_repeat_finds_everything_cached(store: Store, short_chain: tuple[Stage, ...]) -> None:
    run_all(store, load_config("smoke"))
    assert {seen.reason for seen in looks(store, load_config("smoke")).values()} == {"cached"}


def test_a_changed_setting_runs_its_stage_and_says_which(store: Store, short_chain: tuple[Stage, ...]) -> None:
    run_all(store, load_config("smoke"))
    found = looks(store, load_config("smoke", ["cleaning.min_chars=10"]))
    assert (found["ingest"].runs, found["clean"].runs) == (False, True)
    assert "cleaning.min_chars 20 -> 10" in found["clean"].reason
    assert found["scrub"].reason.endswith("(since clean)")


def test_an_equal_output_stops_the_ripple(store: Store, short_chain: tuple[Stage, ...],
                                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    run_all(store, load_config("smoke"))
    changed = load_config("smoke", ["cleaning.min_chars=10"])
    original = section_of

    def same_data(stage: Stage, config: Config) -> dict[str, object]:
        return original(stage, load_config("smoke") if stage.name == "clean" else config)

    monkeypatch.setitem(commit.__globals__, "section_of", same_data)
    assert run_all(store, changed) == ["clean"]


def test_changed_input_is_named(store: Store, short_chain: tuple[Stage, ...]) -> None:
    run_all(store, load_config("smoke"))
    stage = short_chain[1]
    seen = look(store, stage, load_config("smoke"), {"ingest": "other"})
    assert seen.reason.startswith("ingest: output changed")


def test_the_sources_change_in_words_of_files(store: Store, short_chain: tuple[Stage, ...]) -> None:
    run_all(store, load_config("smoke"))

    def explain(earlier: Manifest) -> str:
        return "3 new files, 1 changed"

    found = plan(store, load_config("smoke"), {"ingest": {"source:sample": "d2"}}, explain=explain)
    assert found[0].reason.startswith("3 new files, 1 changed")


def test_force_runs_a_finished_stage(store: Store, short_chain: tuple[Stage, ...]) -> None:
    run_all(store, load_config("smoke"))
    found = looks(store, load_config("smoke"), force=["clean"])
    assert found["clean"].runs
    assert found["clean"].reason == "asked for with --force"


def test_until_ends_the_plan(store: Store, short_chain: tuple[Stage, ...]) -> None:
    assert list(looks(store, load_config("smoke"), until="clean")) == ["ingest", "clean"]


def test_a_damaged_output_runs_again_and_the_file_is_named(store: Store, short_chain: tuple[Stage, ...]) -> None:
    run_all(store, load_config("smoke"))
    next((store.root / "clean").glob("*/shards/a")).unlink()
    assert looks(store, load_config("smoke"))["clean"].reason == "its output is damaged: shards/a is missing"


def test_an_interrupted_attempt_is_said(store: Store, short_chain: tuple[Stage, ...]) -> None:
    config = load_config("smoke")
    with pytest.raises(RuntimeError), store.writing("ingest", fingerprint(short_chain[0], config, SOURCES), {}):
        raise RuntimeError
    assert looks(store, config)["ingest"].reason == "an earlier attempt was interrupted"


def test_deleted_text_counts_as_present_while_nobody_reads_it(store: Store, short_chain: tuple[Stage, ...]) -> None:
    run_all(store, load_config("smoke"))
    release_raw_text(store)
    assert [seen.runs for seen in looks(store, load_config("smoke")).values()] == [False] * 4


def test_deleted_text_is_made_again_for_a_stage_that_reads_it(store: Store, short_chain: tuple[Stage, ...]) -> None:
    run_all(store, load_config("smoke"))
    release_raw_text(store)
    found = looks(store, load_config("smoke", ["cleaning.min_chars=10"]))
    assert found["ingest"].runs
    assert found["ingest"].reason == "its text was deleted after scrubbing, and clean reads it"


def release_raw_text(store: Store) -> None:
    for name in ("ingest", "clean"):
        for manifest in store.manifests(name):
            store.release(output_of(manifest))
