"""URLs that carry a user name and a password, found whole.

The generic syntax is RFC 3986's; a password that is a variable or a mask is none.
"""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.masks import is_masked
from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finding import RANK_URL, Finding

_SCHEME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-:")
_STOP = r"\s<>\"'`\\，。；、（）「」《》“”"
_AUTHORITY = re.compile(
    rf"://([^{_STOP}/?#@:]{{0,128}}):([^{_STOP}/?#]{{1,256}})@(\[[0-9A-Fa-f:.]+\]|[^{_STOP}/?#@:]*)"
    rf"(?::\d{{1,5}})?(?:[/?#][^{_STOP}]*)?"
)
_TOKEN_ONLY = re.compile(rf"://([A-Za-z0-9_\-]{{20,128}})@([^{_STOP}/?#@:]+)(?::\d{{1,5}})?(?:[/?#][^{_STOP}]*)?")


def find_urls(passage: Passage) -> Iterator[Finding]:
    """Find URLs with credentials in them, from the scheme to the end of the path."""
    text = passage.text
    at = text.find("://")
    while at >= 0:
        finding = _url_at(text, at)
        if finding:
            yield finding
        at = text.find("://", at + 3)


def _url_at(text: str, at: int) -> Finding | None:
    start = at
    while start > 0 and at - start < 32 and text[start - 1] in _SCHEME_CHARS:
        start -= 1
    while start < at and not (text[start].isascii() and text[start].isalpha()):
        start += 1
    if start == at:
        return None
    match = _AUTHORITY.match(text, at)
    if match is not None:
        if is_masked(match.group(2)):
            return None
        return Finding(start, _trimmed(text, match.end(2) + 1, match.end()), "URL_WITH_CREDENTIALS", "url.password", 10)
    match = _TOKEN_ONLY.match(text, at)
    if match is None or not any(char.isdigit() for char in match.group(1)):
        return None
    return Finding(start, _trimmed(text, match.end(1) + 1, match.end()), "URL_WITH_CREDENTIALS", "url.token", RANK_URL)


def _trimmed(text: str, least: int, end: int) -> int:
    while end > least and text[end - 1] in ".,;:!?)]}*|":
        end -= 1
    return end
