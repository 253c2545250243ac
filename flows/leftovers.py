"""What of a home, its store aside, nothing needs any more: reports, fetched models, markers, pages in MLflow, logs."""

import time
from collections.abc import Collection, Iterator
from pathlib import Path

from flows.erasure_answer import delivered_copies
from flows.figures import CORPUS_REPORT, CURVE_PICTURE
from flows.home import Home
from gptmodel.collection import OUTPUT, Kept, Leftover, Survey, folder_bytes
from gptmodel.registered import Registered
from gptmodel.registry import BUNDLE_TAG
from gptmodel.store import is_locked

LOG = "log"
MOST_LOG_BYTES, LEFT_LOG_BYTES = 20_000_000, 1_000_000
"""A server's log beyond the first size is cut to its end of the second."""

# What the cache is for; it is made again when it is missing.
_CACHES = ("listing.json", "evaluation-texts.json", "inductor", "models", "reproduce")
_SHOWING = {"train": ("samples.jsonl", CURVE_PICTURE), "register": ("report.html",), "quality gate": (CORPUS_REPORT,)}
_DAY_SECONDS = 86_400.0


def leftovers_of(
    home: Home, found: Survey, registered: Registered, gone: Collection[tuple[str, int]]
) -> list[Leftover]:
    """Give what can go besides the store's outputs.

    Args:
        home: The home.
        found: What goes of the store.
        registered: What the registry holds.
        gone: Name and number of the versions of this home that the registry no longer has.
    """
    return [
        *_pages(home, found), *_reports(home, found, registered, gone), *_markers(home, found),
        *_fetched(home, registered), *_cache(home), *_rebuilds(home), *_logs(home),
    ]  # fmt: skip


def kept_of(home: Home) -> list[Kept]:
    """Give what stays of a home besides the store, and who could delete it."""
    rows = [
        Kept("Prefect's database", folder_bytes(home.prefect_dir), "it is Prefect's own"),
        Kept("MLflow's database and artifacts", folder_bytes(home.mlflow_dir),
             "they are MLflow's own, also what was deleted there (mlflow gc)"),
        Kept("keys, erasure requests, reviews, events", _records(home), "they are never deleted"),
    ]  # fmt: skip
    return [row for row in rows if row.num_bytes]


def _records(home: Home) -> int:
    events = home.events.path
    folders = sum(folder_bytes(folder) for folder in (home.keys_dir, home.erasures_dir, home.reviews_dir))
    return folders + (events.stat().st_size if events.exists() else 0)


def _leftover(what: str, path: Path, reason: str) -> Leftover:
    return Leftover(what, path, folder_bytes(path) if path.is_dir() else path.stat().st_size, reason)


def _pages(home: Home, found: Survey) -> Iterator[Leftover]:
    """Give the samples and pages in MLflow that show text of an output that goes: an erasure finds them through it."""
    for one in found.leftovers:
        if one.what == OUTPUT and one.stage in _SHOWING:
            reason = "it shows text, and goes with the output that an erasure would find it by"
            for name in _SHOWING[one.stage]:
                for path in delivered_copies(home, one.stage, one.fingerprint, name):
                    yield _leftover("page in MLflow", path, reason)


def _reports(
    home: Home, found: Survey, registered: Registered, gone: Collection[tuple[str, int]]
) -> Iterator[Leftover]:
    gates = {one.fingerprint[:12] for one in found.leftovers if one.stage == "quality gate"}
    stored = {path.name[:12] for path in (home.store.root / "quality-gate").glob("*") if "." not in path.name}
    for path in sorted(home.reports_dir.glob("*")):
        name, _, number = path.name.rpartition("-")
        if name == "corpus" and not number.isdecimal() and number not in stored - gates:
            yield _leftover("report", path, "the output of the quality gate that it tells of is not there")
        elif number.isdecimal() and (name, int(number)) in gone and (name, int(number)) not in registered.tags:
            yield _leftover("report", path, f"{name} version {number} is no longer in the registry")


def _markers(home: Home, found: Survey) -> Iterator[Leftover]:
    going = {(one.stage, one.fingerprint) for one in found.leftovers if one.what == OUTPUT}
    for path in sorted(home.delivered_dir.glob("*.json")):
        stage, _, fingerprint = path.stem.rpartition("-")
        stage = stage.replace("-", " ")
        if (stage, fingerprint) in going or not home.store.folder(stage, fingerprint).exists():
            yield _leftover("delivery marker", path, "its output is not there")


def _fetched(home: Home, registered: Registered) -> Iterator[Leftover]:
    """Give the fetched models but those that bear an alias, which `promote` and `generate` ask for again and again."""
    bundles = {tags.get(BUNDLE_TAG, "")[:32] for place, tags in registered.tags.items()
               if place in registered.aliases}  # fmt: skip
    for path in sorted((home.cache_dir / "models").glob("*")):
        if path.name not in bundles and _is_unused(path):
            yield _leftover("fetched model", path, "it bears no alias, and is fetched again when it is asked for")


def _cache(home: Home) -> Iterator[Leftover]:
    for path in sorted(home.cache_dir.glob("*")):
        if path.name not in _CACHES and _is_unused(path):
            yield _leftover("cache", path, "an ended command left it")


def _rebuilds(home: Home) -> Iterator[Leftover]:
    for path in sorted(home.rebuilds_dir.glob("*/*.partial")):
        if not is_locked(path.with_suffix(".lock")):
            yield _leftover("cache", path, "an interrupted gptmodel reproduce left it, with text from before scrubbing")


def _is_unused(path: Path) -> bool:
    """Tell whether nothing in a folder was written for a day, so that no command that goes on reads it."""
    try:
        newest = max(inner.lstat().st_mtime for inner in (path, *path.rglob("*")))
    except OSError:  # another process removed something of it
        return False
    return time.time() - newest > _DAY_SECONDS


def _logs(home: Home) -> Iterator[Leftover]:
    for path in sorted(home.logs_dir.glob("*.log")):
        if (size := path.stat().st_size) > MOST_LOG_BYTES:
            yield Leftover(LOG, path, size - LEFT_LOG_BYTES, f"over {MOST_LOG_BYTES / 1e6:.0f} MB; its end stays")
