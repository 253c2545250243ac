"""Show what scrubbing does: a few lines of the sample before and after, while larger packages still install.

`python -m gptmodel.corpus.preview DIR` needs the small packages alone. The values in the sample are invented and may be
shown; this room is for the sample and never for anybody's text. It is the one place in gptmodel that prints.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gptmodel.corpus.scrubbing.detectors import find, replace
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.kinds import KINDS, UNSEARCHED, placeholder

MAX_LINES = 8
MAX_WIDTH = 160
MAX_PER_KIND = 2

_RED, _GREEN, _DIM, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"


def preview(folder: Path, colour: bool = False) -> Iterator[str]:
    """Give lines to show: pairs of a line before and after scrubbing, then what was found in the whole folder.

    Args:
        folder: Folder of text files with invented values.
        colour: Mark values and placeholders with terminal colours.
    """
    counts: dict[str, int] = {}
    shown: dict[str, int] = {}
    pairs = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".txt", ".md", ".log") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        findings = find(text)
        for one in findings:
            counts[one.kind] = counts.get(one.kind, 0) + 1
        for line, inside in _lines_with(text, findings):
            fresh = any(shown.get(one.kind, 0) < MAX_PER_KIND for one in inside)
            if pairs < MAX_LINES and fresh and len(line) <= MAX_WIDTH:
                pairs += 1
                for one in inside:
                    shown[one.kind] = shown.get(one.kind, 0) + 1
                yield from _pair(path.relative_to(folder).as_posix(), line, inside, colour)
    found = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if kind in counts)
    yield f"found in the sample: {found or 'nothing'}; not searched: {', '.join(UNSEARCHED)}"


def _lines_with(text: str, findings: list[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    start = 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        inside = [
            Finding(one.start - start, one.end - start, one.kind, one.rule)
            for one in findings
            if start <= one.start and one.end <= end
        ]
        if inside:
            yield line.rstrip("\r\n"), inside
        start = end


def _pair(name: str, line: str, findings: list[Finding], colour: bool) -> Iterator[str]:
    red, green, dim, plain = (_RED, _GREEN, _DIM, _PLAIN) if colour else ("", "", "", "")
    before, after = replace(line, findings), replace(line, findings)
    pieces, done = [], 0
    for one in findings:
        pieces += [line[done : one.start], red, line[one.start : one.end], plain]
        done = one.end
    before = "".join([*pieces, line[done:]])
    for kind in {one.kind for one in findings}:
        after = after.replace(placeholder(kind), f"{green}{placeholder(kind)}{plain}")
    yield f"{dim}{name}{plain}"
    yield f"  - {before.strip()}"
    yield f"  + {after.strip()}"


def main(arguments: list[str]) -> int:
    """Print the preview of a folder; 2 when it was not called with one."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -m gptmodel.corpus.preview DIR", file=sys.stderr)  # noqa: T201
        return 2
    for line in preview(Path(arguments[0]), colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ):
        print(line)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
