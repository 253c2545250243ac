"""A version's lineage as a picture: one box for each output, from the raw files down to the decision, as plain SVG.

It stands alone, and where it lies inside a page it follows the page's colours. The same record gives the same bytes.
"""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from gptmodel.lineage.record import GATES
from gptmodel.lineage.tree import SHORT, no, state_words

Record = Mapping[str, Any]
Words = Callable[[Record], str]

_INK, _MUTED, _ACCENT, _ALARM = (
    "var(--ink, #1b1f24)", "var(--muted, #68707c)", "var(--accent, #2563c9)", "var(--bad, #b3261e)"
)  # fmt: skip
_WIDTH, _BOX_X, _BOX_WIDTH, _ROW, _LINE = 1000, 270, 320, 84, 15
_BOX_HEIGHT = 58
_SIDE_CHARS, _NOTE_CHARS = 38, 62
_MOST_SOURCES = 6
_MOST_NOTE_LINES = 5


@dataclass(frozen=True)
class _Row:
    """One box, with what stands to its left (what came in) and to its right (what was left out, or decided)."""

    title: str
    digest: str
    words: str
    state: str = ""
    left: Sequence[tuple[str, str]] = ()
    right: Sequence[tuple[str, str]] = ()

    @property
    def height(self) -> int:
        return max(_ROW, _LINE * max(len(self.left), len(self.right)) + 24)


def lineage_svg(record: Record) -> str:
    """Draw where a version came from, as an `<svg>` element.

    Args:
        record: As `lineage_record` gives it.
    """
    rows = [_row(record, origin) for origin in record["stages"]]
    height = sum(row.height for row in rows) + 60
    title = f"Lineage of {record['model']}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12"><title>{escape(title)}</title>',
        _text(_BOX_X, 24, title, _INK, weight=600, size=16),
    ]
    top = 44
    for number, row in enumerate(rows):
        parts += _drawn(row, top, is_last=number == len(rows) - 1)
        top += row.height
    return "\n".join([*parts, "</svg>\n"])


def _row(record: Record, origin: Record) -> _Row:
    stage = origin["stage"]
    return _Row(
        stage, origin["digest"][:SHORT], _WORDS[stage](record), state_words(origin).strip(" []"),
        left=_left(record, stage), right=_right(record, stage),
    )  # fmt: skip


def _left(record: Record, stage: str) -> list[tuple[str, str]]:
    if stage == "ingest":
        return [*_sources(record)]
    if stage == "register":
        return [*_code(record)]
    return [(f"against {record['parent'] or 'no champion'}", _MUTED)] if stage == "promote" else []


def _sources(record: Record) -> Iterator[tuple[str, str]]:
    register = record["source_register"]
    for source in register[:_MOST_SOURCES]:
        yield f"{source['name']}  {(source['digest'] or '')[:SHORT]}", _INK
        owner = source["owner"] or "not named"
        says = f"{source['num_files']:,} files, licence {source['licence'] or 'not named'}, owner {owner}"
        yield from ((line, _MUTED) for line in textwrap.wrap(says, _SIDE_CHARS))
    if len(register) > _MOST_SOURCES:
        yield f"and {len(register) - _MOST_SOURCES:,} more sources", _MUTED


def _code(record: Record) -> Iterator[tuple[str, str]]:
    code = record["code"]
    yield f"code {code['commit'][:SHORT] or 'unknown'}" if code else "code was not noted", _INK
    if code and code["is_dirty"]:
        yield "with uncommitted changes", _ALARM
    if code:
        yield f"lock {code['lock_digest'][:SHORT] or 'none'}", _MUTED
    yield f"MLflow run {(record['mlflow_run_id'] or 'unknown')[:SHORT]}", _MUTED
    yield f"Prefect run {(record['flow_run_id'] or 'unknown')[:SHORT]}", _MUTED


def _right(record: Record, stage: str) -> list[tuple[str, str]]:
    decided = next((row for row in record["decisions"] if row["gate"] == stage), None)
    if decided:
        words, colour = (decided["reason"], _INK) if decided["passed"] else (no(decided["reason"]), _ALARM)
    else:
        words, colour = _left_out(record, stage), _MUTED
    lines = textwrap.wrap(words, _NOTE_CHARS, max_lines=_MOST_NOTE_LINES, placeholder=" ...")
    return [(line, colour) for line in lines]


def _left_out(record: Record, stage: str) -> str:
    """Say what a stage left out, and why."""
    corpus = record["corpus"]
    if corpus is None:
        return ""
    if stage == "ingest":
        forgotten = f", {corpus['num_forgotten']:,} forgotten" if corpus["num_forgotten"] else ""
        return f"{corpus['num_quarantined']:,} set aside{forgotten}"
    step = next((row for row in corpus["steps"] if row["stage"] == stage), None)
    lost = step["dropped_by_reason"] if step else {}
    words = ", ".join(f"{reason} {number:,}" for reason, number in lost.items())
    return f"dropped: {words}" if words else ""


def _drawn(row: _Row, top: int, *, is_last: bool) -> Iterator[str]:
    middle = _BOX_X + _BOX_WIDTH // 2
    yield (
        f'<rect x="{_BOX_X}" y="{top}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="6" fill="none" '
        f'stroke="{_ACCENT}"/>'
    )
    yield _text(_BOX_X + 12, top + 20, row.title, _INK, weight=600)
    yield _text(_BOX_X + _BOX_WIDTH - 12, top + 20, row.digest, _MUTED, anchor="end", is_code=True)
    yield _text(_BOX_X + 12, top + 37, row.words, _INK)
    if row.state:
        yield _text(_BOX_X + 12, top + 52, row.state, _MUTED, size=10)
    for number, (words, colour) in enumerate(row.left):
        yield _text(_BOX_X - 16, top + 14 + _LINE * number, words, colour, anchor="end")
    for number, (words, colour) in enumerate(row.right):
        yield _text(_BOX_X + _BOX_WIDTH + 16, top + 14 + _LINE * number, words, colour)
    if not is_last:
        start, end = top + _BOX_HEIGHT, top + row.height
        yield f'<path d="M{middle} {start}V{end - 2}m-4 -6l4 6l4 -6" fill="none" stroke="{_MUTED}"/>'


def _text(
    x: int, y: int, words: str, colour: str, *, anchor: str = "start", weight: int = 400, size: int = 12,
    is_code: bool = False,
) -> str:  # fmt: skip
    family = ' font-family="ui-monospace, monospace"' if is_code else ""
    return (
        f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}"'
        f"{family}>{escape(words)}</text>"
    )


def _ingest(record: Record) -> str:
    return f"{record['corpus']['num_read']:,} files and records read" if record["corpus"] else ""


def _kept(stage: str) -> Words:
    def words(record: Record) -> str:
        steps = (record["corpus"] or {}).get("steps", ())
        return next((f"{row['num_kept']:,} documents" for row in steps if row["stage"] == stage), "")

    return words


def _scrub(record: Record) -> str:
    return f"{_kept('scrub')(record)}, {sum(record['findings'].values()):,} findings replaced"


def _splits(record: Record) -> str:
    rows = [row for row in record["datasets"] if row["num_documents"] is not None and "num_tokens" in row]
    return ", ".join(f"{row['name'].removeprefix('tokens-')} {row['num_documents']:,}" for row in rows)


def _tokenizer(record: Record) -> str:
    size = (record["tokenizer"] or {}).get("vocab_size")
    return f"{size:,} tokens" if size else ""


def _pack(record: Record) -> str:
    train = next((row for row in record["datasets"] if row["name"] == "tokens-train"), None)
    return f"{train['num_tokens']:,} tokens to train on" if train and train["num_tokens"] else ""


def _train(record: Record) -> str:
    training = record["training"]
    return f"{training['num_parameters']:,} parameters, {training['num_steps']:,} steps" if training else ""


def _evaluate(record: Record) -> str:
    score = record["evaluation"]
    return f"{score['bits_per_byte']:.4f} bits per byte" if score and score["bits_per_byte"] else ""


def _register(record: Record) -> str:
    return str(record["model"])


def _answer(stage: str) -> Words:
    def words(record: Record) -> str:
        decided = next((row for row in record["decisions"] if row["gate"] == stage), None)
        return "" if decided is None else "yes" if decided["passed"] else "no"

    return words


_WORDS: Mapping[str, Words] = {
    "ingest": _ingest, "clean": _kept("clean"), "scrub": _scrub, "deduplicate": _kept("deduplicate"),
    "split": _splits, "tokenizer": _tokenizer, "pack": _pack, "train": _train, "evaluate": _evaluate,
    "register": _register,
    **{gate: _answer(gate) for gate in GATES},
}  # fmt: skip
