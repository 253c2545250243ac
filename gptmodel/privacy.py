"""The leak test of a trained model: planted test phrases, verbatim copies, and samples scanned by the finders.

`audit` is the stage; `audit_model` looks at a model folder alone. The answer is a Decision that carries its numbers,
how sensitive the test was on this very model, and what was searched. It never says "anonymous", and no value found is
logged, stored or returned. The quality of the text itself is other rooms' business.
"""

import json
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gptmodel.checkpoint import load_model
from gptmodel.config import PlantedConfig, PrivacyConfig
from gptmodel.corpus.canaries import Phrase, phrase_id_of, planted_phrases
from gptmodel.corpus.documents import Document, list_shards, read_documents
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.coverage import judged
from gptmodel.decision import Decision
from gptmodel.generation import Generator
from gptmodel.intervals import upper_bound
from gptmodel.ranking import Rank, leak_p_value, rank_phrases, sensitivity_p_value
from gptmodel.scoring import to_fastest_device
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import TokenSplit, read_packed_documents

logger = logging.getLogger(__name__)

Ids = NDArray[np.int64]
Progress = Callable[[float, str], None]

PHRASES_FILE = "phrases.jsonl"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Exposure(_Record):
    """What the planted test phrases showed."""

    num_catchable: int
    """Phrases that the scrubber had to remove."""
    num_reached_training: int
    """How many of them stood in the training text all the same."""
    num_references: int
    """Phrases never planted, among which each was ranked."""
    p_value: float
    """Chance of ranks like theirs if the model knew none of them (exact, one-sided, corrected for the looks taken)."""
    num_in_clear: int
    """Phrases left in clear on purpose."""
    num_recognised: int
    """How many of those the model prefers to all but 5 % of their references; by chance it is one in twenty."""
    in_clear_p_value: float
    """Chance of ranks like theirs if the model knew none of them: small means that the test can see."""
    recognised_by_repetitions: dict[str, float]
    """Share recognised by the number of documents the phrase stood in."""


class Runtime(_Record):
    """What depends on the machine."""

    seconds: float
    """Time the leak test took."""


class AuditResult(_Record):
    """The leak test's answer."""

    decision: Decision
    """Passed or not, with numbers and scope."""
    exposure: Exposure
    """What the planted test phrases showed."""
    num_prefixes: int
    """Training prefixes that the model was asked to go on from."""
    prefix_tokens: int
    """Tokens of each prefix, cut to what the context holds."""
    copy_tokens: int
    """Tokens that had to agree, cut to what the context holds."""
    num_copies: int
    """Prefixes that the model continued verbatim."""
    extraction_ratio: float
    """Share of the prefixes continued verbatim."""
    num_samples: int
    """Texts sampled and scanned."""
    num_leaks: int
    """Values found in them that stand in the training text too."""
    num_invented: int
    """Values found in them that the training text does not hold: the model's inventions."""
    runtime: Runtime
    """Time taken; no part of the output."""


@dataclass(frozen=True)
class _Training:
    """What the model was trained on: the scrubbed text, and the packed tokens of its documents."""

    scrubbed: Path
    packed: Path


@dataclass(frozen=True)
class _Copies:
    num_prefixes: int
    num_copies: int
    prefix_tokens: int
    copy_tokens: int


@dataclass(frozen=True)
class _Samples:
    num_samples: int
    num_leaking: int
    num_leaks: int
    num_invented: int


def audit(
    work: Workspace, config: PrivacyConfig, scrubber: Scrubber, progress: Progress | None = None,
    personal_data: Mapping[str, str] | None = None,
) -> AuditResult:  # fmt: skip
    """Test the trained model for leaks.

    Args:
        work: Reads "scrub", "tokenizer", "pack" and "train"; writes `phrases.jsonl`, the rank of each phrase.
        config: Sizes and limits of the test.
        scrubber: What the scrubber looked for, which the samples are scanned for too.
        progress: Called with the share done (0 to 1) and a line to show.
        personal_data: What each source says of data about people: with a yes every kind must be searched or accepted.
    """
    work.clear()
    model = to_fastest_device(load_model(work.inputs["train"] / "model"))
    generator = Generator(model, Tokenizer.load(work.inputs["tokenizer"]))
    training = _Training(work.inputs["scrub"], work.inputs["pack"])
    result, ranks = _audit(generator, config, scrubber, training, progress)
    decision = judged(result.decision, personal_data or {}, scrubber.coverage)
    _write_ranks(work.path / PHRASES_FILE, ranks)
    return result.model_copy(update={"decision": decision})


def audit_model(
    folder: Path, config: PrivacyConfig, scrubber: Scrubber, progress: Progress | None = None
) -> AuditResult:
    """Test a model folder without its training text.

    Takes the phrases of the config as planted, tries no verbatim copies, and counts every value found in a sample as a
    leak, for it can't be told from an invention.

    Args:
        folder: Holds model.safetensors, config.json and tokenizer.json.
        config: Sizes and limits of the test; its planted phrases must be those of the run that made the model.
        scrubber: What the samples are scanned for.
        progress: Called with the share done (0 to 1) and a line to show.
    """
    generator = Generator.load(folder)
    to_fastest_device(generator.model)
    return _audit(generator, config, scrubber, None, progress)[0]


def _audit(
    generator: Generator, config: PrivacyConfig, scrubber: Scrubber, training: _Training | None,
    progress: Progress | None,
) -> tuple[AuditResult, list[Rank]]:  # fmt: skip
    began, tell = time.monotonic(), progress or (lambda ratio, message: None)
    tell(0.0, "ranking planted test phrases")
    phrases, reached = _planted(config.planted, scrubber, training)
    ranks = rank_phrases(generator, phrases, config.num_references, config.seed)
    exposure = _exposure(generator, ranks, reached, config)
    tell(0.5, "continuing training prefixes")
    copies = _copies(generator, config, training)
    tell(0.7, "scanning samples")
    samples = _samples(generator, config, scrubber, training)
    decision = _decide(exposure, copies, samples, config, scrubber, training)
    logger.info("leak test: %s", decision.reason)
    return AuditResult(
        decision=decision, exposure=exposure, num_prefixes=copies.num_prefixes, prefix_tokens=copies.prefix_tokens,
        copy_tokens=copies.copy_tokens, num_copies=copies.num_copies, extraction_ratio=_extraction_ratio(copies),
        num_samples=samples.num_samples, num_leaks=samples.num_leaks, num_invented=samples.num_invented,
        runtime=Runtime(seconds=round(time.monotonic() - began, 3)),
    ), ranks  # fmt: skip


def _planted(config: PlantedConfig, scrubber: Scrubber, training: _Training | None) -> tuple[list[Phrase], set[str]]:
    """Give the phrases planted, and the ids of catchable ones whose secret stands in the training text."""
    phrases = [phrase for phrase in planted_phrases(config) if not _is_accepted(phrase.kind, scrubber)]
    if training is None:
        return phrases, set()
    documents = list(_planted_documents(training.scrubbed))
    repetitions = Counter(phrase_id_of(document) for document in documents)
    secrets = {phrase.id: phrase.secret for phrase in phrases if phrase.sort == "catchable"}
    reached = {
        name for name, text in ((phrase_id_of(document), document.text) for document in documents)
        if name in secrets and secrets[name] in text
    }  # fmt: skip
    found = [replace(phrase, repetitions=repetitions[phrase.id]) for phrase in phrases if phrase.id in repetitions]
    return found, reached


def _is_accepted(kind: str, scrubber: Scrubber) -> bool:
    """Whether nobody looks for this kind and that was accepted in writing."""
    return kind not in scrubber.kinds and kind in scrubber.config.accept_unsearched


def _planted_documents(folder: Path) -> Iterator[Document]:
    import pyarrow.parquet as pq

    for path in list_shards(folder):
        for row in pq.read_table(path, filters=[("planted", "!=", "")]).to_pylist():
            yield Document(**row)


def _exposure(generator: Generator, ranks: Sequence[Rank], reached: set[str], config: PrivacyConfig) -> Exposure:
    catchable = [rank for rank in ranks if rank.phrase.sort == "catchable"]
    in_clear = [rank for rank in ranks if rank.phrase.sort == "in_clear"]
    p_value = leak_p_value(generator, catchable, config.significance, config.seed)
    times = sorted({rank.phrase.repetitions for rank in in_clear})
    groups = {str(count): [rank for rank in in_clear if rank.phrase.repetitions == count] for count in times}
    return Exposure(
        num_catchable=len(catchable), num_reached_training=len(reached), num_references=config.num_references,
        p_value=float(f"{p_value:.6g}"), num_in_clear=len(in_clear),
        num_recognised=sum(rank.recognised for rank in in_clear),
        in_clear_p_value=float(f"{sensitivity_p_value(in_clear):.6g}"),
        recognised_by_repetitions={
            count: round(sum(rank.recognised for rank in group) / len(group), 4) for count, group in groups.items()
        },
    )  # fmt: skip


def _copies(generator: Generator, config: PrivacyConfig, training: _Training | None) -> _Copies:
    """Try training prefixes: does the most likely continuation repeat the training text?

    Source: Carlini et al. 2022, Quantifying Memorization Across Neural Language Models (extractable with k tokens of
    context, greedy decoding).
    """
    context = generator.model.context_length
    copied = min(config.copy_tokens, max(1, context // 2))
    prefix = min(config.prefix_tokens, context - copied)
    stretches = _stretches(config, training, prefix + copied) if training and prefix else []
    if not stretches:
        return _Copies(0, 0, prefix, copied)
    tokens = np.stack(stretches)  # (P, prefix + copied)
    continued = _continue_greedily(generator, tokens[:, :prefix], copied)
    num_copies = int((continued == tokens[:, prefix:]).all(axis=1).sum())
    return _Copies(len(stretches), num_copies, prefix, copied)


def _stretches(config: PrivacyConfig, training: _Training, size: int) -> list[Ids]:
    """Draw stretches of `size` tokens, each within one training document; planted documents aside."""
    draw, stream = random.Random(config.seed), TokenSplit.open(training.packed, "train")
    rows = [row for row in read_packed_documents(training.packed, ["train"])
            if not row.planted and row.num_tokens > size]  # fmt: skip
    chosen = draw.sample(rows, min(config.num_prefixes, len(rows)))
    starts = [row.start + draw.randrange(row.num_tokens - size) for row in chosen]
    return [stream[start : start + size] for start in starts]


def _continue_greedily(generator: Generator, prefixes: Ids, num_tokens: int) -> Ids:
    """Give the likeliest next tokens of prefixes of equal length: (P, T) -> (P, num_tokens)."""
    import torch

    model, found = generator.model, []
    with torch.inference_mode():
        cache = model.new_cache(len(prefixes))
        inputs = torch.from_numpy(prefixes).to(next(model.parameters()).device)
        for _ in range(num_tokens):
            inputs = model(inputs, cache=cache)[:, -1:].argmax(-1)  # (P, 1)
            found.append(inputs)
    return torch.cat(found, dim=1).cpu().numpy()


def _samples(generator: Generator, config: PrivacyConfig, scrubber: Scrubber, training: _Training | None) -> _Samples:
    """Sample texts from nothing and scan them; a value that the training text holds is a leak, another an invention.

    The model saw the scrubbed text alone, so what that text does not hold it can't have learned.
    """
    if not config.num_samples:
        return _Samples(0, 0, 0, 0)
    generated = generator.generate(
        [""] * config.num_samples, max_new_tokens=config.sample_tokens, temperature=1.0, seed=config.seed
    )
    found = [_values(item.text, scrubber) for item in generated]
    values = {value for group in found for value in group}
    known = values if training is None else _known(values, training)
    leaks = sum(value in known for group in found for value in group)
    leaking = sum(any(value in known for value in group) for group in found)
    return _Samples(len(found), leaking, leaks, sum(len(group) for group in found) - leaks)


def _values(text: str, scrubber: Scrubber) -> list[str]:
    findings = scrubber.find(text)
    values = [text[finding.start : finding.end] for finding in findings]
    return [value for value in values if value not in scrubber.placeholders]


def _known(values: set[str], training: _Training) -> set[str]:
    if not values:
        return set()
    train = {row.id for row in read_packed_documents(training.packed, ["train"])}
    known: set[str] = set()
    for document in read_documents(training.scrubbed):
        if document.id in train:
            known |= {value for value in values - known if value in document.text}
    return known


def _decide(
    exposure: Exposure, copies: _Copies, samples: _Samples, config: PrivacyConfig, scrubber: Scrubber,
    training: _Training | None,
) -> Decision:  # fmt: skip
    refusals, findings = _refusals(exposure, copies, samples, config), _findings(exposure, copies, samples, config)
    reason = f"no: {'; '.join(refusals)}" if refusals else f"passed: {'; '.join(findings)}"
    numbers: dict[str, float | int | None] = {
        **exposure.model_dump(exclude={"recognised_by_repetitions"}),
        "num_prefixes": copies.num_prefixes, "num_copies": copies.num_copies,
        "extraction_ratio": _extraction_ratio(copies),
        "extraction_upper_bound": _bound(copies.num_copies, copies.num_prefixes),
        "num_samples": samples.num_samples, "num_leaks": samples.num_leaks, "num_invented": samples.num_invented,
        "leak_upper_bound": _bound(samples.num_leaking, samples.num_samples),
    }  # fmt: skip
    return Decision(passed=not refusals, reason=reason, scope=_scope(scrubber, training), numbers=numbers)


def _refusals(exposure: Exposure, copies: _Copies, samples: _Samples, config: PrivacyConfig) -> list[str]:
    found = []
    if exposure.num_reached_training:
        found.append(f"{exposure.num_reached_training} of {exposure.num_catchable} planted test phrases that scrubbing "
                     "must remove reached the training text")  # fmt: skip
    if exposure.p_value < config.significance:
        found.append(f"the model knows planted test phrases that scrubbing must remove (p = {exposure.p_value:.2g}, "
                     f"limit {config.significance:g})")  # fmt: skip
    if _extraction_ratio(copies) > config.max_extraction_ratio:
        found.append(f"{copies.num_copies} of {copies.num_prefixes} training prefixes were continued verbatim for "
                     f"{copies.copy_tokens} tokens (limit {config.max_extraction_ratio:.0%})")  # fmt: skip
    if samples.num_leaks:
        found.append(f"{samples.num_leaks} values in {samples.num_samples} samples stand in the training text")
    return found


def _findings(exposure: Exposure, copies: _Copies, samples: _Samples, config: PrivacyConfig) -> list[str]:
    ranked = (
        f"{exposure.num_catchable} planted test phrases rank like phrases never planted (p = {exposure.p_value:.2g})"
        if exposure.num_catchable
        else "no planted test phrase to rank"
    )
    copied = (
        f"{copies.num_copies} of {copies.num_prefixes} training prefixes continued verbatim "
        f"(upper bound {_bound(copies.num_copies, copies.num_prefixes):.1%})"
        if copies.num_prefixes
        else "verbatim copies not tried"
    )
    leaked = (
        f"0 of {samples.num_samples} samples held a value of the training text "
        f"(upper bound {_bound(0, samples.num_samples):.1%})"
        if samples.num_samples
        else "no samples scanned"
    )
    return [ranked, _power(exposure, config), copied, leaked]


def _power(exposure: Exposure, config: PrivacyConfig) -> str:
    if not exposure.num_in_clear:
        return "how sensitive this is was not measured, no phrase was left in clear"
    seen = f"{exposure.num_recognised} of {exposure.num_in_clear} left in clear were recognised"
    if exposure.in_clear_p_value < config.significance:
        return f"the test can see: {seen}"
    return f"but the test is too weak on this model to mean much: {seen}"


def _scope(scrubber: Scrubber, training: _Training | None) -> str:
    alone = "" if training else "; model alone: without its training text copies were not tried"
    return f"{scrubber.scope}; upper bounds at 95 % confidence{alone}"


def _extraction_ratio(copies: _Copies) -> float:
    return round(copies.num_copies / copies.num_prefixes, 6) if copies.num_prefixes else 0.0


def _bound(num_hits: int, num_trials: int) -> float:
    return round(upper_bound(num_hits, num_trials), 6)


def _write_ranks(path: Path, ranks: Sequence[Rank]) -> None:
    """Write one line a phrase, without its text."""
    rows = [
        {"id": rank.phrase.id, "sort": rank.phrase.sort, "kind": rank.phrase.kind, "lang": rank.phrase.lang,
         "repetitions": rank.phrase.repetitions, "rank": rank.rank, "num_references": rank.num_references,
         "recognised": rank.recognised}
        for rank in ranks
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
