"""From a URI to the version that it names, as this home's store knows it and as the registry tells it.

A version by its number and a folder are looked up in the home's store alone; an alias, or a run that this home does not
know, is one request to the registry. `lineage`, `diff`, `reproduce` and `evidence` come here.
"""

import re
from dataclasses import dataclass, replace

from flows import stack
from flows.home import Home
from gptmodel import registry
from gptmodel.bundle import DIGESTS, read_digests
from gptmodel.downloads import resolve_model
from gptmodel.lineage.versions import Version, list_versions, version_of_bundle, versions_named

NUMBERED = re.compile(r"models:/(?P<name>[^/@]+)/(?P<number>[0-9]+)")
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

    @property
    def is_certain(self) -> bool:
        """Tell whether it is one model: one registry after another may have given its number to several."""
        return len({one.bundle_digest for one in (self.version, *self.others) if one}) <= 1


def find_version(home: Home, uri: str) -> Found:
    """Find the version that a URI names, in this home first.

    Raises:
        RegistryError: The URI is none, names nothing in the registry, or a folder that is no model folder.
        ServerError: The registry has to be asked and does not answer.
    """
    versions = list_versions(home.store)
    if match := NUMBERED.fullmatch(uri):
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
    return Found(version_of_bundle(home.store, read_digests(folder / DIGESTS).digest))


def _numbered(home: Home, versions: list[Version], name: str, number: int) -> Found:
    meant = versions_named(versions, name, number)
    found = Found(meant[0] if meant else None, others=tuple(meant[1:]))
    if (found.version and found.is_certain) or not stack.is_running(home, "mlflow"):
        return found
    registered = registry.find_version(stack.registry_address(home), name, number)
    settled = _known(versions, registered) if registered else found
    return settled if settled.version else replace(found, registered=registered)


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
