"""Who is champion: the task that compares the candidate with it, and the step that moves the alias, or does not.

The task writes its answer down in the store; `settle` makes the registry say so, one process of a home at a time. It
asks who is champion right before the alias moves; another one than the candidate was compared with means "compare
anew". What a killed run left half done, the next one finishes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prefect import task
from prefect.client.schemas.objects import State
from pydantic import BaseModel

from flows import artifacts
from flows.home import one_promotion_at_a_time
from flows.origin import split_of
from flows.registration import RegisterResult, leave_report
from flows.run import STAGE_OPTIONS, Progress, Run
from gptmodel import approval, champions, registry
from gptmodel.approval import Approval
from gptmodel.decision import Decision
from gptmodel.downloads import resolve_model
from gptmodel.registry import Version
from gptmodel.store import Output, Workspace

NOBODY = "none"

Kind = Literal["promoted", "kept", "blocked", "unchanged", "skipped", "ask", "compare anew"]


@dataclass(frozen=True)
class Settlement:
    """What became of a candidate.

    Attributes:
        kind: What happened, or what has to happen before it can be settled.
        reason: Why, in a sentence.
        champion: Version that is champion now; None if there is none.
        decision: The comparison's answer; of "ask", what a person is shown.
    """

    kind: Kind
    reason: str
    champion: int | None
    decision: Decision


@dataclass(frozen=True)
class Candidate:
    """A registered version that may take the champion's place.

    Attributes:
        made: The version, as register left it.
        privacy: The leak test's answer.
        decision: The comparison's answer.
        opponent: URI of the version it was compared with; `NOBODY` if there was no champion.
        comparison: Fingerprint of the comparison.
    """

    made: RegisterResult
    privacy: Decision
    decision: Decision
    opponent: str
    comparison: str

    @classmethod
    def of(cls, run: Run) -> "Candidate":
        """Give a run's candidate."""
        output = run.records["promote"].output
        manifest = run.store.find("promote", output.fingerprint)
        return cls(
            made=run.records["register"].output.read(RegisterResult),
            privacy=Decision.model_validate(run.records["privacy audit"].output.result["decision"]),
            decision=Decision.model_validate(output.result["decision"]),
            opponent=manifest.inputs["champion"] if manifest else NOBODY,
            comparison=output.fingerprint,
        )


@task(name="promote", **STAGE_OPTIONS)
def promote_task(run: Run, scrub: Output, split: Output, audit: Output, register: Output) -> State:
    """Compare the candidate with the champion, and write the report; the alias moves when the run is settled."""
    made = register.read(RegisterResult)
    champion = registry.champion_of(run.delivery.uri, made.name)
    named = _opponent(run, register, made, champion)
    privacy = Decision.model_validate(audit.result["decision"])

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.promotion import decide_promotion

        opponent = champion if champion and champion.uri == named else _find(run, named)
        return decide_promotion(
            work, run.config.registry, version=made.version, privacy=privacy,
            champion_version=opponent.version if opponent else None,
            champion=_fetch(run, opponent), champion_split=split_of(run.home, opponent),
        )  # fmt: skip

    state = run.stage(
        "promote", compute, scrub, split, audit, register, external={"champion": named},
        show=artifacts.show_decision_of,
    )  # fmt: skip
    run.champion = champion
    leave_report(run, made)
    return state


def _opponent(run: Run, register: Output, made: RegisterResult, champion: Version | None) -> str:
    """Name whom the candidate is measured against: the champion; once it is champion itself, whom it was then."""
    if champion is not None and champion.version == made.version:
        for manifest in run.store.manifests("promote"):
            if manifest.inputs.get("register") == register.digest and manifest.result["decision"]["passed"]:
                return manifest.inputs["champion"]
    return champion.uri if champion else NOBODY


def _find(run: Run, named: str) -> Version | None:
    if named == NOBODY:
        return None
    name, _, number = named.removeprefix("models:/").rpartition("/")
    return registry.find_version(run.delivery.uri, name, int(number))


def _fetch(run: Run, champion: Version | None) -> Path | None:
    if champion is None:
        return None
    return resolve_model(run.delivery.uri, champion.uri, run.home.cache_dir / "models")


def settle(run: Run, asked: Approval | None = None) -> Settlement:
    """Make the registry say what was decided of a run's candidate.

    Args:
        run: The run, past its promote task.
        asked: The answer that this run got from a person; else what stands on the version counts, unless promote is
            forced: then a person's no, or silence, is asked about again.
    """
    candidate = Candidate.of(run)
    if _is_settled(run, candidate):
        return Settlement("unchanged", "Everything was there already.", candidate.made.version, candidate.decision)
    with one_promotion_at_a_time(run.home, candidate.made.name):
        return _settle(run, candidate, asked)


def _is_settled(run: Run, candidate: Candidate) -> bool:
    """Tell, from the one answer of the registry that the comparison began with, whether there is nothing to do."""
    champion, made = run.champion, candidate.made
    if champion is None or champion.version != made.version or not candidate.privacy.passed:
        return False
    is_whole = not candidate.decision.passed or champions.is_crowned(run.home.events, champion)
    is_repeat = all(record.cached for record in run.records.values())
    return is_repeat and is_whole and not champions.is_rollback_open(champion)


def _settle(run: Run, candidate: Candidate, asked: Approval | None) -> Settlement:
    uri, events, made = run.delivery.uri, run.home.events, candidate.made
    version = registry.read_version(uri, made.name, made.version)
    champion = champions.settle_rollback(uri, events, version, registry.champion_of(uri, made.name))
    number = champion.version if champion else None
    if not candidate.privacy.passed:
        return _block(run, candidate, version, number)
    if champion is not None and champion.version == version.version:
        return _confirm(run, candidate, champion)
    if objection := _objection(run, version):
        return Settlement(objection[0], objection[1], number, candidate.decision)
    if not candidate.decision.passed:
        return _keep(run, candidate, version, number)
    if run.records["promote"].cached and champions.turn_of(version):
        reason = f"v{version.version} was champion, and the alias was moved by hand; to decide anew: "
        return Settlement("kept", f"{reason}gptmodel run --force promote", number, candidate.decision)
    if (champion.uri if champion else NOBODY) != candidate.opponent:
        return Settlement("compare anew", "the champion changed meanwhile", number, candidate.decision)
    return _promote(run, candidate, version, champion, asked)


def _block(run: Run, candidate: Candidate, version: Version, champion: int | None) -> Settlement:
    """Keep every alias away from a version whose leak test said no."""
    uri, decision = run.delivery.uri, candidate.decision
    registry.withdraw_aliases(uri, version.name, version.version)
    _note_once(run, candidate, version, "blocked")
    champion = None if champion == version.version else champion
    return Settlement("blocked", candidate.privacy.reason, champion, decision)


def _confirm(run: Run, candidate: Candidate, champion: Version) -> Settlement:
    """Finish what a killed run left undone after it made the candidate champion; else there is nothing to do."""
    uri, events, decision = run.delivery.uri, run.home.events, candidate.decision
    words = approval.with_approval(decision, approval.approval_of(champion))
    if decision.passed and champions.finish_crowning(uri, events, champion, words):
        return Settlement("promoted", words.reason, champion.version, decision)
    return Settlement("unchanged", f"v{champion.version} is the champion already.", champion.version, decision)


def _objection(run: Run, version: Version) -> tuple[Kind, str] | None:
    """Say why a version is not promoted whatever the comparison says."""
    label = version.tags.get(registry.RETIRED_TAG, "")
    if label in {request.label for request in run.erasures}:  # made again without the documents
        registry.lift_retirement(run.delivery.uri, version.name, version.version)
    elif label:
        return "skipped", f"Version {version.version} was retired for the erasure request {label} of another home."
    account = champions.rollback_of(run.delivery.uri, run.home.events, version)
    return ("kept", f"v{version.version} {champions.rolled_back(account)}") if account else None


def _keep(run: Run, candidate: Candidate, version: Version, champion: int | None) -> Settlement:
    decision = candidate.decision
    if _note_once(run, candidate, version, "kept") or not all(record.cached for record in run.records.values()):
        return Settlement("kept", decision.reason, champion, decision)
    return Settlement("unchanged", "Everything was there already.", champion, decision)


def _note_once(run: Run, candidate: Candidate, version: Version, kind: Literal["kept", "blocked"]) -> bool:
    """Note a no on the version and log it, unless both were done; the log is last, so that a crash repeats all."""
    uri, events, decision = run.delivery.uri, run.home.events, candidate.decision
    facts = {"comparison": candidate.comparison, "opponent": candidate.opponent}
    if registry.DECISION_TAG in version.tags and champions.has_event(events, kind, version.uri, **facts):
        return False
    if kind == "kept":
        registry.mark_challenger(uri, version.name, version.version, decision)
    else:
        registry.note_decision(uri, version.name, version.version, decision)
    events.append(kind, version.uri, reason=registry.decision_sentence(decision), facts=facts)
    return True


def _promote(
    run: Run, candidate: Candidate, version: Version, champion: Version | None, asked: Approval | None
) -> Settlement:  # fmt: skip
    uri, events, decision = run.delivery.uri, run.home.events, candidate.decision
    number = champion.version if champion else None
    answer = asked
    if run.config.registry.approval == "ask":
        answer = asked or approval.approval_of(version)
        if answer is not None and answer.state in ("declined", "expired") and (asked or "promote" not in run.force):
            return Settlement("kept", approval.refusal(version, answer), number, decision)
        if answer is None or answer.state != "approved" or answer.against != candidate.opponent:
            return Settlement("ask", decision.reason, number, decision)
    words = approval.with_approval(decision, answer)
    champions.crown(uri, events, version, words, champion)
    return Settlement("promoted", words.reason, version.version, decision)
