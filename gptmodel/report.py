"""The report of a version: one HTML file that opens anywhere, with no network and no script.

It shows what the stages' accounts say and computes nothing of its own. Of the texts it holds only the training
samples; findings appear as counts by kind. `flows` writes it when a version is registered.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptmodel.store import write_synced

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Account = Mapping[str, Any]
Row = tuple[str, ...]

# Colours of the curve while it is drawn; the page's style decides, or else what stands after the comma.
_INK, _TRAIN, _VALIDATION = "#010203", "#040506", "#070809"
_STYLED = {
    _INK: "var(--muted, #68707c)",
    _TRAIN: "var(--accent, #2563c9)",
    _VALIDATION: "var(--second, #c2570c)",
}
# Stage, and what a yes and a no are called.
_GATES = (
    ("promote", "Promoted", "Not promoted"),
    ("privacy audit", "Leak test passed", "Leak test: no"),
    ("quality gate", "Quality gate passed", "Quality gate: no"),
)
_SOURCE_COLUMNS = ("name", "num_files", "num_documents", "num_quarantined", "num_bytes", "licence", "personal_data")
_CHECK_COLUMNS = ("name", "passed", "observed", "limit")
_SLICE_COLUMNS = ("bits_per_byte", "loss", "num_documents", "num_bytes")


def write_report(
    path: Path,
    *,
    title: str,
    facts: Mapping[str, Any],
    accounts: Mapping[str, Account],
    curve: Sequence[Account],
    samples: Sequence[Account],
) -> None:
    """Write the report of a version; what did not happen is left out.

    Args:
        path: The HTML file; its folder is made. It is readable by its owner only.
        title: Heading, such as `gpt version 3`.
        facts: Texts and links by label; besides them `stages` (stage name -> `fingerprint`, `digest`) and `config`
            (section -> settings).
        accounts: Stage name -> the stage's result as JSON values.
        curve: Points of the loss curve: `step`, `train_loss`, and at some of them `validation_loss` (nats per token).
        samples: The prompt completed during training: `step`, `prompt`, `text`.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gptmodel", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    drawing = loss_curve_svg(curve, [int(sample["step"]) for sample in samples])
    page = environment.get_template("report.html.j2").render(
        title=title, drawing=drawing, samples=samples, **_sections(facts, accounts)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_synced(path, page)


def loss_curve_svg(curve: Sequence[Account], pins: Sequence[int] = ()) -> str:
    """Draw the loss curve as an `<svg>` element whose colours follow the page; empty if there is no point.

    The same curve gives the same bytes.

    Args:
        curve: Points as in `write_report`.
        pins: Steps that are marked, as 1, 2, ...
    """
    import matplotlib as mpl

    if not curve:
        return ""
    target = io.StringIO()
    # Text stays text, and ids follow from the content, not from the clock.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "gptmodel", "font.family": "sans-serif"}):
        _draw(curve, pins).savefig(target, format="svg", transparent=True, metadata={"Date": None})
    text = target.getvalue()
    text = text[text.index("<svg") :]
    for colour, styled in _STYLED.items():
        text = text.replace(colour, styled)
    return text


def _draw(curve: Sequence[Account], pins: Sequence[int]) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 2.9), layout="constrained")
    axes = figure.subplots()
    for key, label, colour, mark in (
        ("train_loss", "training", _TRAIN, None), ("validation_loss", "validation", _VALIDATION, "o"),
    ):  # fmt: skip
        points = [(row["step"], row[key]) for row in curve if row.get(key) is not None]
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, marker=mark, ms=4, lw=1.6, label=label)
    for number, step in enumerate(pins, start=1):
        axes.axvline(step, color=_INK, lw=0.8, ls=":")
        axes.annotate(str(number), (step, 1.0), (0, 3), color=_INK, ha="center", fontsize=9,
                      xycoords=("data", "axes fraction"), textcoords="offset points")  # fmt: skip
    axes.set_xlabel("step", color=_INK)
    axes.set_ylabel("loss, nats per token", color=_INK)
    axes.tick_params(colors=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_INK)
    if axes.lines:
        axes.legend(frameon=False, labelcolor=_INK)
    return figure


def _sections(facts: Mapping[str, Any], accounts: Mapping[str, Account]) -> dict[str, Any]:
    scrub, evaluation = accounts.get("scrub", {}), accounts.get("evaluate", {})
    return {
        "gates": _gates(accounts),
        "figures": _figures(accounts),
        "funnel": _funnel(accounts),
        "reasons": _reasons(accounts),
        "findings": _bars(scrub.get("findings", {})),
        "not_searched": list(scrub.get("kinds_not_searched", ())),
        "scrub_scope": scrub.get("scope", ""),
        "baselines": _baselines(evaluation),
        "scores": _scores(evaluation),
        "slices": _slices(evaluation),
        "leak_test": _leak_test(accounts.get("privacy audit", {})),
        "checks": [_row(check, _CHECK_COLUMNS) for check in accounts.get("quality gate", {}).get("checks", ())],
        "stages": _stages(facts.get("stages", {})),
        "sources": [(*_row(row, _SOURCE_COLUMNS), row.get("digest", "")) for row in _sources(accounts)],
        "facts": [(name, str(value)) for name, value in facts.items() if name not in ("stages", "config")],
        "config": _config(facts.get("config", {})),
    }


def _gates(accounts: Mapping[str, Account]) -> list[dict[str, Any]]:
    decisions = [(accounts.get(stage, {}).get("decision"), yes, no) for stage, yes, no in _GATES]
    return [
        {**decision, "label": yes if decision["passed"] else no, "reason": decision["reason"].removeprefix("passed: ")}
        for decision, yes, no in decisions
        if decision
    ]


def _figures(accounts: Mapping[str, Account]) -> list[Row]:
    """Give the six numbers that a version is known by: (label, value, note)."""
    wanted = (
        ("bits per byte", "evaluate", "bits_per_byte", "test split, lower is better"),
        ("perplexity", "evaluate", "perplexity", "test split, per token"),
        ("parameters", "train", "num_parameters", ""),
        ("training tokens", "train", "num_tokens", "repeats counted"),
        ("documents", "split", "num_train", "in the train split"),
        ("findings replaced", "scrub", "num_findings", "before training"),
    )
    return [
        (label, _number(accounts[stage][key]), note)
        for label, stage, key, note in wanted
        if accounts.get(stage, {}).get(key) is not None
    ]


def _funnel(accounts: Mapping[str, Account]) -> list[tuple[str, str, float]]:
    """Give what was left after each step: (label, count, share of the first)."""
    wanted = (
        ("records read", "ingest", "num_read"), ("texts readable", "ingest", "num_documents"),
        ("documents, long texts divided", "clean", "num_read"), ("kept by cleaning", "clean", "num_kept"),
        ("kept after duplicates", "deduplicate", "num_kept"), ("train split", "split", "num_train"),
        ("validation split", "split", "num_validation"), ("test split", "split", "num_test"),
    )  # fmt: skip
    counts = [(label, int(accounts[stage][key])) for label, stage, key in wanted if key in accounts.get(stage, {})]
    most = max((count for _, count in counts), default=0) or 1
    return [(label, _number(count), count / most) for label, count in counts]


def _reasons(accounts: Mapping[str, Account]) -> list[Row]:
    """Give what was left out: (where, reason, count), the most frequent first."""
    counted = [("cleaning", reason, count) for reason, count in _items(accounts, "clean", "dropped_by_reason")]
    counted += [("quarantine", reason, count) for reason, count in _items(accounts, "ingest", "quarantined_by_reason")]
    duplicates = accounts.get("deduplicate", {})
    counted += [
        ("duplicates", label, duplicates[key])
        for label, key in (("exact", "num_exact"), ("near", "num_near"))
        if key in duplicates
    ]
    ordered = sorted((row for row in counted if row[2]), key=lambda row: (-row[2], row[:2]))
    return [(where, _words(reason), _number(count)) for where, reason, count in ordered]


def _bars(counts: Mapping[str, int]) -> list[tuple[str, str, float]]:
    most = max(counts.values(), default=0) or 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(kind, _number(count), count / most) for kind, count in ordered]


def _baselines(evaluation: Account) -> list[tuple[str, str, float]]:
    """Give bits per byte of the model and beside it (label, value, share of the largest), the best first."""
    if "bits_per_byte" not in evaluation:
        return []
    values = {"this model": float(evaluation["bits_per_byte"]), **evaluation.get("baselines", {})}
    most = max(values.values()) or 1.0
    ordered = sorted(values.items(), key=lambda item: item[1])
    return [(_words(label), _number(value), value / most) for label, value in ordered]


def _scores(evaluation: Account) -> list[Row]:
    wanted = (
        ("loss (nats per token)", "loss"), ("perplexity", "perplexity"), ("bits per byte", "bits_per_byte"),
        ("BLEU (0 to 100)", "bleu"), ("BLEU against other prompts", "shuffled_bleu"),
        ("chrF (0 to 100)", "chrf"), ("chrF against other prompts", "shuffled_chrf"),
        ("ROUGE-L (0 to 1)", "rouge_l"), ("ROUGE-L against other prompts", "shuffled_rouge_l"),
        ("distinct pairs of tokens", "distinct_2"), ("repetition ratio", "repetition_ratio"),
    )  # fmt: skip
    return [(label, _number(evaluation[key])) for label, key in wanted if evaluation.get(key) is not None]


def _slices(evaluation: Account) -> list[Row]:
    rows = [("source", name, row) for name, row in evaluation.get("by_source", {}).items()]
    rows += [("language", name, row) for name, row in evaluation.get("by_language", {}).items()]
    return [(what, name, *_row(row, _SLICE_COLUMNS)) for what, name, row in rows]


def _leak_test(audit: Account) -> list[Row]:
    """Give the leak test's numbers: (what, value)."""
    exposure = audit.get("exposure", {})
    wanted = (
        ("planted test phrases that scrubbing had to remove", exposure, "num_catchable"),
        ("of those, still in the training text", exposure, "num_reached_training"),
        ("phrases never planted that each was ranked among", exposure, "num_references"),
        ("chance of such ranks if the model knew none", exposure, "p_value"),
        ("test phrases left in clear on purpose", exposure, "num_in_clear"),
        ("of those, recognised (the test can see)", exposure, "num_recognised"),
        ("training prefixes tried", audit, "num_prefixes"),
        ("of those, continued verbatim", audit, "num_copies"),
        ("sampled texts scanned", audit, "num_samples"),
        ("values in them that the training text holds", audit, "num_leaks"),
        ("values in them that the model made up", audit, "num_invented"),
    )
    return [(label, _number(account[key])) for label, account, key in wanted if account.get(key) is not None]


def _stages(stages: Mapping[str, Account]) -> list[Row]:
    return [(name, str(row.get("fingerprint", "")), str(row.get("digest", ""))) for name, row in stages.items()]


def _sources(accounts: Mapping[str, Account]) -> Sequence[Account]:
    return accounts.get("ingest", {}).get("sources", ())


def _config(config: Mapping[str, Any]) -> list[tuple[str, list[Row]]]:
    """Give the settings by section; what stands outside the sections comes first."""
    plain: list[Row] = [(name, _text(value)) for name, value in config.items() if not isinstance(value, Mapping)]
    sections = [(name, _settings(value)) for name, value in config.items() if isinstance(value, Mapping)]
    return ([("run", plain)] if plain else []) + sections


def _settings(section: Mapping[str, Any], prefix: str = "") -> list[Row]:
    rows: list[Row] = []
    for name, value in section.items():
        if isinstance(value, Mapping):
            rows += _settings(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            for place, item in enumerate(value, start=1):
                rows += _settings(item, f"{prefix}{name}.{place}.")
        else:
            rows.append((f"{prefix}{name}", _text(value)))
    return rows


def _items(accounts: Mapping[str, Account], stage: str, key: str) -> list[tuple[str, int]]:
    return list(accounts.get(stage, {}).get(key, {}).items())


def _row(record: Account, columns: Sequence[str]) -> Row:
    return tuple(_number(record.get(column)) for column in columns)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    return _number(value) if isinstance(value, bool) or value is None else str(value)


def _number(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) and abs(value) < 10_000 else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
