"""What a site adds to the built-in finders: finders of its own, and values that are never replaced."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.kinds import KINDS, placeholder
from gptmodel.corpus.scrubbing.resolve import resolve

Span = tuple[int, int]


class Finder(Protocol):
    """A finder of the site's own; made of plain values, so that another process can be handed it."""

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds that it may yield."""

    def find(self, passage: Passage) -> Iterable[Finding]:
        """Find values in a text."""


@dataclass(frozen=True)
class Site:
    """What a site adds.

    Attributes:
        finders: Its finders. They are always at work, and never on a placeholder.
        is_allowed: Whether a value, of a kind, is one that is never replaced; None if there is no such value.
        digests: Digests of all that it is made of, by name; empty if it adds nothing.
    """

    finders: tuple[Finder, ...] = ()
    is_allowed: Callable[[str, str], bool] | None = None
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds that its finders may yield."""
        return frozenset(kind for finder in self.finders for kind in finder.kinds)

    @cached_property
    def _placeholders(self) -> re.Pattern[str]:
        return re.compile("|".join(re.escape(placeholder(kind)) for kind in sorted({*KINDS, *self.kinds})))

    def find(self, text: str, passage: Passage) -> Iterator[Finding]:
        """Give what the site's finders find, but for what holds a placeholder or a part of one."""
        if not self.finders:
            return
        marks = _Spans([match.span() for match in self._placeholders.finditer(text)])
        for finder in self.finders:
            yield from (one for one in finder.find(passage) if marks.touching(one.start, one.end) is None)

    def without_allowed(self, text: str, found: Sequence[Finding]) -> tuple[Sequence[Finding], list[Span]]:
        """Leave out allowed values, and whatever else was found within one; give their places too."""
        if self.is_allowed is None:
            return found, []
        joined = resolve(one for one in found if self.is_allowed(one.kind, text[one.start : one.end]))
        allowed = _Spans([(one.start, one.end) for one in joined])
        return [one for one in found if not allowed.hold(one)], allowed.spans


NO_SITE = Site()


def num_left_standing(allowed: Sequence[Span], findings: Sequence[Finding]) -> int:
    """Count the allowed values that no larger finding takes along.

    Args:
        allowed: Their places.
        findings: What is replaced, sorted and without overlaps.
    """
    replaced = _Spans([(one.start, one.end) for one in findings])
    return sum(replaced.touching(start, end) is None for start, end in allowed)


class _Spans:
    """Sorted stretches without overlaps."""

    def __init__(self, spans: list[Span]) -> None:
        self.spans, self._ends = spans, [end for _, end in spans]

    def touching(self, start: int, end: int) -> Span | None:
        """Give the first that shares a character with another stretch."""
        at = bisect_right(self._ends, start)
        return self.spans[at] if at < len(self.spans) and self.spans[at][0] < end else None

    def hold(self, one: Finding) -> bool:
        """Tell whether one of them holds a finding wholly."""
        span = self.touching(one.start, one.end)
        return span is not None and span[0] <= one.start and one.end <= span[1]
