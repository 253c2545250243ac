"""A version's lineage as a tree of lines for people: from the version back to the raw files."""

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gptmodel.lineage.record import sources_in_order

Record = Mapping[str, Any]

SHORT = 12
"""Digits of a digest that a person is shown."""
_MOST_FILES = 8
_WIDTH = 120


@dataclass(frozen=True)
class Branch:
    """One line and what hangs below it.

    Attributes:
        text: The line.
        warning: Words after it that are to catch the eye.
        below: What it came from, or what belongs to it.
    """

    text: str
    warning: str = ""
    below: Sequence["Branch"] = ()


def tree_of(record: Record, most_files: int = _MOST_FILES) -> Branch:
    """Build the tree of a lineage record.

    Args:
        record: As `lineage_record` gives it.
        most_files: Raw files named for each source.
    """
    parent = Branch(f"parent: {record['parent'] or 'none; it is the first, or was never compared'}")
    parts = [_code(record), _config(record), _runs(record), _decisions(record), *_events(record)]
    return Branch(record["model"], below=[*parts, _model(record, most_files), parent])


def draw(branch: Branch, width: int = _WIDTH) -> Iterator[tuple[str, str]]:
    """Give the lines of a tree with its branches drawn, each with the warning that ends it.

    Args:
        branch: The tree.
        width: Characters of a line; longer text goes on in the next.
    """
    yield branch.text, branch.warning
    yield from _below(branch, "", width)


def _below(branch: Branch, indent: str, width: int) -> Iterator[tuple[str, str]]:
    for number, child in enumerate(branch.below, 1):
        is_last = number == len(branch.below)
        first, inner = (f"{indent}└─ ", f"{indent}   ") if is_last else (f"{indent}├─ ", f"{indent}│  ")
        rest = f"{inner}{'│' if child.below else ' '}    "
        *lines, end = textwrap.wrap(child.text, width, initial_indent=first, subsequent_indent=rest)
        yield from ((line, "") for line in lines)
        yield end, child.warning
        yield from _below(child, inner, width)


def _code(record: Record) -> Branch:
    code = record["code"]
    if code is None:
        return Branch("code: was not noted")
    libraries = ", ".join(f"{name} {version}" for name, version in code["libraries"].items())
    below = [Branch(f"lock {code['lock_digest'][:SHORT] or 'none'}"),
             Branch(f"Python {code['python']}, {libraries}; {code['machine']}"), *_other_code(record)]  # fmt: skip
    commit = code["commit"][:SHORT] or "unknown"
    warning = " with uncommitted changes" if code["is_dirty"] else ""
    unsure = "; whether files differed from it is not known" if code["commit"] and code["is_dirty"] is None else ""
    return Branch(f"code: gptmodel {code['version']}, commit {commit}{unsure}", warning, below)


def _other_code(record: Record) -> Iterator[Branch]:
    """Name the outputs that were made with other code and taken from the store."""
    by_code: defaultdict[tuple[str, bool | None], list[str]] = defaultdict(list)
    own = record["code"]["commit"], record["code"]["is_dirty"]
    for row in record["stages"]:
        if row["commit"] is not None and row["stage"] != "promote":
            by_code[row["commit"], row["is_dirty"]].append(row["stage"])
    for (commit, is_dirty), stages in by_code.items():
        if (commit, is_dirty) != own:
            words = f"made with commit {commit[:SHORT] or 'unknown'}: {', '.join(stages)}"
            yield Branch(words, " with uncommitted changes" if is_dirty else "")


def _config(record: Record) -> Branch:
    config = record["config"]
    if config is None:
        return Branch("config: gone")
    return Branch(f"config: from preset {config.get('preset') or 'none'}; whole with --json")


def _runs(record: Record) -> Branch:
    return Branch(f"runs: MLflow {record['mlflow_run_id'] or 'unknown'}, Prefect {record['flow_run_id'] or 'unknown'}")


def _decisions(record: Record) -> Branch:
    rows = [
        Branch(f"{row['gate']}: {row['reason'] if row['passed'] else no(row['reason'])}") for row in record["decisions"]
    ]
    return Branch("decisions" if rows else "decisions: none is known", below=rows)


def no(reason: str) -> str:
    """Begin a refusal with its no."""
    return reason if reason.startswith("no: ") else f"no: {reason}"


def _events(record: Record) -> Iterator[Branch]:
    if record["events"]:
        yield Branch("events", below=[Branch(_event(event)) for event in record["events"]])


def _event(event: Record) -> str:
    by = f" by {event['by']}" if event["by"] else ""
    why = f": {event['reason']}" if event["reason"] else ""
    return f"{event['time'][:16].replace('T', ' ')} {event['kind']}{by}{why}"


def _model(record: Record, most_files: int) -> Branch:
    training = record["training"]
    words = "account gone" if training is None else (
        f"{_count(training['num_parameters'])} parameters, {_count(training['num_steps'])} steps"
    )  # fmt: skip
    tokenizer = record["tokenizer"] or {}
    size = f"{_count(tokenizer.get('vocab_size'))} tokens" if tokenizer.get("vocab_size") else ""
    below = (Branch(_stage_line(record, "tokenizer", size)), _tokens(record, most_files))
    return Branch(_stage_line(record, "train", words, "model"), below=below)


def _tokens(record: Record, most_files: int) -> Branch:
    splits = {row["name"].removeprefix("tokens-"): row for row in record["datasets"] if "num_tokens" in row}
    words = "; ".join(f"{split} {_count(row['num_tokens'])} tokens of {_count(row['num_documents'])} documents"
                      for split, row in splits.items())  # fmt: skip
    return Branch(_stage_line(record, "pack", words, "token shards"), below=(_scrubbed(record, most_files),))


def _scrubbed(record: Record, most_files: int) -> Branch:
    findings = sum(record["findings"].values())
    not_searched = ", ".join(record["kinds_not_searched"])
    words = (
        f"{findings:,} findings replaced; not searched: {not_searched}" if not_searched else f"{findings:,} findings"
    )
    return Branch(_stage_line(record, "scrub", words, "clean shards"), below=(_raw(record, most_files),))


def _raw(record: Record, most_files: int) -> Branch:
    corpus = record["corpus"]
    words = "" if corpus is None else (
        f"{corpus['num_read']:,} read, {corpus['num_kept']:,} kept, {corpus['num_dropped']:,} dropped"
        f"{_reasons(corpus['dropped_by_reason'])}, {corpus['num_quarantined']:,} set aside, "
        f"{corpus['num_forgotten']:,} forgotten"
    )  # fmt: skip
    files: defaultdict[str, list[Record]] = defaultdict(list)
    for row in record["sources"]:
        files[row["source"]].append(row)
    told = {row["name"]: row for row in record["source_register"]}
    below = [_source(name, told.get(name), files[name], most_files) for name in sources_in_order(record)]
    return Branch(_stage_line(record, "ingest", words, "raw files"), below=below)


def _source(name: str, told: Record | None, files: Sequence[Record], most_files: int) -> Branch:
    rows = [Branch(_file(row)) for row in files[:most_files]]
    if len(files) > most_files:
        rows.append(Branch(f"and {len(files) - most_files:,} more; --json names them all"))
    if told is None:
        return Branch(f"{name}: what its owner said is gone", below=rows)
    says = [("licence", "licence"), ("owner", "owner"), ("purpose", "purpose"), ("personal_data", "personal data"),
            ("keep_until", "keep until")]  # fmt: skip
    words = [f"{label} {told[key] or 'not named'}" for key, label in says if key != "keep_until" or told[key]]
    counts = f"{_count(told['num_documents'])} documents of {_count(told['num_files'])} files"
    return Branch(f"{name} {(told['digest'] or '')[:SHORT]}: {counts}; {', '.join(words)}", below=rows)


def _file(row: Record) -> str:
    documents = "" if row["num_documents"] is None else f"  {_documents(row['num_documents'])}"
    return f"{row['path']}  {row['sha256'][:SHORT]}{documents}"


def _documents(number: int) -> str:
    return f"{number:,} document{'' if number == 1 else 's'}"


def _reasons(counts: Mapping[str, int]) -> str:
    words = ", ".join(f"{reason} {number:,}" for reason, number in sorted(counts.items(), key=lambda row: -row[1]))
    return f" ({words})" if words else ""


def _stage_line(record: Record, stage: str, words: str, label: str = "") -> str:
    """Name an output by its digest, with what is still there of it."""
    origin = next((row for row in record["stages"] if row["stage"] == stage), None)
    if origin is None:
        return f"{label or stage}: not known"
    told = f": {words}" if words else ""
    return f"{label or stage} {origin['digest'][:SHORT]}{told}{state_words(origin)}"


def state_words(origin: Record) -> str:
    """Say what is no longer there of an output; nothing where all is."""
    requests = ", ".join(origin["purged_for"])
    said = {
        "whole": "", "purged": f"documents taken out for {requests}", "damaged": "damaged in the store",
        "text deleted": "text deleted after scrubbing", "gone": "deleted from the store; its digest stays",
    }[origin["state"]]  # fmt: skip
    return f"  [{said}]" if said else ""


def _count(number: Any) -> str:
    return "?" if number is None else f"{number:,}"
