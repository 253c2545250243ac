"""`gptmodel plan`: what a run would do and why, with what it took last time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flows import stack
from flows.home import Home, home_key_of, scrubber_of
from gptmodel.chain import STAGE_NAMES, fingerprint, stage_named
from gptmodel.config import Config
from gptmodel.corpus.dedup.evaluation_texts import list_evaluation_texts
from gptmodel.corpus.scrubbing.coverage import warnings
from gptmodel.corpus.sources.stage import list_sources
from gptmodel.erasure.requests import ingest_changes, read_requests
from gptmodel.forecast import training_seconds
from gptmodel.plan import Look, plan
from gptmodel.stages import Materials, outside_digests
from gptmodel.store import Manifest, Store


@dataclass(frozen=True)
class PlanView:
    """A plan for a person and for a script.

    Attributes:
        lines: The lines a person reads.
        record: The object that `--json` prints.
    """

    lines: list[str]
    record: dict[str, Any]


def forecast(home: Home, config: Config, *, until: str | None, force: list[str]) -> PlanView:
    """Look at every stage of a run without computing anything."""
    listing = list_sources(config.corpus, home.cache_dir / "listing.json")
    erasures = read_requests(home.erasures_dir)

    def explain(earlier: Manifest) -> str:
        return ingest_changes(home.store, listing, erasures, earlier)

    names = [stage_named(name).name for name in force]
    end = stage_named(until).name if until else None
    evaluation = list_evaluation_texts(config.dedup, home.cache_dir / "evaluation-texts.json")
    scrubber = scrubber_of(home, config.scrubbing)
    materials = Materials(config, listing, scrubber, home_key_of(home), evaluation, erasures)
    looks = plan(home.store, config, outside_digests(materials), until=end, force=names, explain=explain)
    rows = [_row(seen, config) for seen in _with_promotion(home.store, config, looks, names)]
    lines = [_line(row) for row in rows]
    personal_data = {source.name: source.personal_data for source in config.corpus.sources}
    warned = [f"warning: {words}" for words in warnings(personal_data, scrubber.coverage)]
    return PlanView([*lines, _total(rows, home), scrubber.scope, *warned], {"stages": rows, "warnings": warned})


def _with_promotion(store: Store, config: Config, looks: Sequence[Look], force: list[str]) -> list[Look]:
    """Show promote as cached where an earlier answer differs at most in the champion, whom only the server knows."""
    seen = looks[-1]
    if seen.stage.name != "promote" or seen.fingerprint is None or "promote" in force:
        return list(looks)
    inputs = {look.stage.name: look.manifest.digest for look in looks if look.manifest}
    read = {name: inputs[name] for name in seen.stage.inputs if name in inputs}
    for earlier in store.manifests("promote"):
        address = fingerprint(seen.stage, config, read | {"champion": earlier.inputs.get("champion", "")})
        if address == earlier.fingerprint and (found := store.find("promote", address)):
            reason = "cached, if the champion is the same as then"
            return [*looks[:-1], replace(seen, fingerprint=address, manifest=found, runs=False, reason=reason)]
    return list(looks)


def _row(seen: Look, config: Config) -> dict[str, Any]:
    seconds = seen.seconds
    if seconds is None and seen.stage.name == "train":
        seconds = round(training_seconds(config), 1)
    return {
        "name": seen.stage.name, "cached": not seen.runs, "reason": seen.reason,
        "seconds": seconds if seen.runs else 0.0, "bytes": seen.num_bytes,
    }  # fmt: skip


def _line(row: dict[str, Any]) -> str:
    took = "" if row["cached"] else ("" if row["seconds"] is None else f"about {row['seconds']:.0f} s")
    word = "cached" if row["cached"] else "runs"
    return f"{STAGE_NAMES.index(row['name']) + 1:2d} {row['name']:<14} {word:<7} {row['reason']:<70} {took}".rstrip()


def _total(rows: list[dict[str, Any]], home: Home) -> str:
    seconds = sum(row["seconds"] or 0.0 for row in rows)
    num_bytes = sum(row["bytes"] or 0 for row in rows if not row["cached"])
    free = stack.disk_free_bytes(home)
    return f"about {seconds:.0f} s in all, {num_bytes / 1e6:.0f} MB written as last time, {free / 1e9:.0f} GB free"
