"""Collects the evidence of a version from what the home keeps: manifests, events, erasure requests, reviews.

Only what is named here goes in: of each stage's account the counts, sentences and bounds, so that a field which a stage
may add some day is not handed on unseen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from gptmodel.corpus.funnel import Funnel, build_funnel
from gptmodel.corpus.scrubbing.measuring.self_test import self_test_sentence
from gptmodel.corpus.scrubbing.replacing.account import tell_replacing
from gptmodel.decision import Decision
from gptmodel.erasure.requests import ErasureRequest
from gptmodel.errors import StoreError
from gptmodel.events import Event, EventLog
from gptmodel.evidence.account import (
    Check,
    Comparison,
    ErasureProof,
    EventChain,
    Evidence,
    HumanSample,
    Identity,
    RegistryAnswer,
    Search,
    SecondScanner,
    SourceProof,
    StageProof,
)
from gptmodel.evidence.erasures import erasures_of
from gptmodel.evidence.limits import limits
from gptmodel.evidence.open_points import open_points
from gptmodel.evidence.questions import questions
from gptmodel.lineage.ancestry import Ancestry, StageOrigin, trace
from gptmodel.lineage.versions import Version, list_versions
from gptmodel.review import review_of
from gptmodel.store import Manifest, Store, damage, file_digest
from gptmodel.version_text import second_scanner_sentence

NOBODY = "none"
"""What stands for the champion among the inputs of a promotion that had no opponent."""

_BUNDLE = "bundle/"
_MOVES = ("promoted", "rolled back", "retired")
_SOURCE_FIELDS = ("name", "licence", "owner", "purpose", "keep_until", "personal_data", "num_files", "num_documents",
                  "num_quarantined", "num_bytes", "digest", "left_out")  # fmt: skip
_TRAINING_FIELDS = ("num_parameters", "num_tokens", "num_steps", "train_loss", "validation_loss", "runtime")
_EVALUATION_FIELDS = ("bits_per_byte", "perplexity", "loss", "num_documents", "num_bytes", "baselines", "by_source",
                      "by_language")  # fmt: skip
_LEAK_FIELDS = ("decision", "exposure", "extraction", "samples", "extraction_ratio", "num_leaks")


@dataclass(frozen=True)
class Records:
    """What of a home the evidence is read from.

    Attributes:
        store: The stage outputs.
        events: The event log.
        reviews_dir: The sheets and what came of them.
        requests: The erasure requests.
        key: The home's key, by which a request's documents are found again; None if it is not there. It goes nowhere.
    """

    store: Store
    events: EventLog
    reviews_dir: Path
    requests: Sequence[ErasureRequest] = ()
    key: bytes | None = field(default=None, repr=False)


def gather(records: Records, version: Version, registry: RegistryAnswer, as_of: date) -> Evidence:
    """Collect the evidence of a version that this home made.

    Args:
        records: What the home keeps.
        version: One of `list_versions(records.store)`.
        registry: What the registry said of it.
        as_of: Date of issue.
    """
    ancestry = trace(records.store, version)
    accounts = {one.stage: one.result for one in ancestry.stages if one.result}
    quality = accounts.get("quality gate", {})
    erasures = erasures_of(records.store, records.key, records.requests, version, _inputs(ancestry.stage("ingest")))
    found = Evidence(
        model=version.uri, as_of=as_of, identity=_identity(records.store, version, ancestry), registry=registry,
        stages=tuple(_stage(one) for one in ancestry.stages), config=ancestry.config,
        sources=_sources(ancestry.stage("ingest"), accounts.get("split", {})), funnel=_funnel(accounts),
        search=_search(accounts.get("scrub", {})), second_scanner=_second_scanner(quality),
        human_sample=_human_sample(records.reviews_dir, version.digests.get("scrub", "")),
        quality=_decision(quality), checks=_checks(quality),
        training=_part(accounts.get("train", {}), _TRAINING_FIELDS),
        evaluation=_part(accounts.get("evaluate", {}), _EVALUATION_FIELDS),
        leak_test=_part(accounts.get("privacy audit", {}), _LEAK_FIELDS),
        comparisons=_comparisons(records.store, ancestry), chain=_chain(records.events, version, erasures),
        erasures=erasures,
    )  # fmt: skip
    return _concluded(found)


def gather_elsewhere(model: str, registry: RegistryAnswer, as_of: date) -> Evidence:
    """Collect what is known of a version that another home made: the registry's answer.

    Args:
        model: The version's URI.
        registry: What the registry said of it.
        as_of: Date of issue.
    """
    return _concluded(Evidence(model=model, as_of=as_of, registry=registry))


def _concluded(evidence: Evidence) -> Evidence:
    return evidence.model_copy(
        update={"open_points": open_points(evidence), "limits": limits(), "questions": questions(evidence)}
    )


def _identity(store: Store, version: Version, ancestry: Ancestry) -> Identity:
    folder = store.folder("register", version.fingerprint)
    manifest = store.read_manifest(folder)
    register = ancestry.stage("register")
    result = register.result if register else {}
    files = {name: entry for name, entry in manifest.files.items() if name.startswith(_BUNDLE)} if manifest else {}
    others = [one.fingerprint for one in list_versions(store) if one.uri == version.uri]
    digest = str(result.get("bundle_digest", ""))
    return Identity(
        fingerprint=version.fingerprint, bundle_digest=digest,
        other_registrations=tuple(one for one in others if one != version.fingerprint),
        files={name.removeprefix(_BUNDLE): entry for name, entry in files.items()},
        changed_files=_changed(folder, manifest), mlflow_run_id=version.mlflow_run_id,
        flow_run_id=str((result.get("runtime") or {}).get("flow_run_id", "")), made_with=ancestry.made_with,
    )  # fmt: skip


def _changed(folder: Path, manifest: Manifest | None) -> str:
    """Hash the model's files once more, and say what is not as it was registered."""
    if manifest is None:
        return "the manifest is gone"
    changed = (name for name, entry in manifest.files.items() if file_digest(folder / name) != entry.sha256)
    return damage(folder, manifest) or next((f"{name} has another digest" for name in changed), "")


def _stage(origin: StageOrigin) -> StageProof:
    return StageProof(**{name: getattr(origin, name) for name in StageProof.model_fields})


def _inputs(origin: StageOrigin | None) -> Mapping[str, str]:
    return origin.inputs if origin else {}


def _sources(ingest: StageOrigin | None, split: Mapping[str, Any]) -> tuple[SourceProof, ...]:
    rows = ingest.result.get("sources", []) if ingest else []
    named = ingest.section.get("corpus", {}).get("sources", []) if ingest else []
    paths = {source["name"]: source["path"] for source in named}
    trained = {row["name"]: row["num_train"] for row in split.get("sources", [])}
    return tuple(
        SourceProof(
            **{name: row[name] for name in _SOURCE_FIELDS if name in row}, path=paths.get(row["name"], ""),
            num_trained=trained.get(row["name"], 0),
        )
        for row in rows
    )  # fmt: skip


def _funnel(accounts: Mapping[str, Mapping[str, Any]]) -> Funnel | None:
    told = {stage: account for stage, account in accounts.items() if "sources" in account}
    return build_funnel(told) if "ingest" in told else None


def _search(scrub: Mapping[str, Any]) -> Search | None:
    if "kinds_searched" not in scrub:
        return None
    tested = scrub.get("self_test", [])
    return Search(
        searched=scrub["kinds_searched"], not_searched=scrub["kinds_not_searched"],
        accepted=scrub.get("kinds_accepted", ()), in_part=scrub.get("limits", ()), scope=scrub["scope"],
        findings=scrub["findings"], findings_by_source=scrub["findings_by_source"],
        num_documents_with_findings=scrub["num_documents_with_findings"], replacements=scrub.get("replacements", {}),
        replacing=tell_replacing(scrub), self_test=tested, self_test_sentence=self_test_sentence(tested),
        untested=scrub.get("untested_kinds", ()),
    )  # fmt: skip


def _second_scanner(quality: Mapping[str, Any]) -> SecondScanner | None:
    numbers = quality.get("decision", {}).get("numbers", {})
    if numbers.get("residual_upper_bound") is None:
        return None
    return SecondScanner(
        num_documents=numbers["num_documents_scanned"], num_hits=numbers["num_documents_with_residual"],
        upper_bound=numbers["residual_upper_bound"], sentence=second_scanner_sentence(numbers),
    )  # fmt: skip


def _human_sample(reviews_dir: Path, scrub_digest: str) -> HumanSample | None:
    found = review_of(reviews_dir, scrub_digest)
    return HumanSample(**{name: getattr(found, name) for name in HumanSample.model_fields}) if found else None


def _decision(account: Mapping[str, Any]) -> Decision | None:
    return Decision.model_validate(account["decision"]) if "decision" in account else None


def _checks(quality: Mapping[str, Any]) -> tuple[Check, ...]:
    return tuple(Check(**{name: row[name] for name in Check.model_fields}) for row in quality.get("checks", []))


def _part(account: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    return {name: account[name] for name in fields if name in account}


def _comparisons(store: Store, ancestry: Ancestry) -> tuple[Comparison, ...]:
    register = ancestry.stage("register")
    digest = register.digest if register else ""
    mine = [one for one in store.manifests("promote") if one.inputs.get("register") == digest]
    return tuple(
        Comparison(champion=_opponent(one), decision=Decision.model_validate(one.result["decision"]))
        for one in reversed(mine) if "decision" in one.result
    )  # fmt: skip


def _opponent(promote: Manifest) -> str:
    return promote.inputs.get("champion", NOBODY).removeprefix(NOBODY)


def _chain(log: EventLog, version: Version, erasures: Sequence[ErasureProof]) -> EventChain:
    try:
        events = log.read()
    except StoreError as error:
        return EventChain(problem=error.actual)
    requests = {one.id for one in erasures}
    concerning = tuple(event for event in events if _concerns(event, version, requests))
    newest = events[-1].digest if events else ""
    return EventChain(num_events=len(events), newest_digest=newest, events=concerning)


def _concerns(event: Event, version: Version, requests: set[str]) -> bool:
    is_move = event.kind in _MOVES and event.subject.rpartition("/")[0] == version.uri.rpartition("/")[0]
    is_named = version.uri in (event.subject, *event.facts.values())
    return is_move or is_named or event.subject.partition(" ")[0] in requests
