"""From a registered version to all that it was made of: manifests, config, sources, keys, erasure requests.

Told besides: what is not as it was then, and what forbids to read the documents again. Nothing is computed here.
Called by reproduce.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flows.home import Home, home_key_of, scrubber_of
from gptmodel.chain import STAGE_NAMES, Stage, code_version
from gptmodel.config import Config
from gptmodel.config_file import load_config
from gptmodel.corpus.dedup.evaluation_texts import list_evaluation_texts
from gptmodel.corpus.sources.listing import LISTING_FILE, Listing
from gptmodel.corpus.sources.stage import list_sources
from gptmodel.erasure.requests import INPUT_PREFIX, read_requests
from gptmodel.erasure.since import Erased, erased_since, honoured
from gptmodel.errors import ConfigError, GPTModelError, SourceError
from gptmodel.lineage.ancestry import CONFIG, read_made_with
from gptmodel.lineage.versions import Version
from gptmodel.provenance import read_provenance
from gptmodel.reproduction import changed_files, other_tools
from gptmodel.stages import Materials, outside_digests
from gptmodel.store import NOTES_DIR, Manifest, Store
from gptmodel.training.plan import RUNTIME_FILE, TrainingPlan, adapted, read_plan

REGISTER = "register"
# Gives the files by name rather than by one digest a source.
_TOLD_BY_FILES = "source:"


class RefusedError(GPTModelError):
    """A version that can't be made again, or may not; `actual` is the sentence."""


@dataclass(frozen=True)
class Original:
    """A version and all that it was made of.

    Attributes:
        version: The version.
        manifests: What it came from, by stage, `register` among them.
        materials: What the stages are told, as they were then.
        plan: The choices that its training was made with, as far as this machine can follow; None if they are gone.
        differences: What is not as it was then, a sentence each.
    """

    version: Version
    manifests: Mapping[str, Manifest]
    materials: Materials
    plan: TrainingPlan | None
    differences: tuple[str, ...]


def original_of(home: Home, version: Version, stages: Sequence[Stage]) -> Original:
    """Gather what a version was made of, as far as some stages go.

    Args:
        home: The home that it was made in.
        version: The version.
        stages: The stages that are to be computed again, from ingest on.

    Raises:
        RefusedError: Documents were erased since, a source is gone or may not be used any more, or the config or a
            manifest is gone.
        ConfigError: A key that the config needs is not given.
        StoreError: An erasure request that the version honoured is gone.
    """
    manifests = _manifests(home.store, version, stages)
    config = _config(home.store, version)
    ingest, requests = manifests["ingest"], read_requests(home.erasures_dir)
    key = home_key_of(home)
    erasures = honoured(ingest, requests)
    _refuse_erased(version, ingest, erased_since(home.store, key, ingest, version.uri, requests))
    _refuse_expired(version, config)
    try:
        listing = list_sources(config.corpus, home.cache_dir / "listing.json")
        evaluation = list_evaluation_texts(config.dedup, home.cache_dir / "evaluation-texts.json")
    except SourceError as error:
        raise _refused(version, f"expected {error.expected}, got {error.actual}") from error
    scrubber = scrubber_of(home, config.scrubbing)
    materials = Materials(config, listing, scrubber, key, evaluation, erasures)
    plan, words = _plan(home.store, manifests.get("train"))
    differences = (*_differences(home.store, manifests, stages, materials), *words)
    return Original(version, manifests, materials, plan, differences)


def _manifests(store: Store, version: Version, stages: Sequence[Stage]) -> dict[str, Manifest]:
    found: dict[str, Manifest] = {}
    for stage, fingerprint in (*version.outputs.items(), (REGISTER, version.fingerprint)):
        if manifest := store.read_manifest(store.folder(stage, fingerprint)):
            found[stage] = manifest
    if gone := [stage.name for stage in stages if stage.name not in found]:
        raise _refused(version, f"what the store knew of {', '.join(gone)} is gone")
    return found


def _config(store: Store, version: Version) -> Config:
    path = store.folder(REGISTER, version.fingerprint) / NOTES_DIR / CONFIG
    if not path.is_file():
        raise _refused(version, "its config is gone")
    try:
        return load_config(path)
    except ConfigError as error:
        words = f"its config does not fit this code: expected {error.expected}, got {error.actual}"
        raise _refused(version, words) from None


def _refuse_erased(version: Version, ingest: Manifest, erased: Sequence[Erased]) -> None:
    if erased:
        total = int(ingest.result["num_documents"])
        raise _refused(version, erasure_words(erased, total))
    if ingest.purged:
        raise _refused(version, f"documents were taken out of it for {', '.join(ingest.purged)}")


def erasure_words(erased: Sequence[Erased], num_documents: int) -> str:
    """Say how many documents of a version were erased, when, and by which request.

    Args:
        erased: The requests, one at least.
        num_documents: Documents that the version's ingest read.
    """
    if len(erased) == 1:
        return f"{_share(erased[0], num_documents)} erased on {_when(erased[0])}"
    each = ", ".join(f"{one.num_documents or 'some'} on {_when(one)}" for one in erased)
    return f"of {num_documents:,} documents some were erased: {each}"


def _share(erased: Erased, num_documents: int) -> str:
    if erased.num_documents is None:
        return f"some of {num_documents:,} documents were"
    return f"{erased.num_documents:,} of {num_documents:,} documents {'was' if erased.num_documents == 1 else 'were'}"


def _when(erased: Erased) -> str:
    return f"{erased.request.opened} (request {erased.request.id})"


def _refuse_expired(version: Version, config: Config) -> None:
    """Refuse to read what may not be used any more, though it might when the version was made."""
    then, today = config.corpus.as_of or date.today(), date.today()
    until = {one.name: one.keep_until for one in config.corpus.sources if one.keep_until and one.keep_until >= then}
    if expired := [f"{name} until {day}" for name, day in until.items() if today > day]:
        raise _refused(version, f"its sources may no longer be used: {', '.join(expired)}")


def _plan(store: Store, train: Manifest | None) -> tuple[TrainingPlan | None, tuple[str, ...]]:
    """Give the choices of the training as far as this machine can make them, and what it can't or does not know."""
    if train is None:
        return None, ()
    plan = read_plan(store.folder(train.stage, train.fingerprint) / NOTES_DIR / RUNTIME_FILE)
    if plan is None:
        return None, ("train: the choices it was made with (threads, precision, device) are gone; they are made anew",)
    followed, words = adapted(plan)
    return followed, tuple(f"train: {one}" for one in words)


def _differences(
    store: Store, manifests: Mapping[str, Manifest], stages: Sequence[Stage], materials: Materials
) -> Iterator[str]:
    names = [stage.name for stage in stages]
    changed = [stage.name for stage in stages if manifests[stage.name].code_version != code_version(stage)]
    if changed:
        yield f"the code of {', '.join(changed)}, or a library it names, changed since"
    notes = {name: store.folder(name, manifests[name].fingerprint) / NOTES_DIR for name in names}
    yield from other_tools({name: read_made_with(notes[name]) for name in names}, read_provenance())
    yield from changed_files(_listed(store, manifests["ingest"]), _present(materials.listing))
    outside = outside_digests(materials)
    for name in names:
        then = {key: digest for key, digest in manifests[name].inputs.items() if key not in STAGE_NAMES}
        yield from (f"{name}: {key} is not what it was" for key in _other(then, outside.get(name, {})))


def _other(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    told_elsewhere = (INPUT_PREFIX, _TOLD_BY_FILES)
    return [key for key in sorted({*then, *now})
            if then.get(key) != now.get(key) and not key.startswith(told_elsewhere)]  # fmt: skip


def _listed(store: Store, ingest: Manifest) -> dict[str, dict[str, str]]:
    path = store.folder(ingest.stage, ingest.fingerprint) / LISTING_FILE
    try:
        found: dict[str, dict[str, str]] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found


def _present(listing: Listing) -> dict[str, dict[str, str]]:
    return {name: {path: one.digest for path, one in source.files.items()} for name, source in listing.sources.items()}


def _refused(version: Version, why: str) -> RefusedError:
    return RefusedError(
        expected=f"all that {version.uri} was made of",
        actual=f"Version {version.version} cannot be rebuilt: {why}.",
        mend="What is there of it still: gptmodel lineage " + version.uri,
    )
