"""Postal addresses in labelled fields: `Address: ...`, `"address": "..."`, `地址：...`; nothing else is searched.

Precision first: after the label must stand what reads like an address. In Latin script that is a number and at least
two words, without the signs of code, hosts or e-mail; in Chinese two marks of a place (省, 市, 路, 号 and the like).
"""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finding import RANK_ADDRESS, Finding

_LABEL = re.compile(
    r"(?<![\w@.\-])(?:(?P<before>[a-z\-]+)[ _])?(?:street_?)?address(?:[ _]?line[ _]?[12])?(?![\w])"
    r"(?:[\"'*]{0,3}\s?[:=]\s?[\"'*]{0,3}|</?[a-z]{1,8}>|\s{1,2}is\s?:?(?=\s\d))[ \t]*(?P<line>\n[ \t]{0,4}(?=\S))?"
    r"|[\"']street(?:_?address)?[\"']\s?:\s?[\"']|<address>\s{0,8}",
    re.IGNORECASE,
)
# Words before `address` that say it is another one.
_OTHER = frozenset(
    "e-mail email mail mac ip ipv4 ipv6 web url site memory wallet bitcoin btc eth contract host bind listen remote "
    "local server source destination target network physical virtual base start end load byte bus hardware public "
    "private proxy gateway dns loopback interface".split()
)
_LINE = re.compile(r"[^\n<>{}|\"]{0,160}")
_CUT = re.compile(
    r"\s(?i:for|and|before|after|please|because|when|which|that|thanks|from|by|was|phone|tel|telephone|mobile|fax|"
    r"e-?mail|born|dob)\b|[?!;]|(?<!\b[A-Z][a-z])(?<!\b[A-Z][a-z][a-z])(?<!\bBlvd)\.\s(?=[A-Z][a-z]+\s[a-z])"
)
_NEXT_LINE = re.compile(r"[ \t>]{0,8}(?:,? ?[^\W_a-z][\w.'’\-]*,?(?: (?=\S)|(?=\n|$))){1,6}(?=\n|$)")
_NO_ADDRESS = re.compile(r"[@={}();<>\\]|://|0x|\d\.\d+\.\d|[0-9a-f]{2}:[0-9a-f]{2}:", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")

_HAN_LABEL = re.compile(r"(?:地\s?址|住址|住所)(?:[（(][^）)\n]{0,8}[）)])?[\"'*]{0,2}\s?(?:[:：]|是|为)\s?[\"']?")
_HAN_VALUE = re.compile(r"(?:[\u4e00-\u9fff\w#\-()（）·]| (?=[\u4e00-\u9fff\d])){5,64}")
_HAN_MARK = re.compile(
    r"省|自治区|[^城都]市|区|县|镇|乡|村|街|路|道|巷|弄|胡同|大厦|小区|花园|广场|\d号|\d ?室|\d ?楼|\d ?栋|\d ?幢|单元|"
    r"北京|上海|天津|重庆|香港|澳门|[一二三四五六七八九十]号"
)


def find_addresses(passage: Passage) -> Iterator[Finding]:
    """Find addresses after their label."""
    for match in passage.matches(_LABEL, passage.announced):
        if (match.group("before") or "").lower() not in _OTHER:
            end = _end_of_latin(passage.text, match.end())
            if _reads_like_address(passage.text[match.end() : end]):
                yield Finding(match.end(), end, "ADDRESS", "address.label", RANK_ADDRESS)
    for match in passage.matches(_HAN_LABEL, passage.named):
        value = _HAN_VALUE.match(passage.text, match.end())
        if value and len(_HAN_MARK.findall(value.group())) >= 2:
            yield Finding(value.start(), _without_tail(value), "ADDRESS", "address.label", RANK_ADDRESS)


def _end_of_latin(text: str, start: int) -> int:
    """Give where the address ends: its line, up to a word of prose, and the lines that go on with it."""
    line = _LINE.match(text, start)
    end = line.end() if line else start
    cut = _CUT.search(text, start, end)
    if cut:
        return cut.start()
    for _ in range(4):
        following = _NEXT_LINE.match(text, end + 1) if text[end : end + 1] == "\n" else None
        if following is None:
            break
        end = following.end()
    return start + len(text[start:end].rstrip(" \t,.*'"))


def _reads_like_address(value: str) -> bool:
    digits = sum(char.isdigit() for char in value)
    if not 1 <= digits <= 20 or not 8 <= len(value) <= 200 or _NO_ADDRESS.search(value):
        return False
    words = _WORD.findall(value)
    return len(words) >= 2 and any(word[0].isupper() for word in words)


def _without_tail(value: re.Match[str]) -> int:
    tail = re.search(r"(?:电话|手机|邮编|联系|收件|姓名)", value.group())
    return value.start() + len((value.group()[: tail.start()] if tail else value.group()).rstrip(" -·("))
