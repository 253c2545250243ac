"""The task that decides whether the candidate takes the champion's place, and moves the alias."""

from pathlib import Path

from prefect import task
from prefect.client.schemas.objects import State
from pydantic import BaseModel

from flows import artifacts
from flows.registration import SPLIT_TAG, RegisterResult, leave_report
from flows.run import STAGE_OPTIONS, Progress, Run
from gptmodel import registry
from gptmodel.decision import Decision
from gptmodel.downloads import resolve_model
from gptmodel.mlflow_http import call
from gptmodel.store import Output, Workspace

WAS_CHAMPION = "gptmodel.was_champion"
NOBODY = "none"


@task(name="promote", **STAGE_OPTIONS)
def promote_task(run: Run, scrub: Output, split: Output, audit: Output, register: Output) -> State:
    """Give the alias `champion` to the candidate if it is better, and write the report."""
    made = register.read(RegisterResult)
    champion = registry.champion_of(run.delivery.uri, made.name)
    opponent = _opponent(run, register, made, champion)
    privacy = Decision.model_validate(audit.result["decision"])

    def compute(work: Workspace, progress: Progress) -> BaseModel:
        from gptmodel.promotion import decide_promotion

        return decide_promotion(
            work, run.config.registry, version=made.version, privacy=privacy,
            champion_version=opponent.version if opponent else None,
            champion=_fetch(run, opponent), champion_split=_split_of(run, opponent),
        )  # fmt: skip

    external = {"champion": opponent.uri if opponent else NOBODY}
    state = run.stage(
        "promote", compute, scrub, split, audit, register, external=external, show=artifacts.show_decision_of
    )
    decision = Decision.model_validate(run.records["promote"].output.result["decision"])
    _move_alias(run, made, champion, decision, privacy)
    leave_report(run, made)
    return state


def _opponent(
    run: Run, register: Output, made: RegisterResult, champion: registry.Version | None
) -> registry.Version | None:
    """Give whom the candidate is measured against: the champion; once it is champion itself, whom it was then."""
    if champion is None or champion.version != made.version:
        return champion
    for manifest in run.store.manifests("promote"):
        if manifest.inputs.get("register") == register.digest and manifest.result["decision"]["passed"]:
            name = manifest.inputs["champion"]
            return None if name == NOBODY else registry.find_version(run.delivery.uri, *_name_and_number(name))
    return champion


def _name_and_number(uri: str) -> tuple[str, int]:
    name, _, number = uri.removeprefix("models:/").rpartition("/")
    return name, int(number)


def _fetch(run: Run, champion: registry.Version | None) -> Path | None:
    if champion is None:
        return None
    return resolve_model(run.delivery.uri, champion.uri, run.home.cache_dir / "models")


def _split_of(run: Run, champion: registry.Version | None) -> Path | None:
    folder = run.store.folder("split", champion.tags.get(SPLIT_TAG, "unknown")) if champion else None
    return folder if folder and folder.is_dir() else None


def _move_alias(
    run: Run, made: RegisterResult, champion: registry.Version | None, decision: Decision, privacy: Decision
) -> None:
    """Make the registry say what was decided; a repeat after a crash does it again without harm."""
    uri, name, version = run.delivery.uri, made.name, made.version
    is_champion, repeated = champion is not None and champion.version == version, run.records["promote"].cached
    if not privacy.passed:
        registry.withdraw_aliases(uri, name, version)
        registry.note_decision(uri, name, version, decision)
    elif is_champion or (repeated and not decision.passed) or _is_retired(run, name, version):
        return
    elif decision.passed:
        if repeated and _was_champion(uri, name, version):
            run.rolled_back_to = champion.version if champion else None
            return
        registry.promote_version(uri, name, version, decision)
        tag = {"name": name, "version": str(version), "key": WAS_CHAMPION, "value": "yes"}
        call(uri, "POST", "model-versions/set-tag", tag)
    else:
        registry.mark_challenger(uri, name, version, decision)


def _is_retired(run: Run, name: str, version: int) -> bool:
    """Tell whether a version is never to be in service again; one that this run made without the documents may be."""
    label = registry.read_version(run.delivery.uri, name, version).tags.get(registry.RETIRED_TAG, "")
    if label in {request.label for request in run.erasures}:
        registry.lift_retirement(run.delivery.uri, name, version)
        return False
    run.retired_for = label
    return bool(label)


def _was_champion(uri: str, name: str, version: int) -> bool:
    # Written after the alias was moved: who took it away since then did so on purpose.
    return WAS_CHAMPION in registry.read_version(uri, name, version).tags
