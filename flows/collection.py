"""`gptmodel gc`: ask the registry what lives, read open runs and requests, tell what nothing needs, and delete it.

Nothing is guessed: a registry that does not answer ends the command, and a version that the registry does not hold
counts as deleted only if that same server knows the run which registered it.
"""

import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows import ledger, stack
from flows.failure import unexpected
from flows.home import Home
from flows.leftovers import LEFT_LOG_BYTES, LOG, kept_of, leftovers_of
from gptmodel.collection import ATTEMPT, OUTPUT, REPLACED, TEXT, Claims, Leftover, Survey, survey
from gptmodel.erasure.requests import input_digests_of, read_requests
from gptmodel.errors import GPTModelError, StoreBusyError
from gptmodel.lineage.versions import Version, list_versions
from gptmodel.registered import Registered, knows_run, read_registered
from gptmodel.registry import BUNDLE_TAG, CORPUS_TAG, SPLIT_TAG, find_version
from gptmodel.store import Store

_IN_STORE = (OUTPUT, ATTEMPT, REPLACED)
_MOST_LINES = 30


@dataclass(frozen=True)
class Collected:
    """What the command answers.

    Attributes:
        lines: The lines a person reads.
        record: The object that `--json` prints.
    """

    lines: list[str]
    record: dict[str, Any]


def collect(home: Home, *, dry_run: bool, keep_versions: int | None = None) -> Collected:
    """Delete what no version, run or open request of a home needs, or only tell it.

    Args:
        home: The home.
        dry_run: Delete nothing.
        keep_versions: Versions without an alias, of each model, whose text and tokens stay, the newest ones; None
            keeps those of all.

    Raises:
        ServerError: The registry does not answer, so that nobody knows what lives.
        StoreBusyError: A run is open, or a collection is under way.
    """
    found = survey_home(home, keep_versions) if dry_run else delete_leftovers(home, keep_versions)
    return Collected(list(_lines(found, dry_run)), _record(found, dry_run))


def delete_leftovers(home: Home, keep_versions: int | None) -> Survey:
    """Delete what nothing needs, and give what is gone and what stays; errors as of `collect`."""
    with ledger.closed_to_runs(home):
        _refuse_while_a_run_is_open(home)
        found = survey_home(home, keep_versions)
        deleted = Survey(tuple(_delete(home.store, found.leftovers)), found.kept)
        _note(home, deleted)
    return deleted


def _refuse_while_a_run_is_open(home: Home) -> None:
    if ledger.is_in_use(home):
        raise StoreBusyError(
            expected="no run and no rebuild of this home to be open while its store is collected",
            actual="an open one; nothing was deleted",
            mend="Wait for it to end; what a killed run left open is closed by `gptmodel status`.",
        )


def survey_home(home: Home, keep_versions: int | None) -> Survey:
    """Tell what nothing needs and what stays; deletes nothing."""
    uri = stack.registry_address(home)
    registered = read_registered(uri)
    versions = list_versions(home.store)
    gone = [one for one in versions if _is_gone(uri, one, registered)]
    living = [one for one in versions if one not in gone]
    open_requests = [request for request in read_requests(home.erasures_dir) if request.is_open]
    claims = Claims(
        gone={one.fingerprint: f"{one.name} version {one.version}" for one in gone},
        named={tags[tag] for tags in registered.tags.values() for tag in (CORPUS_TAG, SPLIT_TAG) if tag in tags},
        bare=bare_of(living, registered, keep_versions),
        requests=input_digests_of(open_requests),
    )
    found = survey(home.store, claims, time.time())
    others = leftovers_of(home, found, registered, {(one.name, one.version) for one in gone})
    leftovers = sorted([*found.leftovers, *others], key=lambda one: (-one.num_bytes, one.path))
    return Survey(tuple(leftovers), (*found.kept, *kept_of(home)))


def bare_of(versions: Sequence[Version], registered: Registered, keep_versions: int | None) -> set[str]:
    """Give the `register` outputs of versions without an alias that are not among the newest so many of their model.

    A version that stands in this registry under no such name and number, or is another there, has its alias elsewhere.
    """
    if keep_versions is None:
        return set()
    here = [one for one in versions if _is_here(one, registered)]
    aliased = _bundles(registered, registered.aliases)
    places = {(one.name, one.version) for one in here if one.bundle_digest not in aliased} - registered.aliases
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for name, number in sorted(places, reverse=True):
        numbers[name].append(number)
    return {one.fingerprint for one in here if one.version in numbers[one.name][keep_versions:]}


def _is_here(version: Version, registered: Registered) -> bool:
    tags = registered.tags.get((version.name, version.version))
    return tags is not None and tags.get(BUNDLE_TAG) in (None, version.bundle_digest)


def _bundles(registered: Registered, places: Collection[tuple[str, int]] | None = None) -> set[str]:
    """Give the digests of the model folders of all versions, or of those with these names and numbers."""
    return {
        tags[BUNDLE_TAG] for place, tags in registered.tags.items()
        if BUNDLE_TAG in tags and (places is None or place in places)
    }  # fmt: skip


def _is_gone(uri: str, version: Version, registered: Registered) -> bool:
    """Tell whether a version was deleted from the registry it was registered in.

    Another registry does not hold it either; it is told by its not knowing the run. One that hides what a user may not
    see refuses the question for the version itself. A model that was renamed, or a version that was copied to another
    model, is told by the digest of the model folder.
    """
    if version.bundle_digest and version.bundle_digest in _bundles(registered):
        return False
    tags = registered.tags.get((version.name, version.version))
    if tags is None and (found := find_version(uri, version.name, version.version)):
        tags = found.tags
    if tags is not None and tags.get(BUNDLE_TAG) in (None, version.bundle_digest):
        return False
    return bool(version.mlflow_run_id) and knows_run(uri, version.mlflow_run_id)


def _delete(store: Store, leftovers: Iterable[Leftover]) -> Iterator[Leftover]:
    """Delete leftovers, and give those that are gone; what a process took up meanwhile, or can't be deleted, stays."""
    for one in leftovers:
        try:
            if one.what == TEXT:
                store.collect(one.stage, one.fingerprint)
            elif one.what in _IN_STORE:
                store.discard(one.path)
            elif one.what == LOG:
                cut_log(one.path)
            elif one.path.is_dir():
                shutil.rmtree(one.path)
            else:
                one.path.unlink(missing_ok=True)
        except (StoreBusyError, OSError):
            continue
        yield one


def cut_log(log: Path) -> None:
    """Keep the end of a log; the server that writes it appends, so that it goes on after what stays."""
    with log.open("r+b") as file:
        file.seek(-LEFT_LOG_BYTES, 2)
        end = file.read().partition(b"\n")[2]
        file.truncate(0)
    with log.open("ab") as file:
        file.write(end)


def _note(home: Home, found: Survey) -> None:
    if found.leftovers:
        counts = Counter(one.what for one in found.leftovers)
        home.events.append(
            "collected", "the store", reason="no version, run or open request needed it",
            facts={"num_bytes": found.num_bytes, **{what: counts[what] for what in sorted(counts)}},
        )  # fmt: skip


def _record(found: Survey, dry_run: bool) -> dict[str, Any]:
    return {
        "items": [
            {"what": one.what, "stage": one.stage, "fingerprint": one.fingerprint, "num_bytes": one.num_bytes,
             "reason": one.reason, "path": str(one.path)}
            for one in found.leftovers
        ],
        "num_bytes": found.num_bytes,
        "kept": [{"what": one.what, "num_bytes": one.num_bytes, "because": one.because} for one in found.kept],
        "dry_run": dry_run,
    }  # fmt: skip


def _lines(found: Survey, dry_run: bool) -> Iterator[str]:
    for one in found.leftovers[:_MOST_LINES]:
        name = f"{one.stage} {one.fingerprint[:12]}" if one.stage else one.path.name
        yield f"{_size(one.num_bytes)}  {one.what:<20} {name:<28} {one.reason}"
    if rest := found.leftovers[_MOST_LINES:]:
        yield f"{_size(sum(one.num_bytes for one in rest))}  {len(rest):,} more (--json lists them all)"
    for kept in found.kept:
        yield f"{_size(kept.num_bytes)}  stays: {kept.what}: {kept.because}"
    yield summary(found, dry_run)


def summary(found: Survey, dry_run: bool) -> str:
    """Say in a sentence what went, or would go."""
    count = len(found.leftovers)
    if not count:
        return "Nothing to delete: everything here is needed."
    things = f"{count:,} thing{'s' * (count > 1)}, {found.num_bytes / 1e6:,.1f} MB"
    return f"{things} would go; delete them: gptmodel gc" if dry_run else f"{things} deleted."


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:>10,.2f} MB"


def collect_after_run(home: Home, keep_versions: int | None) -> str:
    """Do as `gptmodel gc` after a run, and say in a line what came of it; whatever goes wrong is told, never raised."""
    try:
        return summary(delete_leftovers(home, keep_versions), dry_run=False)
    except GPTModelError as error:
        return f"nothing deleted: {error.actual}. {error.mend}"
    except Exception as error:
        return f"not finished: {unexpected(error).actual}. To go on: gptmodel gc"
