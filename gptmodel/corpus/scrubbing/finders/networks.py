"""IP addresses that are globally routable; private, documentation and loopback ranges stay, and so do versions."""

import ipaddress
import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finders.sieve import IP_V4, IP_V6
from gptmodel.corpus.scrubbing.finding import RANK_IP, Finding

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_V4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}(?![A-Za-z0-9_])(?!\.\d)(?!-\d{{0,3}}[A-Za-z])", re.ASCII)
_V6 = re.compile(r"(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4})?(?::[0-9A-Fa-f]{1,4}){0,6}(?:\.\d{1,3}){0,3}")
_VERSION_BEFORE = re.compile(
    r"(?<![a-z])(?:(?:assembly|file|product)?version|versions|"
    r"ver|release|released|revision|build|firmware|driver|drivers|upgrade to|sections?|"
    r"sect|chapter|clause|annex|figure|oid|openssl|chrome|firefox|python|java|jdk|kernel|linux|windows|android|ios|nginx|"
    r"apache|mysql|docker|gcc)[\s:=\"'(（：]{0,3}$|(?:版本号?|版|固件|升级到|第|章|节|[=~^<>!]=|[~^<>])[\s:=\"'(（：]{0,3}$|"
    r"(?<![a-z])[vr]\.?\s?$|[a-z0-9_]-$|[a-z0-9_+]/$|[.\w@]$|\s\d:$"
)

_MARKUP = re.compile(r"</?[a-z][^<>\n]{0,20}>$")
_REMOTE_USER = re.compile(
    r"(?:\b(?:ssh|scp|sftp|ftp|rsync|mosh)\b[^\n]*|\b(?:root|admin|ubuntu|user|ec2-user|pi|deploy))@$"
)


def find_ips(passage: Passage) -> Iterator[Finding]:
    """Find globally routable IPv4 and IPv6 addresses."""
    for match in passage.matches(_V4, passage.codes_like(IP_V4)):
        if _is_global(match.group()) and not _looks_like_version(passage, match.start(), match.end()):
            yield Finding(match.start(), match.end(), "IP_ADDRESS", "ip.v4", RANK_IP)
    yield from _find_v6(passage)


def _find_v6(passage: Passage) -> Iterator[Finding]:
    for match in passage.matches(_V6, passage.codes_like(IP_V6)):
        start, value = match.start(), match.group().rstrip(".")
        before, after = passage.char_at(start - 1), passage.char_at(match.end())
        touching = (
            (before.isalnum() and before.isascii()) or before in (":", "_") or (after.isalnum() and after.isascii())
        )
        if not touching and _is_global_v6(value):
            yield Finding(start, start + len(value), "IP_ADDRESS", "ip.v6", RANK_IP)


def _is_global_v6(value: str) -> bool:
    """Tell whether this is unicast space in use (2000::/3), or eight full groups of other public space."""
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    if not address.is_global or address.is_multicast:
        return False
    return (value[0] in "23" and value.count(":") >= 3) or (value.count(":") == 7 and "::" not in value)


def _is_global(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _looks_like_version(passage: Passage, start: int, end: int) -> bool:
    before = passage.before(start, 24)
    if (before.endswith("<") and passage.char_at(end) == ">") or _REMOTE_USER.search(before):
        return False
    word = before.rstrip("： ")
    if word and not word[-1].isascii():
        return word.endswith(("版本", "版本号", "版", "固件", "升级到", "第"))
    before = _MARKUP.sub("", before.replace("：", ":"))
    return _VERSION_BEFORE.search(before) is not None
