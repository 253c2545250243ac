"""The form on the dashboard."""

import pytest
from pydantic import ValidationError

from flows.approval import ApprovalForm


def test_without_any_field_it_keeps_the_champion_and_shows_that_nobody_answered() -> None:
    form = ApprovalForm.with_initial_data(description="May it?")()
    assert (form.decision, form.model_fields_set) == ("keep", set())


def test_what_the_dashboard_sends_unchanged_is_an_answer() -> None:
    assert ApprovalForm(**{"decision": "keep", "name": "", "reason": ""}).model_fields_set


def test_another_decision_is_refused() -> None:
    with pytest.raises(ValidationError):
        ApprovalForm(decision="maybe")  # type: ignore[arg-type]


def test_each_field_says_what_it_is_for() -> None:
    assert all(field.description for field in ApprovalForm.model_fields.values())
