"""What of the store nothing needs any more, by size and with the reason; nothing is deleted here.

Needed is: every output that a version in the registry came from, as its digests tell, with all decisions about it; the
outputs that a version's tags name; of each config line (preset, model name, sources) the outputs of each stage that a
run used last, with all that they came from, so that the next run finds them; and, while an erasure request is open,
every output that may hold a document it covers. What an interrupted attempt left stays for some days, since the same
command goes on from it. In doubt a thing is kept.
"""

import os
import tomllib
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from gptmodel.chain import STAGE_NAMES
from gptmodel.store import LAST_USED, MANIFEST, NOTES_DIR, Manifest, Store, is_locked

ATTEMPT_DAYS = 7
"""Days without a change after which nobody goes on from an interrupted attempt."""
OUTPUT, ATTEMPT, REPLACED = "output", "interrupted attempt", "replaced output"
VERSIONS, TAGGED = "versions in the registry came from them", "tags of versions in the registry name them"
REQUESTS, LATEST = "an open erasure request may be about them", "the next run uses them again"
_DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class Claims:
    """What the registry and the home say of the store's outputs.

    Attributes:
        gone: Versions that the registry no longer has, in words, by the fingerprint of their `register` output; every
            other `register` output is taken for that of a version.
        named: Fingerprints that tags of versions in the registry name.
        requests: The digests of the open erasure requests, by the name under which ingest reads them.
    """

    gone: Mapping[str, str] = field(default_factory=dict)
    named: Collection[str] = ()
    requests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Leftover:
    """One file or folder that nothing needs.

    Attributes:
        what: What it is, as `output` or `interrupted attempt`.
        path: Where it is.
        num_bytes: Disk space that goes free once all leftovers are deleted; a file that several of them share counts
            with the first.
        reason: Why nothing needs it.
        stage: Its stage, for what lies in the store.
        fingerprint: Its address within the stage, for what lies in the store.
    """

    what: str
    path: Path
    num_bytes: int
    reason: str
    stage: str = ""
    fingerprint: str = ""


@dataclass(frozen=True)
class Kept:
    """Things that stay, for one reason.

    Attributes:
        what: What they are, with their number.
        num_bytes: Their size; a file that several reasons keep counts with the first.
        because: Who needs them.
    """

    what: str
    num_bytes: int
    because: str


@dataclass(frozen=True)
class Survey:
    """What can go, largest first, and what stays."""

    leftovers: tuple[Leftover, ...] = ()
    kept: tuple[Kept, ...] = ()

    @property
    def num_bytes(self) -> int:
        """Disk space that goes free with the leftovers."""
        return sum(leftover.num_bytes for leftover in self.leftovers)


def survey(store: Store, claims: Claims, now: float) -> Survey:
    """Tell what of a store nothing needs.

    Args:
        store: The home's store.
        claims: Who needs what.
        now: Seconds since the epoch, for the age of interrupted attempts.
    """
    graph = _Graph(store)
    needed = _needed(graph, claims)
    unneeded = [one for one in graph.outputs if one.folder not in needed]
    reasons = {one.folder: (OUTPUT, words) for one, words in _told(graph, unneeded, claims)}
    staying = dict(needed)
    for path in _attempts(store):
        words, goes = _attempt(path, graph, needed, now)
        if goes:
            reasons[path] = (REPLACED if path.suffix == ".old" else ATTEMPT, words)
        else:
            staying[path] = words
    freed = _freed(reasons)
    leftovers = [
        Leftover(what, path, freed[path], words, path.parent.name.replace("-", " "), path.stem)
        for path, (what, words) in reasons.items()
    ]
    return Survey(tuple(sorted(leftovers, key=lambda one: (-one.num_bytes, one.path))), tuple(_kept(staying)))


@dataclass(frozen=True)
class _Made:
    """A committed output."""

    manifest: Manifest
    folder: Path
    used: float


class _Graph:
    """All committed outputs of a store, and which came from which, by digest."""

    def __init__(self, store: Store) -> None:
        self.outputs = [
            _Made(manifest, folder, _last_used(folder))
            for stage in STAGE_NAMES for manifest in store.manifests(stage)
            for folder in [store.folder(stage, manifest.fingerprint)]
        ]  # fmt: skip
        self.by_digest: defaultdict[tuple[str, str], list[_Made]] = defaultdict(list)
        for one in self.outputs:
            self.by_digest[one.manifest.stage, one.manifest.digest].append(one)

    def ancestry(self, starts: Iterable[_Made]) -> dict[Path, _Made]:
        """Give outputs with everything they came from; of equal outputs all, for nobody can tell which it was."""
        found: dict[Path, _Made] = {}
        todo = deque(starts)
        while todo:
            one = todo.popleft()
            if one.folder not in found:
                found[one.folder] = one
                todo.extend(made for inner in one.manifest.inputs.items() for made in self.by_digest.get(inner, ()))
        return found

    def without(self, requests: Mapping[str, str]) -> set[tuple[str, str]]:
        """Give the (stage, digest) of what came, as far as it is known, only from ingests that read all requests."""
        free: set[tuple[str, str]] = set()
        for stage in STAGE_NAMES:
            for address, made in self.by_digest.items():
                if address[0] == stage and all(_is_free(one.manifest, requests, free) for one in made):
                    free.add(address)
        return free


def _is_free(manifest: Manifest, requests: Mapping[str, str], free: Collection[tuple[str, str]]) -> bool:
    if manifest.stage == "ingest":
        return all(manifest.inputs.get(name) == digest for name, digest in requests.items())
    return all(inner in free for inner in manifest.inputs.items() if inner[0] in STAGE_NAMES)


def _needed(graph: _Graph, claims: Claims) -> dict[Path, str]:
    """Give the folders of the outputs that are needed, each with the first reason that keeps it."""
    registered = [
        one for one in graph.outputs if one.manifest.stage == "register" and one.manifest.fingerprint not in claims.gone
    ]
    digests = {one.manifest.digest for one in registered}
    decided = [one for one in graph.outputs if one.manifest.inputs.get("register") in digests]
    tagged = [one for one in graph.outputs if one.manifest.fingerprint in claims.named]
    free = graph.without(claims.requests)
    asked = [one for one in graph.outputs if (one.manifest.stage, one.manifest.digest) not in free]
    needed: dict[Path, str] = {}
    for because, starts in (
        (VERSIONS, [*registered, *decided]), (TAGGED, tagged), (REQUESTS, asked if claims.requests else []),
        (LATEST, _latest(graph)),
    ):  # fmt: skip
        for folder in graph.ancestry(starts):
            needed.setdefault(folder, because)
    return needed


def _latest(graph: _Graph) -> list[_Made]:
    """Give the outputs of each stage and config line that were used last."""
    latest: dict[tuple[str, str], _Made] = {}
    for one in graph.outputs:
        place = one.manifest.stage, _line(one.folder)
        if place not in latest or one.used > latest[place].used:
            latest[place] = one
    return list(latest.values())


def _last_used(folder: Path) -> float:
    """Give when an output was made, or last found by a run, in seconds since the epoch."""
    times = [0.0]
    for path in (folder / MANIFEST, folder / NOTES_DIR / LAST_USED):
        if path.exists():
            times.append(path.stat().st_mtime)
    return max(times)


def _line(folder: Path) -> str:
    """Name what stays the same when a model is made again and again: preset, model name, sources."""
    try:
        return _line_of((folder / NOTES_DIR / "config.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""


@lru_cache(maxsize=256)
def _line_of(config: str) -> str:
    data = tomllib.loads(config)
    sources = sorted(str(source.get("name")) for source in data.get("corpus", {}).get("sources", ()))
    return repr((data.get("preset"), data.get("registry", {}).get("name"), sources))


def _told(graph: _Graph, unneeded: Iterable[_Made], claims: Claims) -> Iterator[tuple[_Made, str]]:
    """Give each output that nothing needs with the reason."""
    of_version: defaultdict[Path, list[str]] = defaultdict(list)
    for one in graph.outputs:
        if one.manifest.stage == "register" and one.manifest.fingerprint in claims.gone:
            for folder in graph.ancestry([one]):
                of_version[folder].append(claims.gone[one.manifest.fingerprint])
    for one in unneeded:
        if names := sorted(set(of_version[one.folder])):
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            yield one, f"made for {names[0]}{more}, no longer in the registry"
        else:
            yield one, "no version came from it, and a later run made another"


def _attempts(store: Store) -> list[Path]:
    return sorted(path for end in ("partial", "old") for path in store.root.glob(f"*/[0-9a-f]*.{end}"))


def _attempt(path: Path, graph: _Graph, needed: Collection[Path], now: float) -> tuple[str, bool]:
    """Say of a folder that is no committed output why it stays or goes."""
    if is_locked(path.with_suffix(".lock")):
        return "a process works on them", False
    if path.suffix == ".old":
        is_needed = _is_last_of_its_kind(path, graph, needed)
        return ("nothing took their place yet", False) if is_needed else ("its place was taken, or it was let go", True)
    if path.with_suffix("").exists():
        return "its output is finished", True
    if path.with_suffix(".old").exists():  # the process died between the two renames of a commit
        return "nothing took their place yet", False
    changed = max((file.stat().st_mtime for file in _files(path)), default=path.stat().st_mtime)
    if now - changed > ATTEMPT_DAYS * _DAY_SECONDS:
        return f"nobody went on from it for {ATTEMPT_DAYS} days", True
    return "the same command goes on from them", False


def _is_last_of_its_kind(path: Path, graph: _Graph, needed: Collection[Path]) -> bool:
    """Tell whether a replaced output is one that needed outputs came from, and its successor is not there."""
    try:
        manifest = Manifest.model_validate_json((path / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    address = manifest.stage, manifest.digest
    wanted = {inner for one in graph.outputs if one.folder in needed for inner in one.manifest.inputs.items()}
    return address not in graph.by_digest and (address in wanted or manifest.stage == "register")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _entries(folder: Path) -> Iterator[tuple[tuple[int, int], int, int]]:
    """Give identity, size and number of links of each file in a folder."""
    for name, _, names in os.walk(folder):
        for file in names:
            status = os.lstat(os.path.join(name, file))
            yield (status.st_dev, status.st_ino), status.st_size, status.st_nlink


def folder_bytes(folder: Path) -> int:
    """Give the size of what lies in a folder, a file with several names once; 0 if there is no such folder."""
    return sum({file: size for file, size, _ in _entries(folder)}.values())


def _freed(folders: Iterable[Path]) -> dict[Path, int]:
    """Give what the deletion of folders frees, each; shards that an output that stays shares with them free nothing."""
    files = {folder: list(_entries(folder)) for folder in folders}
    met = Counter(file for entries in files.values() for file, _, _ in entries)
    counted: set[tuple[int, int]] = set()
    freed = {}
    for folder, entries in files.items():
        mine = {file: size for file, size, links in entries if met[file] >= links and file not in counted}
        counted |= mine.keys()
        freed[folder] = sum(mine.values())
    return freed


def _kept(staying: Mapping[Path, str]) -> Iterator[Kept]:
    counted: set[tuple[int, int]] = set()
    groups: defaultdict[str, list[Path]] = defaultdict(list)
    for path, because in staying.items():
        groups[because].append(path)
    for because, paths in groups.items():
        sizes = {file: size for path in paths for file, size, _ in _entries(path) if file not in counted}
        counted |= sizes.keys()
        kind = OUTPUT if "." not in paths[0].name else ATTEMPT
        yield Kept(f"{len(paths):,} {kind}{'s' * (len(paths) > 1)}", sum(sizes.values()), because)
