"""The pictures of a training: its loss by step, with the points at which the same prompt was completed.

As inline SVG for the pages, and as PNG for the dashboards. Drawn from the training's own records alone.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gptmodel.page import FIRST, INK, SECOND, Account, new_figure, png_of, quiet_axes, svg_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 5.0, 2.9
_LINE_HEIGHT = 0.2
_MOST_SAMPLES = 12
_MOST_CHARS = 76


class _Colours(NamedTuple):
    ink: str
    train: str
    validation: str


_OF_THE_PAGE = _Colours(INK, FIRST, SECOND)
_ON_WHITE = _Colours("#454c57", "#2563c9", "#c2570c")


def loss_curve_svg(curve: Sequence[Account], pins: Sequence[int] = ()) -> str:
    """Draw the loss curve as an `<svg>` element whose colours follow the page; empty if there is no point.

    The same curve gives the same bytes.

    Args:
        curve: Points: `step`, `train_loss`, and at some of them `validation_loss` (nats per token).
        pins: Steps that are marked, as 1, 2, ...
    """
    if not curve:
        return ""
    figure = new_figure(_WIDTH, _HEIGHT)
    _draw(figure.subplots(), curve, pins, _OF_THE_PAGE)
    return svg_of(figure)


def loss_curve_png(curve: Sequence[Account], samples: Sequence[Account], *, with_texts: bool = True) -> bytes:
    """Draw the loss curve as a PNG on white, with the samples pinned to their steps; empty if there is no point.

    Args:
        curve: Points as in `loss_curve_svg`.
        samples: The prompt completed along the way: `step`, `prompt`, `text`.
        with_texts: Whether the samples' texts stand below, or their steps are marked alone.
    """
    if not curve:
        return b""
    listed = list(enumerate(samples, start=1))[-_MOST_SAMPLES:] if with_texts else []
    figure = new_figure(2 * _WIDTH, 1.4 * _HEIGHT + _LINE_HEIGHT * len(listed))
    _draw(figure.subplots(), curve, [int(sample["step"]) for sample in samples], _ON_WHITE)
    _list_texts(figure, listed)
    return png_of(figure)


def _draw(axes: "Axes", curve: Sequence[Account], pins: Sequence[int], colours: _Colours) -> None:
    for key, label, colour, mark in (
        ("train_loss", "training", colours.train, None), ("validation_loss", "validation", colours.validation, "o"),
    ):  # fmt: skip
        points = [(row["step"], row[key]) for row in curve if row.get(key) is not None]
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, marker=mark, ms=4, lw=1.6, label=label)
    for pin, step in enumerate(pins, start=1):
        axes.axvline(step, color=colours.ink, lw=0.8, ls=":")
        axes.annotate(str(pin), (step, 1.0), (0, 3), color=colours.ink, ha="center", fontsize=9,
                      xycoords=("data", "axes fraction"), textcoords="offset points")  # fmt: skip
    axes.set_xlabel("step", color=colours.ink)
    axes.set_ylabel("loss, nats per token", color=colours.ink)
    quiet_axes(axes, colours.ink)
    if axes.lines:
        axes.legend(frameon=False, labelcolor=colours.ink)


def _list_texts(figure: "Figure", listed: Sequence[tuple[int, Account]]) -> None:
    """Write below the drawing what the model made of the prompt at each pin."""
    lines = []
    for pin, sample in listed:
        text = " ".join(f"{sample['prompt']}{sample['text']}".split())
        shown = text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…"
        lines.append(f"{pin:>3}  step {sample['step']:>6}  {shown}")
    if lines:
        # A text may hold a dollar sign, which would make matplotlib read mathematics.
        figure.supxlabel("\n".join(lines), x=0.02, ha="left", fontsize=8, family="monospace",
                         color=_ON_WHITE.ink, parse_math=False)  # fmt: skip
