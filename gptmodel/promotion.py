"""The last stage: does the candidate take the champion's place?

It scores both on the same held-out text and writes the answer down; moving the alias is the caller's step, so that a
repeat after a crash moves it by the same written answer. This room knows no server.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gptmodel.config import RegistryConfig
from gptmodel.corpus.documents import text_id
from gptmodel.corpus.split_table import Split, read_corpus, read_split
from gptmodel.decision import Decision
from gptmodel.evaluation import compare
from gptmodel.store import Workspace

_UNKNOWN_OVERLAP = (
    "whether the champion was trained on some of them is not known, for its split is not in this home's store"
)


class PromotionResult(BaseModel):
    """The answer, and between whom."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    decision: Decision
    """Whether the candidate becomes champion."""
    version: int
    """The candidate."""
    champion_version: int | None
    """Champion after this decision; None if there is none."""
    num_documents: int
    """Test documents of the candidate's split, less those of texts the champion was trained on, where its split is
    still in the store; where it is not, the decision's scope says so."""


def decide_promotion(
    work: Workspace,
    config: RegistryConfig,
    *,
    version: int,
    privacy: Decision,
    champion_version: int | None,
    champion: Path | None,
    champion_split: Path | None,
) -> PromotionResult:
    """Compare the registered candidate with the champion.

    Args:
        work: Reads `register` (the bundle), `scrub` and `split`.
        config: The least improvement asked for.
        version: The candidate's version.
        privacy: The leak test's answer; a no keeps the champion whatever the scores.
        champion_version: Version in service; None if there is none.
        champion: Its model folder.
        champion_split: Folder of the split it was trained on, if it is still in the store: its training texts are
            left out of the comparison. Without it, the decision's scope says that what the champion saw is not known.
    """
    work.clear()
    seen = {text_id(name) for name in _ids(champion_split, "train")} if champion_split else set()
    texts = held_out(work.inputs["scrub"], work.inputs["split"], seen)
    if privacy.passed:
        bundle = work.inputs["register"] / "bundle"
        decision = compare(bundle, champion, texts, config.min_improvement)
        if champion_version is not None and champion_split is None:
            decision = decision.model_copy(update={"scope": f"{decision.scope}; {_UNKNOWN_OVERLAP}"})
    else:
        refusal = privacy.reason.removeprefix("no: ")
        decision = Decision(passed=False, reason=f"blocked by the leak test: {refusal}", scope=privacy.scope)
    after = version if decision.passed else champion_version
    return PromotionResult(decision=decision, version=version, champion_version=after, num_documents=len(texts))


def held_out(scrub: Path, split: Path, seen: set[str]) -> list[tuple[str, str]]:
    """Give (id, scrubbed text) of the test documents, by id, less those that are, or are parts of, texts seen."""
    documents = (document for document, _ in read_corpus(scrub, split, "test"))
    return sorted((document.id, document.text) for document in documents if text_id(document.id) not in seen)


def _ids(folder: Path, split: Split) -> set[str]:
    return {row.id for row in read_split(folder) if row.split == split}
