"""What a stage leaves on the Prefect dashboard: tables of its account, progress, links and the decision's sentence."""

import base64
import contextlib
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect import get_client
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.schemas.actions import ArtifactCreate

from flows.pace import Pace
from gptmodel.corpus.funnel import Funnel, SourceFunnel
from gptmodel.decision import Decision
from gptmodel.store import Output

if TYPE_CHECKING:
    from gptmodel.corpus.cleaning import DropSample
    from gptmodel.corpus.dedup.cluster_table import Cluster

Row = dict[str, str]

# The stages that leave documents out, and the heads of the funnel's columns for them.
_LOSING = {"clean": "dropped by rules", "deduplicate": "duplicates"}
_TEXT_WIDTH = 110
_LONG = 15
"""More counts than these under one name are a table of their own."""


def show_account(stage: str, account: Mapping[str, Any], about: str) -> None:
    """Leave a stage's numbers as a table, and each list of records or long list of counts as a table of its own.

    Args:
        stage: Name of the stage.
        account: Its result; a decision in it is left to `show_decision`.
        about: What the stage did and why it ran, as Markdown.
    """
    rows = [{"figure": name, "value": text} for name, text in _figures(account)]
    create_table_artifact(table=rows, key=_key(stage), description=about)
    for name, value in account.items():
        if table := _table(value):
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


def show_funnel(funnel: Funnel) -> None:
    """Leave what each source gave and lost as a table, and whether it adds up."""
    imbalances = funnel.imbalances()
    about = "Files and records read, and what became of the documents in them, by source. "
    about += f"It does not add up: {'; '.join(imbalances)}" if imbalances else "It adds up."
    total = [funnel.total] if len(funnel.sources) > 1 else []
    table = [_funnel_row(source) for source in (*funnel.sources, *total)]
    create_table_artifact(table=table, key="funnel", description=about)


def show_drop_samples(samples: "Sequence[DropSample]", warnings: Sequence[str]) -> None:
    """Leave what cleaning warns of, and a scrubbed example of what each rule dropped, as Markdown."""
    parts = [f"**Look here**\n\n{_verbatim(warning)}" for warning in warnings]
    parts += [f"**{one.reason}** ({one.source}, `{one.id}`)\n\n{_verbatim(one.text)}" for one in samples]
    text = "\n\n".join(parts) or "No sample was kept."
    create_markdown_artifact(text, key="clean-dropped-samples", description="What the rules dropped, a sample each")


def show_clusters(clusters: "Sequence[Cluster]", num_clusters: int) -> None:
    """Leave the largest clusters of duplicates as a table."""
    table = [
        {"documents": _text(cluster.num_documents), "kept": cluster.id, "from": cluster.source,
         "sources": _text(cluster.sources), "left out": _text(cluster.reasons)}
        for cluster in clusters
    ]  # fmt: skip
    about = f"The largest of {num_clusters:,} clusters of duplicates; of each, one document is kept"
    create_table_artifact(table=table, key="deduplicate-clusters", description=about)


def show_samples(samples: list[dict[str, Any]], curve: list[dict[str, Any]]) -> None:
    """Leave the loss curve as a table, and its picture over the prompt completed at its marks as Markdown."""
    table = [{name: _text(value) for name, value in row.items()} for row in _thinned(curve, 60)]
    create_table_artifact(table=table, key="loss-curve", description="Loss by step, nats per token")
    parts = _picture(samples, curve) + [
        f"**{pin}. step {sample['step']}**\n\n{_verbatim(sample['prompt'] + sample['text'])}"
        for pin, sample in enumerate(samples, start=1)
    ]
    create_markdown_artifact("\n\n".join(parts) or "no samples", key="samples", description="One prompt, along the way")


def _picture(samples: list[dict[str, Any]], curve: list[dict[str, Any]]) -> list[str]:
    """Give the loss curve as Markdown that holds the picture itself, so that the page asks no other server for it."""
    from gptmodel.training_pictures import loss_curve_png

    drawn = base64.b64encode(loss_curve_png(curve, samples, with_texts=False)).decode()
    return [f"![Loss by step; the marks are the samples](data:image/png;base64,{drawn})"] if drawn else []


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
        self._pace = Pace()

    @property
    def is_shown(self) -> bool:
        """Tell whether anything was reported so far."""
        return self._id is not None

    def report(self, done_ratio: float, message: str) -> None:
        """Update the dashboard; a server that is away does not disturb the stage."""
        percent = round(100 * min(max(done_ratio, 0.0), 1.0), 1)
        message = self._pace.added_to(message, done_ratio, ", ")
        with contextlib.suppress(Exception):
            if self._id is None:
                self._id = create_progress_artifact(percent, key=_key(self._stage, "progress"), description=message)
            else:
                update_progress_artifact(self._id, progress=percent, description=message)


def _funnel_row(source: SourceFunnel) -> Row:
    aside = source.num_quarantined + source.num_forgotten
    row = {"source": source.name, "read": _text(source.num_read), "set aside": _text(aside),
           "documents": _text(source.documents.num_documents)}  # fmt: skip
    for step in source.steps:
        if step.stage in _LOSING:
            reasons = {reason: count.num_documents for reason, count in step.lost.items()}
            row[_LOSING[step.stage]] = _text(reasons)
    row |= {"kept": _text(source.kept.num_documents), "text": f"{source.kept.num_bytes / 1e6:,.1f} MB"}
    return row | {split: _text(count.num_documents) for split, count in source.splits.items()}


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
    """Give what is no table of its own as (name, text), the names of what contains it before each."""
    if not isinstance(value, dict):
        yield path, _text(value)
        return
    for key, item in value.items():
        if not _table(item) and key != "decision":
            yield from _figures(item, f"{path}: {_words(key)}" if path else _words(key))


def _table(value: Any) -> list[Row]:
    """Give a list of records, a record for each name, or a long list of counts as rows; nothing for all else."""
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return [_columns(record) for record in value]
    if isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
        return [{"name": name} | _columns(record) for name, record in value.items()]
    if isinstance(value, dict) and len(value) > _LONG and all(isinstance(item, int) for item in value.values()):
        ordered = sorted(value.items(), key=lambda item: (-item[1], item[0]))
        return [{"name": _words(name), "count": _text(count)} for name, count in ordered]
    return []


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


def _verbatim(text: str) -> str:
    """Give a text as a code block: as Markdown it could make the page load a picture from anywhere."""
    rows = [row for line in text.splitlines() for row in textwrap.wrap(line, _TEXT_WIDTH) or [""]]
    return "\n".join(f"    {row}" for row in rows)


def _key(*words: str) -> str:
    return "-".join(words).replace(" ", "-").replace("_", "-").lower()
