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
        needed_again: True if it was finished, but its text is deleted and a stage that will run reads it.
    """

    stage: Stage
    fingerprint: str | None
    manifest: Manifest | None
    runs: bool
    reason: str
    seconds: float | None = None
    num_bytes: int | None = None
    needed_again: bool = False


def look(store: Store, stage: Stage, config: Config, inputs: Mapping[str, str], *, forced: bool = False,
         explain: Callable[[Manifest], str] | None = None) -> Look:  # fmt: skip
    """Tell whether a stage's output is there, and if not, what differs from its last one.

    Args:
        store: Where outputs are.
        stage: The stage.
        config: The run's config.
        inputs: Digests of what it reads, by name.
        forced: Compute it whatever the store says.
        explain: Words for changed inputs from outside, given the last manifest (ingest: files).
    """
    address = fingerprint(stage, config, dict(inputs))
    manifest = store.find(stage.name, address)
    earlier = store.manifests(stage.name)
    seconds, num_bytes = _cost(store, earlier)
    if manifest is not None and not forced:
        return Look(stage, address, manifest, False, "cached", seconds, num_bytes)
    reason = "asked for with --force" if forced else _why(store, stage, config, inputs, address, earlier, explain)
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
            seen = _unknown(store, stage, [name for name in stage.inputs if name not in digests])
        if seen.manifest is not None:
            digests[stage.name] = seen.manifest.digest
        looks.append(seen)
    return _with_released(looks)


def stages_until(until: str | None) -> tuple[Stage, ...]:
    """Give the chain up to and including a stage."""
    names = [stage.name for stage in CHAIN]
    return CHAIN if until is None else CHAIN[: names.index(until) + 1]


def _unknown(store: Store, stage: Stage, waiting: list[str]) -> Look:
    seconds, num_bytes = _cost(store, store.manifests(stage.name))
    return Look(stage, None, None, True, f"reads {' and '.join(waiting)}, which will run", seconds, num_bytes)


def _with_released(looks: list[Look]) -> list[Look]:
    """Mark finished stages whose text was deleted, where a stage that will run reads it."""
    readers = {look.stage.name: look for look in looks}
    for index in reversed(range(len(looks))):
        seen = looks[index]
        if seen.manifest is None or not seen.manifest.released:
            continue
        running = [r.stage.name for r in readers.values() if r.runs and seen.stage.name in r.stage.inputs]
        if running:
            reason = f"its text was deleted after scrubbing, and {running[0]} reads it"
            looks[index] = readers[seen.stage.name] = Look(
                seen.stage, seen.fingerprint, None, True, reason, seen.seconds, seen.num_bytes, needed_again=True
            )
    return looks


def _why(store: Store, stage: Stage, config: Config, inputs: Mapping[str, str], address: str,
         earlier: list[Manifest], explain: Callable[[Manifest], str] | None) -> str:  # fmt: skip
    folder = store.folder(stage.name, address)
    broken = store.read_manifest(folder)
    if broken is not None:
        return f"its output is damaged: {damage(folder, broken)}"
    if folder.exists():
        return "its output is damaged: the manifest can't be read"
    if folder.with_suffix(".partial").exists():
        return "an earlier attempt was interrupted"
    if not earlier:
        return "first run"
    last = min(earlier, key=lambda manifest: _distance(manifest, stage, config, inputs))
    return "; ".join(_differences(last, stage, config, inputs, explain)) or "no output of it is left"


def _distance(manifest: Manifest, stage: Stage, config: Config, inputs: Mapping[str, str]) -> int:
    return len(list(_changes(manifest.section, section_of(stage, config)))) + sum(
        manifest.inputs.get(name) != digest for name, digest in inputs.items()
    )


def _differences(last: Manifest, stage: Stage, config: Config, inputs: Mapping[str, str],
                 explain: Callable[[Manifest], str] | None) -> list[str]:  # fmt: skip
    words = [f"{key} {_show(old)} -> {_show(new)}" for key, old, new in
             _changes(last.section, section_of(stage, config))]  # fmt: skip
    changed = sorted(name for name in {*inputs, *last.inputs} if inputs.get(name) != last.inputs.get(name))
    if changed and explain is not None:
        words.append(explain(last))
    elif changed:
        words.append(f"{' and '.join(changed)}: output changed")
    if last.code_version != code_version(stage):
        words.append("its code or a library changed")
    return [word for word in words if word]


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
