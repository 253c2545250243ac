"""Secrets in a table's column named after them: CSV, TSV, Markdown, HTML, and rows that SQL inserts."""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finders.secret_values import is_literal, is_random, is_strong
from gptmodel.corpus.scrubbing.finders.secret_words import PASSWORDS, PASSWORDS_UNSPACED, spaced
from gptmodel.corpus.scrubbing.finding import RANK_KEYWORD, Finding

_DELIMITERS = ",;\t|"
_PASSWORD_NAME = re.compile(rf"pass|pin|{spaced('|'.join(PASSWORDS.values()))}|{PASSWORDS_UNSPACED}", re.IGNORECASE)
_CELL_EDGE = " \t\"'`*"
_BESIDE_CELL = frozenset({"", *_DELIMITERS, *_CELL_EDGE, "\n", "\r"})
_NEXT_CELL = re.compile(
    r"[\"'`*]{0,3}[ \t]{0,8}(?:\|[ \t]{0,8}[`*]{0,2}|:?</(?:td|th|dt|b|strong)>\s{0,40}"
    r"(?:<(?:td|dd|code|span)\b[^>\n]{0,80}>\s{0,8}){0,2})([^\s|<>`]{6,200})"
)
_CELL_END = frozenset("|<")
_INSERT = re.compile(r"insert\s+into\s[^;()]{1,80}\(([^()]{1,600})\)\s*values\s*", re.IGNORECASE)
_ITEM = re.compile(r"[NnEe]?'((?:[^'\\]|\\.|'')*)'|\"([^\"\n]*)\"|([^\s,()'\"]+)|([()])")
_ROWS_SPAN = 4000
_MOST_ROWS = 10_000


def find_cells(passage: Passage) -> Iterator[Finding]:
    """Find secrets that stand in a column or beside a cell with a word for them."""
    done: set[int] = set()
    for start, end in passage.label_words:
        beside = _NEXT_CELL.match(passage.text, end) if _CELL_END.intersection(passage.text[end : end + 12]) else None
        if beside and _is_secret(beside.group(1), _PASSWORD_NAME.search(passage.text[start:end]) is not None):
            yield _finding(beside.start(1), beside.group(1))
        column = _column(passage.text, start, end) if _is_cell(passage.text, start, end) else ()
        inserted = _inserted(passage.text, start, end) if b"values" in passage.ascii_lower[end : end + 700] else ()
        for first, value in (*column, *inserted):
            if first not in done:
                done.add(first)
                yield _finding(first, value)


def _is_cell(text: str, start: int, end: int) -> bool:
    """Tell whether what stands beside a label may be a cell's edge, and not another word."""
    return text[max(0, start - 1) : start] in _BESIDE_CELL and text[end : end + 1] in _BESIDE_CELL


def _column(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Give the secrets below a header's cell that holds nothing but a label."""
    begin = text.rfind("\n", 0, start) + 1
    stop = _line_end(text, end)
    before, after = text[begin:start].rstrip(_CELL_EDGE), text[end:stop].strip(_CELL_EDGE + "\r")
    mark = before[-1:] or after[:1]
    if not mark or mark not in _DELIMITERS or (after and after[0] != mark) or not _is_header(text[begin:stop], mark):
        return
    index, is_password = before.count(mark), _PASSWORD_NAME.search(text[start:end]) is not None
    for _ in range(_MOST_ROWS):
        begin, stop = stop + 1, _line_end(text, stop + 1)
        if begin >= len(text) or not text[begin:stop].strip():
            return
        cells = text[begin:stop].split(mark)
        if index < len(cells):
            value = cells[index].strip(_CELL_EDGE + "\r")
            if _is_secret(value, is_password):
                yield begin + sum(len(cell) + 1 for cell in cells[:index]) + cells[index].index(value), value


def _is_header(line: str, mark: str) -> bool:
    """Tell whether all of a line's cells are short names; a comma with a space behind it lists things in prose."""
    if mark == "," and ", " in line:
        return False
    cells = [cell.strip(_CELL_EDGE + "\r") for cell in line.split(mark)]
    return len(cells) > 1 and all(len(cell) <= 32 and cell.count(" ") <= 2 for cell in cells) and line[-1] not in ".:!?"


def _line_end(text: str, start: int) -> int:
    at = text.find("\n", start)
    return len(text) if at < 0 else at


def _inserted(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Give the secrets that an INSERT statement puts into a column, whose name stands at an offset."""
    found = _INSERT.finditer(text, max(0, start - 700), start + 700)
    match = next((one for one in found if one.start(1) <= start < one.end(1)), None)
    if match is None:
        return
    is_password = _PASSWORD_NAME.search(text[start:end]) is not None
    index, place, depth = text[match.start(1) : start].count(","), 0, 0
    for item in _ITEM.finditer(text, match.end(), match.end() + _ROWS_SPAN):
        if item.group(4):
            depth += 1 if item.group() == "(" else -1
            place = 0 if depth == 1 and item.group() == "(" else place
            continue
        if depth == 0 and item.group() not in (",",):
            return
        quoted = 1 if item.group(1) else 2
        if depth == 1 and place == index and item.group(quoted) and _is_secret(item.group(quoted), is_password):
            yield item.start(quoted), item.group(quoted)
        place += depth == 1


def _is_secret(value: str, is_password: bool) -> bool:
    if len(value) < 6 or not is_literal(value):
        return False
    mixed = any(map(str.isalpha, value)) and not value.isalpha()
    return " " not in value and (is_random(value, 16) or (is_password and mixed and is_strong(value)))


def _finding(start: int, value: str) -> Finding:
    return Finding(start, start + len(value), "SECRET", "table", RANK_KEYWORD)
