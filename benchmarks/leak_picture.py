"""The picture of `bench leak`: the same prompts, completed by two models, as one self-contained SVG.

It follows the reader's light or dark colours, and needs no font but the system's.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH = 1000
_PANEL, _GAP, _MARGIN = 472, 16, 20
_LINE, _COLUMNS = 22, 52  # pixels, half-width characters
_NO_BREAK_BEFORE = ("", ".", "。")
_MARKED = ("<EMAIL>", "<PHONE>", "<CN_PHONE>", "<IBAN>")

_STYLE = """
.paper{fill:#fbfbfa}.card{fill:#fff;stroke:#dfe2e6}.ink{fill:#1b1f24}.muted{fill:#626a75}
.bad{fill:#b3261e}.bad-paper{fill:#fdecea}.good{fill:#17713a}.good-paper{fill:#e8f5ec}
text{font-family:system-ui,"Segoe UI",Roboto,"Noto Sans","PingFang SC","Noto Sans CJK SC",sans-serif;font-size:15px}
.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Noto Sans Mono CJK SC",monospace}
.mono{font-size:14px}
.head{font-size:17px;font-weight:600}.small{font-size:13px}.mark{font-weight:700}
@media (prefers-color-scheme:dark){
.paper{fill:#14171b}.card{fill:#1c2026;stroke:#333a43}.ink{fill:#e7eaee}.muted{fill:#9aa4b1}
.bad{fill:#ff9d94}.bad-paper{fill:#3b1b19}.good{fill:#7fd79b}.good-paper{fill:#17301f}}
"""


@dataclass(frozen=True)
class Shown:
    """A prompt and how both models go on, with the value that stood in the text."""

    prompt: str
    unscrubbed: str
    scrubbed: str
    value: str


@dataclass(frozen=True)
class _Piece:
    text: str
    style: str


def draw(shown: Sequence[Shown], accounts: Mapping[str, Mapping[str, Any]]) -> str:
    """Draw the completions side by side; below them what was recited, and the leak test's answer.

    Args:
        shown: The prompts and completions.
        accounts: Of each twin: `num_recited`, `num_asked`, `passed`.
    """
    heights = [max(len(_rows(one.prompt, one.unscrubbed, one.value, "bad")),
                   len(_rows(one.prompt, one.scrubbed, one.value, "good"))) for one in shown]  # fmt: skip
    body = sum(heights) * _LINE + len(shown) * 14
    height = 92 + body + 84
    parts = [f'<rect class="paper" width="{WIDTH}" height="{height}" rx="10"/>']
    parts.append(_text(_MARGIN, 34, "The same text, two models, the same prompts", "ink head"))
    for place, (name, title, tone) in enumerate((
        ("unscrubbed", "trained on the raw text", "bad"), ("scrubbed", "trained by this pipeline", "good"),
    )):  # fmt: skip
        left = _MARGIN + place * (_PANEL + _GAP)
        parts.append(f'<rect class="card" x="{left}" y="50" width="{_PANEL}" height="{height - 70}" rx="8"/>')
        parts.append(_text(left + 14, 76, title, f"{tone} head"))
        top = 92.0
        for one, rows in zip(shown, heights, strict=True):
            completion = one.unscrubbed if name == "unscrubbed" else one.scrubbed
            parts += _block(left + 14, top, _rows(one.prompt, completion, one.value, tone))
            top += rows * _LINE + 14
        parts += _foot(left, top, accounts[name], tone)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{_described(accounts)}"><style>{_STYLE}</style>{"".join(parts)}</svg>\n'
    )


def _foot(left: int, top: float, account: Mapping[str, Any], tone: str) -> Iterator[str]:
    """Draw a twin's answer in numbers."""
    asked, recited = account["num_asked"], account["num_recited"]
    yield f'<rect class="{tone}-paper" x="{left + 1}" y="{top}" width="{_PANEL - 2}" height="{_LINE * 2 + 18}"/>'
    yield _text(left + 14, top + 25, f"{recited} of {asked} addresses and numbers recited", f"{tone} mark")
    verdict = "Leak test: passed" if account["passed"] else "Leak test: no. No alias, not in service."
    yield _text(left + 14, top + 47, verdict, tone)


def _described(accounts: Mapping[str, Mapping[str, Any]]) -> str:
    raw, ours = accounts["unscrubbed"], accounts["scrubbed"]
    return (
        f"The model trained on raw text recites {raw['num_recited']} of {raw['num_asked']} addresses and numbers; "
        f"the one trained by this pipeline {ours['num_recited']}."
    )


def _block(x: float, y: float, rows: Sequence[Sequence[_Piece]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        spans = "".join(f'<tspan class="{piece.style}">{escape(piece.text)}</tspan>' for piece in row)
        yield f'<text class="mono" xml:space="preserve" x="{x}" y="{y + (number + 1) * _LINE - 6:g}">{spans}</text>'


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


def _rows(prompt: str, completion: str, value: str, tone: str) -> list[list[_Piece]]:
    """Break prompt and completion into lines of styled pieces; the value, or its placeholder, is marked."""
    rows: list[list[_Piece]] = [[]]
    room = _COLUMNS
    for piece in [_Piece(prompt, "muted"), *_marked(completion, value, tone)]:
        for word in [piece.text] if piece.style.endswith("mark") else _words(piece.text):
            if _width(word.rstrip()) > room and rows[-1] and word.strip() not in _NO_BREAK_BEFORE:
                rows.append([])
                room, word = _COLUMNS, word.lstrip()
            rows[-1].append(_Piece(word, piece.style))
            room -= _width(word)
    return rows


def _marked(completion: str, value: str, tone: str) -> Iterator[_Piece]:
    rest = completion
    while rest:
        found = min(((rest.find(mark), mark) for mark in (value, *_MARKED) if mark in rest), default=None)
        if found is None:
            yield _Piece(rest, "ink")
            return
        at, mark = found
        if at:
            yield _Piece(rest[:at], "ink")
        yield _Piece(mark, f"{tone} mark")
        rest = rest[at + len(mark) :]


def _words(text: str) -> Iterator[str]:
    """Cut a text where a line may end: before a space, and around each wide character."""
    word = ""
    for letter in text:
        if word and (letter == " " or _width(letter) == 2 or _width(word[-1]) == 2):
            yield word
            word = ""
        word += letter
    if word:
        yield word


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
