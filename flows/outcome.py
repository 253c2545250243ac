"""A finished run as one JSON object (`gptmodel run --json`) and as the closing lines a person reads."""

from collections import Counter
from typing import Any

from flows.run import Run
from gptmodel.corpus.funnel import SourceFunnel, build_funnel
from gptmodel.corpus.scrubbing.coverage import marked

# What deduplication calls shortly, for a list in which its reasons stand beside those of cleaning.
_REASONS = {"exact": "exact duplicate", "near": "near duplicate"}


def summarise(run: Run) -> dict[str, Any]:
    """Give the object that `gptmodel run --json` prints; null for what did not happen."""
    results = {name: record.output.result for name, record in run.records.items()}
    return {
        "flow_run_id": run.flow_run_id,
        "mlflow_run_id": _mlflow_run(run),
        "stages": [_stage(name, run) for name in run.records],
        "corpus": _corpus(results),
        "findings": results["scrub"]["findings"] if "scrub" in results else None,
        "not_searched": _not_searched(results["scrub"]) if "scrub" in results else None,
        "tokenizer": _pick(results.get("tokenizer"), "vocab_size", "bytes_per_token"),
        "training": _training(results.get("train")),
        "evaluation": _pick(results.get("evaluate"), "loss", "perplexity", "bits_per_byte", "baselines"),
        "privacy": _pick(_decision(results.get("privacy audit")), "passed", "reason", "scope"),
        "decision": _pick(_decision(results.get("promote") or _blocked(results)), "passed", "reason"),
        "model": _pick(results.get("register"), "name", "version", "uri"),
        "links": run.links,
        "samples": run.samples,
        "curve": run.curve,
    }


def _stage(name: str, run: Run) -> dict[str, Any]:
    record = run.records[name]
    return {
        "name": name, "fingerprint": record.output.fingerprint, "digest": record.output.digest,
        "cached": record.cached, "seconds": round(record.seconds, 3), "reason": record.reason,
    }  # fmt: skip


def _mlflow_run(run: Run) -> str | None:
    if run.delivery.run_id:
        return run.delivery.run_id
    last = list(run.records.values())[-1].output
    return run.delivery.earlier_run(last)


def _corpus(results: dict[str, Any]) -> dict[str, Any] | None:
    if "ingest" not in results:
        return None
    funnel = build_funnel(results)
    return _counts(funnel.total) | {
        "num_divided": results["ingest"]["num_divided"],
        "sources": {source.name: _counts(source) for source in funnel.sources},
    }


def _counts(source: SourceFunnel) -> dict[str, Any]:
    """Say what became of what was read; long texts are kept or dropped part by part, so that only the parts add up."""
    lost: Counter[str] = Counter()
    for reason, count in ((reason, count) for step in source.steps for reason, count in step.lost.items()):
        lost[_REASONS.get(reason, reason)] += count.num_documents
    if source.num_forgotten:
        lost["forgotten"] += source.num_forgotten
    return {
        "num_read": source.documents.num_documents + source.num_quarantined + source.num_forgotten,
        "num_kept": source.kept.num_documents,
        "num_dropped": source.dropped.num_documents + source.num_forgotten,
        "num_quarantined": source.num_quarantined,
        "dropped_by_reason": dict(lost),
    }


def _not_searched(scrub: dict[str, Any]) -> list[str]:
    return marked(scrub["kinds_not_searched"], scrub.get("kinds_accepted", ()), scrub["findings"])


def _training(train: dict[str, Any] | None) -> dict[str, Any] | None:
    if train is None:
        return None
    shown = _pick(train, "num_parameters", "num_tokens", "num_steps", "validation_loss") or {}
    return shown | (_pick(train["runtime"], "seconds", "tokens_per_second", "resumed_from_step") or {})


def _decision(result: dict[str, Any] | None) -> dict[str, Any] | None:
    return result["decision"] if result else None


def _blocked(results: dict[str, Any]) -> dict[str, Any] | None:
    gate = results.get("quality gate")
    return gate if gate and not gate["decision"]["passed"] else None


def _pick(result: dict[str, Any] | None, *names: str) -> dict[str, Any] | None:
    return {name: result.get(name) for name in names} if result else None
