"""The engines: threads, processes and a real Dask cluster give the same, and their failures are told."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows.engine import Engine
from gptmodel.config import (
    CleaningConfig,
    CorpusConfig,
    DedupConfig,
    EngineConfig,
    PlantedConfig,
    ScrubbingConfig,
    SourceConfig,
)
from gptmodel.corpus.cleaning import clean
from gptmodel.corpus.dedup.stage import deduplicate
from gptmodel.corpus.scrubbing import Scrubber, scrub
from gptmodel.corpus.sources.stage import ingest, list_sources
from gptmodel.errors import ConfigError, GPTModelError, SourceError
from gptmodel.keys import Keys
from gptmodel.parts import Mapper, in_turn
from gptmodel.store import Workspace, data_files, file_digest

ENGINES = ["threads", "processes", "dask"]


def square(number: int) -> int:
    return number * number


def refuse(number: int) -> int:
    raise SourceError(expected="an even number", actual=str(number), mend="Take another.")


def die(number: int) -> int:
    os._exit(3)


def where(number: int) -> int:
    time.sleep(0.05)  # long enough that one worker does not take all
    return os.getpid()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    pytest.importorskip("prefect_dask") if request.param == "dask" else None
    opened = Engine(EngineConfig(name=request.param, workers=2))
    yield opened
    opened.close()


@pytest.mark.slow
def test_results_come_in_the_order_of_the_items(engine: Engine) -> None:
    assert list(engine.map(square, range(20))) == [number * number for number in range(20)]


@pytest.mark.slow
def test_an_error_comes_back_as_it_was_raised(engine: Engine) -> None:
    with pytest.raises(SourceError, match="an even number"):
        list(engine.map(refuse, [1, 2, 3]))


def test_one_worker_works_in_this_process() -> None:
    assert set(Engine(EngineConfig(workers=1)).map(where, [1, 2])) == {os.getpid()}


def test_several_processes_share_the_work() -> None:
    engine = Engine(EngineConfig(name="processes", workers=2))
    assert os.getpid() not in set(engine.map(where, range(8)))
    engine.close()


def test_a_worker_that_dies_is_told_with_what_to_do() -> None:
    engine = Engine(EngineConfig(name="processes", workers=2))
    with pytest.raises(GPTModelError, match="--set engine.workers=1"):
        list(engine.map(die, [1, 2]))
    engine.close()


def test_a_dask_cluster_by_its_address_is_used() -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, host="127.0.0.1", dashboard_address=None) as cluster:
        engine = Engine(EngineConfig(name="dask", address=cluster.scheduler_address))
        pids = set(engine.map(where, [1, 2, 3]))
        engine.close()
        assert os.getpid() not in pids
        assert len(pids) == 1


def test_dask_without_the_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.engine.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'gptmodel\[dask\]'"):
        list(Engine(EngineConfig(name="dask")).map(square, [1]))


def make_texts(folder: Path) -> None:
    folder.mkdir()
    for number in range(60):
        lines = [f"Line {number * place} of a text about rivers and bridges {number}." for place in range(12)]
        lines.append("Write to anna@example.org or call +44 113 496 0123.")
        (folder / f"{number}.txt").write_text("\n".join(lines))
        (folder / f"{number}-copy.txt").write_text("\n".join(lines[: 11 + number % 2]))


def corpus_digests(root: Path, texts: Path, mapper: Mapper) -> dict[str, str]:
    """Run the corpus stages with a mapper and give the digest of every file."""
    corpus = CorpusConfig(sources=(SourceConfig(name="texts", path=str(texts)),), num_shards=5)
    folders = {name: root / name for name in ("ingest", "clean", "scrub", "deduplicate")}
    for folder in folders.values():
        folder.mkdir(parents=True)

    def work(stage: str, *inputs: str) -> Workspace:
        return Workspace(folders[stage], {name: folders[name] for name in inputs})

    listing = list_sources(corpus, root / "cache.json")
    ingest(work("ingest"), corpus, PlantedConfig(), listing, mapper=mapper)
    clean(work("clean", "ingest"), CleaningConfig(), mapper=mapper)
    scrubber = Scrubber(ScrubbingConfig(replacement_of={"EMAIL": "pseudonym"}), Keys(None, b"a key of this test"))
    scrub(work("scrub", "clean"), scrubber, mapper=mapper)
    deduplicate(work("deduplicate", "scrub"), DedupConfig(), ["texts"], mapper=mapper)
    named: dict[str, Any] = {stage: data_files(folder) for stage, folder in folders.items()}
    return {f"{stage}/{name}": file_digest(path) for stage, found in named.items() for name, path in found}


@pytest.mark.slow
def test_every_engine_gives_the_same_corpus(tmp_path: Path, engine: Engine) -> None:
    make_texts(tmp_path / "texts")
    expected = corpus_digests(tmp_path / "in-turn", tmp_path / "texts", in_turn)
    assert corpus_digests(tmp_path / "engine", tmp_path / "texts", engine.map) == expected


WAITING = """
import time
from flows.engine import Engine
from gptmodel.config import EngineConfig
if __name__ == "__main__":
    print(list(Engine(EngineConfig(name="processes", workers=2)).map(abs, [-1, -2])), flush=True)
    time.sleep(600)
"""


def test_no_worker_outlives_a_run_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "waiting.py"
    script.write_text(WAITING)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "[1, 2]\n"
        workers = psutil.Process(run.pid).children(recursive=True)
        assert len(workers) >= 2
        run.kill()
    assert psutil.wait_procs(workers, timeout=60)[1] == []
