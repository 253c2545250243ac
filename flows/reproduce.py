"""`gptmodel reproduce`: rebuild a registered version from its manifests and say, stage by stage, how it compares.

In this process, without a flow and without a server; nothing is registered or delivered. The work is gptmodel's:
`rebuilding` makes the stages again in a clean store, `reproduction` compares.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flows import stack, terminal
from flows.engine import Engine
from flows.home import Home
from flows.named_version import find_version
from flows.original import REGISTER, Original, RefusedError, original_of
from gptmodel.bundle import DIGESTS
from gptmodel.chain import STAGE_NAMES, Stage, stage_named
from gptmodel.config import EngineConfig
from gptmodel.errors import ConfigError, CorpusTooSmallError, RegistryError, SourceError, TrainingError
from gptmodel.mlflow_http import server_away
from gptmodel.parts import Progress
from gptmodel.plan import stages_until
from gptmodel.rebuilding import clean_store, rebuild, rebuild_bundle
from gptmodel.reproduction import TOLERANCE, Made, StageVerdict, compare, made_of, overall
from gptmodel.stages import COMPUTED, Materials
from gptmodel.store import Manifest, Store

REFUSED = "refused"

# What a stage says where it can make nothing of what it reads, which another source may bring about.
_NO_RESULT = (SourceError, CorpusTooSmallError, TrainingError)
# Its digest is what stands for the whole folder.
_NOT_COMPARED = (f"bundle/{DIGESTS}",)


@dataclass(frozen=True)
class Options:
    """What is asked for besides the version.

    Attributes:
        until: Last stage that is rebuilt; None rebuilds all up to the model folder.
        keep: Folder, empty or not there yet, in which what was rebuilt stays; None keeps nothing.
        tolerance: Relative difference up to which fractional figures count as equal, 0 to 1.
    """

    until: str | None = None
    keep: Path | None = None
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class Answer:
    """How a rebuilt version compares.

    Attributes:
        record: The `--json` object.
        code: Exit code: 0 if every stage is bit-equal or has equal metrics, else 1.
    """

    record: dict[str, Any]
    code: int


def reproduce(home: Home, model: str, options: Options) -> Answer:
    """Rebuild a version and compare each stage with the one it came from, saying so as it goes.

    Args:
        home: The home that the version was made in.
        model: URI of the version, or its model folder.
        options: What else is asked for.

    Raises:
        RegistryError: No run of this home made the model.
        ConfigError: The stage is none, the folder to keep is not empty, or a key that the config needs is not given.
        StoreBusyError: Another process rebuilds the same version.
    """
    stages = _stages(options.until)
    _refuse_filled(options.keep)
    found = find_version(home, model)
    if not found.is_certain:
        raise server_away(stack.addresses(home).mlflow, "nothing, and the store knows several models of that number")
    version = found.version
    if version is None:
        raise RegistryError(
            expected="a version that a run of this home registered", actual=repr(model),
            mend="Rebuild it in the home that made it; `gptmodel status` names this home's champions.",
        )  # fmt: skip
    watch = terminal.current()
    watch.line(f"rebuild  {version.uri} from its manifests, in a clean store; nothing is registered")
    try:
        original = original_of(home, version, [stage for stage in stages if stage.name in COMPUTED])
    except RefusedError as refusal:
        watch.line(refusal.actual)
        return Answer(_record(version.uri, REFUSED, refusal.actual, (), ()), 1)
    for words in original.differences or ("nothing: code, libraries, machine and sources are as they were",):
        watch.line(f"differs  {words}")
    return _compared(home, original, stages, options)


def _stages(until: str | None) -> list[Stage]:
    """Give the stages that are rebuilt; who is champion is decided by a registry, and not again."""
    last = stage_named(until).name if until else REGISTER
    if last not in (*COMPUTED, REGISTER):
        raise ConfigError(
            expected=f"a stage that can be rebuilt: {', '.join((*COMPUTED, REGISTER))}", actual=repr(until),
            mend="Promotion is a decision of its time: gptmodel lineage tells it.",
        )  # fmt: skip
    return list(stages_until(last))


def _refuse_filled(folder: Path | None) -> None:
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            expected="an empty folder, or one that is not there yet, for --keep", actual=str(folder),
            mend="Name another folder.",
        )  # fmt: skip


def _compared(home: Home, original: Original, stages: Sequence[Stage], options: Options) -> Answer:
    began, rows, failure = time.monotonic(), list[tuple[StageVerdict, float]](), ""
    with _store(home, original, options.keep) as store, _working(original) as materials:
        try:
            for row in _verdicts(store, replace(original, materials=materials), stages, options.tolerance):
                rows.append(row)
                _tell(*row)
        except _NO_RESULT as error:
            failure = f"{stages[len(rows)].name} could not be made: expected {error.expected}, got {error.actual}"
    verdicts = [verdict for verdict, _ in rows]
    verdict = "diverged" if failure else overall(verdicts)
    reason = _reason(original.version.version, verdicts, options.tolerance, failure)
    watch = terminal.current()
    watch.line(f"{reason} {time.monotonic() - began:.0f} s")
    if options.keep:
        watch.line(f"Kept in {options.keep}: it holds the text from before scrubbing too. Delete it when you are done.")
    record = _record(original.version.uri, verdict, reason, rows, original.differences)
    return Answer(record, 1 if verdict == "diverged" else 0)


@contextlib.contextmanager
def _working(original: Original) -> Iterator[Materials]:
    """Give the materials with workers, as the version's config has them."""
    config = original.materials.config.engine
    # A cluster may be gone, and sees other folders.
    with contextlib.closing(Engine(EngineConfig() if config.name == "dask" else config)) as engine:
        yield replace(original.materials, mapper=engine.map)


@contextlib.contextmanager
def _store(home: Home, original: Original, keep: Path | None) -> Iterator[Store]:
    if keep is None:
        version = original.version
        with clean_store(home.rebuilds_dir, version.name, version.version) as store:
            yield store
    else:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield Store(keep)


def _verdicts(
    store: Store, original: Original, stages: Sequence[Stage], tolerance: float
) -> Iterator[tuple[StageVerdict, float]]:
    """Rebuild stage by stage and compare each; one that reads what came out otherwise is told from one that did it."""
    made: dict[str, Manifest] = {}
    since: dict[str, str] = {}  # of each stage that came out otherwise: the first one that did
    computed = [stage for stage in stages if stage.name in COMPUTED]
    for one in rebuild(store, original.materials, computed, original.plan, _progress):
        manifest = one.manifest
        stage = stage_named(manifest.stage)
        made[stage.name] = manifest
        inherited = _inherited(stage, since)
        expected = original.manifests[stage.name]
        verdict = compare(stage.name, made_of(expected), made_of(manifest), tolerance, inherited)
        if verdict.verdict != "bit-equal":
            since[stage.name] = inherited or stage.name
        yield verdict, one.seconds
    if len(computed) < len(stages):
        yield _bundle_verdict(store, original, made, since, tolerance)


def _inherited(stage: Stage, since: dict[str, str]) -> str:
    found = [since[name] for name in stage.inputs if name in since]
    return min(found, key=STAGE_NAMES.index, default="")


def _bundle_verdict(
    store: Store, original: Original, made: dict[str, Manifest], since: dict[str, str], tolerance: float
) -> tuple[StageVerdict, float]:  # fmt: skip
    """Compare the model folders, which is what a version is, name and number aside."""
    began = time.monotonic()
    bundle = rebuild_bundle(store, made["train"], made["tokenizer"])
    register = original.manifests[REGISTER]
    registered = {name: entry.sha256 for name, entry in register.files.items() if name not in _NOT_COMPARED}
    # A model folder has no figures of its own; those of the training say whether it is as good as equal.
    expected = Made(str(register.result["bundle_digest"]), registered, made_of(original.manifests["train"]).figures)
    rebuilt = {f"bundle/{name}": entry.sha256 for name, entry in bundle.files.items()}
    actual = Made(bundle.digest, rebuilt, made_of(made["train"]).figures)
    inherited = next((since[name] for name in ("tokenizer", "train") if name in since), "")
    return compare(REGISTER, expected, actual, tolerance, inherited), time.monotonic() - began


def _progress(stage: str) -> Progress:
    def progress(done_ratio: float, message: str) -> None:
        terminal.current().progress(STAGE_NAMES.index(stage) + 1, stage, done_ratio, message)

    return progress


def _tell(verdict: StageVerdict, seconds: float) -> None:
    text = f"{verdict.verdict:<13}  {verdict.words or verdict.actual[:12]}"
    terminal.current().stage(STAGE_NAMES.index(verdict.name) + 1, verdict.name, text, seconds)


def _reason(number: int, verdicts: Sequence[StageVerdict], tolerance: float, failure: str) -> str:
    others = [one for one in verdicts if one.verdict != "bit-equal"]
    diverged = [one for one in others if one.verdict == "diverged"]
    if diverged or failure:
        why = f"{diverged[0].name} diverged: {diverged[0].words}" if diverged else failure
        return f"Version {number} came out otherwise: {why}."
    if others:
        names = ", ".join(one.name for one in others)
        return f"Version {number} was rebuilt with equal figures (within {tolerance:g}); the files of {names} differ."
    return f"Version {number} was rebuilt bit for bit: {len(verdicts)} stage{'s' * (len(verdicts) > 1)}."


def _record(
    uri: str, verdict: str, reason: str, rows: Sequence[tuple[StageVerdict, float]], differences: Sequence[str]
) -> dict[str, Any]:
    return {
        "model": uri, "stages": [_row(one, seconds) for one, seconds in rows], "verdict": verdict, "reason": reason,
        "differences_beforehand": list(differences),
    }  # fmt: skip


def _row(verdict: StageVerdict, seconds: float) -> dict[str, Any]:
    told = {name: one.model_dump(mode="json") for name in ("file", "figure") if (one := getattr(verdict, name))}
    difference = None if verdict.verdict == "bit-equal" else told | {"inherited_from": verdict.inherited_from or None}
    return {
        "name": verdict.name, "verdict": verdict.verdict, "expected": verdict.expected, "actual": verdict.actual,
        "difference": difference, "seconds": round(seconds, 3),
    }  # fmt: skip
