"""A version's lineage as one JSON object, and what it tells in a few words.

Its keys stay; what was deleted or never noted is null. The command, the report and the evidence folder show this
object, so that all of them say the same.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gptmodel.corpus.funnel import build_funnel
from gptmodel.events import Event
from gptmodel.lineage.ancestry import Ancestry, StageOrigin
from gptmodel.lineage.raw_files import RawFile

GATES = ("quality gate", "privacy audit", "promote")
"""Stages that decide, in their order."""

_SPLITS = ("train", "validation", "test")
_REGISTER = ("name", "digest", "licence", "owner", "purpose", "keep_until", "personal_data", "num_files",
             "num_documents", "num_quarantined", "num_forgotten")  # fmt: skip


def lineage_record(ancestry: Ancestry, files: Iterable[RawFile], events: Iterable[Event] = ()) -> dict[str, Any]:
    """Give all that a version came from as JSON values.

    Args:
        ancestry: The version and its outputs.
        files: The raw files that its ingest read.
        events: The home's events; those of this version are taken.
    """
    version, made_with = ancestry.version, ancestry.made_with
    return {
        "model": version.uri, "name": version.name, "version": version.version,
        "bundle_digest": version.bundle_digest or None,
        "mlflow_run_id": version.mlflow_run_id or None, "flow_run_id": version.flow_run_id or None,
        "code": made_with.model_dump(mode="json") if made_with else None,
        "config": tomllib.loads(ancestry.config) if ancestry.config else None,
        "tokenizer": _tokenizer(ancestry), "datasets": _datasets(ancestry),
        "sources": [file.model_dump(mode="json") for file in files],
        "source_register": [
            {name: row.get(name) for name in _REGISTER} for row in ancestry.result("ingest").get("sources", ())
        ],
        "corpus": corpus_counts(ancestry),
        "findings": dict(ancestry.result("scrub").get("findings", {})),
        "kinds_not_searched": list(ancestry.result("scrub").get("kinds_not_searched", ())),
        "training": _some(ancestry.result("train"), "num_parameters", "num_tokens", "num_steps", "validation_loss"),
        "evaluation": _some(ancestry.result("evaluate"), "loss", "perplexity", "bits_per_byte", "num_documents"),
        "decisions": decisions(ancestry),
        "events": [event.model_dump(mode="json") for event in events_of(ancestry, events)],
        "parent": ancestry.parent,
        "stages": [_stage(origin) for origin in ancestry.stages],
    }  # fmt: skip


def corpus_counts(ancestry: Ancestry) -> dict[str, Any] | None:
    """Count what was read and what became of it, a long text part by part; None if ingest's account is gone."""
    accounts = {origin.stage: origin.result for origin in ancestry.stages if origin.result}
    if "ingest" not in accounts:
        return None
    total = build_funnel(accounts).total
    steps = [
        {"stage": step.stage, "num_kept": step.kept.num_documents,
         "dropped_by_reason": {reason: count.num_documents for reason, count in step.lost.items()}}
        for step in total.steps
    ]  # fmt: skip
    lost: Counter[str] = Counter()
    for step in total.steps:
        lost.update({reason: count.num_documents for reason, count in step.lost.items()})
    return {
        "num_read": total.num_read, "num_documents": total.documents.num_documents,
        "num_kept": total.kept.num_documents, "num_dropped": total.dropped.num_documents,
        "dropped_by_reason": dict(lost), "steps": steps, "num_quarantined": total.num_quarantined,
        "quarantined_by_reason": total.quarantined, "num_forgotten": total.num_forgotten,
        "num_planted": accounts["ingest"].get("num_planted"),
    }  # fmt: skip


def decisions(ancestry: Ancestry) -> list[dict[str, Any]]:
    """Give the answers of the gates, in their order; a gate whose account is gone has none."""
    found = ((stage, ancestry.result(stage).get("decision")) for stage in GATES)
    return [
        {"gate": stage, "passed": answer["passed"], "reason": answer["reason"], "scope": answer.get("scope", "")}
        for stage, answer in found if answer
    ]  # fmt: skip


def events_of(ancestry: Ancestry, events: Iterable[Event]) -> list[Event]:
    """Give the events that happened to a version, and the erasures that its outputs were purged for."""
    purges = {request for origin in ancestry.stages for request in origin.purged_for}
    return [event for event in events if event.subject == ancestry.version.uri or event.subject in purges]


def _tokenizer(ancestry: Ancestry) -> dict[str, Any] | None:
    origin = ancestry.stage("tokenizer")
    if origin is None:
        return None
    counts = _some(origin.result, "vocab_size", "bytes_per_token") or {}
    return {"digest": origin.digest, "fingerprint": origin.fingerprint or None, "state": origin.state, **counts}


def _datasets(ancestry: Ancestry) -> list[dict[str, Any]]:
    """Give the packed splits, under the names that MLflow has them by, and the scrubbed text that they came from."""
    pack, scrub = ancestry.stage("pack"), ancestry.stage("scrub")
    rows: list[dict[str, Any]] = []
    if pack is not None:
        documents, tokens = pack.result.get("num_documents", {}), pack.result.get("num_tokens", {})
        rows += [
            {"name": f"tokens-{split}", "digest": pack.digest, "num_documents": documents.get(split),
             "num_tokens": tokens.get(split), "state": pack.state, "files": _files(pack, f"{split}-")}
            for split in _SPLITS
        ]  # fmt: skip
    if scrub is not None:
        num_documents = scrub.result.get("num_documents")
        rows.append({"name": "scrubbed-text", "digest": scrub.digest, "num_documents": num_documents,
                     "state": scrub.state, "files": _files(scrub, "shards/")})  # fmt: skip
    return rows


def _files(origin: StageOrigin, beginning: str) -> list[dict[str, Any]]:
    named = ((name, entry) for name, entry in origin.files.items() if name.startswith(beginning))
    return [{"path": name, "sha256": entry.sha256, "num_bytes": entry.num_bytes} for name, entry in named]


def _stage(origin: StageOrigin) -> dict[str, Any]:
    return {
        "stage": origin.stage, "digest": origin.digest, "fingerprint": origin.fingerprint or None,
        "code_version": origin.code_version or None, "state": origin.state, "purged_for": list(origin.purged_for),
        "seconds": origin.seconds, "commit": origin.made_with.commit if origin.made_with else None,
        "is_dirty": origin.made_with.is_dirty if origin.made_with else None,
        "inputs": dict(origin.inputs),
    }  # fmt: skip


def _some(account: Mapping[str, Any], *names: str) -> dict[str, Any] | None:
    return {name: account.get(name) for name in names} if account else None


def sources_in_order(record: Mapping[str, Any]) -> Sequence[str]:
    """Give the names of a record's sources: those of the register, then those that only files tell."""
    named = [row["name"] for row in record["source_register"]]
    return list(dict.fromkeys([*named, *(row["source"] for row in record["sources"])]))
