"""Search again where a replacement changed the surroundings, until the replaced text holds no further finding.

A value may stand alone only once its neighbour is gone, and what is left of two may join where the stand-in is empty.
What shows is taken back into the text itself, and the stand-ins it touches with it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.replacing.replacement import Replacer
from gptmodel.corpus.scrubbing.resolve import resolve

Scan = Callable[[str], list[Finding]]

# A stretch this long on both sides of a stand-in (characters) holds every value that it can bring to light, and what
# lies at the stretch's edge has not enough surroundings to be judged.
_REACH = 800
_EDGE = 300
# Blocks that reach farther: a text that holds one of these is searched as a whole.
_FAR = ("PRIVATE KEY", "PuTTY-User-Key-File")
_PATIENCE = 16  # rounds


def settled(text: str, found: list[Finding], scan: Scan, replacer: Replacer, everywhere: bool = False) -> list[Finding]:
    """Give the findings of a text, with those that replacing them would bring to light.

    Args:
        text: The text.
        found: What a scan of it found.
        scan: Finds sensitive data in a text, stand-ins aside.
        replacer: What takes the findings' place.
        everywhere: Search all of the replaced text again, not only around the stand-ins.
    """
    for number in count():
        further = Replaced(text, found, replacer).brought_to_light(scan, everywhere) if found else []
        if not further:
            break
        # Each round takes in more of the text, or joins findings, so there is an end. Where values are nested deeper
        # than anybody writes them, ever more around them is taken in too, so that the end comes soon.
        width = 2 ** (number - _PATIENCE) if number >= _PATIENCE else 0
        found = resolve([*found, *(_widened(one, width, len(text)) for one in further)])
    return found


def _widened(one: Finding, width: int, length: int) -> Finding:
    return replace(one, start=max(0, one.start - width), end=min(length, one.end + width))


class Replaced:
    """A text with its findings replaced, and where each character of it came from.

    Attributes:
        text: The replaced text.
    """

    def __init__(self, text: str, findings: Sequence[Finding], replacer: Replacer) -> None:
        self._findings = findings
        self._starts: list[int] = []  # of the stand-ins, in the replaced text
        self._ends: list[int] = []
        self._shifts = [0]  # how much longer the text itself is, after so many stand-ins
        pieces, done = [], 0
        for one in findings:
            stand_in = replacer.stand_in(one.kind, text[one.start : one.end])
            pieces += [text[done : one.start], stand_in]
            done, start = one.end, one.start - self._shifts[-1]
            self._starts.append(start)
            self._ends.append(start + len(stand_in))
            self._shifts.append(one.end - self._ends[-1])
        self.text = "".join([*pieces, text[done:]])

    def brought_to_light(self, scan: Scan, everywhere: bool = False) -> list[Finding]:
        """Scan around the stand-ins, and give what shows there as findings of the text itself."""
        whole = everywhere or any(mark in self.text for mark in _FAR)
        shown = None if whole else self._around(scan)
        return [self._back(one) for one in (scan(self.text) if shown is None else shown) if not self._is_within(one)]

    def _around(self, scan: Scan) -> list[Finding] | None:
        """Give what the stretches around the stand-ins show; None if one of them cuts something through."""
        shown = []
        for begin, end in self._stretches():
            low = begin + _EDGE if begin else 0
            high = end - _EDGE if end < len(self.text) else end
            for one in scan(self.text[begin:end]):
                moved = replace(one, start=begin + one.start, end=begin + one.end)
                if moved.end <= low or moved.start >= high:
                    continue
                if moved.start < low or moved.end > high:
                    return None
                shown.append(moved)
        return shown

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """Give the stretches of the replaced text that a replacement may have changed the reading of."""
        begin = end = 0
        for start, stop in zip(self._starts, self._ends, strict=True):
            if start - _REACH > end:
                if end:
                    yield begin, end
                begin = start - _REACH
            end = min(len(self.text), stop + _REACH)
        yield begin, end

    def _is_within(self, one: Finding) -> bool:
        """Tell whether a finding lies within one stand-in, so that there is nothing to take in."""
        first = bisect_right(self._ends, one.start)
        return first < len(self._ends) and self._starts[first] <= one.start and one.end <= self._ends[first]

    def _back(self, one: Finding) -> Finding:
        """Give a finding in the replaced text as one in the text itself; a touched stand-in is taken whole."""
        first, past = bisect_right(self._ends, one.start), bisect_left(self._starts, one.end)
        start, end = one.start + self._shifts[first], one.end + self._shifts[past]
        if first < past:
            start, end = min(start, self._findings[first].start), max(end, self._findings[past - 1].end)
        return replace(one, start=start, end=end)
