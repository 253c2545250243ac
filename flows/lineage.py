"""`gptmodel lineage URI`: from a version back to everything it came from.

What another home made is told as far as the registry's tags tell it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flows.home import Home
from flows.named_version import find_version
from gptmodel import registry
from gptmodel.errors import ConfigError, RegistryError
from gptmodel.lineage.ancestry import Ancestry, trace
from gptmodel.lineage.picture import lineage_svg
from gptmodel.lineage.raw_files import read_raw_files
from gptmodel.lineage.record import lineage_record
from gptmodel.lineage.tree import draw, tree_of
from gptmodel.store import write_synced

Say = Callable[[str], None]
Red = Callable[[str], str]


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
