"""`gptmodel audit`: the leak test of one model, in this process, without a flow."""

from dataclasses import dataclass
from typing import Any

from flows import terminal
from flows.home import Home, scrubber_of
from flows.origin import Origin, fetch_model, origin_of
from gptmodel.chain import STAGE_NAMES
from gptmodel.config import Config
from gptmodel.config_file import load_config
from gptmodel.corpus.scrubbing.coverage import judged
from gptmodel.corpus.scrubbing.replacing.replacement import with_placeholders

_STAGE = "privacy audit"


@dataclass(frozen=True)
class Audit:
    """A leak test's answer for the command line.

    Attributes:
        passed: Whether the model passed.
        lines: What a person reads.
        record: The `--json` object.
    """

    passed: bool
    lines: list[str]
    record: dict[str, Any]


def run_audit(home: Home, model: str, config: str | None) -> Audit:
    """Test a model for leaks: with its training text where this home's store holds it, else the model alone.

    Args:
        home: The home.
        model: URI of a registered version, or a model folder.
        config: Preset or file with the sizes and limits of the test; None takes the config of the model's own run,
            where this home made it, else the preset tiny.
    """
    folder = fetch_model(home, model)
    origin = origin_of(home.store, folder)
    settings, whose = _settings(config, origin)
    from gptmodel.leak_pictures import leak_test_rows
    from gptmodel.privacy import TrainingText, audit_model

    known = origin.folders if origin else {}
    training = TrainingText(known["scrub"], known["pack"]) if {"scrub", "pack"} <= known.keys() else None
    scrubber = scrubber_of(home, with_placeholders(settings.scrubbing))
    result = audit_model(folder, settings.privacy, scrubber, training, _progress)
    decision = judged(result.decision, _personal_data(origin), scrubber.coverage)
    account = result.model_dump(mode="json", exclude={"decision", "runtime"})
    said = "with the training text" if training else "without the training text, which this home's store does not hold"
    lines = [decision.reason, f"scope: {decision.scope}", f"tested {said}; settings of {whose}"]
    lines += [f"{label:<75} {value}" for label, value in leak_test_rows(account)]
    record = {"passed": decision.passed, "reason": decision.reason, "scope": decision.scope,
              "with_training_text": training is not None, "settings": whose, **account}  # fmt: skip
    return Audit(decision.passed, lines, record)


def _personal_data(origin: Origin | None) -> dict[str, str]:
    """Give what the sources of the model's own run say of data about people; nothing where its run is not known."""
    config = origin.config if origin else None
    return {source.name: source.personal_data for source in config.corpus.sources} if config else {}


def _settings(config: str | None, origin: Origin | None) -> tuple[Config, str]:
    if config is not None:
        return load_config(config), config
    if origin and origin.config:
        return origin.config, "the model's own run"
    return load_config("tiny"), "the preset tiny, for this home does not know the model's own"


def _progress(done_ratio: float, message: str) -> None:
    terminal.current().progress(STAGE_NAMES.index(_STAGE) + 1, _STAGE, done_ratio, message)
