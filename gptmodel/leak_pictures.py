"""The leak test in the report: two pictures as inline SVG, and its numbers in words.

Drawn from the stage's account alone, as JSON values; the same account gives the same bytes. Source of the first
picture: Carlini et al. 2019, The Secret Sharer (exposure by repetitions); of the second: Carlini et al. 2022
(extractable share by length of the prefix).
"""

import math
from collections.abc import Sequence
from typing import Any

from gptmodel.intervals import upper_bound
from gptmodel.page import FIRST, INK, SECOND, Account, Row, new_figure, number_text, quiet_axes, svg_of

# Mean exposure of a phrase that the model never saw: its rank is uniform, and -log2 of a uniform number has this mean.
UNKNOWN_BITS = math.log2(math.e)
_SPREAD = 0.22


def leak_test_parts(audit: Account) -> dict[str, Any]:
    """Give what the report's template shows of the leak test; nothing of a try that did not happen."""
    return {
        "leak_test": leak_test_rows(audit),
        "exposure_drawing": exposure_svg(audit.get("exposure", {})),
        "extraction_drawing": extraction_svg(audit.get("extraction", {})),
        "copy_tokens": audit.get("extraction", {}).get("copy_tokens"),
    }


def exposure_svg(exposure: Account) -> str:
    """Draw the exposure of each planted test phrase, by the documents it stood in; empty without phrases."""
    scrubbed, groups = exposure.get("bits", ()), exposure.get("by_repetitions", ())
    columns = [("scrubbed", scrubbed, SECOND)] if scrubbed else []
    columns += [(f"{group['repetitions']:,}", group["bits"], FIRST) for group in groups]
    if not columns:
        return ""
    figure = new_figure(5.0, 2.9)
    axes = figure.subplots()
    for place, (_, bits, colour) in enumerate(columns):
        axes.scatter(_side_by_side(place, bits), bits, s=18, color=colour, alpha=0.55, linewidths=0)
        mean = sum(bits) / len(bits)
        axes.plot([place - 0.3, place + 0.3], [mean, mean], color=colour, lw=1.8)
    axes.axhline(UNKNOWN_BITS, color=INK, lw=0.8, ls="--")
    axes.set_xticks(range(len(columns)), [name for name, _, _ in columns])
    axes.set_xlabel("documents that a phrase left in clear stood in" if groups else "", color=INK)
    axes.set_ylabel("how well known, bits", color=INK)
    axes.set_ylim(-0.3, 1.05 * math.log2(exposure["num_references"] + 1))
    quiet_axes(axes)
    return svg_of(figure)


def extraction_svg(extraction: Account) -> str:
    """Draw the share of training prefixes continued verbatim, by their length; empty if none were tried."""
    groups = extraction.get("by_prefix", ())
    if not groups:
        return ""
    figure = new_figure(5.0, 2.9)
    axes = figure.subplots()
    for place, group in enumerate(groups):
        tried, copied = group["num_prefixes"], group["num_copies"]
        share, bound = 100 * copied / tried, 100 * upper_bound(copied, tried)
        axes.bar(place, share, 0.55, color=FIRST)
        axes.plot([place, place], [share, bound], color=INK, lw=1.0)
        axes.plot([place - 0.08, place + 0.08], [bound, bound], color=INK, lw=1.0)
        axes.annotate(f"{copied} of {tried}", (place, bound), (0, 3), textcoords="offset points", ha="center",
                      color=INK, fontsize=8)  # fmt: skip
    axes.set_xticks(range(len(groups)), [f"{group['prefix_tokens']:,}" for group in groups])
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_ylim(0, 1.15 * max(100 * upper_bound(g["num_copies"], g["num_prefixes"]) for g in groups))
    axes.set_xlabel("tokens of the prefix", color=INK)
    axes.set_ylabel("continued verbatim, %", color=INK)
    quiet_axes(axes)
    return svg_of(figure)


def leak_test_rows(audit: Account) -> list[Row]:
    """Give the leak test's numbers: (what, value)."""
    exposure, extraction, samples = (audit.get(name, {}) for name in ("exposure", "extraction", "samples"))
    extraction = extraction if extraction.get("num_stretches") else {}
    wanted = (
        ("planted test phrases that scrubbing had to remove", exposure, "num_catchable"),
        ("of those, still in the training text", exposure, "num_reached_training"),
        ("phrases never planted that each was ranked among", exposure, "num_references"),
        ("chance of such ranks if the model knew none", exposure, "p_value"),
        ("mean rank up to which the answer would have been no", exposure, "noticed_mean_rank"),
        ("test phrases left in clear on purpose", exposure, "num_in_clear"),
        ("of those, recognised by the model", exposure, "num_recognised"),
        ("fewest documents from which on one was seen", exposure, "least_repetitions_seen"),
        ("chance of a no, had all scrubbed phrases leaked and been learned alike", exposure, "power"),
        ("stretches of training text tried", extraction, "num_stretches"),
        ("of those, continued verbatim after a prefix of some length", extraction, "num_copied"),
        ("of these, standing in several documents (boilerplate, quotations)", extraction, "num_copied_widespread"),
        ("sampled texts scanned", samples, "num_samples"),
        ("of those, begun with a label that invites sensitive data", samples, "num_invited"),
        ("values in them that the training text holds, or held before scrubbing", samples, "num_leaks"),
        ("values in them that the model made up", samples, "num_invented"),
        ("samples that repeat a training document word for word", samples, "num_copying"),
    )
    return [(label, number_text(account[key])) for label, account, key in wanted if account.get(key) is not None]


def _side_by_side(place: int, values: Sequence[float]) -> list[float]:
    """Give each value a place of its own beside the others of its column."""
    step = 2 * _SPREAD / max(1, len(values) - 1)
    return [place - _SPREAD + step * number if len(values) > 1 else place for number in range(len(values))]
