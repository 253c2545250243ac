"""The page of the evidence: what `Evidence` holds, put into rows and words; it computes nothing of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gptmodel.corpus.scrubbing.coverage import marked
from gptmodel.corpus_report import funnel_bars, funnel_losses
from gptmodel.evidence.account import ErasureProof, EventChain, Evidence, SourceProof, StageProof
from gptmodel.evidence.limits import STATED_ONLY, checks
from gptmodel.leak_pictures import leak_test_rows
from gptmodel.page import Account, Row, bars, gate_box, name_text, number_text, write_page
from gptmodel.report import self_test_row

TITLES = {
    "identity": "Which model this is",
    "lineage": "What it came from",
    "sources": "Register of sources",
    "funnel": "What was left out, and why",
    "search": "Sensitive data: searched, and not",
    "recall": "How well the search finds",
    "left-over": "What is left in the text",
    "leak-test": "Leak test",
    "quality": "How good it is",
    "decisions": "Decisions and service",
    "erasures": "Erasure requests",
    "limits": "What this does not show",
    "check": "How to check it",
    "files": "Files of this folder",
}
"""Title of each section by its anchor, in the order of the page."""

_STATES = {"whole": "whole", "text deleted": "whole, raw text deleted by policy"}


def write_evidence_page(path: Path, evidence: Evidence, told: Mapping[str, str], missing: Sequence[str]) -> None:
    """Write the page; the same evidence gives the same bytes.

    Args:
        path: The HTML file.
        evidence: What there is to tell.
        told: What each copied file is, by its name.
        missing: What would have been copied and is not there, a few words each.
    """
    name, _, number = evidence.model.removeprefix("models:/").rpartition("/")
    write_page(
        path, "evidence", title=f"Evidence for {name} version {number}", evidence=evidence, titles=TITLES,
        numbers={anchor: number for number, anchor in enumerate(TITLES, 1)},
        gates=_gates(evidence), figures=_figures(evidence), stated_only=STATED_ONLY, missing=missing,
        copies=[(file, told[file], entry.sha256) for file, entry in evidence.copies.items()],
        commands=checks(evidence), **_origin(evidence), **_search(evidence), **_use(evidence),
    )  # fmt: skip


def _origin(evidence: Evidence) -> dict[str, Any]:
    funnel = evidence.funnel
    files = evidence.identity.files if evidence.identity else {}
    return {
        "identity": _identity(evidence),
        "model_files": [(name, number_text(entry.num_bytes), entry.sha256) for name, entry in files.items()],
        "stages": [_stage(one) for one in evidence.stages],
        "sources": [_source(one) for one in evidence.sources],
        "source_counts": [_source_counts(one) for one in evidence.sources],
        "funnel": funnel_bars(funnel) if funnel else [],
        "losses": funnel_losses(funnel.total) if funnel else [],
        "imbalances": funnel.imbalances() if funnel else [],
    }


def _search(evidence: Evidence) -> dict[str, Any]:
    search = evidence.search
    return {
        "findings": bars(search.findings) if search else [],
        "not_searched": marked(search.not_searched, search.accepted, search.findings) if search else [],
        "self_test": [self_test_row(row.model_dump()) for row in search.self_test] if search else [],
        "left_over": _left_over(evidence),
        "leak_test": leak_test_rows(evidence.leak_test),
    }


def _use(evidence: Evidence) -> dict[str, Any]:
    concerned = [one for one in evidence.erasures if one.relation != "did not see"]
    return {
        "scores": _scores(evidence),
        "slices": _slices(evidence.evaluation),
        "checks": [
            (one.name, one.severity, one.observed, one.limit) for one in evidence.checks if not one.passed
        ],
        "service": _service(evidence),
        "comparisons": [
            (one.champion or "nobody: the first version", "yes" if one.decision.passed else "no", one.decision.reason)
            for one in evidence.comparisons
        ],
        "events": [_event(one.model_dump()) for one in evidence.chain.events],
        "chain_words": _chain_words(evidence.chain),
        "erasures": [_erasure(one) for one in concerned],
        "num_others": len(evidence.erasures) - len(concerned),
    }  # fmt: skip


def _gates(evidence: Evidence) -> list[Account]:
    exposure = evidence.leak_test.get("exposure", {})
    promotion = evidence.comparisons[-1].decision if evidence.comparisons else None
    gates = (
        (evidence.quality, "Quality gate passed", "Quality gate: no", False),
        (evidence.privacy, "Leak test passed", "Leak test: no", not exposure.get("can_see", True)),
        (promotion, "Promoted", "Not promoted", False),
    )
    # The scope stands in full further down, beside the numbers.
    return [
        gate_box(decision.model_dump() | {"scope": ""}, yes, no, is_weak=is_weak)
        for decision, yes, no, is_weak in gates if decision
    ]  # fmt: skip


def _figures(evidence: Evidence) -> list[Row]:
    """Give six numbers, of which half are of what was tried and half of what is open."""
    search, second, exposure = evidence.search, evidence.second_scanner, evidence.leak_test.get("exposure", {})
    if search is None:
        return []
    power = exposure.get("power")
    return [
        ("open points", number_text(len(evidence.open_points)), "what an auditor would stop at"),
        ("kinds searched", number_text(len(search.searched)), f"not searched: {len(search.not_searched)}"),
        ("findings", number_text(sum(search.findings.values())), "replaced before training"),
        ("left over, at most", _percent(second.upper_bound) if second else "unknown",
         "of the documents, by the second scanner"),
        ("read by a person", number_text(evidence.human_sample.num_read) if evidence.human_sample else "0", "passages"),
        ("leak test's power", "unknown" if power is None else f"{power:.0%}", "chance to see a leak of all phrases"),
    ]  # fmt: skip


def _identity(evidence: Evidence) -> list[Row]:
    identity = evidence.identity
    if identity is None:
        return [("version", evidence.model), ("known here", "from the registry only: it was not made in this home"),
                ("model folder (digest)", evidence.registry.bundle_digest or "not known")]  # fmt: skip
    made = identity.made_with
    rows = [
        ("version", evidence.model), ("model folder (digest)", identity.bundle_digest),
        ("address in the store", f"register/{identity.fingerprint}"), ("MLflow run", identity.mlflow_run_id),
        ("Prefect run", identity.flow_run_id),
        ("code", f"gptmodel {made.version}, {_code(made.code, made.commit)}" if made else "not noted"),
        ("lock files (digest)", made.lock_digest or "none beside the code" if made else "not noted"),
        ("libraries", ", ".join(f"{name} {version}" for name, version in sorted(made.libraries.items()))
         if made else "not noted"),
        ("made on", f"{made.machine}, Python {made.python}" if made else "not noted"),
        ("other runs that ended in the same files", ", ".join(identity.other_registrations)),
    ]  # fmt: skip
    return [row for row in rows if row[1]]


def _code(words: str, commit: str) -> str:
    return words.replace(commit[:12], f"commit {commit}", 1) if commit else "commit unknown"


def _stage(stage: StageProof) -> Row:
    purged = f" for {', '.join(stage.purged_for)}" if stage.purged_for else ""
    code = stage.made_with.code if stage.made_with else "not noted"
    return (stage.stage, f"{_STATES.get(stage.state, stage.state)}{purged}", code, stage.fingerprint, stage.digest)


def _source(source: SourceProof) -> Row:
    until = source.keep_until.isoformat() if source.keep_until else "no day named"
    path = f"{source.path} (left out: {source.left_out})" if source.left_out else source.path
    return (source.name, path, source.licence, source.owner or "not named", source.purpose or "not named", until,
            source.personal_data)  # fmt: skip


def _source_counts(source: SourceProof) -> Row:
    counts = (source.num_files, source.num_documents, source.num_quarantined, source.num_bytes, source.num_trained)
    return (source.name, *map(number_text, counts), source.digest)


def _left_over(evidence: Evidence) -> list[Row]:
    second, sample = evidence.second_scanner, evidence.human_sample
    again = next((one.observed for one in evidence.checks if one.name == "scrubbing twice is scrubbing once"), "")
    reader = (
        f"{sample.sentence}; of {sample.num_population:,} passages" if sample else "no; gptmodel review makes a sheet"
    )
    by = f"; read by {sample.reviewer}" if sample and sample.reviewer else ""
    return [
        ("second scanner", second.sentence if second else "did not look"),
        ("same finders once more", again or "not known"),
        ("checked by a person", f"{reader}{by}"),
    ]  # fmt: skip


def _scores(evidence: Evidence) -> list[Row]:
    scores, training = evidence.evaluation, evidence.training
    rows = [("bits per byte (lower is better)", scores.get("bits_per_byte"))]
    rows += [(f"the same of {name_text(name)}", value) for name, value in scores.get("baselines", {}).items()]
    rows += [("perplexity", scores.get("perplexity")), ("documents", scores.get("num_documents")),
             ("parameters", training.get("num_parameters")), ("tokens trained on, repeats counted",
             training.get("num_tokens"))]  # fmt: skip
    return [(label, number_text(value)) for label, value in rows if value is not None]


def _slices(scores: Mapping[str, Any]) -> list[Row]:
    parts = [*scores.get("by_source", {}).items(), *scores.get("by_language", {}).items()]
    return [(name, number_text(row["bits_per_byte"]), number_text(row["num_documents"])) for name, row in parts]


def _service(evidence: Evidence) -> list[Row]:
    answer = evidence.registry
    if not answer.is_asked:
        return [("registry", f"not asked: {answer.why_not_asked}")]
    rows = [
        ("registry", "has the version" if answer.is_there else "does not have the version"),
        ("aliases", ", ".join(answer.aliases) or "none"), ("in service", answer.champion or "nobody"),
        ("decision on its page", answer.decision), ("retired for", answer.retired),
        ("model folder as registered there (digest)", answer.bundle_digest),
    ]  # fmt: skip
    return [row for row in rows if row[1]]


def _event(event: Account) -> Row:
    time = event["time"].strftime("%Y-%m-%d %H:%M")
    return (str(event["number"]), time, event["kind"], event["subject"], event["by"] or "the pipeline", event["reason"])


def _chain_words(chain: EventChain) -> str:
    if chain.problem:
        return f"The home's log of events is broken: {chain.problem}. Nothing of it is shown."
    if not chain.num_events:
        return "The home's log of events is empty."
    return (
        f"The home's log holds {number_text(chain.num_events)} events, and each follows from the one before. "
        f"Digest of the newest, number {chain.num_events}: {chain.newest_digest}."
    )


def _erasure(request: ErasureProof) -> Row:
    closed = request.closed.isoformat() if request.closed else "open"
    relation = "left its documents out" if request.relation == "left out" else f"{request.relation} them"
    purged = number_text(request.num_purges) + (" times" if request.num_purges != 1 else " time")
    return (
        request.id, request.opened.isoformat(), closed, request.asked_by, number_text(request.num_documents),
        number_text(request.num_duplicates), relation, purged if request.num_purges else "no",
        number_text(request.is_retired_for),
    )  # fmt: skip


def _percent(value: float) -> str:
    return f"{100 * value:.2g} %"
