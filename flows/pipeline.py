"""The flow `data-to-model`: the thirteen stages, in the order of gptmodel.chain, and how a run ends.

ingest -> clean -> scrub -> deduplicate -> split -> quality gate -> tokenizer -> pack -> train -> evaluate
-> privacy audit -> register -> promote
"""

import logging
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal
from uuid import UUID

from prefect import Task, flow, get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.utilities.annotations import quote

from flows import stack, terminal
from flows.approval import ask_person
from flows.collection import collect_after_run
from flows.corpus import clean_task, deduplicate_task, ingest_task, quality_task, scrub_task, split_task
from flows.delivery import Delivery
from flows.engine import Engine
from flows.evaluation import audit_task, evaluate_task
from flows.figures import source_tags
from flows.home import open_home, scrubber_of
from flows.ledger import Entry
from flows.outcome import summarise
from flows.promotion import Settlement, promote_task, settle
from flows.registration import register_task
from flows.run import Run
from flows.tokenizer import pack_task, tokenizer_task
from flows.training import train_task
from gptmodel.approval import Approval
from gptmodel.chain import Stage, stage_named
from gptmodel.config import Config, dated
from gptmodel.config_file import load_config
from gptmodel.corpus.dedup.evaluation_texts import list_evaluation_texts
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.coverage import warnings
from gptmodel.corpus.sources.stage import list_sources
from gptmodel.decision import Decision
from gptmodel.erasure.requests import read_requests
from gptmodel.open_runs import FLOW_RUN_TAG
from gptmodel.plan import stages_until
from gptmodel.provenance import read_provenance
from gptmodel.registry import RunEnd
from gptmodel.store import Output

logger = logging.getLogger("gptmodel.pipeline")

MOST_COMPARISONS = 3  # of one candidate, while others change the champion

Preset = Literal["smoke", "tiny", "small"]
StageName = Literal[
    "ingest", "clean", "scrub", "deduplicate", "split", "quality gate", "tokenizer", "pack", "train", "evaluate",
    "privacy audit", "register", "promote",
]  # fmt: skip

TASKS: dict[str, Task[..., Any]] = {
    "ingest": ingest_task,
    "clean": clean_task,
    "scrub": scrub_task,
    "deduplicate": deduplicate_task,
    "split": split_task,
    "quality gate": quality_task,
    "tokenizer": tokenizer_task,
    "pack": pack_task,
    "train": train_task,
    "evaluate": evaluate_task,
    "privacy audit": audit_task,
    "register": register_task,
    "promote": promote_task,
}


@flow(name="data-to-model", flow_run_name="{preset}", persist_result=False)
def data_to_model(
    preset: Preset = "tiny",
    config: dict[str, Any] | None = None,
    until: StageName | None = None,
    force: list[StageName] | None = None,
) -> State:
    """Turn raw text into a registered GPT.

    What is finished already is not computed again: such a stage shows as *Cached*. A run ends as **Promoted v4** (the
    version is the champion), **Kept v3** (the candidate was not better), **Unchanged v4** (nothing to do),
    **Blocked: quality** or **Blocked: privacy** (a gate said no; its sentence is in the artifacts). *Suspended* or
    *Paused* means that a person is asked whether a better version may be promoted: *Resume* shows the question.

    Args:
        preset: A complete run: `smoke` (seconds), `tiny` (CPU, minutes), `small` (one GPU).
        config: Settings that differ, as `{"training": {"max_steps": 20}}`; may name its own preset.
        until: Last stage of this run; empty runs all.
        force: Stages to compute again whatever is finished.
    """
    resolved = dated(load_config({"preset": preset} | (config or {})), date.today())
    run = _open_run(resolved, force or [])
    status: RunEnd = "FAILED"
    try:
        state = _end_state(run, _run_stages(run, until), until)
        run.delivery.tell_end(str(state.name), str(state.message or ""))
        status = "FAILED" if state.is_failed() else "FINISHED"
    except Pause:  # the process ends here, the run goes on in another
        run.delivery.tell_end("Waits for approval", "A person is asked on the run's page in Prefect.")
        status = "FINISHED"
        raise
    except BaseException as error:
        status = "FAILED" if isinstance(error, Exception) else "KILLED"  # interrupted, or cancelled on the dashboard
        raise
    finally:
        run.engine.close()
        run.delivery.close(status)
        run.entry.close()
    terminal.current().summary = summarise(run) | {"end": {"name": state.name, "reason": state.message or ""}}
    _name_run(run, f": {state.name}")
    if resolved.retention.collect_after_run:
        terminal.current().line(f"gc       {collect_after_run(run.home, resolved.retention.keep_versions)}")
    return state


def _open_run(config: Config, force: list[StageName]) -> Run:
    home = open_home()
    addresses = stack.addresses(home)
    listing = list_sources(config.corpus, home.cache_dir / "listing.json")
    flow_run_id, url = str(flow_run.get_id()), str(flow_run.ui_url)
    entry = Entry(home, flow_run_id, addresses)
    tags = {FLOW_RUN_TAG: flow_run_id, "prefect.flow_run_url": url, **source_tags(read_provenance())}
    delivery = Delivery(home, addresses.mlflow, config, tags, entry)
    evaluation = list_evaluation_texts(config.dedup, home.cache_dir / "evaluation-texts.json")
    scrubber = scrubber_of(home, config.scrubbing)
    run = Run(
        config, home, delivery, listing, entry, flow_run_id, url, Engine(config.engine), scrubber, evaluation,
        read_requests(home.erasures_dir), force,
    )  # fmt: skip
    _name_run(run)
    terminal.current().line(f"run      data-to-model, preset {config.preset}   watch: {url}")
    _warn_of_personal_data(config, scrubber)
    # Prefect hands on what this logger lets through, and its level is the root's, which hides how far a stage is.
    logging.getLogger("gptmodel").setLevel(logging.INFO)
    return run


def _warn_of_personal_data(config: Config, scrubber: Scrubber) -> None:
    """Say before the work what the leak test will refuse once it is done."""
    personal_data = {source.name: source.personal_data for source in config.corpus.sources}
    for words in warnings(personal_data, scrubber.coverage):
        terminal.current().line(f"warning  {words}")
        logger.warning("%s", words)


@dataclass
class _Passed:
    """The stages that a run has passed.

    Attributes:
        outputs: What they made, by name.
        states: How their tasks ended, bare of their records: Prefect's graph learns from them who reads whom.
    """

    outputs: dict[str, Output] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)


def _run_stages(run: Run, until: str | None) -> _Passed:
    passed = _Passed()
    for stage in stages_until(until):
        _run_stage(run, stage, passed)
        if stage.name == "quality gate" and not _decision(passed.outputs[stage.name]).passed:
            break
    return passed


def _run_stage(run: Run, stage: Stage, passed: _Passed) -> None:
    # Prefect takes equal texts anywhere in these records for results of earlier tasks, unless they are quoted.
    state: Any = TASKS[stage.name](
        quote(run), *(quote(passed.outputs[name]) for name in stage.inputs), return_state=True,
        wait_for=[passed.states[name] for name in stage.inputs],
    )  # fmt: skip
    passed.outputs[stage.name] = state.result()
    passed.states[stage.name] = state.model_copy(update={"data": True})


def _settle(run: Run, passed: _Passed) -> Settlement:
    """Settle who is champion; where that changed meanwhile, compare with the other, and ask about that comparison."""
    answer: Approval | None = None
    for _ in range(MOST_COMPARISONS):
        settled = settle(run, answer)
        if settled.kind == "ask":
            answer = ask_person(run, settled)
            run.delivery.take_up(passed.outputs["register"])
            settled = settle(run, answer)
        if settled.kind == "compare anew":
            _run_stage(run, stage_named("promote"), passed)
        elif settled.kind != "ask":
            return settled
    reason = f"the champion changed {MOST_COMPARISONS} times while the candidate was compared; run again"
    return replace(settled, kind="kept", reason=reason)


def _end_state(run: Run, passed: _Passed, until: str | None) -> State:
    outputs = passed.outputs
    quality = outputs.get("quality gate")
    if quality and not _decision(quality).passed:
        reason = f"Blocked by the quality gate: {_decision(quality).reason} Nothing was registered."
        return Failed(name="Blocked: quality", message=reason)
    if "promote" not in outputs:
        return Completed(name=f"Reached {until}")
    return _promotion_state(outputs["register"].result["version"], _settle(run, passed))


def _promotion_state(version: int, settled: Settlement) -> State:
    kept = f"Kept v{settled.champion}" if settled.champion else "No champion"
    names = {
        "promoted": f"Promoted v{version}", "unchanged": f"Unchanged v{version}", "blocked": "Blocked: privacy",
        "skipped": "Skipped",
    }  # fmt: skip
    return Completed(name=names.get(settled.kind, kept), message=settled.reason)


def _decision(output: Output) -> Decision:
    return Decision.model_validate(output.result["decision"])


def _name_run(run: Run, end: str = "") -> None:
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(run.flow_run_id), name=f"{run.config.preset} {run.config.registry.name}{end}")
