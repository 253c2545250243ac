"""What a registry holds, of all models and versions at once, by plain requests; `registry` asks for single ones."""

from dataclasses import dataclass

from gptmodel.mlflow_http import Missing, call, pages


@dataclass(frozen=True)
class Registered:
    """The versions and aliases of a registry.

    Attributes:
        tags: The tags of each version, by name and number.
        aliases: Name and number of each version that bears an alias.
    """

    tags: dict[tuple[str, int], dict[str, str]]
    aliases: frozenset[tuple[str, int]]

    @property
    def names(self) -> frozenset[str]:
        """Names of the models that have a version."""
        return frozenset(name for name, _ in self.tags)


def read_registered(uri: str) -> Registered:
    """Read which versions a registry holds, with their tags, and which bear an alias; a request for a thousand each.

    Raises:
        ServerError: The server does not answer, or refuses.
    """
    tags = {
        (row["name"], int(row["version"])): {tag["key"]: tag.get("value", "") for tag in row.get("tags", ())}
        for row in pages(uri, "model-versions/search", "model_versions")
    }
    aliases = {
        (row["name"], int(alias["version"]))
        for row in pages(uri, "registered-models/search", "registered_models") for alias in row.get("aliases", ())
    }  # fmt: skip
    return Registered(tags, frozenset(aliases))


def knows_run(uri: str, run_id: str) -> bool:
    """Tell whether a server knows a run, deleted ones included: whether it is the one that the run was told to.

    Raises:
        ServerError: The server does not answer, or refuses.
    """
    try:
        call(uri, "GET", "runs/get", {"run_id": run_id})
    except Missing:
        return False
    return True
