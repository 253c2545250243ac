"""A gate's answer: passed or not, the numbers it rests on, its scope, and one sentence.

Quality gate, privacy audit and promotion all return a `Decision`; flows show it, the registry keeps it.
"""

from pydantic import BaseModel, ConfigDict


class Decision(BaseModel):
    """What a gate decided and why, in words an operator reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    passed: bool
    """True if the run may go on, or the candidate may be promoted."""
    reason: str
    """One sentence with the numbers that decided."""
    scope: str = ""
    """What was looked at and what was not; printed as large as the reason."""
    numbers: dict[str, float | int | None] = {}
    """The figures behind the reason, by name."""
