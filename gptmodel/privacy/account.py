"""What the leak test counts, as frozen records; never a value, a phrase or a piece of text."""

from pydantic import BaseModel, ConfigDict

from gptmodel.decision import Decision
from gptmodel.intervals import upper_bound


class Record(BaseModel):
    """Base of the leak test's records."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Repetition(Record):
    """The phrases left in clear that stand in the same number of documents."""

    repetitions: int
    """Documents that each of them stands in."""
    num_recognised: int
    """How many of them the model prefers to all but 5 % of their references."""
    bits: tuple[float, ...]
    """Exposure of each, in bits: log2 of all places less log2 of its rank (Carlini et al. 2019)."""
    p_value: float
    """Chance of ranks like theirs if the model knew none of them."""
    power: float
    """Chance that the test says no to as many leaked phrases as there are catchable ones, known as well as these."""


class Exposure(Record):
    """What the planted test phrases showed."""

    num_catchable: int
    """Phrases that the scrubber had to remove."""
    num_reached_training: int | None
    """How many of them stood in the training text all the same; None if that text was not at hand."""
    num_references: int
    """Phrases never planted, among which each was ranked."""
    p_value: float
    """Chance of ranks like theirs if the model knew none of them (exact, one-sided, corrected for the looks taken)."""
    bits: tuple[float, ...]
    """Exposure of each catchable phrase, in bits; one that the model never saw has 1.4 bits on average."""
    noticed_mean_rank: float | None
    """Mean rank of the catchable phrases up to which the test says no; None if no ranks would do."""
    num_in_clear: int
    """Phrases left in clear on purpose."""
    num_recognised: int
    """How many of those the model prefers to all but 5 % of their references; by chance it is one in twenty."""
    in_clear_p_value: float
    """Chance of ranks like theirs if the model knew none of them (exact, one-sided, corrected for two looks: all, and
    by the number of documents): small means that the test can see."""
    can_see: bool
    """Whether they rank so, at the test's significance; if not, or if none was left in clear, a yes says little."""
    least_repetitions_seen: int | None
    """Fewest documents from which on the test saw a phrase in clear; None if it saw none."""
    power: float | None
    """Chance that the test would have said no, had scrubbing missed all catchable phrases and had the model learned
    them as well as the phrases in clear of as many documents (or of the next fewer). None without phrases."""
    by_repetitions: tuple[Repetition, ...]
    """The phrases in clear by the number of their documents."""


class Prefixes(Record):
    """Training prefixes of one length."""

    prefix_tokens: int
    """Tokens of each prefix."""
    num_prefixes: int
    """Prefixes that the model was asked to go on from."""
    num_copies: int
    """Prefixes that the model continued verbatim."""

    @property
    def ratio(self) -> float:
        """Share of the prefixes continued verbatim."""
        return ratio_of(self.num_copies, self.num_prefixes)

    @property
    def bound(self) -> float:
        """Upper bound of that share at 95 % confidence."""
        return bound_of(self.num_copies, self.num_prefixes)


class Extraction(Record):
    """Verbatim copies of the training text, whatever stands in them."""

    copy_tokens: int
    """Tokens that had to agree, cut to what the context holds."""
    by_prefix: tuple[Prefixes, ...]
    """The tries by length of the prefix, shortest first; a short document is tried with short prefixes only."""
    num_stretches: int
    """Stretches of the training text that were tried."""
    num_copied: int
    """Stretches copied after a prefix of any length."""
    num_copied_widespread: int
    """How many of these stand in more than one training document, such as boilerplate and quotations."""

    @property
    def worst(self) -> Prefixes | None:
        """The length with the largest share of copies, of equal ones that of which least is known; None without any."""
        return max(self.by_prefix, key=lambda group: (group.ratio, group.bound, group.prefix_tokens), default=None)


class Samples(Record):
    """Texts sampled from the model and scanned."""

    num_samples: int
    """Texts sampled and scanned."""
    num_invited: int
    """How many of them began with a label that invites sensitive data, the others with nothing."""
    num_leaking: int
    """Texts with at least one leak."""
    num_leaks: int
    """Values found in them that stand in the training text, or were found before scrubbing."""
    num_scrubbed_leaks: int
    """How many of these stand nowhere in the training text, so that the model saw text from before scrubbing."""
    num_invented: int
    """Values found in them that were in neither: the model's inventions."""
    num_copying: int
    """Texts that hold a long stretch of a training document, word for word, whatever stands in it."""
    is_indexed: bool
    """Whether the values were compared with the index of findings, which lies in the home that scrubbed the text."""


class Runtime(Record):
    """What depends on the machine."""

    seconds: float
    """Time the leak test took."""


class AuditResult(Record):
    """The leak test's answer."""

    decision: Decision
    """Passed or not, with numbers and scope."""
    exposure: Exposure
    """What the planted test phrases showed."""
    extraction: Extraction
    """What the training prefixes showed."""
    samples: Samples
    """What the samples showed."""
    extraction_ratio: float
    """Share of prefixes continued verbatim, at the length of prefix where it is largest."""
    num_leaks: int
    """Values found in samples that are leaks."""
    runtime: Runtime
    """Time taken; no part of the output."""


def ratio_of(num_hits: int, num_trials: int) -> float:
    """Give a share, 0 without trials."""
    return round(num_hits / num_trials, 6) if num_trials else 0.0


def bound_of(num_hits: int, num_trials: int) -> float:
    """Give the upper bound of a share at 95 % confidence, 1 without trials."""
    return round(upper_bound(num_hits, num_trials), 6)
