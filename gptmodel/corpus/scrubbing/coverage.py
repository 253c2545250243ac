"""What is searched, what only in part and what not at all; and whether that will do for the sources at hand.

Read by the plan, the start of a run, the leak test's decision and every report, so that all say the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gptmodel.config import RecognizerConfig, ScrubbingConfig
from gptmodel.corpus.scrubbing.detectors import DETECTORS
from gptmodel.corpus.scrubbing.kinds import IN_PART, KINDS, UNSEARCHED, chosen_kinds
from gptmodel.corpus.scrubbing.site.additions import Site
from gptmodel.decision import Decision

# Kinds for which a recognizer can be had.
_RECOGNIZED = frozenset({"PERSON", "ADDRESS"})


@dataclass(frozen=True)
class Coverage:
    """How far a scrubber looks.

    Attributes:
        kinds: Kinds that something looks for, wholly or in part, in the order of KINDS; the site's own last.
        not_searched: Kinds that nothing looks for, or so little that it does not count.
        accepted: Those of `not_searched` that the config accepts in writing.
        limits: How far the search for a kind goes where it does not go everywhere, in words.
    """

    kinds: tuple[str, ...]
    not_searched: tuple[str, ...]
    accepted: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def searched(self) -> tuple[str, ...]:
        """Kinds that count as searched."""
        return tuple(kind for kind in self.kinds if kind not in self.not_searched)

    @property
    def unaccepted(self) -> tuple[str, ...]:
        """Kinds that are neither searched nor accepted."""
        return tuple(kind for kind in self.not_searched if kind not in self.accepted)

    @property
    def scope(self) -> str:
        """What is searched and what is not, in one sentence."""
        missing = ", ".join(marked(self.not_searched, self.accepted, self.kinds))
        searched = f"searched for {len(self.searched)} kinds ({', '.join(self.searched)})"
        return "; ".join([searched, *self.limits, f"not searched: {missing or 'none of the kinds known here'}"])


def marked(not_searched: Sequence[str], accepted: Sequence[str], found: Collection[str] = ()) -> list[str]:
    """Give the kinds that are not searched, with a word where that is accepted or where a part is searched after all.

    Args:
        not_searched: The kinds.
        accepted: Those that the config accepts in writing.
        found: Kinds that something looks for, at least in labelled fields.

    Example:
        >>> marked(["PHONE", "ADDRESS"], ["ADDRESS"], ["EMAIL", "ADDRESS"])
        ['PHONE', 'ADDRESS in running text (accepted)']
    """
    where = {kind: " in running text" if kind in IN_PART and kind in found else "" for kind in not_searched}
    return [f"{kind}{words}{' (accepted)' if kind in accepted else ''}" for kind, words in where.items()]


def coverage_of(config: ScrubbingConfig, site: Site) -> Coverage:
    """Tell how far a configuration's finders and the site's own look.

    Raises:
        ConfigError: A kind that has no finder.
    """
    chosen = chosen_kinds(config.kinds, config.find_names)
    built_in = {kind for detector in DETECTORS for kind in detector.kinds} & set(chosen)
    recognized: set[str] = set(config.recognizer.kinds) if config.recognizer else set()
    own = sorted(site.kinds - set(KINDS))
    not_searched = tuple(k for k in KINDS if k not in recognized and (k not in built_in or k in UNSEARCHED))
    return Coverage(
        kinds=(*(kind for kind in KINDS if kind in built_in or kind in site.kinds), *own),
        not_searched=not_searched,
        accepted=tuple(kind for kind in not_searched if kind in config.accept_unsearched),
        limits=(*_limits(built_in - recognized, site.kinds, not_searched), *_by_model(config.recognizer)),
    )


def _limits(built_in: set[str], own: frozenset[str], not_searched: Sequence[str]) -> list[str]:
    found = [words for kind, words in IN_PART.items() if kind in built_in]
    found += [
        f"{kind} by the site's own patterns and values only" for kind in KINDS
        if kind in own and kind in not_searched and kind not in built_in
    ]  # fmt: skip
    return found


def _by_model(config: RecognizerConfig | None) -> list[str]:
    if config is None:
        return []
    return [f"{' and '.join(config.kinds)} by the model {Path(config.model).name} ({config.engine}), which misses some"]


def refusals(personal_data: Mapping[str, str], coverage: Coverage) -> list[str]:
    """Say what speaks against training on these sources: data about people, and a kind nobody looks for.

    Args:
        personal_data: What each source says of it: yes, no or unknown.
        coverage: What is looked for.
    """
    names, missing = _saying("yes", personal_data), coverage.unaccepted
    if not names or not missing:
        return []
    sources, has = ("Source", "has") if len(names) == 1 else ("Sources", "have")
    kinds = " or ".join(marked(missing, (), coverage.kinds))
    remedy = "Install a recognizer" if set(missing) <= _RECOGNIZED else "Look for it (scrubbing.kinds)"
    accepted = _quoted([*coverage.accepted, *missing])
    return [
        f"{sources} {_quoted(names)} {has} personal_data = yes, and nothing here looks for {kinds}."
        f" {remedy} or accept it: scrubbing.accept_unsearched = [{accepted}];"
        " it will be on the version's page"
    ]


def judged(decision: Decision, personal_data: Mapping[str, str], coverage: Coverage) -> Decision:
    """Turn a leak test's yes into a no, or lengthen its no, where `refusals` has something to say."""
    words = refusals(personal_data, coverage)
    if not words:
        return decision
    rest = f"the leak test itself {decision.reason}" if decision.passed else decision.reason.removeprefix("no: ")
    reason = f"no: {'; '.join([*words, rest])}"
    return decision.model_copy(update={"passed": False, "reason": reason})


def warnings(personal_data: Mapping[str, str], coverage: Coverage) -> list[str]:
    """Say before a run what its leak test will refuse, and which sources do not say whether they hold personal data.

    Args:
        personal_data: What each source says of it: yes, no or unknown.
        coverage: What is looked for.
    """
    unknown = _saying("unknown", personal_data)
    found = [f"{words}. Until then the version gets no alias." for words in refusals(personal_data, coverage)]
    if unknown:
        sources, says = ("Source", "says") if len(unknown) == 1 else ("Sources", "say")
        kinds = ", ".join(marked(coverage.not_searched, coverage.accepted, coverage.kinds))
        missing = f"; not searched: {kinds}" if kinds else ""
        remedy = 'set personal_data = "yes" or "no"'
        found.append(f"{sources} {_quoted(unknown)} {says} nothing of personal data: {remedy}{missing}")
    return found


def _saying(word: str, personal_data: Mapping[str, str]) -> list[str]:
    return [name for name, said in personal_data.items() if said == word]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
