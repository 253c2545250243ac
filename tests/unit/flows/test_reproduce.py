"""`gptmodel reproduce` on the corpus stages of a small home, without a server: what it says, and what it refuses."""

import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from flows import cli
from flows.home import Home, home_key_of, scrubber_of
from gptmodel.config import Config, dated
from gptmodel.config_file import load_config, to_toml
from gptmodel.corpus.sources.stage import list_sources
from gptmodel.lineage.ancestry import CONFIG
from gptmodel.plan import stages_until
from gptmodel.rebuilding import rebuild
from gptmodel.stages import Materials
from gptmodel.store import Store, digest_of, seal
from tests.unit.corpus.known import prose
from tests.unit.house import Account

URI, LAST = "models:/gpt/1", "split"
SETTINGS = ("privacy.planted.enabled=false", "engine.workers=1", "split.min_documents=1", "split.validation_ratio=0.2",
            "split.test_ratio=0.2", "scrubbing.self_test.num_values=0")  # fmt: skip


class Registered(Account):
    """A version's account as far as it is read here."""

    bundle_digest: str


def make_home(root: Path) -> Home:
    """Make a home in which the corpus stages ran over a folder of text, and a version is registered of them."""
    texts, home = root / "texts", Home(root / "home")
    texts.mkdir()
    home.cache_dir.mkdir(parents=True)
    for number in range(16):
        (texts / f"{number}.txt").write_text(prose(number))
    config = dated(load_config("smoke", SETTINGS, [texts]), date.today())
    listing = list_sources(config.corpus, home.cache_dir / "listing.json")
    materials = Materials(config, listing, scrubber_of(home, config.scrubbing), home_key_of(home))
    made = list(rebuild(home.store, materials, stages_until(LAST), None, lambda stage: lambda ratio, words: None))
    register(home.store, config, {one.manifest.stage: one.manifest.digest for one in made})
    return home


def register(store: Store, config: Config, inputs: dict[str, str], bundle: str = "a" * 64) -> None:
    with store.writing("register", address := digest_of([inputs, bundle])[:32], {}) as work:
        (work.notes / CONFIG).write_text(to_toml(config))
        account = Registered(name="gpt", version=1, bundle_digest=bundle)
        store.commit(work, seal(
            work, stage="register", fingerprint=address, code_version="", section={}, inputs=inputs, result=account,
        ))  # fmt: skip


@pytest.fixture(scope="module")
def seen_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("reproduce"))


@pytest.fixture
def home(seen_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The home, to look at."""
    monkeypatch.setenv("GPTMODEL_HOME", str(seen_home.root))
    return seen_home


@pytest.fixture
def own_home(seen_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The home, to change; its texts lie where they lay."""
    shutil.copytree(seen_home.root, tmp_path / "home")
    monkeypatch.setenv("GPTMODEL_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture
def texts(seen_home: Home, tmp_path: Path) -> Any:
    """The folder of text, to change; it is put back."""
    folder = seen_home.root.parent / "texts"
    shutil.copytree(folder, tmp_path / "saved")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(tmp_path / "saved", folder)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["reproduce", URI, "--until", LAST, "--json", *arguments], prog_name="gptmodel")


def record(ended: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_on_the_same_machine_every_stage_is_bit_equal_and_nothing_stays(home: Home) -> None:
    ended = call()
    assert ended.exit_code == 0, ended.output
    told = record(ended)
    assert (told["model"], told["verdict"], told["differences_beforehand"]) == (URI, "bit-equal", [])
    assert [stage["name"] for stage in told["stages"]] == ["ingest", "clean", "scrub", "deduplicate", "split"]
    assert all(stage["expected"] == stage["actual"] and stage["difference"] is None for stage in told["stages"])
    assert "Version 1 was rebuilt bit for bit: 5 stages." in ended.stderr
    assert list(home.rebuilds_dir.glob("*/*")) == []


def test_what_was_rebuilt_is_kept_where_it_is_asked_for(home: Home, tmp_path: Path) -> None:
    ended = call("--keep", str(tmp_path / "kept"))
    assert Store(tmp_path / "kept").manifests("split")
    assert "it holds the text from before scrubbing too" in ended.stderr
    assert call("--keep", str(tmp_path / "kept")).exit_code == 2


def test_a_changed_source_is_named_beforehand_and_where_it_shows(home: Home, texts: Path) -> None:
    (texts / "3.txt").write_text(prose(103))
    (texts / "4.txt").unlink()
    ended = call()
    told = record(ended)
    assert (ended.exit_code, told["verdict"]) == (1, "diverged")
    before = told["differences_beforehand"]
    assert before[0].startswith("source texts: 3.txt changed")
    assert before[1].startswith("source texts: 4.txt is gone")
    ingest, clean, *_ = told["stages"]
    assert ingest["difference"]["figure"] == {"name": "num_read", "expected": 16, "actual": 15}
    assert ingest["difference"]["inherited_from"] is None
    assert (clean["verdict"], clean["difference"]["inherited_from"]) == ("diverged", "ingest")
    assert told["reason"].startswith("Version 1 came out otherwise: ingest diverged: num_read 16 -> 15;")


def test_a_corpus_too_small_to_go_on_with_is_a_verdict_of_its_own(home: Home, texts: Path) -> None:
    for number in range(14):
        (texts / f"{number}.txt").unlink()
    told = record(call())
    assert (told["verdict"], told["stages"][-1]["name"]) == ("diverged", "deduplicate")


def forget(home: Home, texts: Path) -> None:
    asked = ["forget", "--text-file", str(texts / "5.txt"), "--json"]
    assert CliRunner().invoke(cli.app, asked, prog_name="gptmodel").exit_code == 0


def expire(home: Home) -> None:
    config = load_config(_config(home))
    until, then = date.today() - timedelta(days=1), date.today() - timedelta(days=9)
    source = config.corpus.sources[0].model_copy(update={"keep_until": until})
    corpus = config.corpus.model_copy(update={"sources": (source,), "as_of": then})
    _config(home).write_text(to_toml(config.model_copy(update={"corpus": corpus})))


def _config(home: Home) -> Path:
    return next((home.root / "store" / "register").glob(f"*/notes/{CONFIG}"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda home, texts: shutil.rmtree(texts), "(source texts), got nothing there"),
        (forget, f"1 of 16 documents was erased on {date.today()} (request R-1)"),
        (lambda home, texts: expire(home), "its sources may no longer be used: texts until"),
        (lambda home, texts: _config(home).unlink(), "its config is gone"),
        (lambda home, texts: _config(home).write_text("[corpus]\nshards = 3"), "its config does not fit this code"),
        (lambda home, texts: shutil.rmtree(home.root / "store" / "clean"), "what the store knew of clean is gone"),
    ],
)
def test_what_cannot_be_rebuilt_is_refused_before_any_work(
    own_home: Home, texts: Path, change: Callable[[Home, Path], None], words: str
) -> None:
    change(own_home, texts)
    ended = call()
    told = record(ended)
    assert (ended.exit_code, told["verdict"], told["stages"]) == (1, "refused", [])
    assert told["reason"].startswith("Version 1 cannot be rebuilt: ")
    assert words in told["reason"]
    assert told["reason"] in ended.stderr


def test_a_number_that_two_registries_gave_is_settled_by_the_server(own_home: Home) -> None:
    register(own_home.store, load_config("smoke"), {}, "b" * 64)
    assert "the MLflow server" in call().stderr


@pytest.mark.parametrize(("arguments", "code"), [(("--until", "promote"), 2), (("--until", "cleaning"), 2)])
def test_a_stage_that_is_none_or_decides_is_bad_usage(home: Home, arguments: tuple[str, ...], code: int) -> None:
    assert call(*arguments).exit_code == code
