"""`gptmodel run`: check what was asked, bring up the servers, run the flow in this process, close with a summary."""

import logging
import os
import time
from typing import TYPE_CHECKING

import httpx

from flows import ledger, stack, terminal
from flows.engine import check_engine
from flows.home import Home, open_home, scrubber_of
from flows.terminal import Terminal, print_json
from gptmodel.chain import stage_named
from gptmodel.config import Config
from gptmodel.corpus.dedup.evaluation_texts import list_evaluation_texts
from gptmodel.corpus.rules import check_rules
from gptmodel.corpus.sources.stage import list_sources
from gptmodel.errors import GateError, GPTModelError, ServerError
from gptmodel.forecast import has_gpu, refuse_if_too_large

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def launch(config: Config, *, until: str | None, force: list[str], anyway: bool) -> int:
    """Run the pipeline for a command; return its exit code.

    Raises:
        GPTModelError: Whatever ended the run, except a gate's no, which is an exit code with a summary.
    """
    watch, home = terminal.current(), open_home()
    until = stage_named(until).name if until else None
    force = [stage_named(name).name for name in force]
    _check_what_is_asked(config, home)
    if not anyway:
        refuse_if_too_large(config)
    watch.line(_greeting())
    addresses = _servers(home, watch)
    os.environ.update(stack.client_environment(home, addresses))
    if closed := ledger.close_dead_runs(home):
        watch.line(f"closed   {closed} interrupted run{'s' * (closed > 1)} in Prefect and MLflow")
    return _run(config, until, force, addresses, watch)


def _check_what_is_asked(config: Config, home: Home) -> None:
    """Refuse before anything starts what is bad usage, not a failed run: a missing source, a rule, finder or key."""
    list_sources(config.corpus, home.cache_dir / "listing.json")
    list_evaluation_texts(config.dedup, home.cache_dir / "evaluation-texts.json")
    check_rules(config.cleaning)
    check_engine(config.engine)
    scrubber_of(home, config.scrubbing)


def _greeting() -> str:
    elsewhere = "PREFECT_API_URL" in os.environ or "MLFLOW_TRACKING_URI" in os.environ
    place = "this machine and the servers you named" if elsewhere else "this machine; nothing is sent anywhere"
    cores = len(os.sched_getaffinity(0))
    return f"gptmodel: everything stays on {place}.   {cores} cores, {'GPU' if has_gpu() else 'no GPU'}"


def _servers(home: Home, watch: Terminal) -> stack.Addresses:
    started = time.monotonic()
    # Where the server is somebody else's, so are its workers.
    addresses = stack.up(home, watch.line, worker="PREFECT_API_URL" not in os.environ)
    took = f"{time.monotonic() - started:.0f} s" if addresses.started else "already up"
    watch.line(f"servers  {f'Prefect {addresses.prefect_ui}   MLflow {addresses.mlflow}':<80} {took:>10}")
    return addresses


def _run(config: Config, until: str | None, force: list[str], addresses: stack.Addresses, watch: Terminal) -> int:
    # Prefect reads its settings when it is imported.
    from flows.closing import closing_lines
    from flows.pipeline import data_to_model

    # Log lines that Prefect's own threads can't send are not the terminal's business; a server away is told below.
    logging.raiseExceptions = False
    started = time.monotonic()
    try:
        state = data_to_model(
            preset=config.preset, config=config.model_dump(mode="json"), until=until, force=force, return_state=True
        )
    except httpx.HTTPError as error:
        raise _prefect_went_away(addresses, error) from error
    _raise_failure(state, addresses)
    summary = watch.summary or {}
    for line in closing_lines(
        str(state.name), str(state.message or ""), summary, time.monotonic() - started, addresses
    ):
        watch.line(line)
    if watch.as_json:
        print_json(summary)
    return GateError.exit_code if str(state.name).startswith("Blocked") else 0


def _raise_failure(state: "State", addresses: stack.Addresses) -> None:
    if str(state.name).startswith("Blocked") or not (state.is_failed() or state.is_crashed() or state.is_cancelled()):
        return
    error = state.result(raise_on_failure=False)
    if isinstance(error, httpx.HTTPError):
        raise _prefect_went_away(addresses, error)
    if isinstance(error, BaseException):
        raise error
    raise GPTModelError(
        expected="the run to end by itself",
        actual=f"{state.name}: {state.message}",
        mend="The same command goes on where it stopped.",
    )


def _prefect_went_away(addresses: stack.Addresses, error: Exception) -> ServerError:
    return ServerError(
        expected=f"the Prefect server to answer at {addresses.prefect_ui}",
        actual=f"no answer ({type(error).__name__}) in the middle of the run",
        mend="Finished stages are committed. To go on: gptmodel up, then the same command.",
    )
