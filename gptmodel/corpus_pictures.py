"""The pictures of the corpus report: languages, and lengths by split and by language, as inline SVG.

Drawn from counts alone; the same counts give the same bytes.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gptmodel.corpus.distribution import Distribution, bin_start
from gptmodel.corpus.language import UNKNOWN
from gptmodel.corpus.split_table import SPLITS, Split
from gptmodel.page import FIRST, INK, SECOND, THIRD, new_figure, number_text, quiet_axes, svg_of

MOST_LANGUAGES = 14
_WIDTH = 5.0
_ROW_HEIGHT = 0.24
_COLOURS = dict(zip(SPLITS, (FIRST, SECOND, THIRD), strict=True))


def languages_svg(distribution: Distribution) -> str:
    """Draw the documents of each language, by split; empty if there are none."""
    shown, rest = _shown_languages(distribution)
    if not shown:
        return ""
    groups = {lang: [lang] for lang in shown} | ({f"{len(rest)} others": rest} if rest else {})
    rows = {
        name: {split: sum(distribution.languages[split, lang] for lang in langs) for split in SPLITS}
        for name, langs in groups.items()
    }
    figure = new_figure(_WIDTH, 0.9 + _ROW_HEIGHT * len(rows))
    axes = figure.subplots()
    _stack(axes, rows)
    _name_rows(axes, [_name_of(lang) for lang in rows])
    axes.set_xlabel("documents", color=INK)
    quiet_axes(axes)
    figure.legend(loc="outside upper right", ncols=len(SPLITS), frameon=False, labelcolor=INK)
    return svg_of(figure)


def lengths_svg(distribution: Distribution) -> str:
    """Draw how long the documents of each split are, as shares of the split; empty if there are none."""
    counts = {split: distribution.lengths_of(split=split) for split in SPLITS}
    if not any(counts.values()):
        return ""
    figure = new_figure(_WIDTH, 2.7)
    axes = figure.subplots()
    low, high = _range(counts)
    edges = [bin_start(place) for place in range(low, high + 2)]
    for split, bins in counts.items():
        if bins:
            shares = [100 * bins[place] / bins.total() for place in range(low, high + 1)]
            axes.stairs(shares, edges, color=_COLOURS[split], lw=1.6, label=split)
    _log_bytes(axes)
    axes.set_ylabel("% of the split", color=INK)
    axes.set_ylim(bottom=0)
    quiet_axes(axes)
    axes.legend(frameon=False, labelcolor=INK)
    return svg_of(figure)


def lengths_by_language_svg(distribution: Distribution) -> str:
    """Draw how long the documents of each language are: darker where more of them lie; empty if there are none."""
    shown, _ = _shown_languages(distribution)
    if not shown:
        return ""
    counts = {lang: distribution.lengths_of(lang=lang) for lang in shown}
    figure = new_figure(_WIDTH, 0.7 + _ROW_HEIGHT * len(counts))
    axes = figure.subplots()
    for row, bins in enumerate(counts.values()):
        _strip(axes, row, bins)
    _log_bytes(axes)
    _name_rows(axes, [_name_of(lang) for lang in counts])
    quiet_axes(axes)
    return svg_of(figure)


def _shown_languages(distribution: Distribution) -> tuple[list[str], list[str]]:
    """Give the languages with most documents, and the others."""
    counts = distribution.by_language()
    ordered = sorted(counts, key=lambda lang: (-counts[lang], lang))
    most = MOST_LANGUAGES if len(ordered) <= MOST_LANGUAGES else MOST_LANGUAGES - 1
    return ordered[:most], ordered[most:]


def _name_of(lang: str) -> str:
    return "not told" if lang == UNKNOWN else lang.replace("$", r"\$")  # else matplotlib takes it for mathematics


def _stack(axes: Any, rows: Mapping[str, Mapping[Split, int]]) -> None:
    totals = [sum(row.values()) for row in rows.values()]
    start = [0] * len(rows)
    for split in SPLITS:
        widths = [row[split] for row in rows.values()]
        axes.barh(range(len(rows)), widths, 0.7, start, color=_COLOURS[split], label=split)
        start = [left + width for left, width in zip(start, widths, strict=True)]
    for place, total in enumerate(totals):
        axes.annotate(number_text(total), (total, place), (4, 0), textcoords="offset points", va="center",
                      color=INK, fontsize=8)  # fmt: skip
    axes.set_xlim(0, 1.15 * max(totals))


def _name_rows(axes: Any, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)  # the first on top


def _strip(axes: Any, row: int, bins: Counter[int]) -> None:
    """Draw one language's histogram as a row of boxes, with a mark at its median."""
    most = max(bins.values())
    for place, number in sorted(bins.items()):
        left, right = bin_start(place), bin_start(place + 1)
        axes.barh(row, right - left, 0.7, left, color=FIRST, alpha=round(0.08 + 0.92 * number / most, 3))
    median = bin_start(_median_bin(bins)) * 2**0.5  # the middle of its bin on this axis
    axes.plot([median, median], [row - 0.42, row + 0.42], color=SECOND, lw=1.6)


def _median_bin(bins: Counter[int]) -> int:
    seen = 0
    for place, number in sorted(bins.items()):
        seen += number
        if 2 * seen >= bins.total():
            return place
    raise ValueError("a language without documents has no median")


def _range(counts: Mapping[Split, Counter[int]]) -> tuple[int, int]:
    places = [place for bins in counts.values() for place in bins]
    return min(places), max(places)


def _log_bytes(axes: Any) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: _bytes(value))
    axes.xaxis.set_minor_formatter(lambda value, _: "")
    axes.set_xlabel("length, bytes of UTF-8", color=INK)


def _bytes(value: float) -> str:
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g} B"
