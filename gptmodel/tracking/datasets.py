"""Data sets as MLflow shows them: name, digest and source of what a run read; the text itself never goes there."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from mlflow.data.dataset import Dataset
    from mlflow.entities import DatasetInput

DIGEST_CHARS = 36  # of a data set's digest, the server's limit


class DatasetRef(BaseModel):
    """A data set as MLflow shows it: what it is called, which bytes it was, where it lay."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name on the run's page, for example `train`."""
    digest: str = Field(min_length=1)
    """sha256 of its contents; MLflow keeps the first 36 characters."""
    source: str
    """Path or URL it was read from."""
    num_rows: int | None = None
    """Documents in it."""
    context: Literal["training", "validation", "test", "source"] = "training"
    """What the run used it for."""


def inputs_of(refs: Sequence[DatasetRef]) -> "list[DatasetInput]":
    """Give data sets as a run's inputs, each with what it was used for."""
    from mlflow.entities import DatasetInput, InputTag

    return [
        DatasetInput(_dataset(ref)._to_mlflow_entity(), [InputTag("mlflow.data.context", ref.context)]) for ref in refs
    ]


def _dataset(ref: DatasetRef) -> "Dataset":
    made: Dataset = _dataset_class()(ref)
    return made


@lru_cache(maxsize=1)
def _source_class() -> Any:
    from mlflow.data.dataset_source import DatasetSource

    class TextSource(DatasetSource):
        """Where a data set lay; named, not resolved, for MLflow's guesses about paths warn."""

        def __init__(self, uri: str) -> None:
            self.uri = uri

        @staticmethod
        def _get_source_type() -> str:
            return "local"

        def load(self) -> str:
            return self.uri

        @staticmethod
        def _can_resolve(raw_source: Any) -> bool:
            return False

        @classmethod
        def _resolve(cls, raw_source: Any) -> "TextSource":
            raise NotImplementedError("a source of gptmodel is never guessed from a path")

        def to_dict(self) -> dict[str, str]:
            return {"uri": self.uri}

        @classmethod
        def from_dict(cls, source_dict: dict[Any, Any]) -> "TextSource":
            return cls(source_dict["uri"])

    return TextSource


@lru_cache(maxsize=1)
def _dataset_class() -> Any:
    from mlflow.data.dataset import Dataset

    source = _source_class()

    class TextDataset(Dataset):
        """A data set with our digest: MLflow never reads the text."""

        def __init__(self, ref: DatasetRef) -> None:
            self._num_rows = ref.num_rows
            super().__init__(source(ref.source), ref.name, ref.digest[:DIGEST_CHARS])

        def _compute_digest(self) -> str:
            return str(self._digest)

        def to_dict(self) -> dict[str, str]:
            return {**super().to_dict(), "profile": json.dumps(self.profile)}

        @property
        def profile(self) -> dict[str, int]:
            return {} if self._num_rows is None else {"num_rows": self._num_rows}

        @property
        def schema(self) -> None:
            return None

    return TextDataset
