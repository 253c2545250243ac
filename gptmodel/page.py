"""What the HTML reports share: one self-contained page from a template, drawings in its colours, numbers in words.

A page opens anywhere, with no network and no script; the same values give the same bytes. Called by report and
corpus_report.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.store import write_synced

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Account = Mapping[str, Any]
Row = tuple[str, ...]
Bar = tuple[str, str, float]
"""Label, value in words, and its share of the longest bar."""

# Colours of a drawing while it is made; the page's style decides, or else what stands after the comma.
INK, FIRST, SECOND, THIRD = "#010203", "#040506", "#070809", "#0a0b0c"
_STYLED = {
    INK: "var(--muted, #68707c)",
    FIRST: "var(--accent, #2563c9)",
    SECOND: "var(--second, #c2570c)",
    THIRD: "var(--third, #7b3fb5)",
}

_PNG_DPI = 160


def write_page(path: Path, template: str, **values: Any) -> None:
    """Fill a template and write the page, readable by its owner only.

    Args:
        path: The HTML file; its folder is made.
        template: Name of the template, without its ending.
        values: What the template shows; texts in it are escaped.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gptmodel", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    page = environment.get_template(f"{template}.html.j2").render(**values)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_synced(path, page)


def new_figure(width: float, height: float) -> "Figure":
    """Give an empty figure (inches) for `svg_of`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def quiet_axes(axes: Any, ink: str = INK) -> None:
    """Give axes no frame and the page's muted ink, or another."""
    axes.tick_params(colors=ink)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(ink)


def svg_of(figure: "Figure") -> str:
    """Give a figure as an `<svg>` element whose colours follow the page; the same figure gives the same bytes."""
    import matplotlib as mpl

    target = io.StringIO()
    # Text stays text, and ids follow from the content, not from the clock.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "gptmodel", "font.family": "sans-serif"}):
        figure.savefig(target, format="svg", transparent=True, metadata={"Date": None})
    text = target.getvalue()
    text = text[text.index("<svg") :]
    for colour, styled in _STYLED.items():
        text = text.replace(colour, styled)
    return text


def png_of(figure: "Figure") -> bytes:
    """Give a figure as a PNG on white; a character that the font lacks shows as a box."""
    import warnings

    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(target, format="png", dpi=_PNG_DPI, facecolor="white", metadata={"Software": None})
    return target.getvalue()


def gate_box(decision: Account, yes: str, no: str, *, is_weak: bool = False) -> Account:
    """Give a gate's answer as the pages show it.

    Args:
        decision: The decision, as JSON values.
        yes: What a yes is called; the sentence after it does not say so again.
        no: What a no is called.
        is_weak: Whether a yes says so little that it is not to look like one.
    """
    tone = ("warning" if is_weak else "passed") if decision["passed"] else ""
    said = "passed" if decision["passed"] else "Blocked by the quality gate"
    reason = decision["reason"].removeprefix(said).lstrip(": ")
    return {**decision, "label": yes if decision["passed"] else no, "reason": reason, "tone": tone}


def bars(counts: Mapping[str, int]) -> list[Bar]:
    """Give counts as bars, the largest first."""
    most = max(counts.values(), default=0) or 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(name, number_text(count), count / most) for name, count in ordered]


def row_of(record: Account, columns: Sequence[str]) -> Row:
    """Give some fields of a record in words."""
    return tuple(number_text(record.get(column)) for column in columns)


def setting_text(value: Any) -> str:
    """Give a setting in words."""
    if isinstance(value, list | tuple):
        return ", ".join(map(setting_text, value)) or "none"
    return number_text(value) if isinstance(value, bool) or value is None else str(value)


def number_text(value: Any) -> str:
    """Give a value in words: thousands apart, four figures of a fraction, yes and no."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) and abs(value) < 10_000 else str(value)


def name_text(name: str) -> str:
    """Give a name in the code as words."""
    return name.replace("_", " ")
