"""What a stage leaves on the Prefect dashboard: tables of its account, progress, links and the decision's sentence."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.schemas.actions import ArtifactCreate

from gptmodel.decision import Decision
from gptmodel.store import Output

Row = dict[str, str]


def show_account(stage: str, account: Mapping[str, Any], about: str) -> None:
    """Leave a stage's numbers as a table, and each list of records in it as a table of its own.

    Args:
        stage: Name of the stage.
        account: Its result; a decision in it is left to `show_decision`.
        about: What the stage did and why it ran, as Markdown.
    """
    rows = [{"figure": name, "value": text} for name, text in _figures(account)]
    create_table_artifact(table=rows, key=_key(stage), description=about)
    for name, records in account.items():
        if _is_records(records):
            table = [_columns(record) for record in records]
            create_table_artifact(table=table, key=_key(stage, name), description=f"{_words(name)} of {stage}")


def show_decision(
    stage: str, decision: Decision, checks: Sequence[Mapping[str, Any]] = (), pages: Mapping[str, str] | None = None
) -> None:  # fmt: skip
    """Leave a gate's answer as Markdown: its scope, the checks that failed, its numbers, and where to read on.

    Args:
        stage: Name of the stage.
        decision: The answer.
        checks: The checks behind it, as they stand in the stage's account.
        pages: Pages that show more, by name: http addresses become links; a browser follows no link from here to a file
            of this machine, so that such an address stands there to be copied.
    """
    word = "passed" if decision.passed else "no"
    parts = [f"## {stage}: {word}", decision.reason.removeprefix("passed: ")]
    parts += [f"**Scope:** {decision.scope}"] if decision.scope else []
    parts += _failed(checks)
    parts += ["\n".join(f"- {_page(name, url)}" for name, url in pages.items())] if pages else []
    if decision.numbers:
        lines = [f"| {_words(name)} | {_text(value)} |" for name, value in decision.numbers.items()]
        parts.append("\n".join(["| figure | value |", "| --- | --- |", *lines]))
    create_markdown_artifact("\n\n".join(parts), key=_key(stage, "decision"), description=f"The gate's answer: {word}")


def show_decision_of(output: Output, pages: Mapping[str, str] | None = None) -> None:
    """Leave the decision of a gate's output, with the checks that failed and the pages that show more."""
    decision = Decision.model_validate(output.result["decision"])
    show_decision(output.stage, decision, output.result.get("checks", ()), pages)


def show_samples(samples: list[dict[str, Any]], curve: list[dict[str, Any]]) -> None:
    """Leave the loss curve as a table, and the same prompt completed along the training as Markdown."""
    table = [{name: _text(value) for name, value in row.items()} for row in _thinned(curve, 60)]
    create_table_artifact(table=table, key="loss-curve", description="Loss by step, nats per token")
    parts = [f"**step {s['step']}** `{s['prompt']}`\n\n> {_quoted(s['text'])}" for s in samples]
    create_markdown_artifact("\n\n".join(parts) or "no samples", key="samples", description="One prompt, along the way")


def show_link(flow_run_id: str, key: str, url: str, text: str) -> None:
    """Leave a link with the run itself, where it stands above what the stages left."""
    made = ArtifactCreate(
        key=_key(key), type="markdown", description=text, data=f"[{text}]({url})", flow_run_id=UUID(flow_run_id)
    )
    with get_client(sync_client=True) as client:
        client.create_artifact(made)


class Progress:
    """A progress artifact of one task, made on the first report."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._id: Any = None

    @property
    def is_shown(self) -> bool:
        """Tell whether anything was reported so far."""
        return self._id is not None

    def report(self, done_ratio: float, message: str) -> None:
        """Update the dashboard; a server that is away does not disturb the stage."""
        percent = round(100 * min(max(done_ratio, 0.0), 1.0), 1)
        with contextlib.suppress(Exception):
            if self._id is None:
                self._id = create_progress_artifact(percent, key=_key(self._stage, "progress"), description=message)
            else:
                update_progress_artifact(self._id, progress=percent, description=message)


def _failed(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give a table of the checks that failed, if any did, with the documents they failed for."""
    rows = [
        f"| {check['name']} | {'warning' if check['severity'] == 'soft' else 'no'} | {check['observed']} "
        f"| {check['limit']} | {_text(check.get('document_ids', []))} |"
        for check in checks if not check["passed"]
    ]  # fmt: skip
    head = ["| check | answer | found | allowed | documents |", "| --- | --- | --- | --- | --- |"]
    return ["\n".join([*head, *rows])] if rows else []


def _page(name: str, url: str) -> str:
    return f"[{name}]({url})" if url.startswith("http") else f"{name}: `{url}`"


def _figures(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Give what is no list of records as (name, text), the names of what contains it before each."""
    if not isinstance(value, dict):
        yield path, _text(value)
        return
    for key, item in value.items():
        if not _is_records(item) and key != "decision":
            yield from _figures(item, f"{path}: {_words(key)}" if path else _words(key))


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _columns(record: Mapping[str, Any]) -> Row:
    return {_words(name): _text(value) for name, value in record.items()}


def _words(name: str) -> str:
    return str(name).removeprefix("num_").replace("_", " ")


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    if isinstance(value, dict):
        return ", ".join(f"{_words(key)} {_text(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    return str(value)


def _thinned(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    step = max(1, len(rows) // most)
    kept = rows[::step]
    return kept if not rows or kept[-1] is rows[-1] else [*kept, rows[-1]]


def _quoted(text: str) -> str:
    return text.replace("\n", "\n> ").replace("<", "&lt;")


def _key(*words: str) -> str:
    return "-".join(words).replace(" ", "-").replace("_", "-").lower()
