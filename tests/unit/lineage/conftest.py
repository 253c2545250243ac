"""A small home with two versions: between them a document was added, one was edited, and one was removed."""

import pytest

from gptmodel.lineage.versions import list_versions
from tests.unit.corpus.known import prose
from tests.unit.erasure.home import SmallHome

ADDED, EDITED, REMOVED = "added.txt", "3.txt", "4.txt"


@pytest.fixture(scope="session")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """The home, to look at."""
    home = SmallHome(tmp_path_factory.mktemp("retrained"))
    home.run(version=1)
    (home.texts / ADDED).write_text(prose(70))
    (home.texts / EDITED).write_text(prose(71))
    (home.texts / REMOVED).unlink()
    home.run(version=2)
    assert [version.version for version in list_versions(home.store)] == [1, 2]
    return home
