"""Rebuild a version: its stages in their order, from its sources, into a clean store of its own.

Nothing is taken over from the home's store, nothing is registered, no server is spoken to. The store lies in a
temporary folder, under a lock, and goes when the rebuild is over: the text from before scrubbing lies in it too. What a
killed rebuild left is removed by the next one. Called by flows.reproduce, which compares what comes out.
"""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gptmodel.bundle import Bundle, assemble_bundle
from gptmodel.chain import Stage, code_version, fingerprint, section_of
from gptmodel.config import Config
from gptmodel.errors import StoreBusyError
from gptmodel.parts import Progress
from gptmodel.stages import Materials, compute_stage, outside_digests
from gptmodel.store import Manifest, Output, Store, Workspace, digest_of, is_locked, output_of, seal
from gptmodel.training.plan import RUNTIME_FILE, TrainingPlan, write_plan

_STORES = "*/*.partial"


@dataclass(frozen=True)
class Rebuilt:
    """One stage that was rebuilt.

    Attributes:
        manifest: Its manifest in the clean store.
        seconds: What it took.
    """

    manifest: Manifest
    seconds: float


@contextlib.contextmanager
def clean_store(folder: Path, name: str, version: int) -> Iterator[Store]:
    """Give an empty store in a temporary folder, which is removed at the end; also what killed rebuilds left.

    Args:
        folder: Where the temporary folders are.
        name: Name of the registered model.
        version: Number of the version.

    Raises:
        StoreBusyError: Another living process rebuilds the same version.
    """
    remove_leftovers(folder)
    with contextlib.ExitStack() as stack:
        try:
            # An output that is never committed: its folder is one that nobody takes for finished.
            work = stack.enter_context(Store(folder).writing(name, str(version), {}))
        except StoreBusyError as error:
            raise StoreBusyError(
                expected=f"{name} version {version} to be rebuilt by one command at a time", actual=error.actual,
                mend="Wait for that command to end, or end it.",
            ) from None  # fmt: skip
        work.clear()
        stack.callback(shutil.rmtree, work.path, ignore_errors=True)
        yield Store(work.path)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary stores whose process is gone."""
    for path in folder.glob(_STORES):
        if not is_locked(path.with_suffix(".lock")):
            shutil.rmtree(path, ignore_errors=True)
            path.with_suffix(".lock").unlink(missing_ok=True)


def is_rebuilding(folder: Path) -> bool:
    """Tell whether a living process rebuilds a version there."""
    return any(is_locked(path.with_suffix(".lock")) for path in folder.glob(_STORES))


def rebuild(
    store: Store, materials: Materials, stages: Sequence[Stage], plan: TrainingPlan | None,
    progress: Callable[[str], Progress],
) -> Iterator[Rebuilt]:  # fmt: skip
    """Compute stages one after the other and commit each.

    Args:
        store: The clean store.
        materials: What the stages are told.
        stages: The stages, from ingest on, without a gap.
        plan: The choices that the training was made with; None makes them anew.
        progress: Gives for a stage what tells how far it is.
    """
    outside, outputs = outside_digests(materials), dict[str, Output]()
    for stage in stages:
        began = time.monotonic()
        inputs = {name: outputs[name] for name in stage.inputs}
        digests = {name: output.digest for name, output in inputs.items()} | outside.get(stage.name, {})
        address = fingerprint(stage, materials.config, digests)
        with store.writing(stage.name, address, inputs, code_version=code_version(stage)) as work:
            if stage.name == "train" and plan is not None:
                _take_over(plan, work, materials.config)
            result = compute_stage(stage.name, work, inputs, materials, progress(stage.name))
            manifest = seal(
                work, stage=stage.name, fingerprint=address, code_version=code_version(stage),
                section=section_of(stage, materials.config), inputs=digests, result=result,
            )  # fmt: skip
            store.commit(work, manifest)
        outputs[stage.name] = output_of(manifest)
        yield Rebuilt(manifest, time.monotonic() - began)


def rebuild_bundle(store: Store, train: Manifest, tokenizer: Manifest) -> Bundle:
    """Put the rebuilt model folder together, as it would be registered."""
    model, vocabulary = (store.folder(one.stage, one.fingerprint) for one in (train, tokenizer))
    return assemble_bundle(
        store.root / "bundle", model_dir=model / "model", tokenizer_path=vocabulary / "tokenizer.json"
    )


def _take_over(plan: TrainingPlan, work: Workspace, config: Config) -> None:
    """Lay the choices of the version's training down where this one looks for those of an earlier attempt."""
    from gptmodel.training.facts import facts_of

    facts = digest_of(facts_of(work, config.model, config.training))
    # Final, so that a time budget is not measured anew.
    write_plan(work.notes / RUNTIME_FILE, plan.model_copy(update={"facts": facts, "is_final": True}))
