"""`gptmodel lineage URI`: from a version back to everything it came from.

A version by its number and a folder are looked up in the home's store alone; an alias, or a run that this home does not
know, is one request to the registry. What another home made is told as far as the registry's tags tell it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows import stack
from flows.home import Home
from gptmodel import registry
from gptmodel.downloads import resolve_model
from gptmodel.errors import ConfigError, RegistryError
from gptmodel.lineage.ancestry import Ancestry, trace
from gptmodel.lineage.picture import lineage_svg
from gptmodel.lineage.raw_files import read_raw_files
from gptmodel.lineage.record import lineage_record
from gptmodel.lineage.tree import draw, tree_of
from gptmodel.lineage.versions import Version, list_versions, version_of_bundle, versions_named
from gptmodel.store import write_synced

Say = Callable[[str], None]
Red = Callable[[str], str]

_NUMBERED = re.compile(r"models:/(?P<name>[^/@]+)/(?P<number>[0-9]+)")
_ALIASED = re.compile(r"models:/(?P<name>[^/@]+)@(?P<alias>[^/@]+)")
_RUN = re.compile(r"runs:/(?P<run_id>[0-9a-f]{32})(?:/.*)?")


@dataclass(frozen=True)
class Found:
    """What a URI names.

    Attributes:
        version: The version as this home's store knows it; None if another home made it.
        registered: The version as the registry tells it; None if it was not asked, or does not know it.
        others: Further registrations of the same name and number in this home.
    """

    version: Version | None
    registered: registry.Version | None = None
    others: tuple[Version, ...] = ()


def tell_lineage(home: Home, uri: str, picture: Path | None, say: Say, red: Red) -> dict[str, Any]:
    """Tell where a version came from, and give the `--json` object.

    Args:
        home: The home.
        uri: models:/NAME@ALIAS, models:/NAME/NUMBER, runs:/ID/model, or a model folder.
        picture: SVG file to write; None writes none.
        say: Writes a line for a person.
        red: Makes words red where a person watches.

    Raises:
        RegistryError: Nothing is known of it.
        ServerError: The registry has to be asked and does not answer.
        ConfigError: The picture can't be written where it should.
    """
    found = find_version(home, uri)
    if found.version is None:
        return _tell_foreign(found.registered, say) if found.registered else _nothing(uri)
    record = record_of(home, trace(home.store, found.version))
    for text, warning in draw(tree_of(record)):
        say(f"{text}{red(warning)}")
    for other in found.others:
        say(f"Also registered as {other.uri} in this home: register/{other.fingerprint}, by MLflow run "
            f"{other.mlflow_run_id or 'unknown'}")  # fmt: skip
    if picture is not None:
        _write_picture(picture, lineage_svg(record))
        say(f"picture: {picture}")
    return record


def _write_picture(path: Path, svg: str) -> None:
    try:
        write_synced(path, svg)
    except OSError as error:
        raise ConfigError(
            expected=f"a file that can be written at {path}", actual=error.strerror or "an error of the system",
            mend="Name a file in a folder that is there and yours to write to.",
        ) from error  # fmt: skip


def record_of(home: Home, ancestry: Ancestry) -> dict[str, Any]:
    """Give the lineage record of a version of this home."""
    ingest = ancestry.stage("ingest")
    folder = home.store.folder("ingest", ingest.fingerprint) if ingest and ingest.fingerprint else None
    return lineage_record(ancestry, read_raw_files(folder) if folder else (), home.events.read())


def find_version(home: Home, uri: str) -> Found:
    """Find the version that a URI names, in this home first.

    Raises:
        RegistryError: The URI is none, names nothing in the registry, or a folder that is no model folder.
        ServerError: The registry has to be asked and does not answer.
    """
    versions = list_versions(home.store)
    if match := _NUMBERED.fullmatch(uri):
        return _numbered(home, versions, match["name"], int(match["number"]))
    if match := _ALIASED.fullmatch(uri):
        registered = registry.find_version_by_alias(stack.registry_address(home), match["name"], match["alias"])
        if registered is None:
            raise registry.unknown(uri)
        return _known(versions, registered)
    if match := _RUN.fullmatch(uri):
        return _of_run(home, versions, match["run_id"])
    if uri.startswith(("models:", "runs:")):
        raise registry.unknown(uri, "a URI such as models:/gpt@champion, models:/gpt/3 or runs:/RUN_ID/model")
    folder = resolve_model(stack.addresses(home).mlflow, uri, home.cache_dir / "models")
    return Found(version_of_bundle(home.store, resolve_digest(folder)))


def resolve_digest(folder: Path) -> str:
    """Give the digest by which a model folder is told from others."""
    from gptmodel.bundle import DIGESTS, read_digests

    return read_digests(folder / DIGESTS).digest


def _numbered(home: Home, versions: list[Version], name: str, number: int) -> Found:
    meant = versions_named(versions, name, number)
    if meant:
        return Found(meant[0], others=tuple(meant[1:]))
    if not stack.is_running(home, "mlflow"):
        return Found(None)
    return Found(None, registry.find_version(stack.registry_address(home), name, number))


def _known(versions: list[Version], registered: registry.Version) -> Found:
    bundle = registered.tags.get(registry.BUNDLE_TAG, "")
    meant = versions_named(versions, registered.name, registered.version, bundle)
    return Found(meant[0] if meant else None, registered, tuple(meant[1:]))


def _of_run(home: Home, versions: list[Version], run_id: str) -> Found:
    made = [version for version in versions if version.mlflow_run_id == run_id]
    if made:
        return Found(made[0])
    registered = registry.find_version_by_run(stack.registry_address(home), run_id)
    return _known(versions, registered) if registered else Found(None)


def _tell_foreign(registered: registry.Version, say: Say) -> dict[str, Any]:
    """Tell of a version that another home made what its tags in the registry tell."""
    say(f"{registered.uri} was made in another home: the rest of its lineage lies there.")
    for key, value in sorted(registered.tags.items()):
        say(f"  {key}: {value}")
    return _foreign_record(registered)


def _foreign_record(registered: registry.Version) -> dict[str, Any]:
    unknown: Mapping[str, Any] = dict.fromkeys(("code", "config", "tokenizer", "parent", "corpus"))
    return {
        "model": registered.uri, "name": registered.name, "version": registered.version,
        "mlflow_run_id": registered.run_id, "flow_run_id": registered.tags.get("prefect.flow_run_id") or None,
        **unknown, "datasets": [], "sources": [], "tags": registered.tags, "is_of_this_home": False,
    }  # fmt: skip


def _nothing(uri: str) -> dict[str, Any]:
    raise RegistryError(
        expected=f"{uri} to be a version that this home made, or that the registry tells of",
        actual="nothing in the store, and nothing in a registry that answers",
        mend="`gptmodel status` names the champions; GPTMODEL_HOME says which home is looked at.",
    )
