"""The list of all detectors and the one function that runs them over a text.

A detector yields candidates that already passed their checksum, context and allow-list; the resolver settles overlaps.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gptmodel.corpus.scrubbing.finders.addresses import find_addresses
from gptmodel.corpus.scrubbing.finders.commands import find_commands
from gptmodel.corpus.scrubbing.finders.emails import find_emails
from gptmodel.corpus.scrubbing.finders.identifiers import find_identifiers
from gptmodel.corpus.scrubbing.finders.names import find_names
from gptmodel.corpus.scrubbing.finders.networks import find_ips
from gptmodel.corpus.scrubbing.finders.numbers import find_cards, find_cn_ids, find_ibans, find_us_ssns
from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finders.passwords import find_passwords
from gptmodel.corpus.scrubbing.finders.phones import find_phones
from gptmodel.corpus.scrubbing.finders.remarks import find_remarked
from gptmodel.corpus.scrubbing.finders.tables import find_cells
from gptmodel.corpus.scrubbing.finders.tokens import find_private_keys, find_tokens
from gptmodel.corpus.scrubbing.finders.told import find_told
from gptmodel.corpus.scrubbing.finders.urls import find_urls
from gptmodel.corpus.scrubbing.finders.wallets import find_wallets
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.kinds import chosen_kinds
from gptmodel.corpus.scrubbing.replacing.replacement import PLACEHOLDERS_ONLY, Replacer
from gptmodel.corpus.scrubbing.replacing.settling import Replaced, settled
from gptmodel.corpus.scrubbing.resolve import resolve
from gptmodel.corpus.scrubbing.site.additions import NO_SITE, Site, Span, num_left_standing


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
    Detector(frozenset({"SECRET"}), find_told),
    Detector(frozenset({"SECRET"}), find_cells),
    Detector(frozenset({"SECRET"}), find_remarked),
    Detector(frozenset({"SECRET"}), find_commands),
    Detector(frozenset({"PERSON"}), find_names),
    Detector(frozenset({"ADDRESS"}), find_addresses),
)


@dataclass(frozen=True)
class Found:
    """What a text holds.

    Attributes:
        findings: Sorted by start, without overlaps; offsets count characters of the text.
        num_allowed: Values left standing because the site allows them.
    """

    findings: list[Finding]
    num_allowed: int = 0


def find(
    text: str, kinds: Sequence[str] = (), names: bool = True, replacer: Replacer = PLACEHOLDERS_ONLY
) -> list[Finding]:
    """Find sensitive data in one text.

    What replacing the findings would bring to light (a value that only stands alone once its neighbour is gone) is
    found too, so that the replaced text holds no further finding.

    Args:
        text: Any text; it need not be clean.
        kinds: Kinds to look for; empty means all of KINDS.
        names: False leaves PERSON out.
        replacer: What takes the findings' place.

    Returns:
        Findings sorted by start, without overlaps; offsets count characters of `text`.

    Raises:
        ConfigError: A kind that has no finder.
    """
    return search(text, frozenset(chosen_kinds(kinds, names)), replacer=replacer).findings


def search(text: str, wanted: frozenset[str], site: Site = NO_SITE, replacer: Replacer = PLACEHOLDERS_ONLY) -> Found:
    """Find sensitive data as `find` does, with what a site adds.

    Args:
        text: Any text.
        wanted: Kinds that the built-in finders look for.
        site: What a site adds.
        replacer: What takes the findings' place.
    """
    first, allowed = _scan(text, wanted, site, replacer)
    # How far a site's pattern reaches nobody knows.
    everywhere = bool(site.finders)
    found = settled(text, first, lambda piece: _scan(piece, wanted, site, replacer)[0], replacer, everywhere)
    return Found(found, num_left_standing(allowed, found))


def replace(text: str, findings: Sequence[Finding], replacer: Replacer = PLACEHOLDERS_ONLY) -> str:
    """Put each finding's stand-in in its place; every other character stays.

    Args:
        text: The text that was searched.
        findings: Sorted and not overlapping, as `find` gives them.
        replacer: What takes the findings' place.
    """
    return Replaced(text, findings, replacer).text


def _scan(text: str, wanted: frozenset[str], site: Site, replacer: Replacer) -> tuple[list[Finding], list[Span]]:
    """Give what stands in a text, and the places of allowed values."""
    passage = Passage(replacer.hidden(text))
    active = (detector for detector in DETECTORS if detector.kinds & wanted)
    found = [one for detector in active for one in detector.find(passage) if one.kind in wanted]
    kept, allowed = site.without_allowed(text, [*found, *site.find(text, passage)])
    return resolve(one for one in kept if not replacer.exempts(text, one)), allowed
