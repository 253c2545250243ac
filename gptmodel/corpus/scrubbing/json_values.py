"""Scrub what stands in a JSON value beside a document's own text: every text and number, with its name as its label.

A record's `"name": "Ada Bell"` says of the value what `Name: Ada Bell` says in prose, so the finders are shown both.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from dataclasses import replace as changed
from itertools import count
from typing import Any

from gptmodel.corpus.scrubbing.detectors import replace
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.scrubber import Scrubber

_FEWEST_DIGITS = 6  # of a number that may be a value


@dataclass
class JsonScrubbing:
    """One JSON value after scrubbing.

    Attributes:
        value: The value with every finding replaced; a number that was found has become a text.
        findings: Findings by kind.
        num_allowed: Values that the site's allow file left standing.
        left_out_for: Kind for whose sake the record is to be left out; empty if it stays.
    """

    value: Any = None
    findings: Counter[str] = field(default_factory=Counter)
    num_allowed: int = 0
    left_out_for: str = ""


def scrub_json(value: Any, scrubber: Scrubber) -> JsonScrubbing:
    """Scrub the names, texts and numbers of a JSON value.

    Args:
        value: What `json.loads` gives.
        scrubber: What is looked for.
    """
    done = JsonScrubbing()
    done.value = _scrubbed(value, "", scrubber, done)
    return done


def _scrubbed(value: Any, label: str, scrubber: Scrubber, done: JsonScrubbing) -> Any:
    if isinstance(value, dict):
        items = ((_text(key, "", scrubber, done), _scrubbed(item, key, scrubber, done)) for key, item in value.items())
        return _unique(items)
    if isinstance(value, list):
        return [_scrubbed(item, label, scrubber, done) for item in value]
    if isinstance(value, str):
        return _text(value, label, scrubber, done)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10 ** (_FEWEST_DIGITS - 1):
        written = str(value)
        return value if (shown := _text(written, label, scrubber, done)) == written else shown
    return value


def _text(value: str, label: str, scrubber: Scrubber, done: JsonScrubbing) -> str:
    head = f"{label}: " if label else ""
    scrubbed = scrubber.scrub(head + value)
    found = [_moved(one, len(head)) for one in scrubbed.findings if one.end > len(head)]
    done.num_allowed += scrubbed.num_allowed
    done.findings.update(one.kind for one in found)
    done.left_out_for = done.left_out_for or scrubber.replacer.left_out_for(found)
    return replace(value, found, scrubber.replacer)


def _moved(one: Finding, width: int) -> Finding:
    return changed(one, start=max(0, one.start - width), end=one.end - width)


def _unique(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary of items of which scrubbing may have made two names equal; each stays."""
    found: dict[str, Any] = {}
    for key, value in items:
        free = next(name for number in count(1) if (name := key if number == 1 else f"{key} {number}") not in found)
        found[free] = value
    return found
