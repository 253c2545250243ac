"""A corpus with a history of which everything is known: four runs over two folders, planted documents, one erasure.

What must have become of each document is computed here from names, planted duplicates and the documented rules alone
(README, DESIGN of the identity and of the split): no table of ours is read, and no code of ours decides.
"""

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = ("letters", "notes")
"""In order of preference: of two equal documents the earlier source's is kept."""
RATIO = 0.2
"""Share of the ids that hash to test, and of those that hash to validation."""
NUM_RUNS = 4
FORGETTING = 4
"""The run from which on the forgotten documents are left out."""
PERSON, OLD, ASKED = "mina.okafor@example.org", "jan.prins@example.org", "rosa.lindqvist@example.org"
"""Values: of a document that stays, of the first edition of one, of one that is forgotten."""
STRANGER = "nobody.at.all@example.org"

_WORDS = (
    "river stone window letter garden mirror winter silver bridge candle copper engine forest island kitchen market "
    "meadow morning orange painter pocket rabbit saddle summer teacher valley village weather whisper yellow"
).split()


def identity(name: str) -> str:
    """Give a document's id: the first 32 hex digits of sha256(source, path within it, record key), NUL between."""
    source, _, path = name.partition("/")
    return hashlib.sha256("\0".join((source, path, "0")).encode()).hexdigest()[:32]


def hashed_split(name: str) -> str:
    """Give the split that a document's id alone hashes to: by sha256(seed, NUL, id), as a number below one."""
    place = int.from_bytes(hashlib.sha256(f"0\0{identity(name)}".encode()).digest()[:8]) / 2**64
    return "test" if place < RATIO else "validation" if place < 2 * RATIO else "train"


def named(prefix: str, split: str, *, before: str = "", after: str = "") -> str:
    """Find a file's name whose id hashes to a split, and lies before or after another's where that is asked for."""
    for number in range(10_000):
        name = f"{prefix}-{number}.txt"
        own = identity(name)
        if (
            hashed_split(name) == split
            and (not before or own < identity(before))
            and own > (identity(after) if after else "")
        ):
            return name
    raise AssertionError("no such name")


def prose(seed: str, num_words: int = 60) -> str:
    """Give a text that no other is a near duplicate of."""
    words = random.Random(seed).choices(_WORDS, k=num_words)
    return " ".join(words).capitalize() + f", says {seed.partition('/')[2]}.\n"


@dataclass(frozen=True)
class Fate:
    """What must have become of a document.

    Attributes:
        status: As `gptmodel lineage --document` says it.
        split: Its split in the last run that kept it; empty if none did.
        reason: A word of the reason why the last run that met it left it out; empty if it kept or forgot it.
        seen: The versions that saw it, each with the split.
    """

    status: str
    split: str
    reason: str
    seen: frozenset[tuple[int, str]]


@dataclass
class History:
    """The planted documents, by what they are planted for.

    Attributes:
        editions: What a file says from a run on; None removes it.
        cluster: Which planted duplicate a document is of; others stand alone.
        near: Documents that are near duplicates, not exact ones.
        short: Documents too short to stay.
        broken: Files that can't be read.
        forgotten: Documents of the erasure request.
    """

    editions: dict[str, dict[int, str | bytes | None]] = field(default_factory=dict)
    cluster: dict[str, str] = field(default_factory=dict)
    near: set[str] = field(default_factory=set)
    short: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)

    def files(self, run: int) -> dict[str, str | bytes]:
        """Give what lies in the folders at a run."""
        found = {}
        for name, editions in self.editions.items():
            latest = max((number for number in editions if number <= run), default=None)
            if latest is not None and (said := editions[latest]) is not None:
                found[name] = said
        return found

    def write(self, run: int, folder: Path) -> None:
        """Bring the folders into their state at a run; a file that stays is not touched."""
        files = self.files(run)
        for name in self.editions:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            said = files.get(name)
            raw = said.encode() if isinstance(said, str) else said
            if raw is None:
                path.unlink(missing_ok=True)
            elif not path.exists() or path.read_bytes() != raw:
                path.write_bytes(raw)

    def splits(self, run: int) -> dict[str, str]:
        """Give the documents that a run keeps, each with its split: a cluster's is the one nearest to test."""
        clusters: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.read(run):
            if name not in self.short:
                clusters[self.cluster.get(name, name)].append(name)
        kept = {}
        for names in clusters.values():
            hashes = {hashed_split(name) for name in names}
            first = min(names, key=lambda name: (SOURCES.index(name.partition("/")[0]), identity(name)))
            kept[first] = next(split for split in ("test", "validation", "train") if split in hashes)
        return kept

    def read(self, run: int) -> list[str]:
        """Give the documents that a run reads: neither broken nor forgotten by then."""
        gone = self.forgotten if run >= FORGETTING else set()
        return [name for name in self.files(run) if name not in self.broken | gone]

    def fate(self, name: str) -> Fate:
        """Give what must have become of a document by the end."""
        runs = [run for run in range(1, NUM_RUNS + 1) if name in self.files(run)]
        seen = {run: splits[name] for run in runs if name in (splits := self.splits(run))}
        reason = "" if seen.get(runs[-1]) else self._reason(name, runs[-1])
        return Fate(
            self._status(name, set(seen.values())), seen[max(seen)] if seen else "", reason, frozenset(seen.items())
        )

    def _status(self, name: str, splits: set[str]) -> str:
        if splits:
            return "trained" if "train" in splits else "held out"
        if name in self.broken:
            return "quarantined"
        return "forgotten" if name in self.forgotten else "dropped"

    def _reason(self, name: str, last: int) -> str:
        if name in self.broken or (name in self.forgotten and last >= FORGETTING):
            return ""
        return "short" if name in self.short else "near" if name in self.near else "exact"


def planted() -> tuple[History, dict[str, str]]:
    """Give the history, and the names of the planted documents by what they are for."""
    history = History()
    for number in range(28):
        name = f"letters/{number:02}.txt"
        history.editions[name] = {1: prose(name)}
    by_role: dict[str, str] = {}
    for role, name, editions in _plan(history):
        history.editions[name], by_role[role] = editions, name
    return history, by_role


def _plan(history: History) -> Iterator[tuple[str, str, dict[int, str | bytes | None]]]:
    """Give each planted document: what it is for, its name, and what it says from which run on."""
    first = named("letters/twin", "train")
    second = named("notes/twin", "train", before=first)  # its id is the smaller one, its source the later one
    near = named("letters/near", "train")
    nearly = named("letters/nearly", "train", after=near)
    mover = named("letters/mover", "train")
    pusher = named("letters/pusher", "test", after=mover)
    older = named("letters/older", "train")
    younger = named("letters/younger", "train", before=older)
    asked = named("letters/asked", "train")
    copy = named("notes/asked", "train")
    for name, cluster in ((first, "twin"), (second, "twin"), (near, "near"), (nearly, "near"), (mover, "mover"),
                          (pusher, "mover"), (older, "older"), (younger, "older"), (asked, "asked"),
                          (copy, "asked")):  # fmt: skip
        history.cluster[name] = cluster
    history.near |= {near, nearly}
    history.forgotten |= {asked, copy}
    twin, moved, aged, long = (
        prose("letters/twin"),
        prose("letters/mover"),
        prose("letters/older"),
        prose("letters/near", 300),
    )
    told = prose("letters/asked") + f"Write to {ASKED}.\n"
    yield "twin", first, {1: twin}
    yield "twin of a later source", second, {1: twin}
    yield "near", near, {1: long}
    yield "nearly the same", nearly, {1: long.replace(" garden ", " orchard ", 1)}
    yield "moves to test", mover, {1: moved}
    yield "moves it", pusher, {2: moved}
    yield "loses its place", older, {1: aged}
    yield "takes its place", younger, {3: aged}
    yield "asked for", asked, {1: told}
    yield "its copy", copy, {1: told}
    yield "added", named("letters/added", "train"), {2: prose("letters/added")}
    yield "removed", named("letters/removed", "train"), {1: prose("letters/removed"), 3: None}
    yield "removed from test", named("notes/tested", "test"), {1: prose("notes/tested"), 3: None}
    yield "watched", named("notes/watched", "validation"), {1: prose("notes/watched")}
    yield "person", named("letters/person", "train"), {1: prose("letters/person") + f"Write to {PERSON}.\n"}
    yield "edited", named("notes/edited", "train"), {
        1: prose("notes/edited") + f"Write to {OLD}.\n", 2: prose("notes/edited again")
    }  # fmt: skip
    short, broken = named("letters/short", "train"), named("letters/broken", "train")
    history.short.add(short)
    history.broken.add(broken)
    yield "short", short, {1: "Two words.\n"}
    yield "broken", broken, {1: bytes(range(256)) * 8}
