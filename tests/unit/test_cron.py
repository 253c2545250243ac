"""Which lines say when a schedule runs."""

import pytest

from gptmodel.cron import is_cron


@pytest.mark.parametrize("line", ["0 3 1 * *", "*/15 0-6,22 L JAN-mar mon,5", "5/10 * * * 7"])
def test_a_cron_line_is_taken(line: str) -> None:
    assert is_cron(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "daily",
        "@daily",
        "0 3 1 *",
        "0 3 1 * * *",
        "60 * * * *",
        "* * 0 * *",
        "* * * * mo",
        "*/0 * * * *",
        "1, * * * *",
    ],
)
def test_a_malformed_cron_line_is_refused(line: str) -> None:
    assert not is_cron(line)
