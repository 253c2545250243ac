"""The report of a corpus: one HTML file that says for each source what was read, what was left out, and why.

Made from the stages' accounts and their tables over ids. The only texts in it are the scrubbed samples of what the
rules dropped; of sources with personal data it shows neither these nor the names of files. `flows` writes it with the
quality gate's answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptmodel.corpus.account import DocumentAccount, read_accounts
from gptmodel.corpus.cleaning import DropSample, read_drop_samples
from gptmodel.corpus.dedup.cluster_table import Cluster, largest_clusters
from gptmodel.corpus.distribution import Distribution
from gptmodel.corpus.funnel import Funnel, Line, SourceFunnel, build_funnel
from gptmodel.corpus_pictures import languages_svg, lengths_by_language_svg, lengths_svg
from gptmodel.page import Account, Bar, Row, bars, gate_box, name_text, number_text, row_of, write_page

MOST_CLUSTERS = 20
MOST_SAMPLES = 2
"""Samples shown of what each rule dropped, a source."""

_SOURCE_COLUMNS = ("name", "num_files", "num_documents", "num_quarantined", "num_bytes", "licence", "personal_data")
_OWNER_COLUMNS = ("owner", "purpose", "keep_until")
_SOURCE_HEAD = ("source", "files", "texts", "set aside", "bytes", "licence", "personal data", "owner", "purpose",
                "keep until", "not read", "digest")  # fmt: skip
_CHECK_COLUMNS = ("name", "severity", "passed", "observed", "limit")
_CLEAN, _SCRUB, _DEDUP = "clean", "scrub", "deduplicate"
_LOSSES = {
    "forgotten": "left out by an erasure request",
    "exact": "exact duplicate",
    "near": "near duplicate",
    "boilerplate": "little but repeated lines",
    "contaminated": "shares text with an evaluation text",
}


@dataclass(frozen=True)
class _Tables:
    """What the report takes from the tables over ids."""

    distribution: Distribution
    clusters: Sequence[Cluster]
    kept: Mapping[str, DocumentAccount]


def write_corpus_report(
    path: Path,
    *,
    accounts: Mapping[str, Account],
    folders: Mapping[str, Path],
    stages: Mapping[str, Account],
) -> None:
    """Write the report of a corpus; the same corpus gives the same bytes.

    Args:
        path: The HTML file; its folder is made. It is readable by its owner only.
        accounts: Stage name -> the stage's result as JSON values, for ingest, clean, scrub, deduplicate and split, and
            for the quality gate if it answered.
        folders: Folder of each of these stages' outputs, the gate's aside.
        stages: Stage name -> `fingerprint` and `digest`, as the report names them.
    """
    funnel, private = build_funnel(accounts), private_sources(accounts)
    samples = [sample for sample in read_drop_samples(folders[_CLEAN], MOST_SAMPLES) if sample.source not in private]
    tables = _read_tables(folders)
    write_page(
        path, "corpus", title="The corpus", gates=_gates(accounts), figures=_figures(funnel, accounts),
        imbalances=funnel.imbalances(), num_planted=funnel.num_planted, private=sorted(private),
        funnel=funnel_bars(funnel), losses=funnel_losses(funnel.total),
        overview=[_overview(source) for source in (*funnel.sources, *_total(funnel))],
        ways=[(source, [_way(line) for line in source.lines()]) for source in funnel.sources],
        warnings=accounts[_CLEAN]["warnings"], samples=_by_rule(samples),
        clusters=[_cluster_row(cluster, tables.kept, private) for cluster in tables.clusters],
        num_clusters=accounts[_DEDUP]["num_clusters"],
        pictures=_pictures(tables.distribution), encodings=bars(accounts["ingest"]["encodings"]),
        sources=source_table(accounts["ingest"]["sources"]),
        checks=[row_of(check, _CHECK_COLUMNS) for check in accounts.get("quality gate", {}).get("checks", ())],
        stages=[(name, str(row["fingerprint"]), str(row["digest"])) for name, row in stages.items()],
    )  # fmt: skip


def private_sources(accounts: Mapping[str, Account]) -> frozenset[str]:
    """Name the sources of which no text may be shown, because their owner says that they hold personal data."""
    return frozenset(row["name"] for row in accounts["ingest"]["sources"] if row["personal_data"] == "yes")


def funnel_bars(funnel: Funnel) -> list[Bar]:
    """Give what was left after each stage: (label, count, share of the largest)."""
    if not funnel.sources:
        return []
    total = funnel.total
    kept = {step.stage: step.kept.num_documents for step in total.steps}
    counts = {"files and records read": total.num_read, "of these with readable text": total.num_texts}
    if total.num_forgotten:
        counts["of these left out by an erasure request"] = total.num_forgotten
    counts["documents, long texts divided"] = total.documents.num_documents
    for label, stage in (
        ("kept by the rules of cleaning", _CLEAN), ("kept by scrubbing", _SCRUB), ("kept after duplicates", _DEDUP)
    ):  # fmt: skip
        if stage in kept and (stage != _SCRUB or total.lost_by(_SCRUB)):
            counts[label] = kept[stage]
    counts |= {f"{split} split": count.num_documents for split, count in total.splits.items()}
    most = max(counts.values()) or 1
    return [(label, number_text(count), count / most) for label, count in counts.items()]


def funnel_losses(source: SourceFunnel) -> list[Row]:
    """Give what was lost: (stage, reason, documents, bytes), the most documents first."""
    lost = [line for line in source.lines() if line.kind == "lost"]
    ordered = sorted(lost, key=lambda line: (line.num_documents, line.stage, line.what))
    return [(line.stage, _loss(line.what), number_text(-line.num_documents), _bytes(line)) for line in ordered]


def _loss(what: str) -> str:
    return _LOSSES.get(what, name_text(what))


def _bytes(line: Line) -> str:
    return "" if line.num_bytes is None else number_text(abs(line.num_bytes))


def _read_tables(folders: Mapping[str, Path]) -> _Tables:
    clusters = largest_clusters(folders[_DEDUP], MOST_CLUSTERS)
    wanted = {cluster.id for cluster in clusters}
    distribution = Distribution()
    kept: dict[str, DocumentAccount] = {}
    for account in read_accounts(folders):
        distribution.add(account)
        if account.id in wanted:
            kept[account.id] = account
    return _Tables(distribution, clusters, kept)


def _gates(accounts: Mapping[str, Account]) -> list[Account]:
    decision = accounts.get("quality gate", {}).get("decision")
    return [gate_box(decision, "Quality gate passed", "Quality gate: no")] if decision else []


def _figures(funnel: Funnel, accounts: Mapping[str, Account]) -> list[Row]:
    total = funnel.total
    num_duplicates = sum(count.num_documents for count in total.lost_by(_DEDUP).values())
    return [
        ("sources", number_text(len(funnel.sources)), ""),
        ("read", number_text(total.num_read), "files and records"),
        ("documents", number_text(total.documents.num_documents), "long texts divided"),
        ("dropped", number_text(total.dropped.num_documents), f"{num_duplicates:,} of them as duplicates"),
        ("kept", number_text(total.kept.num_documents), f"{_size(total.kept.num_bytes)} of text"),
        ("findings", number_text(accounts["scrub"]["num_findings"]), "of sensitive data"),
    ]


def _size(num_bytes: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}"
    return f"{num_bytes} bytes"


def _total(funnel: Funnel) -> list[SourceFunnel]:
    return [funnel.total] if len(funnel.sources) > 1 else []


def _overview(source: SourceFunnel) -> Row:
    """Give one line of the table of sources."""
    dropped = {step.stage: step.dropped.num_documents for step in source.steps}
    share = source.kept.num_documents / source.documents.num_documents if source.documents.num_documents else 0.0
    counts = (
        source.num_read, source.num_quarantined + source.num_forgotten, source.documents.num_documents,
        dropped.get(_CLEAN, 0) + dropped.get(_SCRUB, 0), dropped.get(_DEDUP, 0),
        source.kept.num_documents,
    )  # fmt: skip
    splits = [number_text(count.num_documents) for count in source.splits.values()]
    kept = f"{100 * share:.1f} %" if source.documents.num_documents else ""
    return (source.name, *map(number_text, counts), kept, _size(source.kept.num_bytes), *splits)


def _way(line: Line) -> dict[str, Any]:
    sign = "+" if line.kind in ("added", "changed") else ""
    size = "" if line.num_bytes is None else f"{line.num_bytes:{sign},}"
    count = "" if line.kind == "changed" else f"{line.num_documents:{'+' if line.kind == 'added' else ''},}"
    return {"kind": line.kind, "cells": (line.stage, _loss(line.what), _minus(count), _minus(size))}


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def _by_rule(samples: Sequence[DropSample]) -> list[tuple[str, list[DropSample]]]:
    """Put the samples together by rule, whatever their source."""
    rules = sorted({sample.reason for sample in samples})
    return [(name_text(rule), [sample for sample in samples if sample.reason == rule]) for rule in rules]


def _cluster_row(cluster: Cluster, kept: Mapping[str, DocumentAccount], private: frozenset[str]) -> Row:
    account = kept.get(cluster.id)
    hidden = account is None or account.source in private
    path = "not shown" if hidden or account is None else account.path
    sources = ", ".join(f"{name} {count:,}" for name, count in cluster.sources.items())
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in cluster.reasons.items())
    return (number_text(cluster.num_documents), path, cluster.id, sources, reasons,
            _size(cluster.num_bytes_dropped))  # fmt: skip


def _pictures(distribution: Distribution) -> list[tuple[str, str, str]]:
    """Give the pictures there are: (heading, drawing, how to read it)."""
    drawn = (
        ("Languages", languages_svg(distribution), "Documents that are in, by language and split."),
        ("Lengths by split", lengths_svg(distribution), "The three splits should look alike; a small one is ragged."),
        ("Lengths by language", lengths_by_language_svg(distribution),
         "Darker where more of a language's documents lie; the mark is the median."),
    )  # fmt: skip
    return [picture for picture in drawn if picture[1]]


def source_table(rows: Sequence[Account]) -> tuple[list[str], list[Row]]:
    """Give head and rows of the table of sources, without the columns that are empty for all of them."""
    table = [_source(row) for row in rows]
    filled = [place for place, _ in enumerate(_SOURCE_HEAD) if any(row[place] for row in table)]
    return [_SOURCE_HEAD[place] for place in filled], [tuple(row[place] for place in filled) for row in table]


def _source(row: Account) -> Row:
    skipped = ", ".join(f"{count:,} {name_text(reason)}" for reason, count in row.get("skipped", {}).items())
    owned = (str(row.get(name) or "") for name in _OWNER_COLUMNS)
    return (*row_of(row, _SOURCE_COLUMNS), *owned, row.get("left_out") or skipped, row.get("digest", ""))
