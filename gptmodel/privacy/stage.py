"""The stage `privacy audit`, and the same test of a model folder by itself."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gptmodel.config import PrivacyConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.coverage import judged
from gptmodel.generation import Generator
from gptmodel.model_folder import load_model
from gptmodel.privacy.account import AuditResult, Runtime
from gptmodel.privacy.extraction import try_prefixes
from gptmodel.privacy.phrases import rank_planted
from gptmodel.privacy.samples import scan_samples
from gptmodel.privacy.training_text import TrainingText
from gptmodel.privacy.verdict import decide
from gptmodel.ranking import Rank
from gptmodel.scoring import to_fastest_device
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer

logger = logging.getLogger(__name__)

Progress = Callable[[float, str], None]

PHRASES_FILE = "phrases.jsonl"


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
    training = TrainingText(work.inputs["scrub"], work.inputs["pack"])
    result, ranks = _audit(generator, config, scrubber, training, progress)
    decision = judged(result.decision, personal_data or {}, scrubber.coverage)
    _write_ranks(work.path / PHRASES_FILE, ranks)
    return result.model_copy(update={"decision": decision})


def audit_model(
    folder: Path, config: PrivacyConfig, scrubber: Scrubber, training: TrainingText | None = None,
    progress: Progress | None = None,
) -> AuditResult:  # fmt: skip
    """Test a model folder.

    Without its training text, the test takes the phrases of the config as planted, tries no verbatim copies, and counts
    every value found in a sample as a leak, for it can't be told from an invention.

    Args:
        folder: Holds model.safetensors, config.json and tokenizer.json.
        config: Sizes and limits of the test; its planted phrases must be those of the run that made the model.
        scrubber: What the samples are scanned for.
        training: The text the model was trained on, where it is at hand.
        progress: Called with the share done (0 to 1) and a line to show.
    """
    generator = Generator.load(folder)
    to_fastest_device(generator.model)
    return _audit(generator, config, scrubber, training, progress)[0]


def _audit(
    generator: Generator, config: PrivacyConfig, scrubber: Scrubber, training: TrainingText | None,
    progress: Progress | None,
) -> tuple[AuditResult, list[Rank]]:  # fmt: skip
    began, tell = time.monotonic(), progress or (lambda ratio, message: None)
    tell(0.0, "ranking planted test phrases")
    exposure, ranks = rank_planted(generator, config, scrubber, training)
    tell(0.5, "continuing training prefixes")
    extraction = try_prefixes(generator, config, training)
    tell(0.7, "scanning samples")
    samples = scan_samples(generator, config, scrubber, training, extraction.copy_tokens)
    decision = decide(exposure, extraction, samples, config, scrubber, alone=training is None)
    logger.info("leak test: %s", decision.reason)
    return AuditResult(
        decision=decision, exposure=exposure, extraction=extraction, samples=samples,
        extraction_ratio=extraction.worst.ratio if extraction.worst else 0.0, num_leaks=samples.num_leaks,
        runtime=Runtime(seconds=round(time.monotonic() - began, 3)),
    ), ranks  # fmt: skip


def _write_ranks(path: Path, ranks: Sequence[Rank]) -> None:
    """Write one line a phrase, without its text."""
    rows = [
        {"id": rank.phrase.id, "sort": rank.phrase.sort, "kind": rank.phrase.kind, "lang": rank.phrase.lang,
         "repetitions": rank.phrase.repetitions, "rank": rank.rank, "num_references": rank.num_references,
         "recognised": rank.recognised}
        for rank in ranks
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
