"""The program that is measured on our side: stages of the corpus, one after the other, in one process.

    python -m benchmarks.stages FOLDER STAGE ... [--source PATH ...] [--set SECTION.KEY=VALUE ...]

A stage writes FOLDER/STAGE and reads FOLDER/OTHER. The last line of output is one JSON object: what each stage
counted, its CPU seconds, and the peak of the process.
"""

import argparse
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gptmodel.config import Config
from gptmodel.config_file import load_config
from gptmodel.store import Workspace

STAGES = ("ingest", "clean", "scrub", "deduplicate", "split")
# Planted test phrases are no text of the source.
SETTINGS = ("privacy.planted.enabled=false",)


def main() -> None:
    """Run the stages named on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("stages", nargs="+", choices=STAGES)
    parser.add_argument("--source", action="append", default=[])
    parser.add_argument("--set", dest="settings", action="append", default=[])
    asked = parser.parse_args()
    config = load_config("tiny", [*SETTINGS, *asked.settings], asked.source)
    said: dict[str, Any] = {}
    for name in asked.stages:
        started = time.process_time()
        result = _RUN[name](asked.folder, config)
        said[name] = _counts(result) | {"cpu_seconds": round(time.process_time() - started, 2)}
    print(json.dumps(said))


def ingest(folder: Path, config: Config) -> BaseModel:
    """Read the sources."""
    from gptmodel.corpus.sources.stage import ingest, list_sources

    work = _workspace(folder, "ingest")
    return ingest(work, config.corpus, config.privacy.planted, list_sources(config.corpus, folder / "listing.json"))


def clean(folder: Path, config: Config) -> BaseModel:
    """Put the text right and apply the rules."""
    from gptmodel.corpus.cleaning import clean

    return clean(_workspace(folder, "clean", "ingest"), config.cleaning)


def scrub(folder: Path, config: Config) -> BaseModel:
    """Replace sensitive data."""
    from gptmodel.corpus.scrubbing import Scrubber, scrub

    return scrub(_workspace(folder, "scrub", "clean"), Scrubber(config.scrubbing))


def deduplicate(folder: Path, config: Config) -> BaseModel:
    """Find exact and near duplicates."""
    from gptmodel.corpus.dedup.stage import deduplicate

    return deduplicate(_workspace(folder, "deduplicate", "scrub"), config.dedup)


def split(folder: Path, config: Config) -> BaseModel:
    """Divide by cluster."""
    from gptmodel.corpus.split import split

    return split(_workspace(folder, "split", "scrub", "deduplicate"), config.split)


_RUN: dict[str, Callable[[Path, Config], BaseModel]] = {
    "ingest": ingest, "clean": clean, "scrub": scrub, "deduplicate": deduplicate, "split": split,
}  # fmt: skip


def _workspace(folder: Path, stage: str, *inputs: str) -> Workspace:
    path = folder / stage
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return Workspace(path, {name: folder / name for name in inputs})


def _counts(result: BaseModel) -> dict[str, Any]:
    kept = result.model_dump(mode="json", exclude={"sources", "runtime"})
    return {name: value for name, value in kept.items() if isinstance(value, int | dict)}


if __name__ == "__main__":
    main()
