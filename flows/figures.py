"""What of a run MLflow gets: its settings as parameters, of each output figures, files and data sets with digests."""

import json
from pathlib import Path
from typing import Any

from gptmodel import tracking
from gptmodel.config import Config
from gptmodel.mlflow_http import shown
from gptmodel.provenance import Provenance
from gptmodel.spool import read_rows
from gptmodel.store import NOTES_DIR, Output, Store, output_of

CORPUS_REPORT = "corpus.html"
CURVE_PICTURE = "loss-curve.png"
SAMPLES = "samples.jsonl"
FUNNEL, FUNNEL_TABLE = "funnel.json", "funnel.csv"
_MOST_FIGURES = 40


def settings_of(config: Config) -> dict[str, str]:
    """Give a whole config as parameters, by dotted path; of a source, where it is."""
    settings = config.model_dump(mode="json")
    del settings["corpus"]["sources"]
    return flat(settings | {"sources": _addresses(config)})


def flat(value: Any, path: str = "") -> dict[str, str]:
    """Give nested settings as parameters, by dotted path."""
    if isinstance(value, dict):
        rows = [flat(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()]
        return {key: text for row in rows for key, text in row.items()}
    return {path: json.dumps(value, ensure_ascii=False)[:500] if not isinstance(value, str) else value[:500]}


def shaping_settings(config: Config) -> dict[str, str]:
    """Give the settings that shape a model, by dotted path: what a logged model is compared by."""
    sections = ("tokenizer", "tokens", "model", "training")
    return {"preset": config.preset} | flat({name: getattr(config, name).model_dump(mode="json") for name in sections})


def code_tags(made_with: Provenance) -> dict[str, str]:
    """Give code and libraries as tags; what is not known is empty."""
    known = {True: "yes", False: "no", None: ""}
    return {
        "gptmodel.version": made_with.version,
        "gptmodel.commit": made_with.commit,
        "gptmodel.uncommitted_changes": known[made_with.is_dirty],
        "gptmodel.lock_digest": made_with.lock_digest,
    }


def source_tags(made_with: Provenance) -> dict[str, str]:
    """Give a run's tags that say which code made it: those that MLflow's own column Source shows, and ours."""
    shown_by_mlflow = {
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": "data-to-model",
        "mlflow.source.git.commit": made_with.commit,
    }
    return {key: value for key, value in (shown_by_mlflow | code_tags(made_with)).items() if value}


def _addresses(config: Config) -> dict[str, str]:
    return {source.name: shown(str(source.path)) for source in config.corpus.sources}


def figures_of(output: Output) -> dict[str, float]:
    """Give the key figures of an output's account, by name."""
    return _numbers(output.result)


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


def files_of(folder: Path) -> list[Path]:
    """Give the files and folders of an output that are for people."""
    wanted = ("curve.jsonl", SAMPLES, "listing.json")
    notes = ("runtime.json", CORPUS_REPORT, FUNNEL, FUNNEL_TABLE, "data-docs")
    named = [folder / name for name in wanted] + [folder / NOTES_DIR / name for name in notes]
    return [path for path in named if path.exists()]


def picture_of(folder: Path, target: Path) -> list[Path]:
    """Draw the loss curve of an output with its samples into a folder; nothing if it has none."""
    # An erasure takes the samples away, and the curve stays.
    curve, samples = (read_rows(path) if path.exists() else [] for path in (folder / "curve.jsonl", folder / SAMPLES))
    if not curve:
        return []
    from gptmodel.training_pictures import loss_curve_png

    (target / CURVE_PICTURE).write_bytes(loss_curve_png(curve, samples))
    return [target / CURVE_PICTURE]


def datasets_of(output: Output, store: Store, config: Config) -> list[tracking.DatasetRef]:
    """Give the data sets that a stage made or read: ingest the sources, later stages the packed splits."""
    if output.stage == "ingest":
        return sources_of(output, config)
    pack = _pack_of(output, store)
    return [tokens_of(pack, split, store) for split in _SPLITS[output.stage]] if pack else []


# The packed splits that a stage makes or reads.
_SPLITS = {
    "pack": ("train", "validation", "test"),
    "train": ("train", "validation"),
    "evaluate": ("test",),
}


def sources_of(ingest: Output, config: Config) -> list[tracking.DatasetRef]:
    """Give the raw text's sources as data sets, each with the digest over its files and the place it was read from."""
    places = _addresses(config)
    return [
        tracking.DatasetRef(
            name=source["name"], digest=source["digest"], source=places.get(source["name"], source["name"]),
            num_rows=source["num_documents"], context="source",
        )
        for source in ingest.result["sources"]
    ]  # fmt: skip


def tokens_of(pack: Output, split: str, store: Store) -> tracking.DatasetRef:
    """Give a packed split as a data set."""
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
