"""A version with nothing left open, made once for the tests that only look."""

import pytest

from gptmodel.evidence.account import Evidence
from tests.unit.evidence.known import Kept, approved


@pytest.fixture(scope="session")
def kept_once(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """What a home keeps of it; to look at."""
    return Kept(tmp_path_factory.mktemp("evidence"))


@pytest.fixture(scope="session")
def whole(kept_once: Kept) -> Evidence:
    """Its evidence."""
    return kept_once.evidence(approved(kept_once))
