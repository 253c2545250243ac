"""Secrets whose name stands in a remark: behind the value, or in a comment on the line above."""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finders.secret_values import is_literal, is_random, is_strong
from gptmodel.corpus.scrubbing.finding import RANK_KEYWORD, Finding

_MARK = re.compile(r"(?:(?<!\S)|(?<=[\"'`;,)]))(?:#|//|--|/\*|<!--|<-+|<=+|←|⟵|;|\()[^\n\"'`=]{0,40}$")
_VALUE_BEFORE = re.compile(r"(?:[\"'`]([^\s\"'`]{8,300})[\"'`]|(?<![^\s=:|])([^\s\"'`|]{8,300}))[\s|,;)\]}]{0,8}$")
_COMMENT_LINE = re.compile(r"[ \t]{0,40}(?:#|//|--|/\*|\*|;|<!--|rem\b)", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"\n[ \t]{0,40}(?:[\w.$:\-]{1,30}[ \t]){0,3}[\w.$\-\[\]\"']{1,60}[ \t]{0,8}(?:=|:=|:|=>|,)[ \t]{0,8}"
    r"[\"'`]?([^\s\"'`,;]{8,300})"
)
_REVISION = re.compile(r"@[0-9a-f]{7,64}$")
_OTHER = re.compile(r"public|primary|foreign|cache|sort|fingerprint|commit|checksum|hash|sha|md5|etag|uuid|integrity")


def find_remarked(passage: Passage) -> Iterator[Finding]:
    """Find secrets that a comment calls so."""
    text = passage.text
    for start, end in passage.label_words:
        begin = text.rfind("\n", max(0, start - 400), start) + 1
        mark = _MARK.search(text, max(begin, start - 44), start)
        if mark is None or _OTHER.search(passage.before(start, 24)):
            continue
        match = _VALUE_BEFORE.search(text, begin, mark.start())
        if match is None and _COMMENT_LINE.match(text, begin):
            stop = text.find("\n", end, end + 80)
            match = _ASSIGNED.match(text, stop) if stop >= 0 else None
        value = match.group(match.lastindex or 1) if match else ""
        if match and _is_secret(value):
            yield Finding(
                match.start(match.lastindex or 1), match.end(match.lastindex or 1), "SECRET", "remark", RANK_KEYWORD
            )


def _is_secret(value: str) -> bool:
    if not is_literal(value) or _REVISION.search(value):
        return False
    signs = sum(not char.isalnum() for char in value)
    return is_random(value, 16) or (signs > 0 and any(map(str.isdigit, value)) and is_strong(value))
