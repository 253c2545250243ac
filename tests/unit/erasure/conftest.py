"""A home with one run, made once for the tests that only look, and afresh for those that change it."""

import shutil
from pathlib import Path

import pytest

from tests.unit.erasure.home import SmallHome


@pytest.fixture(scope="session")
def seen_home(tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """A home with one run, to look at."""
    home = SmallHome(tmp_path_factory.mktemp("small-home"))
    home.run()
    return home


@pytest.fixture
def home(seen_home: SmallHome, tmp_path: Path) -> SmallHome:
    """A home with one run, to change."""
    shutil.copytree(seen_home.root, tmp_path / "home")
    return SmallHome(tmp_path / "home")
