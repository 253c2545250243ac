"""`gptmodel audit`: a model of this home's store, and one that comes alone."""

import json
import shutil
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner, Result

from flows import cli
from flows.home import Home
from flows.origin import fetch_model, filter_of, origin_of
from gptmodel.bundle import assemble_bundle
from gptmodel.config import Config, ScrubbingConfig
from gptmodel.config_file import load_config, to_toml
from gptmodel.corpus.scrubbing import PLACEHOLDERS
from gptmodel.store import Output, Store, seal
from gptmodel.tokenizer import Tokenizer, learn
from tests.unit.privacy.models import CONFIG, SCRUBBED, UNSCRUBBED, corpus, real_documents, untrained, workspace


class Account(BaseModel):
    bundle_digest: str = ""


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    texts = [document.text for document in real_documents()]
    return learn(texts, load_config("tiny").tokenizer.model_copy(update={"vocab_size": 400}), PLACEHOLDERS)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """A model folder that was not trained."""
    root = tmp_path_factory.mktemp("model")
    work = workspace(root, tokenizer, corpus(SCRUBBED), untrained(tokenizer))
    inputs = {
        "model_dir": work.inputs["train"] / "model",
        "tokenizer_path": work.inputs["tokenizer"] / "tokenizer.json",
    }
    assemble_bundle(root / "bundle", **inputs)
    return root / "bundle"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Home(tmp_path / "home")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["audit", *arguments], prog_name="gptmodel")


def settled(**change: object) -> Config:
    return load_config("smoke").model_copy(update={"privacy": CONFIG, **change})


def committed(store: Store, stage: str, folder: Path | None, inputs: dict[str, str], account: BaseModel) -> Output:
    with store.writing(stage, stage.encode().hex()[:12], {}) as work:
        if folder:
            shutil.copytree(folder, work.path, dirs_exist_ok=True)
        (work.notes / "config.toml").write_text(to_toml(settled()))
        address = {"stage": stage, "fingerprint": stage.encode().hex()[:12], "code_version": "", "section": {}}
        return store.commit(work, seal(work, inputs=inputs, result=account, **address))


def remember(home: Home, model: Path, text: Path) -> None:
    """Put a run into the store that made this model of the text that was laid out there."""
    made = {name: committed(home.store, name, text / name, {}, Account()) for name in ("scrub", "pack")}
    account = Account(bundle_digest=fetch_digest(model))
    committed(home.store, "register", None, {name: output.digest for name, output in made.items()}, account)


def fetch_digest(model: Path) -> str:
    from gptmodel.bundle import verify_bundle

    return verify_bundle(model).digest


def test_a_model_of_this_home_is_tested_with_its_training_text_and_its_own_settings(home: Home, model: Path) -> None:
    remember(home, model, model.parent)
    record = json.loads(call("--model", str(model), "--json").stdout.splitlines()[-1])
    assert (record["with_training_text"], record["settings"]) == (True, "the model's own run")
    assert record["extraction"]["num_stretches"] == CONFIG.num_prefixes


def test_a_model_that_this_home_does_not_know_is_tested_alone_and_that_is_said(home: Home, model: Path) -> None:
    ended = call("--model", str(model), "--config", "smoke")
    assert "without the training text" in ended.output
    assert "model alone" in ended.output


def test_the_object_has_the_promised_keys(home: Home, model: Path) -> None:
    record = json.loads(call("--model", str(model), "--config", "smoke", "--json").stdout.splitlines()[-1])
    assert {"passed", "reason", "exposure", "extraction_ratio", "num_leaks"} <= record.keys()
    assert record["with_training_text"] is False


def test_a_no_is_exit_code_3(home: Home, model: Path, tmp_path: Path, tokenizer: Tokenizer) -> None:
    workspace(tmp_path / "leaky", tokenizer, corpus(UNSCRUBBED), untrained(tokenizer))
    remember(home, model, tmp_path / "leaky")
    ended = call("--model", str(model))
    assert ended.exit_code == 3
    assert "planted test phrases that scrubbing must remove reached the training text" in ended.output


def test_data_about_people_that_nobody_looked_for_is_a_no_here_too(home: Home, model: Path) -> None:
    remember(home, model, model.parent)
    [source] = settled().corpus.sources
    corpus = settled().corpus.model_copy(update={"sources": (source.model_copy(update={"personal_data": "yes"}),)})
    notes = home.store.folder("register", b"register".hex()[:12]) / "notes"
    (notes / "config.toml").write_text(to_toml(settled(corpus=corpus)))
    ended = call("--model", str(model))
    assert ended.exit_code == 3
    assert "nothing here looks for ADDRESS in running text" in ended.output


def test_a_folder_needs_no_server(home: Home, model: Path) -> None:
    assert fetch_model(home, str(model)) == model


def test_a_text_that_was_deleted_meanwhile_is_not_at_hand(home: Home, model: Path) -> None:
    remember(home, model, model.parent)
    [shard] = home.store.folder("scrub", b"scrub".hex()[:12]).glob("shards/*")
    shard.unlink()
    origin = origin_of(home.store, model)
    assert origin is not None
    assert set(origin.folders) == {"pack"}


def test_a_config_that_can_no_longer_be_read_is_none(home: Home, model: Path) -> None:
    remember(home, model, model.parent)
    notes = home.store.folder("register", b"register".hex()[:12]) / "notes"
    (notes / "config.toml").write_text("[privacy]\nno_such_setting = 1\n")
    origin = origin_of(home.store, model)
    assert origin is not None
    assert origin.config is None


def test_the_filter_looks_for_every_kind_whatever_the_run_looked_for(home: Home, model: Path) -> None:
    home.keys_dir.mkdir(parents=True)
    remember(home, model, model.parent)
    assert filter_of(home, model).kinds == SCRUBBED.kinds


def test_a_model_of_pseudonyms_is_tested_and_filtered_without_their_key(
    home: Home, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GPTMODEL_PSEUDONYM_KEY", raising=False)
    monkeypatch.delenv("GPTMODEL_PSEUDONYM_KEY_FILE", raising=False)
    remember(home, model, model.parent)
    notes = home.store.folder("register", b"register".hex()[:12]) / "notes"
    scrubbing = ScrubbingConfig(replacement="pseudonym", replacement_of={"EMAIL": "pseudonym"})
    (notes / "config.toml").write_text(to_toml(settled(scrubbing=scrubbing)))
    assert call("--model", str(model)).exit_code in (0, 3)
    assert filter_of(home, model).kinds == SCRUBBED.kinds
