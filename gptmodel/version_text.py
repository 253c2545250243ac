"""A registered version's description for people, as Markdown.

`describe_version` is called once, when a version is registered; MLflow shows the text on the version's page. Its first
line is the decision, which promotion rewrites (`registry.with_decision`); a person's check may come in later.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from gptmodel.corpus.scrubbing.coverage import marked
from gptmodel.decision import Decision
from gptmodel.provenance import Provenance
from gptmodel.registry import DECISION_LINE, decision_sentence

_FIGURES = ("bits per byte", "perplexity", "loss", "parameters", "training tokens", "documents")
# MLflow draws tables without any space between their columns.
_GAP = "&emsp;"
_REVIEWED = "**Checked by a person**"
_SOURCES = ("source", "documents", "sha256", "licence", "personal data")
_OWNED = ("owner", "purpose", "keep until")  # columns that are there if a source says something of them


class SourceLine(BaseModel):
    """One row of the source table."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Name of the source."""
    num_documents: int
    """Documents read from it."""
    digest: str
    """sha256 over its files."""
    licence: str
    """Licence of the text."""
    personal_data: str
    """What its owner says: yes, no or unknown."""
    owner: str = ""
    """Who answers for it; empty if nobody was named."""
    purpose: str = ""
    """What it may be used for; empty if that was not said."""
    keep_until: date | None = None
    """Last day it may be used; None without such a day."""


class VersionLinks(BaseModel):
    """Pages that a version's description leads to; empty where there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    flow_run: str = ""
    """The Prefect run."""
    mlflow_run: str = ""
    """The pipeline's MLflow run, with the data sets."""
    training: str = ""
    """The MLflow run of the training, with the loss curve."""
    config: str = ""
    """The resolved config among the run's artifacts."""
    report: str = ""
    """The HTML report."""
    parent: str = ""
    """The version that was champion when this one was registered."""


class VersionAccount(BaseModel):
    """What a version's description tells."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    privacy: Decision
    """The leak test's answer."""
    bits_per_byte: float
    """On the test split."""
    perplexity: float
    """On the test split, per token."""
    loss: float
    """On the test split, nats per token."""
    num_parameters: int
    """Parameters of the model."""
    num_tokens: int
    """Tokens of the training, repetitions counted."""
    num_documents: int
    """Documents of the train split."""
    sources: tuple[SourceLine, ...]
    """The raw text's sources."""
    num_planted: int = 0
    """Documents with planted test phrases, which stand in the training text on purpose."""
    planted_token_ratio: float = 0.0
    """Their share of the tokens of the train stream."""
    kinds_searched: tuple[str, ...]
    """Kinds of sensitive data that count as searched."""
    kinds_not_searched: tuple[str, ...]
    """Kinds nobody looked for, or so little that it does not count."""
    kinds_accepted: tuple[str, ...] = ()
    """Those of them that the config accepts in writing."""
    kinds_in_part: tuple[str, ...] = ()
    """Those of them that are looked for in labelled fields."""
    replacing: tuple[str, ...] = ()
    """What took the place of the findings and what was left out or left standing, in words."""
    limits: tuple[str, ...] = ()
    """How far the search for a kind went where it did not go everywhere."""
    self_test: str = ""
    """What the scrubber's test of itself gave, in a sentence."""
    second_scanner: str = ""
    """What the independent second scanner saw in the scrubbed text, in a sentence."""
    review: str = ""
    """What a person's check of the scrubbed text gave, in a sentence; empty if nobody made one."""
    training_digest: str = ""
    """Digest of the packed tokens the model was trained on."""
    made_with: Provenance | None = None
    """Code and libraries it was registered with."""
    parent: str = ""
    """Number of the version that was champion when it was registered; empty if there was none."""
    links: VersionLinks = VersionLinks()
    """Pages to read on."""


def describe_version(account: VersionAccount, decision: Decision | None = None) -> str:
    """Write the description: the decision, six numbers, the sources, what was searched, the leak test, links.

    Args:
        account: What there is to tell.
        decision: The promotion's answer; None says that it is still to come.
    """
    answer = decision_sentence(decision) if decision else "not compared with a champion yet."
    digest = f"Trained on tokens with digest `{account.training_digest}`."
    parts = [
        f"{DECISION_LINE}{answer}",
        _table(_FIGURES, [_figures(account)]),
        "### Sources",
        _source_table(account.sources),
        digest if account.training_digest else "",
        "### Sensitive data",
        _list([
            ("**Searched**", _kinds(account.kinds_searched)),
            *([("**In part**", "; ".join(account.limits))] if account.limits else []),
            ("**Not searched**", ", ".join(not_searched(account)) or "none"),
            *([("**What was found**", "; ".join(account.replacing))] if account.replacing else []),
            ("**Scrubber tested on invented values**", account.self_test or "no"),
            ("**Second scanner**", account.second_scanner or "did not look"),
            (_REVIEWED, account.review or "no"),
            ("**Leak test**", account.privacy.reason),
            ("**Scope of the leak test**", account.privacy.scope or "not stated"),
            ("**Planted test phrases**", _planted(account.num_planted, account.planted_token_ratio)),
            ("**Output filter**", "none in this version as it is served; `gptmodel generate` filters what it shows"),
        ]),
        "### Where it came from",
        _list(_origin(account)),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def with_review(description: str, sentence: str) -> str:
    """Put what a person's check gave into a description, in place of what stands there; without such a line it stays.

    Example:
        >>> with_review("- **Checked by a person**: no", "0 missed in 400 passages")
        '- **Checked by a person**: 0 missed in 400 passages'
    """
    begin = f"- {_REVIEWED}: "
    return "\n".join(begin + sentence if line.startswith(begin) else line for line in description.split("\n"))


def second_scanner_sentence(numbers: Mapping[str, Any]) -> str:
    """Say what the quality gate's numbers hold of the second scanner; nothing if it did not look."""
    bound = numbers.get("residual_upper_bound")
    if bound is None:
        return ""
    num_hits, num_scanned = numbers["num_documents_with_residual"], numbers["num_documents_scanned"]
    return f"sees a value in {num_hits:,} of {num_scanned:,} documents, 95 % upper bound {100 * bound:.2g} %"


def not_searched(account: VersionAccount) -> list[str]:
    """Give the kinds that were not searched, with what there is to add to each."""
    return marked(account.kinds_not_searched, account.kinds_accepted, account.kinds_in_part)


def _figures(account: VersionAccount) -> tuple[str, ...]:
    return (
        f"{account.bits_per_byte:.4f}", f"{account.perplexity:.2f}", f"{account.loss:.4f}",
        f"{account.num_parameters:,}", f"{account.num_tokens:,}", f"{account.num_documents:,}",
    )  # fmt: skip


def _source_table(sources: Sequence[SourceLine]) -> str:
    owned = [(line.owner, line.purpose, str(line.keep_until or "")) for line in sources]
    given = [place for place in range(len(_OWNED)) if any(row[place] for row in owned)]
    rows = [(*_source(line), *(row[place] for place in given)) for line, row in zip(sources, owned, strict=True)]
    return _table((*_SOURCES, *(_OWNED[place] for place in given)), rows)


def _source(line: SourceLine) -> tuple[str, ...]:
    return (line.name, f"{line.num_documents:,}", f"`{line.digest[:16]}`", line.licence, line.personal_data)


def _kinds(kinds: Sequence[str]) -> str:
    return ", ".join(kinds) or "none"


def _planted(num_planted: int, token_ratio: float) -> str:
    if not num_planted:
        return "none"
    share = f"{num_planted:,} documents, {100 * token_ratio:.2g} % of the tokens trained on"
    return f"{share}, on purpose and in no other count"


def leak_test_tags(privacy: Decision) -> dict[str, str]:
    """Give the leak test's answer and its main numbers as tags of the version; what was not measured is left out."""
    wanted = ("p_value", "in_clear_p_value", "power", "extraction_ratio", "extraction_upper_bound", "num_leaks",
              "leak_upper_bound")  # fmt: skip
    numbers = {name: privacy.numbers.get(name) for name in wanted}
    return {"gptmodel.leak_test": "passed" if privacy.passed else "no"} | {
        f"gptmodel.leak_test.{name}": f"{value:g}" for name, value in numbers.items() if value is not None
    }


def _origin(account: VersionAccount) -> list[tuple[str, str]]:
    links = account.links
    rows = [
        ("**Parent version**", _parent(account)),
        ("**Code**", _code(account.made_with)),
        ("**Lock**", _lock(account.made_with)),
        ("**Config**", _link(links.config)),
        ("**MLflow run**, with the data sets", _link(links.mlflow_run)),
        ("**Training**, with the loss curve", _link(links.training)),
        ("**Prefect run**", _link(links.flow_run)),
        ("**Report**", _link(links.report)),
    ]
    return [(label, text) for label, text in rows if text]


def _parent(account: VersionAccount) -> str:
    if not account.parent:
        return "none, for there was no champion when it was registered"
    name = f"version {account.parent}"
    page = f"[{name}]({account.links.parent})" if account.links.parent else name
    return f"{page}, the champion when it was registered"


def _code(made_with: Provenance | None) -> str:
    if made_with is None:
        return ""
    commit = f"commit `{made_with.commit}`" if made_with.commit else "commit unknown"
    changed = " **with uncommitted changes**" if made_with.is_dirty else ""
    return f"gptmodel {made_with.version}, {commit}{changed}, Python {made_with.python}"


def _lock(made_with: Provenance | None) -> str:
    digest = made_with.lock_digest if made_with else ""
    return f"`{digest[:16]}`, sha256 of the pinned requirements" if digest else ""


def _list(rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"- {label}: {text}" for label, text in rows)


def _link(target: str) -> str:
    return f"[{target}]({target})" if target else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    texts = [[_cell(cell) + _GAP for cell in line] for line in (head, *rows)]
    lines = [texts[0], ["---"] * len(head), *texts[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
