"""Versions in a real registry without any files, made in a request each: enough for whatever aliases and tags do."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from gptmodel import champions, registry
from gptmodel.decision import Decision
from gptmodel.events import EventLog
from gptmodel.mlflow_http import call
from gptmodel.registry import Version

BETTER = Decision(passed=True, reason="better", scope="16 test documents")


@dataclass(frozen=True)
class Registered:
    """A registered model of a test's own, and the event log of a home.

    Attributes:
        uri: Address of the tracking server.
        name: Name of the model.
        events: The log.
    """

    uri: str
    name: str
    events: EventLog

    @classmethod
    def make(cls, uri: str, folder: Path) -> "Registered":
        """Make a model without versions."""
        name = f"gpt-{uuid.uuid4().hex[:8]}"
        call(uri, "POST", "registered-models/create", {"name": name})
        return cls(uri, name, EventLog(folder / "events.jsonl"))

    def add(self, **tags: str) -> Version:
        """Make the next version; the tags' names stand without `gptmodel.`."""
        given = {"gptmodel.fingerprint": uuid.uuid4().hex, "gptmodel.leak_test": "passed"} | {
            f"gptmodel.{key}": value for key, value in tags.items()
        }
        body = {"name": self.name, "source": "s3://nowhere/model", "description": "for people",
                "tags": [{"key": key, "value": value} for key, value in given.items()]}  # fmt: skip
        answer = call(self.uri, "POST", "model-versions/create", body)
        return Version(name=self.name, version=int(answer["model_version"]["version"]), model_id=None, run_id=None,
                       tags=given, description="for people")  # fmt: skip

    def served(self, count: int, **tags: str) -> None:
        """Make versions that were champion one after the other; the last, which has the tags, is."""
        for turn in range(1, count + 1):
            self.add(champion_since=f"{turn:04} then", **(tags if turn == count else {}))
        self.move_by_hand(count)

    def read(self, number: int) -> Version:
        """Give a version as it stands."""
        return registry.read_version(self.uri, self.name, number)

    def crowned(self) -> Version:
        """Make the next version the champion, as a run does."""
        version = self.add()
        champions.crown(self.uri, self.events, version, BETTER, registry.champion_of(self.uri, self.name))
        return self.read(version.version)

    def move_by_hand(self, number: int, alias: str = "champion") -> None:
        """Move an alias as a person does in MLflow."""
        body = {"name": self.name, "alias": alias, "version": str(number)}
        call(self.uri, "POST", "registered-models/alias", body)

    def delete(self, number: int) -> None:
        """Delete a version."""
        call(self.uri, "DELETE", "model-versions/delete", {"name": self.name, "version": str(number)})

    @property
    def champion(self) -> int | None:
        """Number of the champion."""
        found = registry.champion_of(self.uri, self.name)
        return found.version if found else None

    def alias(self, alias: str) -> int | None:
        """Number of the version that bears an alias."""
        found = registry.find_version_by_alias(self.uri, self.name, alias)
        return found.version if found else None

    @property
    def log(self) -> list[tuple[str, int]]:
        """Kinds of the events, with the version's number."""
        return [(event.kind, int(event.subject.rpartition("/")[2])) for event in self.events.read()]
