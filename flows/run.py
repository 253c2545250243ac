"""One run of the chain: look at a stage, compute and commit it if needed, show it.

The tasks of the stage files call `Run.stage` and nothing else; they hold no logic of their own.
"""

import contextlib
import contextvars
import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import task_run
from prefect.states import Completed
from pydantic import BaseModel

from flows import artifacts, terminal
from flows.delivery import METRICS, Delivery
from flows.engine import Engine
from flows.failure import unexpected
from flows.home import Home, home_key_of
from flows.ledger import Entry, is_any_open
from flows.stage_run import StageRun
from flows.summary import describe
from gptmodel import retention
from gptmodel.chain import STAGE_NAMES, code_version, section_of, stage_named
from gptmodel.config import Config
from gptmodel.config_file import to_toml
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.sources.stage import Listing
from gptmodel.erasure.requests import ErasureRequest, ingest_changes
from gptmodel.errors import GPTModelError
from gptmodel.parts import absent_files
from gptmodel.plan import FIRST_RUN, TIMING, Look, look
from gptmodel.provenance import PROVENANCE, read_provenance
from gptmodel.rebuilding import remove_leftovers
from gptmodel.registry import Version
from gptmodel.spool import read_rows
from gptmodel.stages import Materials, compute_stage, outside_digests
from gptmodel.store import NOTES_DIR, Manifest, Output, Store, Workspace, output_of, seal, write_synced

logger = logging.getLogger("gptmodel.run")


def _task_name() -> str:
    return str(task_run.task_name)


# The store is the only truth about what is done: Prefect neither caches nor keeps results. A stage runs once in a run,
# so that its name needs no random ending.
STAGE_OPTIONS: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False, "task_run_name": _task_name}

SAMPLES = "samples.jsonl"
_TICK_SECONDS = 2.0
_LOG_SECONDS = 10.0

Progress = Callable[[float, str], None]
Compute = Callable[[Workspace, Progress], BaseModel]


@dataclass
class StageRecord:
    """What a run remembers of a stage it passed."""

    output: Output
    cached: bool
    seconds: float
    reason: str


@dataclass(frozen=True)
class _Making:
    compute: Compute
    inputs: tuple[Output, ...]
    digests: dict[str, str]
    address: str


@dataclass
class Run:
    """What the tasks of one flow run share.

    Attributes:
        config: The resolved config.
        home: Where everything is.
        delivery: The way into MLflow.
        force: Stages to compute whatever the store says.
        listing: The sources' files with their digests.
        entry: This run among the home's open runs.
        engine: Where the shards of the corpus are worked on.
        scrubber: What searches and replaces, with this home's keys.
        evaluation: The files of the evaluation texts, if any are named.
        erasures: The home's erasure requests, whose marks ingest reads.
        flow_run_url: Page of this run on the Prefect dashboard.
        records: The stages passed so far, by name.
        champion: The version that was champion when the candidate was compared with it; None if there was none.
        links: Pages of the version, by name.
        curve: The loss by step.
        samples: One prompt completed along the training.
    """

    config: Config
    home: Home
    delivery: Delivery
    listing: Listing
    entry: Entry
    flow_run_id: str
    flow_run_url: str
    engine: Engine
    scrubber: Scrubber
    evaluation: Listing | None = None
    erasures: Sequence[ErasureRequest] = ()
    force: Collection[str] = ()
    records: dict[str, StageRecord] = field(default_factory=dict)
    champion: Version | None = None
    links: dict[str, str] = field(default_factory=dict)
    curve: list[dict[str, Any]] = field(default_factory=list)
    _made: dict[str, "_Making"] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def store(self) -> Store:
        """The home's store."""
        return self.home.store

    def folder(self, output: Output) -> Path:
        """Give the folder of an output."""
        return self.store.path_of(output)

    @property
    def materials(self) -> Materials:
        """What the stages are told."""
        return Materials(
            self.config, self.listing, self.scrubber, home_key_of(self.home), self.evaluation, self.erasures,
            self.engine.map,
        )  # fmt: skip

    def explain(self, earlier: Manifest) -> str:
        """Say what changed in the sources, or was asked to be forgotten, since an earlier ingest."""
        return ingest_changes(self.store, self.listing, self.erasures, earlier)

    def plain_stage(
        self, name: str, *inputs: Output, after: Callable[[Workspace, BaseModel], None] | None = None,
        show: Callable[[Output], None] | None = None,
    ) -> State:  # fmt: skip
        """Give the output of a stage that needs nothing but its inputs and the run's materials.

        Args:
            name: The stage.
            inputs: What it reads.
            after: Leaves more among the output's notes, given the stage's account.
            show: See `stage`.

        Returns:
            See `stage`.
        """
        materials, read = self.materials, {output.stage: output for output in inputs}

        def compute(work: Workspace, progress: Progress) -> BaseModel:
            account = compute_stage(name, work, read, materials, progress)
            if after is not None:
                after(work, account)
            return account

        return self.stage(name, compute, *inputs, external=outside_digests(materials).get(name), show=show)

    def stage(
        self, name: str, compute: Compute, *inputs: Output, external: Mapping[str, str] | None = None,
        show: Callable[[Output], None] | None = None,
    ) -> State:  # fmt: skip
        """Give a stage's output, from the store or computed, committed, delivered and shown.

        Args:
            name: The stage.
            compute: Makes the output; it talks to no server, so that none can keep a finished stage from its commit.
            inputs: What it reads.
            external: Digests of what it reads from outside the store.
            show: Leaves more on the dashboard once the output is committed, or found.

        Returns:
            `Completed(name="Cached")` or `Completed`, with the `Output` as data.
        """
        digests = {output.stage: output.digest for output in inputs} | dict(external or {})
        words = self.explain if name == "ingest" else None
        since = next((ran for ran, record in self.records.items() if not record.cached), None)
        stage, forced = stage_named(name), name in self.force
        seen = look(self.store, stage, self.config, digests, forced=forced, explain=words, since=since)
        self._made[name] = _Making(compute, inputs, digests, str(seen.fingerprint))
        if seen.manifest is not None:
            state = self._cached(output_of(seen.manifest))
        else:
            state = self._compute(name, seen)
        if show is not None:
            show(self.records[name].output)
        return state

    def _cached(self, output: Output) -> State:
        self.store.mark_used(output)
        if not self.delivery.has(output):
            with self.delivery.stage(output.stage, "delivered later", self.delivery.begun(output)) as told:
                self.delivery.deliver(told, output)
        self._record(output, None, "cached")
        return Completed(name="Cached", message=describe(output).replace("\n", "; "), data=output)

    def _compute(self, name: str, seen: Look) -> State:
        reason = seen.reason
        logger.info("%s: %s", name, reason)
        started = time.monotonic()
        with self.delivery.stage(name, reason) as told:
            output = self._commit(name, told)
            seconds = time.monotonic() - started
            self._record(output, seconds, reason)
            self.delivery.deliver(told, output)
        summary = describe(output).replace("\n", "\n\n")
        page = self.delivery.page_of_output(output)
        about = f"{summary}\n\nRan because: {reason}.{f' [This stage in MLflow]({page})' if page else ''}"
        artifacts.show_account(name, output.result, about)
        return Completed(message=describe(output).replace("\n", "; "), data=output)

    def _restore_text(self, name: str, files: Sequence[str]) -> None:
        """Make deleted text of a finished stage again, as much of it as is read after all."""
        shards = "1 shard" if len(files) == 1 else f"{len(files):,} shards"
        reason = f"{shards} made again: the text was deleted after scrubbing"
        terminal.current().line(f"{'':17} {name}: {reason}")
        started = time.monotonic()
        self._commit(name, None, wanted=set(files))
        record = self.records[name]
        if record.cached:
            self.records[name] = replace(record, cached=False, seconds=time.monotonic() - started, reason=reason)

    def _commit(self, name: str, told: StageRun | None, wanted: Collection[str] = ()) -> Output:
        made, version = self._made[name], code_version(stage_named(name))
        inputs = {output.stage: output for output in made.inputs}
        with self.store.writing(
            name, made.address, inputs, code_version=version, reuse=name not in self.force, wanted=wanted,
            restore=self._restore_text,
        ) as work:  # fmt: skip
            # Another run may have finished it between the look and the lock.
            found = self.store.find(name, made.address)
            if found is not None and not wanted and name not in self.force:
                return output_of(found)
            started = time.monotonic()
            with self._watched(name, work, told) as progress:
                result = _computed(name, made.compute, work, progress)
            (work.notes / TIMING).write_text(json.dumps({"seconds": round(time.monotonic() - started, 3)}))
            write_synced(work.notes / "config.toml", to_toml(self.config))
            write_synced(work.notes / PROVENANCE, read_provenance().model_dump_json(indent=1))
            manifest = seal(
                work, stage=name, fingerprint=made.address, code_version=version,
                section=section_of(stage_named(name), self.config), inputs=made.digests, result=result,
                absent=absent_files(work.path),
            )  # fmt: skip
            return self.store.commit(work, manifest)

    @contextlib.contextmanager
    def _watched(self, name: str, work: Workspace, told: StageRun | None) -> Iterator[Progress]:
        """Show a stage's progress while it computes; the dashboards are told from a thread beside it."""
        watch = terminal.current()
        number = STAGE_NAMES.index(name) + 1
        latest: list[tuple[float, str]] = []
        stop = threading.Event()

        def progress(done_ratio: float, message: str) -> None:
            latest[:] = [(done_ratio, message)]
            watch.progress(number, name, done_ratio, message)

        tell = partial(told.try_metrics, work.path / NOTES_DIR / METRICS) if told else None
        teller = _Teller(name, latest, stop, tell, work.path / SAMPLES)
        # The artifact belongs to this task's run, which Prefect finds in the context.
        thread = threading.Thread(target=contextvars.copy_context().run, args=(teller.run,), daemon=True)
        thread.start()
        try:
            yield progress
        finally:
            stop.set()
            thread.join(timeout=30)

    def _record(self, output: Output, seconds: float | None, reason: str) -> None:
        self.records[output.stage] = StageRecord(output, seconds is None, seconds or 0.0, reason)
        number = STAGE_NAMES.index(output.stage) + 1
        watch = terminal.current()
        watch.stage(number, output.stage, describe(output), seconds)
        if seconds is not None and reason != FIRST_RUN:
            watch.line(f"{'':17} because {reason}")


def _computed(name: str, compute: Compute, work: Workspace, progress: Progress) -> BaseModel:
    try:
        return compute(work, progress)
    except (GPTModelError, OSError):
        raise
    except Exception as error:
        # Prefect writes an exception's text and its causes into the run's log and state.
        raise unexpected(error, f"the stage {name}") from None


class _Teller:
    """Tells the dashboards how far a stage is, every few seconds, beside its computation."""

    def __init__(
        self,
        name: str,
        latest: list[tuple[float, str]],
        stop: threading.Event,
        tell: Callable[[], None] | None,
        samples: Path,
    ) -> None:
        self._name, self._latest, self._stop, self._tell, self._samples = name, latest, stop, tell, samples
        self._num_shown = 0

    def run(self) -> None:
        """Tell until the stage is over."""
        page = artifacts.Progress(self._name)
        logged = -_LOG_SECONDS
        while not self._stop.wait(_TICK_SECONDS):
            if not self._latest:
                continue
            done_ratio, message = self._latest[0]
            page.report(done_ratio, message)
            if self._tell is not None:
                self._tell()
            self._show_samples()
            if time.monotonic() - logged >= _LOG_SECONDS:
                logger.info("%s: %.0f %% %s", self._name, 100 * done_ratio, message)
                logged = time.monotonic()
        if page.is_shown:  # what the page shows last is the end, not the last tick
            page.report(*self._latest[0])

    def _show_samples(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            rows = read_rows(self._samples)
            for row in rows[self._num_shown :]:
                terminal.current().sample(row["step"], row["prompt"], row["text"])
            self._num_shown = len(rows)


def delete_raw_text(run: Run) -> None:
    """Delete the text from before scrubbing that may not stay; while another run of this home is open, its reader."""
    remove_leftovers(run.home.rebuilds_dir)
    if not run.config.corpus.keep_raw and not is_any_open(run.home, besides=run.entry):
        retention.delete_raw_text(run.store)
