from types import SimpleNamespace
from typing import Any

import pytest

from flows import registration
from gptmodel import registry
from gptmodel.config_file import load_config
from gptmodel.registry import PARENT_TAG, Version


def version(number: int, **tags: str) -> Version:
    return Version(name="gpt", version=number, model_id=None, run_id=None, tags=tags, description="")


@pytest.mark.parametrize(
    ("champion", "registered", "parent"),
    [
        (None, [], ""),
        (version(3), [], "3"),
        (version(4), [version(4, **{PARENT_TAG: "3"})], "3"),  # registered again, it keeps its own
        (version(4), [version(1)], ""),
    ],
)
def test_a_version_comes_after_the_champion_it_met_when_it_was_first_registered(
    monkeypatch: pytest.MonkeyPatch, champion: Version | None, registered: list[Version], parent: str
) -> None:
    monkeypatch.setattr(registry, "champion_of", lambda uri, name: champion)
    monkeypatch.setattr(registry, "search_versions", lambda uri, name, tags: registered)
    run: Any = SimpleNamespace(delivery=SimpleNamespace(uri="http://h"), config=load_config("smoke"))
    assert registration._parent_of(run, "digest") == parent
