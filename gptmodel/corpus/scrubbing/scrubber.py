"""One configuration's finders and replacements, made ready once and used by whoever scans text.

The stage, the command, the samples of what cleaning dropped and the leak test all take a `Scrubber`, so that the same
text is judged alike everywhere. It is made of plain values: another process can be handed it.
"""

from dataclasses import dataclass
from typing import Any

from gptmodel.config import ScrubbingConfig, fingerprint_section
from gptmodel.corpus.scrubbing.coverage import Coverage, coverage_of
from gptmodel.corpus.scrubbing.custom import custom_finders
from gptmodel.corpus.scrubbing.detectors import replace, search
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.kinds import KINDS, chosen_kinds, placeholder
from gptmodel.corpus.scrubbing.replacement import make_replacer
from gptmodel.corpus.scrubbing.site import Site
from gptmodel.keys import NO_KEYS, Keys


@dataclass(frozen=True)
class Scrubbed:
    """One text after scrubbing.

    Attributes:
        text: The text with every finding replaced.
        findings: The findings, with offsets in the text that was given.
        num_allowed: Values that the site's allow file left standing.
        left_out_for: Kind for whose sake the document is to be left out; empty if it stays.
    """

    text: str
    findings: list[Finding]
    num_allowed: int = 0
    left_out_for: str = ""


class Scrubber:
    """Finds and replaces sensitive data by one configuration.

    Attributes:
        config: What is looked for, and what takes its place.
        keys: The keys that hashes and pseudonyms are made with.
        site: The site's own finders and allowed values.
        coverage: What is searched, what in part, what not.
        replacer: What takes the findings' place.

    Raises:
        ConfigError: A kind that has no finder, a finder of the site's own that does not hold what it promises, or a
            pseudonym asked for without a key.
    """

    def __init__(self, config: ScrubbingConfig, keys: Keys = NO_KEYS) -> None:
        self.config = config
        self.keys = keys
        self.site = _site(config)
        self.coverage: Coverage = coverage_of(config, self.site)
        self._wanted = frozenset(chosen_kinds(config.kinds, config.find_names))
        self.replacer = make_replacer(config, keys, self.kinds)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds that may be found, in the order of KINDS; the site's own last."""
        return self.coverage.kinds

    @property
    def kinds_not_searched(self) -> tuple[str, ...]:
        """Kinds that nobody looks for, or so little that it does not count."""
        return self.coverage.not_searched

    @property
    def placeholders(self) -> tuple[str, ...]:
        """What may stand for a finding, the site's own kinds included; each is one token of the tokenizer."""
        own = (kind for kind in self.kinds if kind not in KINDS)
        return tuple(placeholder(kind) for kind in (*KINDS, *own))

    @property
    def digests(self) -> dict[str, str]:
        """What the results depend on besides the configuration, by name: what the site adds, the pseudonyms' key.

        They belong into the fingerprint of every stage that searches.
        """
        key = {"pseudonym key": self.replacer.key_id} if self.replacer.key_id else {}
        return self.site.digests | key

    @property
    def settings(self) -> dict[str, Any]:
        """What shapes the scrubbed text, as JSON values, `digests` included; how the scrubber tests itself does not."""
        section = {name: value for name, value in fingerprint_section(self.config).items() if name != "self_test"}
        return section | self.digests

    @property
    def scope(self) -> str:
        """What is searched and what is not, in one sentence."""
        return self.coverage.scope

    def find(self, text: str) -> list[Finding]:
        """Find sensitive data: sorted, not overlapping, with offsets in the text."""
        return search(text, self._wanted, self.site, self.replacer).findings

    def scrub(self, text: str) -> Scrubbed:
        """Find and replace."""
        found = search(text, self._wanted, self.site, self.replacer)
        findings = found.findings
        return Scrubbed(
            replace(text, findings, self.replacer), findings, found.num_allowed, self.replacer.left_out_for(findings)
        )

    def is_stand_in(self, text: str) -> bool:
        """Tell whether a text as a whole is a placeholder or has the form of a pseudonym."""
        return self.replacer.is_stand_in(text)


def _site(config: ScrubbingConfig) -> Site:
    return Site(custom_finders(config.custom))
