"""From a model to what this home knows of it: its folder, the config it was made with, and the text behind it.

`generate`, `evaluate` and `audit` come here. What the store does not hold is None; nothing is computed again.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from flows import stack
from flows.home import Home, scrubber_of
from gptmodel.bundle import DIGESTS, read_digests
from gptmodel.config import Config, ScrubbingConfig
from gptmodel.config_file import load_config
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.replacing.replacement import with_placeholders
from gptmodel.downloads import resolve_model
from gptmodel.errors import GPTModelError
from gptmodel.registry import SPLIT_TAG, Version
from gptmodel.store import Manifest, Store


@dataclass(frozen=True)
class Origin:
    """What a model was made from.

    Attributes:
        config: The config of its run; None if it can't be read any more.
        folders: Folders of the stage outputs that the store still holds undamaged, by stage name.
    """

    config: Config | None
    folders: dict[str, Path]


def fetch_model(home: Home, model: str) -> Path:
    """Give the verified folder of a model URI; a server is asked for a registered one only.

    Raises:
        RegistryError: The URI names nothing, or a file differs from its digest.
        ServerError: The MLflow server does not answer.
    """
    os.environ.update(stack.client_environment(home))
    is_registered = model.startswith(("models:", "runs:"))
    uri = stack.registry_address(home) if is_registered else stack.addresses(home).mlflow
    return resolve_model(uri, model, home.cache_dir / "models")


def origin_of(store: Store, model_folder: Path) -> Origin | None:
    """Find the run of this home that made a model, by the digest of its files; None if none did."""
    digest = read_digests(model_folder / DIGESTS).digest
    for manifest in store.manifests("register"):
        if manifest.result.get("bundle_digest") == digest:
            return Origin(_config(store, manifest), _folders(store, manifest))
    return None


def split_of(home: Home, version: Version | None) -> Path | None:
    """Give the folder of the split that a version was trained on, if the store holds it."""
    folder = home.store.folder("split", version.tags.get(SPLIT_TAG, "unknown")) if version else None
    return folder if folder and folder.is_dir() else None


def filter_of(home: Home, model_folder: Path) -> Scrubber:
    """Give what filters a model's output: every kind that has a finder, and what its own config adds to them."""
    origin = origin_of(home.store, model_folder)
    config = origin.config.scrubbing if origin and origin.config else ScrubbingConfig()
    return scrubber_of(home, with_placeholders(config).model_copy(update={"kinds": (), "find_names": True}))


def _config(store: Store, manifest: Manifest) -> Config | None:
    try:
        return load_config(store.folder(manifest.stage, manifest.fingerprint) / "notes" / "config.toml")
    except (GPTModelError, OSError):
        return None


def _folders(store: Store, made: Manifest) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for stage, digest in made.inputs.items():
        for manifest in store.manifests(stage):
            if manifest.digest == digest and store.find(stage, manifest.fingerprint):
                found[stage] = store.folder(stage, manifest.fingerprint)
                break
    return found
