"""A person's approval on the Prefect dashboard: a form on the run's own page, and what is made of the answer.

A run of a deployment is suspended: its process ends, and a worker starts it again once there is an answer; all its
stages are finished, so that it is back at the question within seconds. A run of the command line, which no worker could
start again, waits in its process, with the device's memory given back. Silence is answered by the clock: an automation
of the run's own resumes what is suspended, a timer what waits here.
"""

import contextlib
import gc
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import httpx
from prefect import get_client
from prefect.context import FlowRunContext
from prefect.events.actions import ResumeFlowRun
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import Abort, NotPausedError
from prefect.flow_runs import pause_flow_run, resume_flow_run, suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from flows import terminal
from flows.home import one_promotion_at_a_time
from flows.promotion import Candidate, Settlement
from flows.run import Run
from gptmodel import approval, registry
from gptmodel.approval import Approval
from gptmodel.registry import Version

_POLL_SECONDS = 2
_RETRY_SECONDS = 10
_HOUR_SECONDS = 3600
_LEAST_CLOCK_SECONDS = 10.0  # Prefect's own limit


class ApprovalForm(RunInput):
    """The form on the dashboard. Every field has a default, so that the clock can resume a run without an answer."""

    decision: Literal["keep", "promote"] = Field(
        default="keep", description="promote: it becomes the champion. keep: the champion stays."
    )
    name: str = Field(default="", description="Your name; it stands on the version and in the events.")
    reason: str = Field(default="", description="Why; it stands on the version and in the events.")


def ask_person(run: Run, settled: Settlement) -> Approval:
    """Ask for approval on the dashboard and wait for the answer, or end the process until there is one.

    Args:
        run: The run.
        settled: What is to be approved.

    Returns:
        The answer as it stands on the version; whoever answered first, in another run maybe, counts.

    Raises:
        Pause: Prefect's signal that this process ends here; the run is suspended.
        ServerError: The MLflow server does not answer.
    """
    candidate, uri, hours = Candidate.of(run), run.delivery.uri, run.config.registry.approval_hours
    made = candidate.made
    with one_promotion_at_a_time(run.home, made.name):
        version = registry.read_version(uri, made.name, made.version)
        asked = approval.ask(uri, run.home.events, version, settled.decision, hours, candidate.opponent)
    form = _answer(run, version, settled, asked)
    with one_promotion_at_a_time(run.home, made.name):
        return _note(run, registry.read_version(uri, made.name, made.version), asked, form)


def _note(run: Run, version: Version, asked: Approval, form: ApprovalForm | None) -> Approval:
    uri, events = run.delivery.uri, run.home.events
    standing = approval.approval_of(version)
    if standing is not None and standing.state != "asked":
        return standing
    if form is None:
        return approval.expire(uri, events, version, asked, run.config.registry.approval_hours)
    if form.decision == "promote":
        return approval.approve(uri, events, version, asked, form.name, form.reason)
    return approval.decline(uri, events, version, asked, form.name, form.reason)


def _answer(run: Run, version: Version, settled: Settlement, asked: Approval) -> ApprovalForm | None:
    """Give what a person typed; None if nobody did in time."""
    key = f"approve-v{version.version}-{asked.until:%Y%m%d%H%M%S}"  # Prefect takes small letters only
    context = FlowRunContext.get()
    flow_run = context.flow_run if context else None
    if flow_run is None:
        return None
    was_asked = key in (flow_run.empirical_policy.pause_keys or ())
    seconds = (asked.until - datetime.now(UTC)).total_seconds()
    if seconds <= 0 and not was_asked:
        return None
    form = ApprovalForm.with_initial_data(description=_question(run, version, settled, asked))
    if flow_run.deployment_id is not None:
        answer = _suspend(flow_run.id, form, key, asked, was_asked)
    else:
        terminal.current().line(
            f"approval {'':8} a person is asked at {run.flow_run_url} until {asked.until:%Y-%m-%d %H:%M} UTC"
        )
        answer = _wait(run, form, key, seconds)
    # The clock resumes a run without any field; a person's click sends some.
    return answer if answer.model_fields_set else None


def _suspend(flow_run_id: UUID, form: type[ApprovalForm], key: str, asked: Approval, was_asked: bool) -> ApprovalForm:
    """End this process until there is an answer; in the process that a worker starts then, give it."""
    name = f"No answer: {key}"
    with get_client(sync_client=True) as client:
        if not was_asked:
            client.create_automation(_clock(name, flow_run_id, asked))
        answer = suspend_flow_run(wait_for_input=form, key=key)
        for clock in client.read_automations_by_name(name):
            client.delete_automation(clock.id)
    return answer


def _clock(name: str, flow_run_id: UUID, asked: Approval) -> AutomationCore:
    """Give the automation that resumes a suspended run when its time is over; nobody's process waits for that."""
    seconds = max(_LEAST_CLOCK_SECONDS, (asked.until - datetime.now(UTC)).total_seconds())
    trigger = EventTrigger(
        match=ResourceSpecification({"prefect.resource.id": f"prefect.flow-run.{flow_run_id}"}),
        after={"prefect.flow-run.Suspended"}, expect={"prefect.flow-run.Resuming"},
        for_each={"prefect.resource.id"}, posture=Posture.Proactive, threshold=1, within=timedelta(seconds=seconds),
    )  # fmt: skip
    about = f"Resumes the run if nobody answers until {asked.until:%Y-%m-%d %H:%M} UTC; the champion stays then."
    return AutomationCore(name=name, description=about, trigger=trigger, actions=[ResumeFlowRun()])


def _wait(run: Run, form: type[ApprovalForm], key: str, seconds: float) -> ApprovalForm:
    _give_back_device_memory()
    with _resumed_after(UUID(run.flow_run_id), seconds):
        # Prefect fails a run at the end of its own timeout; the timer comes before it.
        timeout = int(seconds) + _HOUR_SECONDS
        return pause_flow_run(wait_for_input=form, timeout=timeout, poll_interval=_POLL_SECONDS, key=key)


def _give_back_device_memory() -> None:
    """Free what torch keeps of a device's memory for its next use; training and comparison are over."""
    torch = sys.modules.get("torch")  # not there if every stage was finished already
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()


@contextlib.contextmanager
def _resumed_after(flow_run_id: UUID, seconds: float) -> Iterator[None]:
    over = threading.Event()
    threading.Thread(target=_resume, args=(flow_run_id, over, seconds), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _resume(flow_run_id: UUID, over: threading.Event, seconds: float) -> None:
    """Resume a run after some time, again and again while the server is away; an answer that came first stays."""
    while not over.wait(min(seconds, threading.TIMEOUT_MAX)):
        try:
            resume_flow_run(flow_run_id)
            return
        except NotPausedError:
            return
        except (Abort, RuntimeError, httpx.HTTPError):
            seconds = _RETRY_SECONDS


def _question(run: Run, version: Version, settled: Settlement, asked: Approval) -> str:
    page = registry.version_page(run.delivery.uri, version.name, version.version)
    instead = f"instead of v{settled.champion}" if settled.champion else "as the first champion"
    return (
        f"**May {version.name} v{version.version} become the champion, {instead}?**\n\n{settled.decision.reason} "
        f"({settled.decision.scope})\n\n[Its page in MLflow]({page}). Until then it can be tried as "
        f"`models:/{version.name}@challenger`. Without an answer until {asked.until:%Y-%m-%d %H:%M} UTC the champion "
        "stays."
    )
