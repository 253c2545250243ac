"""What a run would do and why: each stage's fingerprint against what the store holds.

The running flow and the command `plan` look through the same eyes, so a plan is what then happens. Nothing is
computed or changed here.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gptmodel.chain import CHAIN, Stage, code_version, fingerprint, section_of
from gptmodel.config import Config
from gptmodel.store import NOTES_DIR, Manifest, Store, damage

TIMING = "timing.json"
_MOST_SETTINGS = 4
FIRST_RUN, INTERRUPTED = "first run", "an earlier attempt was interrupted"


@dataclass(frozen=True)
class Look:
    """One stage against the store.

    Attributes:
        stage: The stage.
        fingerprint: Address of its output; None while an earlier stage's output is not known.
        manifest: The committed output, if it is there and undamaged.
        runs: True if it has to be computed.
        reason: Why it runs, or why it does not.
        seconds: What the last computation took; None if there was none.
        num_bytes: Bytes the last output took; None if there was none.
    """

    stage: Stage
    fingerprint: str | None
    manifest: Manifest | None
    runs: bool
    reason: str
    seconds: float | None = None
    num_bytes: int | None = None


def look(
    store: Store, stage: Stage, config: Config, inputs: Mapping[str, str], *, forced: bool = False,
    explain: Callable[[Manifest], str] | None = None, since: str | None = None,
) -> Look:  # fmt: skip
    """Tell whether a stage's output is there, and if not, what differs from its last one.

    Args:
        store: Where outputs are.
        stage: The stage.
        config: The run's config.
        inputs: Digests of what it reads, by name.
        forced: Compute it whatever the store says.
        explain: Words for changed inputs from outside, given the last manifest (ingest: files).
        since: The first stage that ran before this one, named where an input changed.
    """
    address = fingerprint(stage, config, dict(inputs))
    manifest = store.find(stage.name, address)
    earlier = store.manifests(stage.name)
    seconds, num_bytes = _cost(store, earlier)
    if manifest is not None and not forced:
        return Look(stage, address, manifest, False, "cached", seconds, num_bytes)
    last = _nearest(earlier, stage, config, inputs)
    reason = (
        "asked for with --force" if forced
        else _broken(store, stage, address)
        or (_differences(last, stage, config, inputs, explain, since) if last else FIRST_RUN)
    )  # fmt: skip
    return Look(stage, address, None, True, reason, seconds, num_bytes)


def plan(store: Store, config: Config, external: Mapping[str, Mapping[str, str]], *, until: str | None = None,
         force: Collection[str] = (), explain: Callable[[Manifest], str] | None = None) -> list[Look]:  # fmt: skip
    """Look at every stage in order, going forward until an output is unknown, then back for deleted text.

    Args:
        store: Where outputs are.
        config: The run's config.
        external: Digests of what stages read from outside, by stage name.
        until: Last stage of the run; None for all.
        force: Stages to compute whatever the store says.
        explain: See `look`; for ingest.
    """
    looks: list[Look] = []
    digests: dict[str, str] = {}
    for stage in stages_until(until):
        if all(name in digests for name in stage.inputs):
            inputs = {name: digests[name] for name in stage.inputs} | dict(external.get(stage.name, {}))
            words = explain if stage.name == "ingest" else None
            seen = look(store, stage, config, inputs, forced=stage.name in force, explain=words)
        else:
            first = next(seen.stage.name for seen in looks if seen.runs)
            seen = _unknown(store, stage, first)
        if seen.manifest is not None:
            digests[stage.name] = seen.manifest.digest
        looks.append(seen)
    return _with_released(looks)


def stages_until(until: str | None) -> tuple[Stage, ...]:
    """Give the chain up to and including a stage."""
    names = [stage.name for stage in CHAIN]
    return CHAIN if until is None else CHAIN[: names.index(until) + 1]


def _unknown(store: Store, stage: Stage, first: str) -> Look:
    seconds, num_bytes = _cost(store, store.manifests(stage.name))
    return Look(stage, None, None, True, f"unless what it reads comes out the same (since {first})", seconds, num_bytes)


def _with_released(looks: list[Look]) -> list[Look]:
    """Mark finished stages whose text was deleted, where a stage that will run reads it."""
    readers = {look.stage.name: look for look in looks}
    for index in reversed(range(len(looks))):
        seen = looks[index]
        if seen.manifest is None or not seen.manifest.released:
            continue
        running = [r.stage.name for r in readers.values() if r.runs and seen.stage.name in r.stage.reads_text_of]
        if running:
            reason = f"its text was deleted after scrubbing, and {running[0]} reads it"
            looks[index] = readers[seen.stage.name] = Look(
                seen.stage, seen.fingerprint, None, True, reason, seen.seconds, seen.num_bytes
            )
    return looks


def _broken(store: Store, stage: Stage, address: str) -> str | None:
    folder = store.folder(stage.name, address)
    if manifest := store.read_manifest(folder):
        if manifest.collected:
            return "its text and tokens were deleted by gptmodel gc"
        return f"its output is damaged: {damage(folder, manifest)}"
    if folder.exists():
        return "its output is damaged: the manifest can't be read"
    return INTERRUPTED if folder.with_suffix(".partial").exists() else None


def _nearest(earlier: list[Manifest], stage: Stage, config: Config, inputs: Mapping[str, str]) -> Manifest | None:
    return min(earlier, key=lambda manifest: _distance(manifest, stage, config, inputs), default=None)


def _distance(manifest: Manifest, stage: Stage, config: Config, inputs: Mapping[str, str]) -> int:
    return len(list(_changes(manifest.section, section_of(stage, config)))) + sum(
        manifest.inputs.get(name) != digest for name, digest in inputs.items()
    )


def _differences(
    last: Manifest, stage: Stage, config: Config, inputs: Mapping[str, str],
    explain: Callable[[Manifest], str] | None, since: str | None,
) -> str:  # fmt: skip
    settings = _changes(last.section, section_of(stage, config))
    words = [f"{key} {_show(old)} -> {_show(new)}" for key, old, new in settings[:_MOST_SETTINGS]]
    words += [f"{len(settings) - _MOST_SETTINGS} more settings"] if settings[_MOST_SETTINGS:] else []
    changed = sorted(name for name in {*inputs, *last.inputs} if inputs.get(name) != last.inputs.get(name))
    if changed and explain is not None:
        words.append(explain(last))
    elif changed:
        named = " and ".join(changed[:2]) + (f" and {len(changed) - 2} more" if changed[2:] else "")
        words.append(f"{named}: output changed" + (f" (since {since})" if since else ""))
    if last.code_version != code_version(stage):
        words.append("its code or a library changed")
    return "; ".join(word for word in words if word) or "no output of it is left"


def _changes(old: Any, new: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted({*old, *new})
        return [c for key in keys for c in _changes(old.get(key), new.get(key), f"{path}.{key}" if path else key)]
    return [] if old == new else [(path, old, new)]


def _show(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
    return json.dumps(value, ensure_ascii=False)


def _cost(store: Store, earlier: list[Manifest]) -> tuple[float | None, int | None]:
    if not earlier:
        return None, None
    last = earlier[0]
    num_bytes = sum(entry.num_bytes for entry in last.files.values())
    try:
        text = (store.folder(last.stage, last.fingerprint) / NOTES_DIR / TIMING).read_text()
        return float(json.loads(text)["seconds"]), num_bytes
    except (OSError, ValueError, KeyError):
        return None, num_bytes
