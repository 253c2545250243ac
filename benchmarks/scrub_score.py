"""Score found spans against gold ones: precision, recall and F1 by kind, and what a reader could still see.

A gold record is a JSON object with `text`, `spans` ({"start", "end", "type", "optional"?, "alts"?}) and `kind` (`neg`:
holds nothing). A prediction is right if its kind is the gold's and both share at least half of the characters they
cover together (intersection over union); one prediction counts for one gold span, best overlap first. Optional gold
spans and kinds that are not scored count neither way.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KINDS = (
    "EMAIL", "PHONE", "IP_ADDRESS", "CREDIT_CARD", "IBAN", "US_SSN", "CN_ID", "CN_PHONE", "URL_WITH_CREDENTIALS",
    "SECRET", "CRYPTO",
)  # fmt: skip
NAMED_KINDS = ("PERSON", "ADDRESS")
LEAST_OVERLAP = 0.5
# A Chinese mobile number is a telephone number: either name is right.
_SAME = {"CN_PHONE": "PHONE"}

Span = Mapping[str, Any]


@dataclass
class Tally:
    """Counts over all records, by the gold's kind (`right`, `missed`) or the prediction's (`alarms`)."""

    right: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    alarms: Counter[str] = field(default_factory=Counter)
    num_characters: int = 0
    num_leaked: int = 0
    num_clean: int = 0
    num_clean_touched: int = 0


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read JSON lines, plain or with gzip."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def score(records: Sequence[Span], found: Sequence[Sequence[Span]], kinds: Iterable[str] = KINDS) -> dict[str, Any]:
    """Score predictions, one list of spans a record.

    Returns:
        Micro and macro figures, leaked characters and clean records touched as ratios, and the figures by kind.
    """
    wanted, tally = tuple(kinds), Tally()
    for record, spans in zip(records, found, strict=True):
        _add(tally, record, [span for span in spans if span["type"] in wanted], wanted)
    by_kind = {kind: _figures(*_counts(tally, kind)) for kind in wanted if any(_counts(tally, kind))}
    in_gold = [by_kind[kind]["f1"] for kind in by_kind if by_kind[kind]["num_gold"]]
    micro = _figures(tally.right.total(), tally.missed.total(), tally.alarms.total())
    return micro | {
        "macro_f1": round(sum(in_gold) / max(len(in_gold), 1), 4),
        "leaked_character_ratio": round(tally.num_leaked / max(tally.num_characters, 1), 4),
        "clean_touched_ratio": round(tally.num_clean_touched / max(tally.num_clean, 1), 4),
        "by_kind": by_kind,
    }


def _add(tally: Tally, record: Span, found: Sequence[Span], wanted: Sequence[str]) -> None:
    required = [span for span in record["spans"] if span["type"] in wanted and not span.get("optional")]
    tolerated = [span for span in record["spans"] if span not in required]
    matched = _match(required, found)
    for index, gold in enumerate(required):
        (tally.right if index in matched else tally.missed)[gold["type"]] += 1
        tally.num_characters += gold["end"] - gold["start"]
        tally.num_leaked += _uncovered(gold, found)
    for index, span in enumerate(found):
        if index not in matched.values() and not _is_excused(span, required, tolerated, matched):
            tally.alarms[span["type"]] += 1
    if record["kind"] == "neg" and not record["spans"]:
        tally.num_clean += 1
        tally.num_clean_touched += bool(found)


def _match(required: Sequence[Span], found: Sequence[Span]) -> dict[int, int]:
    """Pair gold spans with predictions, best overlap first: index of the gold -> index of the prediction."""
    pairs = sorted(
        ((overlap, g, f) for g, gold in enumerate(required) for f, span in enumerate(found)
         if (overlap := _overlap(gold, span)) >= LEAST_OVERLAP), reverse=True,
    )  # fmt: skip
    matched: dict[int, int] = {}
    for _, g, f in pairs:
        if g not in matched and f not in matched.values():
            matched[g] = f
    return matched


def _overlap(gold: Span, span: Span) -> float:
    """Give the best intersection over union with a gold span or what stands for it, kinds agreeing."""
    return max(
        (_shared(one, span) / (max(one["end"], span["end"]) - min(one["start"], span["start"]))
         for one in (gold, *gold.get("alts", ())) if _same_kind(one, span)), default=0.0,
    )  # fmt: skip


def _is_excused(span: Span, required: Sequence[Span], tolerated: Sequence[Span], matched: Mapping[int, int]) -> bool:
    """Tell whether a prediction without a gold span of its own is no alarm: a part of something found or tolerated."""
    if any(_shared(one, span) for one in tolerated):
        return True
    parts = [one for index in matched for one in (required[index], *required[index].get("alts", ()))]
    if any(_shared(one, span) and _same_kind(one, span) for one in parts):
        return True
    urls = [gold for gold in required if gold["type"] == "URL_WITH_CREDENTIALS"]
    return any(gold["start"] <= span["start"] and span["end"] <= gold["end"] for gold in urls)


def _uncovered(gold: Span, found: Sequence[Span]) -> int:
    covered: set[int] = set()
    for span in found:
        covered.update(range(max(span["start"], gold["start"]), min(span["end"], gold["end"])))
    return int(gold["end"] - gold["start"]) - len(covered)


def _shared(one: Span, other: Span) -> int:
    return max(0, min(one["end"], other["end"]) - max(one["start"], other["start"]))


def _same_kind(one: Span, other: Span) -> bool:
    return bool(_SAME.get(one["type"], one["type"]) == _SAME.get(other["type"], other["type"]))


def _counts(tally: Tally, kind: str) -> tuple[int, int, int]:
    return tally.right[kind], tally.missed[kind], tally.alarms[kind]


def _figures(right: int, missed: int, alarms: int) -> dict[str, Any]:
    return {
        "num_gold": right + missed,
        "precision": round(right / max(right + alarms, 1), 4),
        "recall": round(right / max(right + missed, 1), 4),
        "f1": round(2 * right / max(2 * right + missed + alarms, 1), 4),
    }
