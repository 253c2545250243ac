"""What of an account becomes metrics: the key counts, never hundreds."""

import pytest

from flows import figures
from tests.unit.flows.accounts import ACCOUNTS


def test_counts_and_short_tables_of_counts_are_metrics() -> None:
    numbers = figures._numbers({"num_kept": 3, "findings": {"EMAIL": 2}, "scope": "all", "passed": True})
    assert numbers == {"num_kept": 3.0, "findings.EMAIL": 2.0}


def test_a_long_table_is_left_to_the_account() -> None:
    account = {"num_kept": 3, "by_source": {f"s{n}": {"EMAIL": n, "PHONE": n} for n in range(40)}}
    assert figures._numbers(account) == {"num_kept": 3.0}


@pytest.mark.parametrize("stage", ACCOUNTS)
def test_lists_by_source_are_no_metrics(stage: str) -> None:
    assert not any("sources" in name for name in figures._numbers(ACCOUNTS[stage]))
