"""What an auditor would stop at: what is missing, failed, weak or left open, each in a sentence and with what mends it.

Shown before all else and as large as what went well. A bound is named where a number alone decides.
"""

from collections.abc import Iterator

from gptmodel.corpus.scrubbing.coverage import marked
from gptmodel.evidence.account import ErasureProof, Evidence, OpenPoint, Search, SourceProof, StageProof

LEAST_RECALL = 0.9
"""Share of the invented values below which a kind counts as poorly found."""
LEAST_POWER = 0.8
"""Chance of seeing a leak below which the leak test counts as weak (the convention of Cohen 1988)."""
MOST_UNSEEN = 0.05
"""Upper bound of a share above which so little was tried that a yes says little."""
MOST_MISSED = 0.02
"""Upper bound of the passages with something missed above which a person's check counts as thin."""

_UNCOMMITTED = "the exact code can't be had back"


def open_points(evidence: Evidence) -> tuple[OpenPoint, ...]:
    """Name what an auditor would stop at, in the order of the page."""
    if evidence.identity is None:
        return (_elsewhere(evidence), *_registry(evidence))
    return (
        *_identity(evidence), *_registry(evidence), *_lineage(evidence), *_sources(evidence), *_funnel(evidence),
        *_search(evidence), *_recall(evidence), *_left_over(evidence), *_leak_test(evidence), *_quality(evidence),
        *_decisions(evidence), *_erasures(evidence),
    )  # fmt: skip


def _elsewhere(evidence: Evidence) -> OpenPoint:
    return OpenPoint(
        section="identity",
        says=f"{evidence.model} was not made in this home: only what the registry says of it is known here, and "
        "nothing of its data, its tests and its decisions could be read.",
        mend="Set GPTMODEL_HOME to the home that made it.",
    )


def _identity(evidence: Evidence) -> Iterator[OpenPoint]:
    identity = evidence.identity
    if identity is None:
        return
    if identity.changed_files:
        yield OpenPoint(
            section="identity", says=f"The model's files are not as they were registered: {identity.changed_files}.",
            mend="Load the version from the registry, whose copy is checked against the same digests.",
        )  # fmt: skip
    if not evidence.config:
        yield OpenPoint(section="identity", says="The run's config is gone; what is known of it stands by stage.")
    made = identity.made_with
    if made is None or not made.commit:
        yield OpenPoint(section="identity", says="Which commit of the code registered it is not known.",
                        mend="Run from a checkout, or set GPTMODEL_COMMIT where an image is built.")  # fmt: skip
    elif made.is_dirty is None:
        yield OpenPoint(section="identity", says="Whether the code differed from its commit is not known.")
    if made is not None and not made.lock_digest:
        yield OpenPoint(section="identity", says="No lock file stood beside the code: of its libraries the main ones "
                        "alone are known by version.")  # fmt: skip


def _registry(evidence: Evidence) -> Iterator[OpenPoint]:
    answer = evidence.registry
    if not answer.is_asked:
        yield OpenPoint(
            section="decisions", mend="gptmodel up, then the same command again.",
            says="The registry was not asked: which version is in service, and what it says of this one, is not known "
            f"({answer.why_not_asked}).",
        )  # fmt: skip
    elif not answer.is_there:
        yield OpenPoint(section="decisions", says="The registry does not have this version: another one was asked, or "
                        "somebody deleted it there.")  # fmt: skip
    elif answer.retired and "champion" in answer.aliases:
        yield OpenPoint(section="decisions", says="It is in service although it was retired.",
                        mend="Run again without the documents, and let another version take its place.")  # fmt: skip


def _lineage(evidence: Evidence) -> Iterator[OpenPoint]:
    dirty = [one.stage for one in evidence.stages if one.made_with and one.made_with.is_dirty]
    if dirty:
        which = "every stage" if len(dirty) == len(evidence.stages) else ", ".join(dirty)
        yield OpenPoint(
            section="lineage", says=f"Made with uncommitted changes, so that {_UNCOMMITTED}: {which}.",
            mend="Commit, and run again with --force for these stages.",
        )  # fmt: skip
    for state, words in (
        ("damaged", "Damaged in the store"), ("gone", "Gone from the store, known by its digest alone"),
        ("purged", "Documents were taken out for erasure requests, so that it can't be rebuilt as it was"),
    ):  # fmt: skip
        stages = [_with_requests(one) for one in evidence.stages if one.state == state]
        if stages:
            yield OpenPoint(section="lineage", says=f"{words}: {', '.join(stages)}.")


def _with_requests(stage: StageProof) -> str:
    return f"{stage.stage} ({', '.join(stage.purged_for)})" if stage.purged_for else stage.stage


def _sources(evidence: Evidence) -> Iterator[OpenPoint]:
    read = [one for one in evidence.sources if not one.left_out]
    for words, names in (
        ("Nobody is named who answers for", _names(one for one in read if not one.owner)),
        ("No licence is named for", _names(one for one in read if one.licence in ("", "unknown"))),
        ("No purpose is named for", _names(one for one in read if not one.purpose)),
        ("Nobody said whether data about people is in", _names(one for one in read if one.personal_data == "unknown")),
    ):  # fmt: skip
        if names:
            yield OpenPoint(section="sources", says=f"{words} {names}.",
                            mend="Say it in the config, at the source, and run again.")  # fmt: skip
    over = _names(one for one in read if one.keep_until and one.keep_until < evidence.as_of)
    if over:
        yield OpenPoint(section="sources", says=f"The day until which it may be used is past for {over}.",
                        mend="Train without it (a run leaves it out by itself), or agree on another day.")  # fmt: skip


def _names(sources: Iterator[SourceProof]) -> str:
    return ", ".join(one.name for one in sources)


def _funnel(evidence: Evidence) -> Iterator[OpenPoint]:
    if evidence.funnel is None:
        yield OpenPoint(section="funnel", says="What was read and dropped is not known: the account is gone.")
    elif words := evidence.funnel.imbalances():
        yield OpenPoint(section="funnel", says=f"What was read, dropped and kept does not add up: {'; '.join(words)}.")


def _search(evidence: Evidence) -> Iterator[OpenPoint]:
    search = evidence.search
    if search is None:
        yield OpenPoint(section="search", says="What was searched for is not known: the account is gone.")
        return
    if search.not_searched:
        kinds = ", ".join(marked(search.not_searched, search.accepted, search.findings))
        yield OpenPoint(section="search", says=f"Not searched: {kinds}. The training text may hold them.",
                        mend="Search with a recognizer (scrubbing.recognizer).")  # fmt: skip
    if search.in_part:
        yield OpenPoint(section="search", says=f"Searched in part: {'; '.join(search.in_part)}.")


def _recall(evidence: Evidence) -> Iterator[OpenPoint]:
    search = evidence.search
    if search is None:
        return
    if not search.self_test_sentence:
        yield OpenPoint(section="recall", says="How well the finders find was not measured.",
                        mend="scrubbing.self_test.num_values above 0.")  # fmt: skip
    if poor := _poorly_found(search):
        yield OpenPoint(
            section="recall", says=f"Of invented values fewer than {100 * LEAST_RECALL:.0f} % were found: {poor}."
        )
    if search.untested:
        yield OpenPoint(section="recall", says=f"Searched, but not tested: {', '.join(search.untested)}.",
                        mend="Give the site's own finders examples (must_match).")  # fmt: skip


def _poorly_found(search: Search) -> str:
    rows = [row for row in search.self_test if row.recall is not None and row.recall < LEAST_RECALL]
    return ", ".join(f"{row.kind} {row.num_found:,} of {row.num_values:,}" for row in rows)


def _left_over(evidence: Evidence) -> Iterator[OpenPoint]:
    second, sample = evidence.second_scanner, evidence.human_sample
    if second is None:
        yield OpenPoint(section="left-over", says="No second scanner looked at the scrubbed text.",
                        mend="quality.residual_documents above 0.")  # fmt: skip
    elif second.num_hits:
        yield OpenPoint(section="left-over", says=f"The second scanner {second.sentence}.")
    if sample is None:
        yield OpenPoint(section="left-over", says="No person checked a sample of the scrubbed text.",
                        mend="gptmodel review")  # fmt: skip
    elif sample.num_missed or sample.upper_bound > MOST_MISSED:
        yield OpenPoint(section="left-over", says=f"A person's check: {sample.sentence}.",
                        mend="Read more passages, and add finders for what was missed." if sample.num_missed
                        else "Read more passages.")  # fmt: skip


def _leak_test(evidence: Evidence) -> Iterator[OpenPoint]:
    decision = evidence.privacy
    if decision is None:
        yield OpenPoint(section="leak-test", says="The leak test's account is gone.", mend="gptmodel audit")
        return
    if not decision.passed:
        yield OpenPoint(section="leak-test", says=f"The leak test said {decision.reason}.")
    yield from _weakness(evidence)
    bounds = {
        "training prefixes may be continued verbatim": decision.numbers.get("extraction_upper_bound"),
        "sampled texts may hold a value of the training text": decision.numbers.get("leak_upper_bound"),
    }
    wide = [f"{bound:.1%} of {what}" for what, bound in bounds.items() if bound is not None and bound > MOST_UNSEEN]
    if wide:
        yield OpenPoint(section="leak-test", says=f"By what was tried, up to {', and up to '.join(wide)} (95 %).",
                        mend="privacy.num_prefixes and privacy.num_samples: more tries, smaller bounds.")  # fmt: skip
    if not evidence.leak_test.get("samples", {}).get("is_indexed", True):
        yield OpenPoint(section="leak-test", says="Sampled texts were not compared with what was found before "
                        "scrubbing.")  # fmt: skip


def _weakness(evidence: Evidence) -> Iterator[OpenPoint]:
    exposure = evidence.leak_test.get("exposure", {})
    power = exposure.get("power")
    if not exposure.get("num_catchable"):
        yield OpenPoint(section="leak-test", mend="privacy.planted.enabled = true, and run again.",
                        says="No test phrases were planted, so that the leak test could hardly see.")  # fmt: skip
    elif power is None or power < LEAST_POWER or not exposure.get("can_see"):
        chance = "unknown" if power is None else f"{power:.0%}"
        yield OpenPoint(
            section="leak-test", mend="A larger model or longer training lets it see more; so do more test phrases.",
            says=f"The leak test is weak on this model: {exposure['num_recognised']} of {exposure['num_in_clear']} "
            "phrases left in clear were recognised, and the chance of a no, had all scrubbed ones leaked, is "
            f"{chance}.",
        )  # fmt: skip
    if exposure and exposure.get("num_reached_training") is None:
        yield OpenPoint(
            section="leak-test", says="Whether planted phrases reached the training text was not looked at."
        )


def _quality(evidence: Evidence) -> Iterator[OpenPoint]:
    failed = [check for check in evidence.checks if not check.passed]
    for check in failed:
        yield OpenPoint(section="quality", says=f"The quality gate's check failed: {check.name} ({check.observed}; "
                        f"allowed: {check.limit}).")  # fmt: skip
    if evidence.quality is None:
        yield OpenPoint(section="quality", says="The quality gate's account is gone.")


def _decisions(evidence: Evidence) -> Iterator[OpenPoint]:
    chain, kinds = evidence.chain, {one.kind for one in evidence.chain.events if one.subject == evidence.model}
    if chain.problem:
        yield OpenPoint(section="decisions", says=f"The chain of events is broken: {chain.problem}.",
                        mend="Put the file back from a backup, and find out who changed it.")  # fmt: skip
    if not evidence.comparisons:
        yield OpenPoint(section="decisions", says="No decision on its promotion is known.")
    serves = "champion" in evidence.registry.aliases
    if serves and not kinds & {"approved"}:
        yield OpenPoint(section="decisions", mend="registry.approval = \"ask\" asks a person.",
                        says="No person approved it: it went into service by measured numbers alone.")  # fmt: skip
    if serves and not chain.problem and not kinds & {"promoted", "rolled back"}:
        yield OpenPoint(section="decisions", says="The event log holds nothing of how it went into service.")


def _erasures(evidence: Evidence) -> Iterator[OpenPoint]:
    for one in evidence.erasures:
        if one.relation == "left out":
            continue
        seen = "It saw documents" if one.relation == "saw" else "Whether it saw documents is not known"
        if not _is_answered(one):
            yield OpenPoint(
                section="erasures",
                says=f"{seen} of the erasure request {one.id}, {_state(one)}; what a model learned is not changed by "
                "deleting text.",
                mend=f"gptmodel forget --request {one.id} --retire; then run again and close it.",
            )  # fmt: skip


def _is_answered(request: ErasureProof) -> bool:
    return request.relation == "did not see" or (request.closed is not None and request.is_retired_for)


def _state(request: ErasureProof) -> str:
    retired = "retired for it" if request.is_retired_for else "not retired for it"
    return f"which is {f'closed since {request.closed}' if request.closed else 'open'}, and it is {retired}"
