"""The registered versions of a home, and the outputs that each came from: read from the store's manifests alone.

A version's `register` manifest names the digests of all that it came from. No server is asked, so that a version which
the registry lost is here still, and one that another home registered is not.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gptmodel.chain import STAGE_NAMES
from gptmodel.store import Manifest, Store


@dataclass(frozen=True)
class Version:
    """A registered version and what it came from.

    Attributes:
        name: Name of the registered model.
        version: Number of the version, from 1.
        mlflow_run_id: Run that registered it.
        fingerprint: Address of its `register` output.
        bundle_digest: Digest of its model folder, by which it is told from another registry's version of that number.
        flow_run_id: Prefect's run that registered it; empty if that is not known.
        registered: When it was, seconds since the epoch; what a copied store says may be later.
        digests: Digest of each stage's output that it came from, by stage.
        outputs: Fingerprint of each of those that is in the store still, by stage.
    """

    name: str
    version: int
    mlflow_run_id: str
    fingerprint: str
    bundle_digest: str
    flow_run_id: str
    registered: float
    digests: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def uri(self) -> str:
        """URI that names exactly this version."""
        return f"models:/{self.name}/{self.version}"


def list_versions(store: Store) -> list[Version]:
    """List the registered versions of the home's runs, by name and number.

    A version that was registered again, because its files came out equal, stands here for each `register` output.
    """
    known: dict[tuple[str, str], Manifest] = {}
    for stage in STAGE_NAMES:
        for manifest in store.manifests(stage):
            known.setdefault((stage, manifest.digest), manifest)
    versions = [_version(store, manifest, known) for manifest in store.manifests("register")]
    return sorted(versions, key=lambda version: (version.name, version.version, version.fingerprint))


def versions_named(versions: Iterable[Version], name: str, number: int, bundle_digest: str = "") -> list[Version]:
    """Give the versions that a name and a number may mean, the likeliest first.

    There are several where equal files were registered again, and where a home had one registry after another, each of
    which counts from 1: the model that was registered last bears the number, and its first registration tells where it
    came from.

    Args:
        versions: Those to choose from.
        name: Name of the registered model.
        number: Number of the version.
        bundle_digest: Digest of the model folder as the registry tells it; empty takes any.
    """
    meant = [one for one in versions if (one.name, one.version) == (name, number)]
    same = sorted((one for one in meant if bundle_digest in ("", one.bundle_digest)), key=lambda one: one.registered)
    return sorted(same, key=lambda one: one.bundle_digest != same[-1].bundle_digest)


def version_of_bundle(store: Store, digest: str) -> Version | None:
    """Give the version whose model folder has this digest; None if no run of this home made it."""
    made = [version for version in list_versions(store) if version.bundle_digest == digest]
    return min(made, key=lambda version: version.registered, default=None)


def _version(store: Store, manifest: Manifest, known: Mapping[tuple[str, str], Manifest]) -> Version:
    digests: dict[str, str] = {}
    todo = deque(manifest.inputs.items())  # what the version itself names comes before what its inputs name
    while todo:
        stage, digest = todo.popleft()
        if stage in STAGE_NAMES and stage not in digests:
            digests[stage] = digest
            todo.extend(known[stage, digest].inputs.items() if (stage, digest) in known else ())
    found = {stage: known[stage, digest] for stage, digest in digests.items() if (stage, digest) in known}
    result, runtime = manifest.result, manifest.result.get("runtime") or {}
    return Version(
        name=result["name"], version=result["version"], mlflow_run_id=runtime.get("mlflow_run_id", ""),
        fingerprint=manifest.fingerprint, bundle_digest=result.get("bundle_digest", ""),
        flow_run_id=runtime.get("flow_run_id", ""), registered=store.committed_at(manifest),
        digests=digests, outputs={stage: one.fingerprint for stage, one in found.items()},
    )  # fmt: skip
