"""A run's way into MLflow: one run for the pipeline, opened when there is something to tell, and one for each stage.

What a stage made is committed in the store before it is delivered here. A small file in the home remembers each
delivery, so what could not be delivered (a server away, a killed process) is delivered by the next run, once.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows import artifacts
from flows.home import Home
from flows.ledger import Entry
from gptmodel import registry, tracking
from gptmodel.chain import section_of, stage_named
from gptmodel.config import Config
from gptmodel.config_file import to_toml
from gptmodel.mlflow_http import Missing, call
from gptmodel.registry import RunEnd
from gptmodel.store import NOTES_DIR, Output, Store, output_of, write_synced

EXPERIMENT = "gptmodel"
METRICS = "metrics.jsonl"
REPORT = "report.html"
CORPUS_REPORT = "corpus.html"
FUNNEL, FUNNEL_TABLE = "funnel.json", "funnel.csv"
_MOST_FIGURES = 40
_NOTE = "mlflow.note.content"  # a run's description in the MLflow UI, as Markdown


class Delivery:
    """What one flow run tells MLflow.

    Attributes:
        uri: The tracking server.
        run_id: The pipeline's MLflow run; None as long as nothing had to be told.
    """

    def __init__(self, home: Home, uri: str, config: Config, tags: Mapping[str, str], entry: Entry) -> None:
        self.uri = uri
        self.run_id: str | None = None
        self._home, self._config, self._tags, self._entry = home, config, dict(tags), entry
        self._experiment_id = ""

    def open(self) -> str:
        """Give the pipeline's MLflow run, opened on first use."""
        if self.run_id is None:
            name = f"{self._config.preset} {self._config.registry.name}"
            self.run_id = tracking.open_pipeline_run(
                self.uri, experiment=EXPERIMENT, name=name, tags=self._tags | {_NOTE: self._prefect_link},
                params=_flat(_settings(self._config)),
            )  # fmt: skip
            self._entry.note_mlflow_run(self.run_id)
            artifacts.show_link(self._tags["prefect.flow_run_id"], "mlflow-run", self.page, "this run in MLflow")
            tracking.log_stage(
                self.uri, self.run_id, self.run_id, metrics={}, texts={"config.toml": to_toml(self._config)},
                files=[], datasets=[],
            )  # fmt: skip
        return self.run_id

    def take_up(self, output: Output) -> None:
        """Go on with the MLflow run that an earlier process of this flow run opened and delivered an output in."""
        if self.run_id is not None or (run_id := self.earlier_run(output)) is None:
            return
        rows = call(self.uri, "GET", "runs/get", {"run_id": run_id})["run"]["data"].get("tags", [])
        if {"key": "prefect.flow_run_id", "value": self._tags["prefect.flow_run_id"]} in rows:
            self.run_id = run_id

    @property
    def page(self) -> str:
        """Page of the pipeline's run in the MLflow UI."""
        return self.page_of(self.open())

    def page_of(self, run_id: str, artifact: str = "") -> str:
        """Give the page of a run, or of one of its artifacts, in the MLflow UI."""
        if not self._experiment_id:
            info = call(self.uri, "GET", "runs/get", {"run_id": run_id})["run"]["info"]
            self._experiment_id = info["experiment_id"]
        return registry.run_page(self.uri, self._experiment_id, run_id, artifact)

    @property
    def _prefect_link(self) -> str:
        url = self._tags["prefect.flow_run_url"]
        return f"Prefect run: [{url}]({url})"

    @contextlib.contextmanager
    def stage(self, name: str, reason: str) -> Iterator[str]:
        """Open a stage's nested run; on the way out it is FINISHED, FAILED or KILLED."""
        params = _flat(section_of(stage_named(name), self._config))
        parent = self.open()
        note = f"Stage **{name}** ran because: {reason}\n\n{self._prefect_link}"
        tags = self._tags | {"gptmodel.stage": name, "gptmodel.reason": reason, _NOTE: note}
        run_id = tracking.open_stage_run(self.uri, parent_run_id=parent, stage=name, tags=tags, params=params)
        try:
            yield run_id
        except KeyboardInterrupt:
            self._close(run_id, "KILLED")
            raise
        except BaseException:
            self._close(run_id, "FAILED")
            raise
        tracking.close_run(self.uri, run_id, "FINISHED")

    def has(self, output: Output) -> bool:
        """Tell whether MLflow has this output."""
        return self._marker(output).exists()

    def earlier_run(self, output: Output) -> str | None:
        """Give the pipeline run that delivered an output."""
        try:
            run_id: str = json.loads(self._marker(output).read_text())["parent_run_id"]
        except (OSError, ValueError, KeyError):
            return None
        return run_id

    def page_of_output(self, output: Output, artifact: str) -> str | None:
        """Give the page of an output's artifact in the MLflow UI; None if MLflow has it not, or does not answer."""
        try:
            run_id = json.loads(self._marker(output).read_text())["run_id"]
            return self.page_of(run_id, artifact)
        except (OSError, ValueError, KeyError, Missing):
            return None

    def deliver(self, run_id: str, output: Output, store: Store) -> None:
        """Log a committed stage: its account as metrics and JSON, its artifacts, its datasets with their digests."""
        folder = store.path_of(output)
        if (metrics := folder / NOTES_DIR / METRICS).exists():
            tracking.deliver_metrics(self.uri, run_id, metrics, 0)
        tracking.log_stage(
            self.uri, run_id, self.open(),
            metrics=_numbers(output.result),
            texts={"account.json": json.dumps(output.result, indent=1, ensure_ascii=False)},
            files=_artifacts(folder),
            datasets=_datasets(output, store),
        )  # fmt: skip
        marker = {"run_id": run_id, "parent_run_id": self.open()}
        write_synced(self._marker(output), json.dumps(marker))

    def deliver_report(self, run_id: str, path: Path) -> None:
        """Put a version's report among the artifacts of the run that registered it."""
        tracking.log_stage(self.uri, run_id, None, texts={REPORT: path.read_text(encoding="utf-8")})

    def tell_end(self, end: str, message: str) -> None:
        """Say in the pipeline's run, if one was opened, how the flow ended."""
        if self.run_id is None:
            return
        note = f"**{end}** {message}\n\n{self._prefect_link}"
        name = f"{self._config.preset} {self._config.registry.name}: {end}"
        with contextlib.suppress(ConnectionError):
            call(self.uri, "POST", "runs/set-tag", {"run_id": self.run_id, "key": _NOTE, "value": note})
            call(self.uri, "POST", "runs/update", {"run_id": self.run_id, "run_name": name})

    def close(self, status: RunEnd) -> None:
        """Close the pipeline's run, if one was opened: FINISHED, FAILED or KILLED."""
        if self.run_id is not None:
            self._close(self.run_id, status)

    def _close(self, run_id: str, status: RunEnd) -> None:
        # A server that is away must not hide why the run ended; the next command closes what stays open.
        with contextlib.suppress(ConnectionError):
            tracking.close_run(self.uri, run_id, status)

    def _marker(self, output: Output) -> Path:
        return self._home.delivered_dir / f"{output.stage.replace(' ', '-')}-{output.fingerprint}.json"


def _settings(config: Config) -> dict[str, Any]:
    settings = config.model_dump(mode="json")
    sources = settings["corpus"].pop("sources")
    return settings | {"sources": {source["name"]: source["path"] for source in sources}}


def _flat(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        rows = [_flat(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()]
        return {key: text for row in rows for key, text in row.items()}
    return {path: json.dumps(value, ensure_ascii=False)[:500] if not isinstance(value, str) else value[:500]}


def _numbers(value: Any, path: str = "") -> dict[str, float]:
    if isinstance(value, dict):
        rows = [_numbers(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()]
        found = {_metric_name(key): number for row in rows for key, number in row.items()}
        # Long tables within an account stand in account.json alone: nobody finds anything among hundreds of metrics.
        return found if not path or len(found) <= _MOST_FIGURES else {}
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {path: float(value)} if is_number and path else {}


def _metric_name(name: str) -> str:
    return "".join(char if char.isalnum() or char in "_-. /" else "_" for char in name)


def _artifacts(folder: Path) -> list[Path]:
    wanted = ("curve.jsonl", "samples.jsonl", "curve.png", "listing.json")
    notes = ("runtime.json", CORPUS_REPORT, FUNNEL, FUNNEL_TABLE, "data-docs")
    named = [folder / name for name in wanted] + [folder / NOTES_DIR / name for name in notes]
    return [path for path in named if path.exists()]


def _datasets(output: Output, store: Store) -> list[tracking.DatasetRef]:
    if output.stage == "ingest":
        return [_source(source) for source in output.result["sources"]]
    pack = _pack_of(output, store)
    splits = _SPLITS.get(output.stage, ())
    return [_tokens(pack, split, store) for split in splits] if pack else []


# The packed splits that a stage makes or reads.
_SPLITS = {
    "pack": ("train", "validation", "test"),
    "train": ("train", "validation"),
    "evaluate": ("test",),
}


def _source(source: Mapping[str, Any]) -> tracking.DatasetRef:
    return tracking.DatasetRef(
        name=source["name"], digest=source["digest"], source=source["name"], num_rows=source["num_documents"],
        context="source",
    )  # fmt: skip


def _tokens(pack: Output, split: str, store: Store) -> tracking.DatasetRef:
    contexts: dict[str, Any] = {"train": "training"}
    return tracking.DatasetRef(
        name=f"tokens-{split}", digest=pack.digest, source=store.path_of(pack).as_uri(),
        num_rows=pack.result["num_documents"][split], context=contexts.get(split, split),
    )  # fmt: skip


def _pack_of(output: Output, store: Store) -> Output | None:
    """Find the packed tokens that a stage made or read."""
    if output.stage == "pack" or output.stage not in _SPLITS:
        return output if output.stage == "pack" else None
    manifest = store.find(output.stage, output.fingerprint)
    digest = manifest.inputs.get("pack") if manifest else None
    return next((output_of(found) for found in store.manifests("pack") if found.digest == digest), None)
