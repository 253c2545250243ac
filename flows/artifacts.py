"""What a stage leaves on the Prefect dashboard: a table of its account, progress, links and the decision's sentence."""

import contextlib
from collections.abc import Mapping
from typing import Any

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from gptmodel.decision import Decision


def show_account(stage: str, account: Mapping[str, Any], reason: str) -> None:
    """Leave a stage's numbers as a table."""
    rows = [{"figure": name, "value": value} for name, value in _rows(account)]
    create_table_artifact(table=rows, key=_key(stage), description=f"{stage}: {reason}")


def show_decision(stage: str, decision: Decision) -> None:
    """Leave a gate's answer with its scope as Markdown."""
    word = "passed" if decision.passed else "no"
    scope = f"\n\n**Scope:** {decision.scope}" if decision.scope else ""
    create_markdown_artifact(f"## {stage}: {word}\n\n{decision.reason}{scope}", key=_key(stage, "decision"))


def show_samples(samples: list[dict[str, Any]], curve: list[dict[str, Any]]) -> None:
    """Leave the loss curve as a table, and the same prompt completed along the training as Markdown."""
    create_table_artifact(table=_thinned(curve, 60), key="loss-curve", description="Loss by step, nats per token")
    parts = [f"**step {s['step']}** `{s['prompt']}`\n\n> {_quoted(s['text'])}" for s in samples]
    create_markdown_artifact("\n\n".join(parts) or "no samples", key="samples", description="One prompt, along the way")


def show_link(key: str, url: str, text: str) -> None:
    """Leave a link."""
    create_link_artifact(link=url, link_text=text, key=key)


class Progress:
    """A progress artifact of one task, made on the first report."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._id: Any = None

    def report(self, done_ratio: float, message: str) -> None:
        """Update the dashboard; a server that is away does not disturb the stage."""
        percent = round(100 * min(max(done_ratio, 0.0), 1.0), 1)
        with contextlib.suppress(Exception):
            if self._id is None:
                self._id = create_progress_artifact(percent, key=_key(self._stage, "progress"), description=message)
            else:
                update_progress_artifact(self._id, progress=percent, description=message)


def _rows(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [row for key, item in value.items() for row in _rows(item, f"{path}.{key}" if path else str(key))]
    if isinstance(value, list):
        if all(not isinstance(item, dict | list) for item in value):
            return [(path, ", ".join(map(str, value)))]
        return [row for number, item in enumerate(value, 1) for row in _rows(item, f"{path}.{number}")]
    return [(path, value)]


def _thinned(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    step = max(1, len(rows) // most)
    kept = rows[::step]
    return kept if not rows or kept[-1] is rows[-1] else [*kept, rows[-1]]


def _quoted(text: str) -> str:
    return text.replace("\n", "\n> ").replace("<", "&lt;")


def _key(*words: str) -> str:
    return "-".join(words).replace(" ", "-").lower()
