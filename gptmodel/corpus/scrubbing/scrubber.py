"""One configuration's finders and replacements, made ready once and used by whoever scans text.

The stage, the command, the samples of what cleaning dropped and the leak test all take a `Scrubber`, so that the same
text is judged alike everywhere. It is made of plain values: another process can be handed it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptmodel.config import ScrubbingConfig, fingerprint_section
from gptmodel.corpus.scrubbing.coverage import Coverage, coverage_of
from gptmodel.corpus.scrubbing.detectors import replace, search
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.kinds import KINDS, chosen_kinds, placeholder
from gptmodel.corpus.scrubbing.replacing.replacement import make_replacer
from gptmodel.corpus.scrubbing.site.additions import Finder, Site
from gptmodel.corpus.scrubbing.site.allowed import read_allowed
from gptmodel.corpus.scrubbing.site.custom import custom_finders, digest_of_settings
from gptmodel.corpus.scrubbing.site.recognizers import recognized
from gptmodel.corpus.scrubbing.site.roster import load_roster
from gptmodel.keys import NO_KEYS, Keys

ALLOW_FILE = "allow file"


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

    Args:
        config: What is looked for, and what takes its place.
        keys: The keys that hashes and pseudonyms are made with.
        kept_dir: Where the hashes of the site's roster stay for the time when its file is gone; None keeps none.
        site: The site's own finders, if they are made already.

    Raises:
        ConfigError: A kind that has no finder, a finder of the site's own that does not hold what it promises, or a
            file of values that can't be read, or a pseudonym asked for without a key.
    """

    def __init__(
        self, config: ScrubbingConfig, keys: Keys = NO_KEYS, kept_dir: Path | None = None, site: Site | None = None
    ) -> None:
        self.config = config
        self.keys = keys
        self.site = _site(config, keys, kept_dir) if site is None else site
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
        aside = ("self_test", "custom")  # of the finders there is the digest, without their examples
        section = {name: value for name, value in fingerprint_section(self.config).items() if name not in aside}
        return section | self.digests

    @property
    def scope(self) -> str:
        """What is searched and what is not, in one sentence."""
        return self.coverage.scope

    @property
    def for_samples(self) -> "Scrubber":
        """The same finders for text that is only shown: every kind, a placeholder for each finding, nothing allowed."""
        digests = {name: digest for name, digest in self.site.digests.items() if name != ALLOW_FILE}
        return Scrubber(ScrubbingConfig(recognizer=self.config.recognizer), site=Site(self.site.finders, None, digests))

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


def _site(config: ScrubbingConfig, keys: Keys, kept_dir: Path | None) -> Site:
    """Make ready what the config says of the site: patterns first, so that the cheapest mistakes are told first."""
    finders: list[Finder] = list(custom_finders(config.custom))
    digests = {"custom finders": digest_of_settings(config.custom)} if config.custom else {}
    allowed = read_allowed(Path(config.allow_file)) if config.allow_file else None
    if allowed:
        digests[ALLOW_FILE] = allowed.digest
    if config.known_values:
        roster = load_roster(Path(config.known_values), keys, kept_dir)
        finders.append(roster)
        digests["known values"] = roster.digest
    if config.recognizer:
        recognizer = recognized(config.recognizer)
        finders.append(recognizer)
        digests["recognizer"] = recognizer.digest
    return Site(tuple(finders), allowed, digests)
