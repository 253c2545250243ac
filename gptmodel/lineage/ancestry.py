"""A version's way back: every output it came from, with settings, code and account, as far as the store still knows.

The `register` manifest names the digest of each output; the manifests, which stay when text is deleted, tell the rest.
What was deleted since is told as gone, with its digest. No server is asked, and neither mlflow nor torch is imported.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gptmodel.chain import STAGE_NAMES
from gptmodel.lineage.versions import Version
from gptmodel.plan import TIMING
from gptmodel.provenance import PROVENANCE, Provenance
from gptmodel.store import NOTES_DIR, FileEntry, Manifest, Store, damage

State = Literal["whole", "text deleted", "purged", "damaged", "gone"]
CONFIG = "config.toml"
"""Name of the resolved config among an output's notes."""
NOBODY = "none"
"""What stands for the champion's URI where there was none."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class StageOrigin(_Record):
    """One output that a version came from."""

    stage: str
    """Name of the stage."""
    digest: str
    """Digest of its data, as it was made."""
    fingerprint: str = ""
    """Its address in the store; empty if it is gone."""
    code_version: str = ""
    """Code version of the stage."""
    state: State = "gone"
    """What the store still has of it: `purged` says that documents were taken out for an erasure request."""
    purged_for: tuple[str, ...] = ()
    """Erasure requests that documents were taken out for."""
    seconds: float | None = None
    """What the stage took."""
    made_with: Provenance | None = None
    """Code and libraries it was made with; None if that was not noted."""
    section: Mapping[str, Any] = {}
    """The settings that shaped it, by dotted path."""
    inputs: Mapping[str, str] = {}
    """Digests of what it read, by name."""
    result: Mapping[str, Any] = {}
    """The stage's account."""
    files: Mapping[str, FileEntry] = {}
    """Its data files with size and digest, by name; text that was deleted by policy is among them."""


class Ancestry(_Record):
    """Everything a version came from."""

    version: Version
    """The version."""
    stages: tuple[StageOrigin, ...]
    """The outputs, in the order of the chain; `register` is the last but one, `promote` the last where it is known."""
    config: str
    """The whole resolved config as TOML; empty if it is gone."""

    def stage(self, name: str) -> StageOrigin | None:
        """Give one output by its stage; None if the version came from none."""
        return next((one for one in self.stages if one.stage == name), None)

    def result(self, name: str) -> Mapping[str, Any]:
        """Give a stage's account; empty if it is gone."""
        found = self.stage(name)
        return found.result if found else {}

    @property
    def parent(self) -> str | None:
        """URI of the champion it was measured against when it was first decided; None if there was none."""
        decided = self.stage("promote")
        champion = decided.inputs.get("champion", NOBODY) if decided else NOBODY
        return None if champion == NOBODY else champion

    @property
    def made_with(self) -> Provenance | None:
        """Code and libraries that the version was registered with; None if that was not noted."""
        found = self.stage("register")
        return found.made_with if found else None


def trace(store: Store, version: Version) -> Ancestry:
    """Follow a version back through the store.

    Args:
        store: The home's store.
        version: One of `list_versions(store)`.
    """
    origins = {stage: _gone(stage, digest) for stage, digest in version.digests.items()}
    for stage, fingerprint in (*version.outputs.items(), ("register", version.fingerprint)):
        folder = store.folder(stage, fingerprint)
        if manifest := store.read_manifest(folder):
            origins[stage] = _origin(folder, manifest)
    if decided := _first_decision(store, origins["register"].digest):
        origins["promote"] = _origin(store.folder("promote", decided.fingerprint), decided)
    ordered = tuple(origins[stage] for stage in STAGE_NAMES if stage in origins)
    return Ancestry(version=version, stages=ordered, config=_config(store, version))


def _gone(stage: str, digest: str) -> StageOrigin:
    return StageOrigin(stage=stage, digest=digest)


def _origin(folder: Path, manifest: Manifest) -> StageOrigin:
    notes = folder / NOTES_DIR
    return StageOrigin(
        stage=manifest.stage, digest=manifest.digest, fingerprint=manifest.fingerprint,
        code_version=manifest.code_version, state=_state(folder, manifest), purged_for=manifest.purged,
        seconds=_seconds(notes / TIMING), made_with=read_made_with(notes), section=manifest.section,
        inputs=manifest.inputs, result=manifest.result, files=manifest.files,
    )  # fmt: skip


def _state(folder: Path, manifest: Manifest) -> State:
    if damage(folder, manifest):
        return "damaged"
    if manifest.purged:
        return "purged"
    return "text deleted" if manifest.released else "whole"


def _first_decision(store: Store, register_digest: str) -> Manifest | None:
    """Give the decision a version was first judged by: later ones are of repeats against another champion."""
    decided = [one for one in store.manifests("promote") if one.inputs.get("register") == register_digest]
    return decided[-1] if decided else None


def _seconds(path: Path) -> float | None:
    try:
        return float(json.loads(path.read_text())["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_made_with(notes: Path) -> Provenance | None:
    """Read what an output was made with from its notes; None if that was not noted."""
    try:
        return Provenance.model_validate_json((notes / PROVENANCE).read_bytes())
    except (OSError, ValidationError):
        return None


def _config(store: Store, version: Version) -> str:
    try:
        return (store.folder("register", version.fingerprint) / NOTES_DIR / CONFIG).read_text(encoding="utf-8")
    except OSError:
        return ""
