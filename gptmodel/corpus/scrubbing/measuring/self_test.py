"""The scrubber's test of itself in each run: invented values in natural texts, and how many of them it finds.

The values are drawn from a seed and go through the very scrubber of the run, with its custom finders, lists and models;
look-alikes go with them and must stay. What comes out are counts by kind; neither a value nor a text is kept. The stage
`scrub` calls it, the quality gate judges its numbers.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from gptmodel.config import SelfTestConfig
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.measuring.carriers import LOOK_ALIKES, SORTS, Carried, draw_carried
from gptmodel.corpus.scrubbing.scrubber import Scrubber

_EDGES = " \t\n\"'"


class KindTest(BaseModel):
    """What the test of itself gave for one kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: str
    """The kind."""
    num_values: int
    """Invented values that went through the scrubber; 0 if nobody can invent any of this kind."""
    num_found: int
    """How many of them it replaced, every character, whatever it took them for."""
    recall: float | None
    """Their share; None without values."""
    lower_bound: float | None
    """Lower bound of the recall on such texts (one-sided, 95 %, Clopper and Pearson)."""
    num_decoys: int
    """Look-alikes that must stay."""
    num_decoys_touched: int
    """How many of them it touched all the same."""


def self_test(scrubber: Scrubber, config: SelfTestConfig) -> list[KindTest]:
    """Send invented values of every searched kind through a scrubber.

    Args:
        scrubber: The scrubber of the run.
        config: How many values of each kind, and the seed.

    Returns:
        One row for each searched kind, in the scrubber's order; a kind of the site's own is tried on the examples that
        came with it, and one that has none stands there with 0 values.
    """
    if not config.num_values:
        return []
    return [_test_kind(kind, scrubber, config) for kind in scrubber.kinds]


def recall_by_kind(rows: Sequence[KindTest]) -> dict[str, float]:
    """Give the recall of each kind that was tested."""
    return {row.kind: row.recall for row in rows if row.recall is not None}


def self_test_sentence(account: Sequence[Mapping[str, Any]]) -> str:
    """Give the result in words, with the kind of which the fewest were found; empty where nothing was tried.

    Args:
        account: The rows as they stand in the stage's account.
    """
    tested = [row for row in map(KindTest.model_validate, account) if row.recall is not None]
    if not tested:
        return ""
    least = min(tested, key=lambda row: (row.recall or 0.0, row.kind))
    found, total = (sum(getattr(row, name) for row in tested) for name in ("num_found", "num_values"))
    return (
        f"{found:,} of {total:,} found; the fewest of {least.kind}: {least.num_found:,} of {least.num_values:,}, "
        f"95 % lower bound {100 * (least.lower_bound or 0.0):.0f} %"
    )


def _test_kind(kind: str, scrubber: Scrubber, config: SelfTestConfig) -> KindTest:
    num_values, num_found = _search_values(kind, scrubber, config)
    decoys = _drawn("look-alikes", kind, config)
    return KindTest(
        kind=kind, num_values=num_values, num_found=num_found, recall=num_found / num_values if num_values else None,
        lower_bound=_lower_bound(num_found, num_values), num_decoys=len(decoys),
        num_decoys_touched=sum(_is_touched(one, scrubber.scrub(one.text).findings) for one in decoys),
    )  # fmt: skip


def _search_values(kind: str, scrubber: Scrubber, config: SelfTestConfig) -> tuple[int, int]:
    """Count the values of a kind, and those found; of the site's own kinds there are only its examples."""
    if kind in SORTS:
        values = _drawn("values", kind, config)
        return len(values), sum(_is_covered(one, scrubber.scrub(one.text).findings) for one in values)
    examples = [text for custom in scrubber.config.custom if custom.kind == kind for text in custom.must_match]
    found = [any(one.kind == kind for one in scrubber.scrub(text).findings) for text in examples]
    return len(found), sum(found)


def _drawn(what: str, kind: str, config: SelfTestConfig) -> list[Carried]:
    draw = random.Random(f"self-test|{config.seed}|{kind}|{what}")
    sorts = SORTS if what == "values" else LOOK_ALIKES
    return draw_carried(sorts[kind], config.num_values, draw) if kind in sorts else []


def _is_covered(carried: Carried, findings: Sequence[Finding]) -> bool:
    """Tell whether findings cover the whole value, spaces and quotes at its edges aside."""
    value = carried.text[carried.start : carried.end]
    at = carried.start + len(value) - len(value.lstrip(_EDGES))
    end = carried.start + len(value.rstrip(_EDGES))
    for one in findings:
        if one.start <= at < one.end:
            at = one.end
    return at >= end


def _is_touched(carried: Carried, findings: Sequence[Finding]) -> bool:
    return any(one.start < carried.end and carried.start < one.end for one in findings)


def _lower_bound(num_found: int, num_values: int) -> float | None:
    from gptmodel.intervals import lower_bound

    return lower_bound(num_found, num_values) if num_values else None
