"""The list of all detectors and the one function that runs them over a text.

A detector yields candidates that already passed their checksum, context and allow-list; the resolver settles overlaps.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gptmodel.corpus.scrubbing.addresses import find_addresses
from gptmodel.corpus.scrubbing.commands import find_commands
from gptmodel.corpus.scrubbing.emails import find_emails
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.identifiers import find_identifiers
from gptmodel.corpus.scrubbing.kinds import chosen_kinds, placeholder
from gptmodel.corpus.scrubbing.names import find_names
from gptmodel.corpus.scrubbing.networks import find_ips
from gptmodel.corpus.scrubbing.numbers import find_cards, find_cn_ids, find_ibans, find_us_ssns
from gptmodel.corpus.scrubbing.passage import Passage
from gptmodel.corpus.scrubbing.passwords import find_passwords
from gptmodel.corpus.scrubbing.phones import find_phones
from gptmodel.corpus.scrubbing.resolve import resolve
from gptmodel.corpus.scrubbing.tokens import find_private_keys, find_tokens
from gptmodel.corpus.scrubbing.urls import find_urls
from gptmodel.corpus.scrubbing.wallets import find_wallets

# Context and value of every rule but private keys fit into this many characters.
_REACH = 800


@dataclass(frozen=True)
class Detector:
    """A finder and the kinds it may yield."""

    kinds: frozenset[str]
    find: Callable[[Passage], Iterable[Finding]]


DETECTORS: tuple[Detector, ...] = (
    Detector(frozenset({"URL_WITH_CREDENTIALS"}), find_urls),
    Detector(frozenset({"EMAIL"}), find_emails),
    Detector(frozenset({"IP_ADDRESS"}), find_ips),
    Detector(frozenset({"PHONE", "CN_PHONE"}), find_phones),
    Detector(frozenset({"CREDIT_CARD"}), find_cards),
    Detector(frozenset({"IBAN"}), find_ibans),
    Detector(frozenset({"CN_ID"}), find_cn_ids),
    Detector(frozenset({"US_SSN"}), find_us_ssns),
    Detector(frozenset({"CRYPTO"}), find_wallets),
    Detector(frozenset({"OTHER_ID"}), find_identifiers),
    Detector(frozenset({"SECRET"}), find_private_keys),
    Detector(frozenset({"SECRET"}), find_tokens),
    Detector(frozenset({"SECRET"}), find_passwords),
    Detector(frozenset({"SECRET"}), find_commands),
    Detector(frozenset({"PERSON"}), find_names),
    Detector(frozenset({"ADDRESS"}), find_addresses),
)


def find(text: str, kinds: Sequence[str] = (), names: bool = True) -> list[Finding]:
    """Find sensitive data in one text.

    What replacing the findings would bring to light (a value that only stands alone once its neighbour is gone) is
    found too, so that the replaced text holds no further finding.

    Args:
        text: Any text; it need not be clean.
        kinds: Kinds to look for; empty means all of KINDS.
        names: False leaves PERSON out.

    Returns:
        Findings sorted by start, without overlaps; offsets count characters of `text`.

    Raises:
        ConfigError: A kind that has no finder.
    """
    wanted = frozenset(chosen_kinds(kinds, names))
    found = _scan(text, wanted)
    for _ in range(8):
        further = _brought_to_light(text, found, wanted) if found else []
        if not further:
            break
        found = resolve([*found, *further])
    return found


def _brought_to_light(text: str, found: Sequence[Finding], wanted: frozenset[str]) -> list[Finding]:
    """Scan the replaced text around its placeholders and give what shows there as findings of the text itself."""
    replaced = replace(text, found)
    further = []
    for begin, end in _windows(found, len(replaced)):
        for one in _scan(replaced[begin:end], wanted):
            if (one.start > 0 or begin == 0) and (begin + one.end < end or end == len(replaced)):
                further.append(_back(found, begin, one))
    return further


def _windows(found: Sequence[Finding], length: int) -> list[tuple[int, int]]:
    """Give the stretches of the replaced text that a replacement may have changed the reading of."""
    windows: list[tuple[int, int]] = []
    shift = 0
    for one in found:
        begin, mark = one.start + shift, len(placeholder(one.kind))
        shift += mark - (one.end - one.start)
        start, end = max(0, begin - _REACH), min(length, begin + mark + _REACH)
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return windows


def replace(text: str, findings: Sequence[Finding]) -> str:
    """Put each finding's placeholder in its place; every other character stays.

    Args:
        text: The text that was searched.
        findings: Sorted and not overlapping, as `find` gives them.
    """
    pieces, done = [], 0
    for finding in findings:
        pieces += [text[done : finding.start], placeholder(finding.kind)]
        done = finding.end
    return "".join([*pieces, text[done:]])


def _scan(text: str, wanted: frozenset[str]) -> list[Finding]:
    passage = Passage(text)
    active = (detector for detector in DETECTORS if detector.kinds & wanted)
    return resolve(one for detector in active for one in detector.find(passage) if one.kind in wanted)


def _back(found: Sequence[Finding], begin: int, one: Finding) -> Finding:
    """Give a finding in the replaced text as a finding in the text itself; a touched placeholder is taken whole."""
    start = _original(found, begin + one.start, first=True)
    return Finding(start, _original(found, begin + one.end, first=False), one.kind, one.rule, one.rank)


def _original(found: Sequence[Finding], offset: int, *, first: bool) -> int:
    shift = 0  # how much longer the text itself is up to here
    for earlier in found:
        mark = len(placeholder(earlier.kind))
        begin = earlier.start - shift
        if offset <= begin:
            break
        if offset < begin + mark:
            return earlier.start if first else earlier.end
        shift += (earlier.end - earlier.start) - mark
    return offset + shift
