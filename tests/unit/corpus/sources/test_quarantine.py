"""The quarantine's reasons."""

from typing import get_args

from gptmodel.corpus.sources.quarantine import REASONS, Reason


def test_every_reason_is_explained() -> None:
    assert set(REASONS) == set(get_args(Reason))
