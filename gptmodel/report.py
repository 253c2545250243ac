"""The report of a version: one HTML file that opens anywhere, with no network and no script.

It shows what the stages' accounts say and computes nothing of its own. Of the texts it holds only the training
samples; findings appear as counts by kind. `flows` writes it when a version is registered.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gptmodel.corpus.funnel import build_funnel
from gptmodel.corpus.scrubbing.coverage import marked
from gptmodel.corpus.scrubbing.replacing.account import tell_replacing
from gptmodel.corpus_report import funnel_bars, funnel_losses, source_table
from gptmodel.leak_pictures import leak_test_parts
from gptmodel.page import (
    Account,
    Bar,
    Row,
    bars,
    gate_box,
    name_text,
    number_text,
    row_of,
    setting_text,
    write_page,
)
from gptmodel.training_pictures import loss_curve_svg

# Stage, and what a yes and a no are called.
_GATES = (
    ("promote", "Promoted", "Not promoted"),
    ("privacy audit", "Leak test passed", "Leak test: no"),
    ("quality gate", "Quality gate passed", "Quality gate: no"),
)
_EMPTY_MEANS_ALL = ("scrubbing.kinds", "cleaning.languages")
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
    drawing = loss_curve_svg(curve, [int(sample["step"]) for sample in samples])
    write_page(path, "report", title=title, drawing=drawing, samples=samples, **_sections(facts, accounts))


def _sections(facts: Mapping[str, Any], accounts: Mapping[str, Account]) -> dict[str, Any]:
    scrub, evaluation = accounts.get("scrub", {}), accounts.get("evaluate", {})
    funnel = build_funnel(accounts)
    return {
        "gates": _gates(accounts),
        "figures": _figures(accounts),
        "funnel": funnel_bars(funnel),
        "losses": funnel_losses(funnel.total),
        "findings": bars(scrub.get("findings", {})),
        "replacing": tell_replacing(scrub),
        "not_searched": marked(
            scrub.get("kinds_not_searched", ()), scrub.get("kinds_accepted", ()), scrub.get("findings", ())
        ),
        "searched_in_part": list(scrub.get("limits", ())),
        "scrub_scope": scrub.get("scope", ""),
        "shapes": [(row["kind"], row["shape"], number_text(row["num"])) for row in scrub.get("shapes", ())],
        "self_test": [self_test_row(row) for row in scrub.get("self_test", ())],
        "untested": list(scrub.get("untested_kinds", ())),
        "baselines": _baselines(evaluation),
        "scores": _scores(evaluation),
        "slices": _slices(evaluation),
        **leak_test_parts(accounts.get("privacy audit", {})),
        "checks": [row_of(check, _CHECK_COLUMNS) for check in accounts.get("quality gate", {}).get("checks", ())],
        "stages": _stages(facts.get("stages", {})),
        "sources": source_table(accounts.get("ingest", {}).get("sources", ())),
        "facts": [(name, str(value)) for name, value in facts.items() if name not in ("stages", "config")],
        "config": _config(facts.get("config", {})),
    }


def _gates(accounts: Mapping[str, Account]) -> list[Account]:
    decisions = [(stage, accounts.get(stage, {}).get("decision"), yes, no) for stage, yes, no in _GATES]
    exposure = accounts.get("privacy audit", {}).get("exposure", {})
    return [
        gate_box(decision, yes, no, is_weak=stage == "privacy audit" and not exposure.get("can_see", True))
        for stage, decision, yes, no in decisions
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
        ("findings", "scrub", "num_findings", "of sensitive data, before training"),
    )
    return [
        (label, number_text(accounts[stage][key]), note)
        for label, stage, key, note in wanted
        if accounts.get(stage, {}).get(key) is not None
    ]


def self_test_row(row: Account) -> Row:
    """Give what the scrubber's test of itself gave for a kind: kind, found, recall with its bound, look-alikes."""
    if row["recall"] is None:
        return (row["kind"], "not tried", "", "", "")
    found = f"{row['num_found']} of {row['num_values']}"
    touched = f"{row['num_decoys_touched']} of {row['num_decoys']}"
    return (row["kind"], found, _percent(row["recall"]), _percent(row["lower_bound"]), touched)


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _baselines(evaluation: Account) -> list[Bar]:
    """Give bits per byte of the model and beside it (label, value, share of the largest), the best first."""
    if "bits_per_byte" not in evaluation:
        return []
    values = {"this model": float(evaluation["bits_per_byte"]), **evaluation.get("baselines", {})}
    most = max(values.values()) or 1.0
    ordered = sorted(values.items(), key=lambda item: item[1])
    return [(name_text(label), number_text(value), value / most) for label, value in ordered]


def _scores(evaluation: Account) -> list[Row]:
    wanted = (
        ("loss (nats per token)", "loss"), ("perplexity", "perplexity"), ("bits per byte", "bits_per_byte"),
        ("BLEU (0 to 100)", "bleu"), ("BLEU against other prompts", "shuffled_bleu"),
        ("chrF (0 to 100)", "chrf"), ("chrF against other prompts", "shuffled_chrf"),
        ("ROUGE-L (0 to 1)", "rouge_l"), ("ROUGE-L against other prompts", "shuffled_rouge_l"),
        ("distinct pairs of tokens", "distinct_2"), ("repetition ratio", "repetition_ratio"),
    )  # fmt: skip
    return [(label, number_text(evaluation[key])) for label, key in wanted if evaluation.get(key) is not None]


def _slices(evaluation: Account) -> list[Row]:
    rows = [("source", name, row) for name, row in evaluation.get("by_source", {}).items()]
    rows += [("language", name, row) for name, row in evaluation.get("by_language", {}).items()]
    return [(what, name, *row_of(row, _SLICE_COLUMNS)) for what, name, row in rows]


def _stages(stages: Mapping[str, Account]) -> list[Row]:
    return [(name, str(row.get("fingerprint", "")), str(row.get("digest", ""))) for name, row in stages.items()]


def _config(config: Mapping[str, Any]) -> list[tuple[str, list[Row]]]:
    """Give the settings by section; what stands outside the sections comes first."""
    plain: list[Row] = [(name, setting_text(value)) for name, value in config.items() if not isinstance(value, Mapping)]
    sections = [(name, _settings(value, name)) for name, value in config.items() if isinstance(value, Mapping)]
    return ([("run", plain)] if plain else []) + sections


def _settings(section: Mapping[str, Any], place: str, prefix: str = "") -> list[Row]:
    rows: list[Row] = []
    for name, value in section.items():
        if isinstance(value, Mapping):
            rows += _settings(value, place, f"{prefix}{name}.")
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            for number, item in enumerate(value, start=1):
                rows += _settings(item, place, f"{prefix}{name}.{number}.")
        else:
            is_all = f"{place}.{prefix}{name}" in _EMPTY_MEANS_ALL and not value
            rows.append((f"{prefix}{name}", "all" if is_all else setting_text(value)))
    return rows
