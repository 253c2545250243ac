"""One configuration's finders and replacements, made ready once and used by whoever scans text.

The stage, the command, the samples of what cleaning dropped and the leak test all take a `Scrubber`, so that the same
text is judged alike everywhere. It is made of plain values: another process can be handed it.
"""

from dataclasses import dataclass

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing.detectors import find, replace
from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.kinds import KINDS, UNSEARCHED, chosen_kinds
from gptmodel.keys import NO_KEYS, Keys


@dataclass(frozen=True)
class Scrubbed:
    """One text after scrubbing.

    Attributes:
        text: The text with every finding replaced.
        findings: The findings, with offsets in the text that was given.
    """

    text: str
    findings: list[Finding]


class Scrubber:
    """Finds and replaces sensitive data by one configuration.

    Attributes:
        config: What is looked for, and what takes its place.
        keys: The keys that hashes and pseudonyms are made with.
        kinds: Kinds that are looked for, in the order of KINDS.
        kinds_not_searched: Kinds that nobody looks for.
    """

    def __init__(self, config: ScrubbingConfig, keys: Keys = NO_KEYS) -> None:
        self.config = config
        self.keys = keys
        self.kinds = chosen_kinds(config.kinds, config.find_names)
        self.kinds_not_searched = tuple(kind for kind in KINDS if kind not in self.kinds or kind in UNSEARCHED)

    @property
    def scope(self) -> str:
        """What is searched and what is not, in one sentence."""
        names = "; names in labelled fields and after titles only" if "PERSON" in self.kinds else ""
        return (
            f"searched for {len(self.kinds)} kinds ({', '.join(self.kinds)}){names}; "
            f"not searched: {', '.join(self.kinds_not_searched)}"
        )

    def find(self, text: str) -> list[Finding]:
        """Find sensitive data: sorted, not overlapping, with offsets in the text."""
        return find(text, self.kinds, self.config.find_names)

    def scrub(self, text: str) -> Scrubbed:
        """Find and replace."""
        findings = self.find(text)
        return Scrubbed(replace(text, findings), findings)
