"""The registered versions of a home, and the outputs that each came from: read from the store's manifests alone.

A version's `register` manifest names the digests of all that it came from. No server is asked, so that a version which
the registry lost is here still, and one that another home registered is not.
"""

from collections import deque
from collections.abc import Mapping
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
        digests: Digest of each stage's output that it came from, by stage.
        outputs: Fingerprint of each of those that is in the store still, by stage.
    """

    name: str
    version: int
    mlflow_run_id: str
    fingerprint: str
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
    versions = [_version(manifest, known) for manifest in store.manifests("register")]
    return sorted(versions, key=lambda version: (version.name, version.version, version.fingerprint))


def version_of_bundle(store: Store, digest: str) -> Version | None:
    """Give the version whose model folder has this digest; None if no run of this home made it."""
    made = {m.fingerprint for m in store.manifests("register") if m.result.get("bundle_digest") == digest}
    return next((version for version in list_versions(store) if version.fingerprint in made), None)


def _version(manifest: Manifest, known: Mapping[tuple[str, str], Manifest]) -> Version:
    digests: dict[str, str] = {}
    todo = deque(manifest.inputs.items())  # what the version itself names comes before what its inputs name
    while todo:
        stage, digest = todo.popleft()
        if stage in STAGE_NAMES and stage not in digests:
            digests[stage] = digest
            todo.extend(known[stage, digest].inputs.items() if (stage, digest) in known else ())
    found = {stage: known[stage, digest] for stage, digest in digests.items() if (stage, digest) in known}
    result = manifest.result
    return Version(
        name=result["name"], version=result["version"],
        mlflow_run_id=(result.get("runtime") or {}).get("mlflow_run_id", ""), fingerprint=manifest.fingerprint,
        digests=digests, outputs={stage: one.fingerprint for stage, one in found.items()},
    )  # fmt: skip
