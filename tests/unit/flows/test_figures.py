"""What MLflow gets of a run: key counts as metrics, never hundreds; settings; which code made it."""

from pathlib import Path

import pytest

from flows import figures
from gptmodel.config_file import load_config
from gptmodel.provenance import Provenance
from gptmodel.store import Output
from tests.unit.flows.accounts import ACCOUNTS


def test_counts_and_short_tables_of_counts_are_metrics() -> None:
    numbers = figures._numbers({"num_kept": 3, "findings": {"EMAIL": 2}, "scope": "all", "passed": True})
    assert numbers == {"num_kept": 3.0, "findings.EMAIL": 2.0}


def test_a_long_table_is_left_to_the_account() -> None:
    account = {"num_kept": 3, "by_source": {f"s{n}": {"EMAIL": n, "PHONE": n} for n in range(40)}}
    assert figures._numbers(account) == {"num_kept": 3.0}


@pytest.mark.parametrize("stage", ACCOUNTS)
def test_lists_by_source_are_no_metrics(stage: str) -> None:
    assert not any("sources" in name for name in figures._numbers(ACCOUNTS[stage]))


def test_a_source_is_named_by_its_place_without_a_password() -> None:
    source = {"name": "notes", "path": "https://ada:secret@example.com/notes"}  # pragma: allowlist secret
    config = load_config({"preset": "smoke", "corpus": {"sources": [source]}})
    assert figures.settings_of(config)["sources.notes"] == "https://example.com/notes"
    account = {"sources": [{"name": "notes", "digest": "ab" * 32, "num_documents": 3}]}
    ingest = Output(stage="ingest", fingerprint="f", digest="d", result=account)
    [found] = figures.sources_of(ingest, config)
    assert (found.source, found.digest, found.context) == ("https://example.com/notes", "ab" * 32, "source")


def test_what_shapes_a_model_is_told_and_how_the_corpus_was_read_is_not() -> None:
    settings = figures.shaping_settings(load_config("smoke"))
    assert {"preset", "model.num_layers", "training.max_steps", "tokenizer.vocab_size"} <= settings.keys()
    assert not any(name.startswith(("corpus", "engine", "privacy")) for name in settings)


@pytest.mark.parametrize(("is_dirty", "told"), [(True, "yes"), (False, "no"), (None, None)])
def test_a_run_is_tagged_with_the_code_that_made_it(is_dirty: bool | None, told: str | None) -> None:
    made_with = Provenance(version="1", commit="ab" * 20, is_dirty=is_dirty, python="3", libraries={}, machine="m")
    tags = figures.source_tags(made_with)
    assert tags["mlflow.source.git.commit"] == tags["gptmodel.commit"] == "ab" * 20
    assert tags.get("gptmodel.uncommitted_changes") == told


def test_code_that_nobody_knows_has_no_tag() -> None:
    tags = figures.source_tags(Provenance(version="1", python="3", libraries={}, machine="m"))
    assert tags.keys() == {"mlflow.source.type", "mlflow.source.name", "gptmodel.version"}


def test_the_loss_curve_is_drawn_for_an_output_that_has_one(tmp_path: Path) -> None:
    folder = tmp_path / "train"
    folder.mkdir()
    assert figures.picture_of(folder, tmp_path) == []
    (folder / "curve.jsonl").write_text('{"step": 0, "train_loss": 5.0}\n{"step": 1, "train_loss": 4.0}\n')
    (folder / "samples.jsonl").write_text('{"step": 1, "prompt": "The", "text": " end"}\n')
    (picture,) = figures.picture_of(folder, tmp_path)
    assert picture.read_bytes().startswith(b"\x89PNG")
