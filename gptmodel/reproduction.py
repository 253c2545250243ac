"""Compare what a version was made of with what came out when it was rebuilt: stage by stage, file and figure.

Two outputs are bit-equal if their digests are; they have equal metrics if files differ in bytes and no figure of the
account does; else they diverged, and the first file and the first figure that differ are told. Pure: manifests and
listings in, verdicts out. Called by flows.reproduce.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gptmodel.provenance import Provenance
from gptmodel.store import Manifest

Verdict = Literal["bit-equal", "equal metrics", "diverged"]
TOLERANCE = 0.001
"""Relative difference up to which two fractional figures count as equal, unless a caller gives another."""

_MOST_NAMED = 5
_DIGEST = re.compile("[0-9a-f]{32,64}")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Difference(_Record):
    """The first thing of its kind that differs."""

    name: str
    """The file, or the figure by its dotted path."""
    expected: str | int | float | bool | None
    """What the version has; for a file its digest; None if it has none."""
    actual: str | int | float | bool | None
    """What came out."""

    @property
    def words(self) -> str:
        """The difference in a few words."""
        return f"{self.name} {_shown(self.expected)} -> {_shown(self.actual)}"


class StageVerdict(_Record):
    """How a rebuilt stage compares with the one that the version came from."""

    name: str
    """Name of the stage."""
    verdict: Verdict
    """How it came out."""
    expected: str
    """Digest of what the version came from."""
    actual: str
    """Digest of what came out."""
    file: Difference | None = None
    """The first file that differs, by name; None if none does."""
    figure: Difference | None = None
    """The first figure that differs by more than is tolerated; None if none does."""
    inherited_from: str = ""
    """The first stage before it that came out otherwise, if what it read was not what the version's stage read."""

    @property
    def words(self) -> str:
        """What differs, in a few words; empty if nothing does."""
        if self.verdict == "bit-equal":
            return ""
        why = f"what it reads diverged (since {self.inherited_from})" if self.inherited_from else ""
        said = [why, *(one.words for one in (self.figure, self.file) if one)]
        return "; ".join(words for words in said if words) or "only sentences of its account differ"


@dataclass(frozen=True)
class Made:
    """What a stage made, as far as two of them are compared.

    Attributes:
        digest: What stands for all of it.
        files: Digest of each file, by name.
        figures: The account.
    """

    digest: str
    files: Mapping[str, str]
    figures: Mapping[str, Any]


def made_of(manifest: Manifest) -> Made:
    """Give what is compared of a committed output; times and what else depends on the machine is left aside."""
    figures = {name: value for name, value in manifest.result.items() if name != "runtime"}
    return Made(manifest.digest, {name: entry.sha256 for name, entry in manifest.files.items()}, figures)


def compare(name: str, expected: Made, actual: Made, tolerance: float = TOLERANCE, since: str = "") -> StageVerdict:
    """Compare what a stage made with what the version came from.

    Args:
        name: The stage.
        expected: What the version came from.
        actual: What came out.
        tolerance: Relative difference up to which fractional figures count as equal, 0 to 1.
        since: First stage whose output, which this one read, came out otherwise; empty if it read the same.
    """
    if expected.digest == actual.digest:
        return StageVerdict(name=name, verdict="bit-equal", expected=expected.digest, actual=actual.digest)
    figure = next(_figures(expected.figures, actual.figures, tolerance), None)
    verdict: Verdict = "diverged" if figure else "equal metrics"
    return StageVerdict(
        name=name, verdict=verdict, expected=expected.digest, actual=actual.digest,
        file=_first_file(expected.files, actual.files), figure=figure, inherited_from=since,
    )  # fmt: skip


def overall(verdicts: Sequence[StageVerdict]) -> Verdict:
    """Give the verdict on a version: that of its worst stage."""
    order: tuple[Verdict, ...] = ("bit-equal", "equal metrics", "diverged")
    return max((one.verdict for one in verdicts), key=order.index, default="bit-equal")


def changed_files(then: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Say which files of the sources are not what they were, a sentence each; many of a source are counted.

    Args:
        then: Digest of each file that the version's ingest read, by source and path.
        now: Digest of each file that is there.
    """
    said: list[str] = []
    for source in sorted({*then, *now}):
        words = list(_changed(then.get(source, {}), now.get(source, {})))
        said += [f"source {source}: {one}" for one in words[:_MOST_NAMED]]
        if words[_MOST_NAMED:]:
            said.append(f"source {source}: {len(words) - _MOST_NAMED} more files differ")
    return said


def other_tools(stages: Mapping[str, Provenance | None], now: Provenance) -> list[str]:
    """Say which of Python, libraries, lock and machine are not those that stages were made with, a sentence each."""
    found: dict[str, list[str]] = {}
    for stage, then in stages.items():
        for words in _tools(then, now) if then else ():
            found.setdefault(words, []).append(stage)
    return [f"{words} ({_named(names, len(stages))})" for words, names in found.items()]


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for path in sorted({*then, *now}):
        if path not in now:
            yield f"{path} is gone (it was {_shown(then[path])})"
        elif path not in then:
            yield f"{path} was not there"
        elif then[path] != now[path]:
            yield f"{path} changed ({_shown(then[path])} -> {_shown(now[path])})"


def _tools(then: Provenance, now: Provenance) -> Iterator[str]:
    names = sorted({*then.libraries, *now.libraries})
    pairs = {"Python": (then.python, now.python), "machine": (then.machine, now.machine)}
    pairs |= {name: (then.libraries.get(name, "none"), now.libraries.get(name, "none")) for name in names}
    pairs["lock of the libraries"] = (then.lock_digest[:12] or "none", now.lock_digest[:12] or "none")
    yield from (f"{name} {before} -> {after}" for name, (before, after) in pairs.items() if before != after)


def _named(names: Sequence[str], num_stages: int) -> str:
    return "every stage" if len(names) == num_stages else ", ".join(names)


def _first_file(expected: Mapping[str, str], actual: Mapping[str, str]) -> Difference | None:
    for name in sorted({*expected, *actual}):
        if expected.get(name) != actual.get(name):
            return Difference(name=name, expected=expected.get(name), actual=actual.get(name))
    return None


def _figures(expected: Any, actual: Any, tolerance: float, path: str = "") -> Iterator[Difference]:
    """Give the figures that differ, in the order of the account."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key in dict.fromkeys([*expected, *actual]):
            yield from _figures(expected.get(key), actual.get(key), tolerance, f"{path}.{key}" if path else str(key))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for number, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _figures(one, other, tolerance, f"{path}.{number}")
    elif not _is_equal(expected, actual, tolerance):
        yield Difference(name=path, expected=_plain(expected), actual=_plain(actual))


def _is_equal(expected: Any, actual: Any, tolerance: float) -> bool:
    if isinstance(expected, str) and isinstance(actual, str) and " " in expected and " " in actual:
        return True  # a sentence about figures, or a sample of text, is no figure
    if isinstance(expected, float) and isinstance(actual, float | int):
        return math.isclose(expected, actual, rel_tol=tolerance)
    return bool(expected == actual)


def _plain(value: Any) -> str | int | float | bool | None:
    """Give a figure for people; text, of which nobody knows what it says, and whole lists are told by their length."""
    if isinstance(value, str) and not _DIGEST.fullmatch(value):
        return f"text of {len(value)} characters"
    if isinstance(value, list | Mapping):
        return f"{len(value)} entries"
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return str(value)[:12] if isinstance(value, str) and _DIGEST.fullmatch(value) else str(value)
