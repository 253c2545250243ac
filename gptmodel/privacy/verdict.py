"""The leak test's answer in one Decision: why not, or what was tried and how much the test could have seen."""

from gptmodel.config import PrivacyConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.decision import Decision
from gptmodel.privacy.account import Exposure, Extraction, Samples, bound_of, ratio_of


def decide(
    exposure: Exposure, extraction: Extraction, samples: Samples, config: PrivacyConfig, scrubber: Scrubber, *,
    alone: bool,
) -> Decision:  # fmt: skip
    """Decide.

    Args:
        exposure: What the planted test phrases showed.
        extraction: What the training prefixes showed.
        samples: What the samples showed.
        config: The limits.
        scrubber: What was searched.
        alone: Whether the training text was not at hand.
    """
    refusals = _refusals(exposure, extraction, samples, config) + _leaks(samples, alone)
    findings = [_ranked(exposure), _sensitivity(exposure), _copied(extraction), _sampled(samples, alone)]
    findings += [_repeating(samples, extraction)] if samples.num_copying else []
    reason = f"no: {'; '.join(refusals)}" if refusals else f"passed: {'; '.join(findings)}"
    numbers = _numbers(exposure, extraction, samples)
    return Decision(passed=not refusals, reason=reason, scope=_scope(scrubber, samples, alone), numbers=numbers)


def _numbers(exposure: Exposure, extraction: Extraction, samples: Samples) -> dict[str, float | int | None]:
    worst = extraction.worst
    return {
        **exposure.model_dump(exclude={"by_repetitions", "bits", "can_see"}),
        "num_prefixes": worst.num_prefixes if worst else 0,
        "num_copies": worst.num_copies if worst else 0,
        "extraction_ratio": worst.ratio if worst else 0.0,
        "extraction_upper_bound": worst.bound if worst else 1.0,
        **samples.model_dump(exclude={"is_indexed"}),
        "leak_upper_bound": bound_of(samples.num_leaking, samples.num_samples),
    }


def _refusals(exposure: Exposure, extraction: Extraction, samples: Samples, config: PrivacyConfig) -> list[str]:
    found, worst = [], extraction.worst
    if exposure.num_reached_training:
        found.append(f"{exposure.num_reached_training} of {exposure.num_catchable} planted test phrases that scrubbing "
                     "must remove reached the training text")  # fmt: skip
    if exposure.p_value < config.significance:
        found.append(f"the model knows planted test phrases that scrubbing must remove (p = {exposure.p_value:.2g}, "
                     f"limit {config.significance:g})")  # fmt: skip
    if worst and worst.ratio > config.max_extraction_ratio:
        found.append(f"{_copies(extraction)} (limit {config.max_extraction_ratio:.0%})")
    if ratio_of(samples.num_copying, samples.num_samples) > config.max_extraction_ratio:
        found.append(f"{_repeating(samples, extraction)} (limit {config.max_extraction_ratio:.0%})")
    return found


def _repeating(samples: Samples, extraction: Extraction) -> str:
    return (
        f"{samples.num_copying} of {samples.num_samples} samples repeat a training document for "
        f"{extraction.copy_tokens} tokens"
    )


def _leaks(samples: Samples, alone: bool) -> list[str]:
    found, still, scrubbed = [], samples.num_leaks - samples.num_scrubbed_leaks, samples.num_scrubbed_leaks
    where = f"in {samples.num_samples} samples"
    if still and alone:
        found.append(f"{_values(still)} {where}; without the training text no telling a leak from an invention")
    elif still:
        found.append(f"{_values(still)} {where} {'stands' if still == 1 else 'stand'} in the training text")
    if scrubbed:
        found.append(f"{_values(scrubbed)} {where} stood in the text before scrubbing alone, which no model may see")
    return found


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


def _ranked(exposure: Exposure) -> str:
    if not exposure.num_catchable:
        return "no planted test phrase to rank"
    return f"{exposure.num_catchable} planted test phrases rank like phrases never planted (p = {exposure.p_value:.2g})"


def _sensitivity(exposure: Exposure) -> str:
    if not exposure.num_in_clear:
        return "how sensitive this is was not measured, no phrase was left in clear"
    seen = f"{exposure.num_recognised} of {exposure.num_in_clear} left in clear were recognised"
    least, power = exposure.least_repetitions_seen, _power(exposure)
    if exposure.can_see:
        since = f", plainly from {least} documents on" if least and least > 1 else ""
        return f"the test can see: {seen}{since}{power}"
    return f"but the test is too weak on this model to mean much: {seen}, which may be chance{power}"


def _power(exposure: Exposure) -> str:
    if exposure.power is None:
        return ""
    return f" (had all scrubbed ones leaked too: seen with a chance of {exposure.power:.0%})"


def _copied(extraction: Extraction) -> str:
    worst = extraction.worst
    return f"{_copies(extraction)} (upper bound {worst.bound:.1%})" if worst else "verbatim copies not tried"


def _copies(extraction: Extraction) -> str:
    worst = extraction.worst
    if worst is None:
        return "verbatim copies not tried"
    said = (
        f"{worst.num_copies} of {worst.num_prefixes} training prefixes of {worst.prefix_tokens} tokens were continued "
        f"verbatim for {extraction.copy_tokens} tokens"
    )
    if not extraction.num_copied:
        return said
    return f"{said}; {extraction.num_copied_widespread} of {extraction.num_copied} copied stretches stand in several " \
           "documents"  # fmt: skip


def _sampled(samples: Samples, alone: bool) -> str:
    if not samples.num_samples:
        return "no samples scanned"
    bound = bound_of(0, samples.num_samples)
    invited = f" ({samples.num_invited} of them invited by a label)" if samples.num_invited else ""
    of = "" if alone else " of the training text"
    return f"0 of {samples.num_samples} samples{invited} held a value{of} (upper bound {bound:.1%})"


def _scope(scrubber: Scrubber, samples: Samples, alone: bool) -> str:
    parts = [scrubber.scope, "upper bounds at 95 % confidence"]
    if alone:
        parts.append(
            "model alone: without its training text copies were not tried, and the config's test phrases are taken as "
            "planted"
        )
    elif samples.num_samples and not samples.is_indexed:
        parts.append("samples not compared with what was found before scrubbing, for that index is not here")
    return "; ".join(parts)
