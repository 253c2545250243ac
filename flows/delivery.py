"""A run's way into MLflow: one run for the pipeline, opened when there is something to tell, and one for each stage.

What a stage made is committed in the store before it is delivered here. A server that is away keeps no stage from its
work: what it could not be told waits, in order, until it answers. A small file in the home remembers each delivery, so
what still waits when the run ends (or is killed) is delivered by the next run, once.
"""

import contextlib
import json
import logging
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows import artifacts, terminal
from flows.figures import datasets_of, figures_of, files_of, flat, picture_of, settings_of
from flows.home import Home
from flows.ledger import Entry
from flows.stage_run import Begun, StageRun
from gptmodel import registry, tracking
from gptmodel.chain import section_of, stage_named
from gptmodel.config import Config
from gptmodel.config_file import to_toml
from gptmodel.errors import GPTModelError, ServerError
from gptmodel.mlflow_http import Missing, ServerAway, call
from gptmodel.open_runs import EXPERIMENT, FLOW_RUN_TAG, End, close_open_runs, now_ms
from gptmodel.registry import RunEnd
from gptmodel.store import NOTES_DIR, Output, write_synced

logger = logging.getLogger("gptmodel.delivery")

METRICS = "metrics.jsonl"
CONFIG = "config.toml"
REPORT = "report.html"
PATIENCE_SECONDS = 60.0
"""How long what needs the server waits for one that is away."""

QUIET_SECONDS = 10.0
"""How long a server that did not answer is not asked again by what can do without it: each asking takes seconds."""

_NOTE = "mlflow.note.content"  # a run's description in the MLflow UI, as Markdown


class Delivery:
    """What one flow run tells MLflow.

    Attributes:
        uri: The tracking server.
        run_id: The pipeline's MLflow run; None as long as nothing could be told.
    """

    def __init__(self, home: Home, uri: str, config: Config, tags: Mapping[str, str], entry: Entry) -> None:
        self.uri = uri
        self.run_id: str | None = None
        self._home, self._config, self._tags, self._entry = home, config, dict(tags), entry
        self._experiment_id = ""
        self._is_introduced = False
        self._is_away = False
        self._quiet_until = 0.0  # monotonic seconds
        self._waiting: list[tuple[StageRun, Output]] = []
        self._lock = threading.RLock()  # a stage's metrics are told from a thread beside it

    def open(self) -> str:
        """Give the pipeline's MLflow run, opened on first use.

        Raises:
            ServerError: The server does not answer or refuses.
        """
        with self._lock:
            if self.run_id is None:
                self._entry.note_mlflow()
                self.run_id = tracking.open_pipeline_run(
                    self.uri, experiment=EXPERIMENT, name=self._name, tags=self._tags | {_NOTE: self._prefect_link},
                    params=settings_of(self._config),
                )  # fmt: skip
            if not self._is_introduced:
                tracking.log_stage(self.uri, self.run_id, None, texts={CONFIG: to_toml(self._config)})
                artifacts.show_link(self._tags[FLOW_RUN_TAG], "mlflow-run", self.page, "this run in MLflow")
                self._is_introduced = True
            return self.run_id

    def take_up(self, output: Output) -> None:
        """Go on with the MLflow run that an earlier process of this flow run opened and delivered an output in."""
        if self.run_id is not None or (run_id := self.earlier_run(output)) is None:
            return
        rows = call(self.uri, "GET", "runs/get", {"run_id": run_id})["run"]["data"].get("tags", [])
        if {"key": FLOW_RUN_TAG, "value": self._tags[FLOW_RUN_TAG]} in rows:
            self.run_id = run_id

    @property
    def page(self) -> str:
        """Page of the pipeline's run in the MLflow UI."""
        return self.page_of(self.run_id or self.open())

    def page_of(self, run_id: str, artifact: str = "") -> str:
        """Give the page of a run, or of one of its artifacts, in the MLflow UI."""
        if not self._experiment_id:
            info = call(self.uri, "GET", "runs/get", {"run_id": run_id})["run"]["info"]
            self._experiment_id = info["experiment_id"]
        return registry.run_page(self.uri, self._experiment_id, run_id, artifact)

    @property
    def _name(self) -> str:
        return f"{self._config.preset} {self._config.registry.name}"

    @property
    def _prefect_link(self) -> str:
        url = self._tags["prefect.flow_run_url"]
        return f"Prefect run: [{url}]({url})"

    @contextlib.contextmanager
    def stage(self, name: str, reason: str, begun: Begun | None = None) -> Iterator[StageRun]:
        """Give a stage's nested run, opened if the server answers; on the way out it is FINISHED, FAILED or KILLED.

        Args:
            name: The stage.
            reason: Why it runs.
            begun: A run opened earlier for the same work, which is gone on with.

        Raises:
            ServerError: The server refuses; one that is away is no error.
        """
        run = StageRun(self.uri, lambda start: self._open_stage(name, reason, start), begun)
        self._try_open(run)
        status: RunEnd = "FINISHED"
        try:
            yield run
        except BaseException as error:
            status = "FAILED" if isinstance(error, Exception) else "KILLED"
            raise
        finally:
            run.end = run.end or End(status, now_ms())
            if run.run_id is not None:
                self._end(run.run_id, run.end)

    def _open_stage(self, name: str, reason: str, start_ms: int) -> str:
        note = f"Stage **{name}** ran because: {reason}\n\n{self._prefect_link}"
        tags = self._tags | {"gptmodel.stage": name, "gptmodel.reason": reason, _NOTE: note}
        return tracking.open_stage_run(
            self.uri, parent_run_id=self.open(), stage=name, tags=tags, start_ms=start_ms,
            params=flat(section_of(stage_named(name), self._config)),
        )  # fmt: skip

    def _try_open(self, run: StageRun) -> None:
        if self._is_quiet:
            return
        try:
            self.catch_up()
            run.open()
            self._note_back()
        except ServerAway as error:
            self._note_away(error)

    def need_server(self) -> None:
        """Wait for the server and tell it all that waits, for registering is nothing without it.

        Raises:
            ServerError: It does not answer within `PATIENCE_SECONDS`, or refuses.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.open()
                return self.catch_up()
            except ServerAway as error:
                if time.monotonic() > deadline:
                    raise
                self._note_away(error)
                time.sleep(1.0)

    def has(self, output: Output) -> bool:
        """Tell whether MLflow has this output."""
        marker = self._read_marker(output)
        return bool(marker) and marker.get("is_whole", True)

    def begun(self, output: Output) -> Begun | None:
        """Give the run that was opened for an output and could not be told all of it, if the server knows it."""
        marker = self._read_marker(output)
        if "run_id" not in marker:
            return None
        with contextlib.suppress(Missing, ServerAway):
            call(self.uri, "GET", "runs/get", {"run_id": marker["run_id"]})
            return Begun(marker["run_id"], End("FINISHED", marker["ended_ms"]))
        return None

    def earlier_run(self, output: Output) -> str | None:
        """Give the pipeline run that delivered an output."""
        return self._read_marker(output).get("parent_run_id")

    def page_of_output(self, output: Output, artifact: str = "") -> str | None:
        """Give the page of an output's run, or of an artifact of it; None if MLflow has it not, or does not answer."""
        run_id = self._read_marker(output).get("run_id")
        with contextlib.suppress(Missing, ServerError):
            return self.page_of(run_id, artifact) if run_id and self.has(output) else None
        return None

    def deliver(self, run: StageRun, output: Output) -> None:
        """Log a committed stage: its account as metrics and JSON, its artifacts, its datasets with their digests.

        A server that is away is told later.

        Raises:
            ServerError: The server refuses.
        """
        if not self._is_quiet:
            try:
                self.catch_up()
                return self._send(run, output)
            except ServerAway as error:
                self._note_away(error)
        self._mark(output, run, is_whole=False)
        self._waiting.append((run, output))

    def catch_up(self) -> None:
        """Tell the server what it could not be told before, in order.

        Raises:
            ServerError: It does not answer or refuses; the rest waits.
        """
        while self._waiting:
            run, output = self._waiting[0]
            self._send(run, output)
            self._quiet_until = 0.0  # it answers: its end can be told too
            self._end(run.open(), run.end or End("FINISHED", now_ms()))
            self._waiting.pop(0)
            self._note_back()

    def _send(self, run: StageRun, output: Output) -> None:
        folder = self._home.store.path_of(output)
        run.send_metrics(folder / NOTES_DIR / METRICS)
        with tempfile.TemporaryDirectory(prefix="gptmodel-") as drawn:
            tracking.log_stage(
                self.uri, run.open(), self.open(),
                metrics=figures_of(output),
                texts={"account.json": json.dumps(output.result, indent=1, ensure_ascii=False)},
                files=[*files_of(folder), *picture_of(folder, Path(drawn))],
                datasets=datasets_of(output, self._home.store, self._config),
            )  # fmt: skip
        self._mark(output, run, is_whole=True)

    def deliver_report(self, run_id: str, path: Path) -> None:
        """Put a version's report among the artifacts of the run that registered it."""
        tracking.log_stage(self.uri, run_id, None, texts={REPORT: path.read_text(encoding="utf-8")})

    def tell_end(self, end: str, message: str) -> None:
        """Say in the pipeline's run, if one was opened, how the flow ended."""
        if self.run_id is None:
            return
        note = f"**{end}** {message}\n\n{self._prefect_link}"
        with contextlib.suppress(ConnectionError):
            call(self.uri, "POST", "runs/set-tag", {"run_id": self.run_id, "key": _NOTE, "value": note})
            call(self.uri, "POST", "runs/update", {"run_id": self.run_id, "run_name": f"{self._name}: {end}"})

    def close(self, status: RunEnd) -> None:
        """Close the pipeline's run, if one was opened: FINISHED, FAILED or KILLED; what still waits stays for later."""
        self._quiet_until = 0.0  # now or by the next command
        # A server that is away, or refuses, must not hide why the flow ended.
        with contextlib.suppress(GPTModelError):
            self.catch_up()
        if self.run_id is None:
            return
        self._end(self.run_id, End(status, now_ms()))
        # An answer may have been lost on its way, and with it the id of a run that was opened.
        with contextlib.suppress(GPTModelError):
            close_open_runs(self.uri, EXPERIMENT, self._tags[FLOW_RUN_TAG], self._entry.ends)

    def _end(self, run_id: str, end: End) -> None:
        if not self._is_quiet:
            with contextlib.suppress(GPTModelError):
                tracking.close_run(self.uri, run_id, end.status, end.time_ms)
                return self._entry.forget_end(run_id)
        self._entry.note_end(run_id, end)

    @property
    def _is_quiet(self) -> bool:
        return time.monotonic() < self._quiet_until

    def _note_away(self, error: ServerAway) -> None:
        self._quiet_until = time.monotonic() + QUIET_SECONDS
        if not self._is_away:
            self._is_away = True
            self._say(f"MLflow does not answer ({error.actual}); the run goes on, and tells it later")

    def _note_back(self) -> None:
        self._quiet_until = 0.0
        if self._is_away and not self._waiting:
            self._is_away = False
            self._say("MLflow answers again, and has been told what it missed")

    def _say(self, words: str) -> None:
        terminal.current().line(f"{'':17} {words}")
        logger.warning("%s", words)

    def _marker(self, output: Output) -> Path:
        return self._home.delivered_dir / f"{output.stage.replace(' ', '-')}-{output.fingerprint}.json"

    def _mark(self, output: Output, run: StageRun, *, is_whole: bool) -> None:
        marker = {
            "run_id": run.run_id, "parent_run_id": self.run_id, "is_whole": is_whole, "ended_ms": now_ms(),
        }  # fmt: skip
        write_synced(self._marker(output), json.dumps(marker))

    def _read_marker(self, output: Output) -> dict[str, Any]:
        try:
            marker: dict[str, Any] = json.loads(self._marker(output).read_text())
        except (OSError, ValueError):
            return {}
        return {key: value for key, value in marker.items() if value is not None}
