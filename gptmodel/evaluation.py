"""What a model can do on text it has not seen, and which of two models is better.

`evaluate` is the stage: loss, perplexity and bits per byte on the test split, in all and by source and language, beside
two baselines on the same bytes, and continuations of held-out prompts. `evaluate_texts` gives the same scores for any
text, `compare` decides between two models. Nothing here trains, and nothing reads another split than test, except for
the token counts of the unigram baseline.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gptmodel import overlap
from gptmodel.baselines import bits_per_byte, count_tokens, unigram_bits, xz_bits
from gptmodel.config import EvaluationConfig
from gptmodel.decision import Decision
from gptmodel.errors import CorpusTooSmallError, ModelInputError
from gptmodel.generation import Generator
from gptmodel.intervals import paired_ratio_interval
from gptmodel.model_folder import load_model
from gptmodel.scoring import document_losses, to_fastest_device
from gptmodel.store import Workspace, file_digest
from gptmodel.tokenizer import Tokenizer
from gptmodel.tokens import PackedDocument, TokenSplit, read_packed_documents

Ids = NDArray[np.int64]
Progress = Callable[[float, str], None]

# Fewer paired documents than this say nothing about which of two models is better.
_MIN_DOCUMENTS = 5
# Files that make two model folders the same model.
_MODEL_FILES = ("model.safetensors", "config.json", "tokenizer.json")
# Train tokens counted at a time for the unigram baseline.
_COUNT_TOKENS = 4_000_000


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Slice(_Record):
    """Scores of one source's or one language's test documents."""

    loss: float
    """Mean loss (nats per token)."""
    bits_per_byte: float
    """Bits needed for each byte of text."""
    num_documents: int
    """Documents scored."""
    num_bytes: int
    """Their UTF-8 size."""


class Runtime(_Record):
    """What depends on the machine."""

    seconds: float
    """Time the evaluation took."""


class EvaluationResult(_Record):
    """What the model can do on the test split."""

    loss: float
    """Mean loss over all tokens of the test split, ends of documents included (nats per token)."""
    perplexity: float
    """exp(loss)."""
    bits_per_byte: float
    """Bits the model needs for each byte of test text, ends of documents included; comparable across tokenizers."""
    num_documents: int
    """Documents scored."""
    num_bytes: int
    """Their UTF-8 size."""
    num_tokens: int
    """Tokens predicted."""
    baselines: dict[str, float]
    """Bits per byte of `unigram` (token frequencies of train) and `xz` on the same bytes."""
    by_source: dict[str, Slice]
    """The scores of each source."""
    by_language: dict[str, Slice]
    """The scores of each language."""
    num_prompts: int
    """Held-out prompts that were continued."""
    bleu: float | None
    """Corpus BLEU of the continuations against the true ones (0 to 100); None without prompts."""
    chrf: float | None
    """Corpus chrF (0 to 100)."""
    rouge_l: float | None
    """Mean ROUGE-L F-measure (0 to 1)."""
    shuffled_bleu: float | None
    """BLEU of the same continuations against other prompts' true ones: what comes of language alone."""
    shuffled_chrf: float | None
    """chrF against other prompts' true continuations."""
    shuffled_rouge_l: float | None
    """ROUGE-L against other prompts' true continuations."""
    signatures: dict[str, str]
    """Settings of BLEU, chrF and ROUGE-L; scores with other settings can't be compared."""
    distinct_2: float | None
    """Share of distinct pairs of neighbouring tokens in the continuations."""
    repetition_ratio: float | None
    """Share of runs of four tokens that their continuation already held."""
    runtime: Runtime
    """Time taken; no part of the output."""


class DocumentScore(_Record):
    """One document's score."""

    nats: float
    """Total loss, the document's end included (nats)."""
    num_tokens: int
    """Tokens predicted, the document's end included."""
    num_bytes: int
    """UTF-8 size of the text."""


class TextScores(_Record):
    """Scores of a model on given texts."""

    loss: float
    """Mean loss (nats per token)."""
    perplexity: float
    """exp(loss)."""
    bits_per_byte: float
    """Bits needed for each byte of text."""
    num_bytes: int
    """UTF-8 size of the texts."""
    num_documents: int
    """Texts scored."""
    num_tokens: int
    """Tokens predicted, ends of documents included."""
    per_document: tuple[DocumentScore, ...]
    """Each text's own score, in the order given."""


def evaluate(work: Workspace, config: EvaluationConfig, progress: Progress | None = None) -> EvaluationResult:
    """Score the trained model on the test split.

    Each document is read from its start, the end-of-document token before it; a document longer than the context in
    windows that overlap by half (see `scoring.document_windows`). Its end is predicted and counted too.

    Args:
        work: Reads "pack", "tokenizer" and "train"; writes `documents.parquet`, the score of each document.
        config: Batch size, prompts and seed.
        progress: Called with the share done (0 to 1) and a line to show.

    Raises:
        CorpusTooSmallError: The test split is empty.
    """
    work.clear()
    began, tell = time.monotonic(), progress or (lambda ratio, message: None)
    model = to_fastest_device(load_model(work.inputs["train"] / "model"))
    generator = Generator(model, Tokenizer.load(work.inputs["tokenizer"]))
    rows, documents = read_test_documents(work.inputs["pack"])
    tell(0.0, f"scoring {len(rows)} test documents")
    scores = _score(generator, documents, [row.num_bytes for row in rows], config.batch_size)
    tell(0.6, "baselines on the same bytes")
    baselines = _baselines(generator.tokenizer, work.inputs["pack"], documents, scores.num_bytes)
    tell(0.8, "continuing held-out prompts")
    continued = _continuations(generator, documents, config)
    _write_scores(work.path / "documents.parquet", rows, scores)
    return EvaluationResult(
        **scores.model_dump(exclude={"per_document"}), **continued, baselines=baselines,
        by_source=_slices(rows, scores, lambda row: row.source),
        by_language=_slices(rows, scores, lambda row: row.lang),
        runtime=Runtime(seconds=round(time.monotonic() - began, 3)),
    )  # fmt: skip


def evaluate_texts(generator: Generator, texts: Sequence[str], batch_size: int = 32) -> TextScores:
    """Score a model on any texts, each as a document of its own; empty ones are left out.

    Args:
        generator: The model with its tokenizer.
        texts: The documents.
        batch_size: Windows in one forward pass.

    Raises:
        ModelInputError: No text holds anything.
    """
    wanted = [text for text in texts if text]
    if not wanted:
        raise ModelInputError(expected="text to score", actual="none", mend="Give files that hold text.")
    end = generator.tokenizer.end_of_document_id
    documents = [np.asarray([*ids, end], dtype=np.int64) for ids in generator.tokenizer.encode_batch(wanted)]
    sizes = [len(text.encode("utf-8", "surrogatepass")) for text in wanted]
    return _score(generator, documents, sizes, batch_size)


def compare(
    candidate: Path,
    champion: Path | None,
    documents: Sequence[tuple[str, str]],
    min_improvement: float,
    batch_size: int = 32,
    seed: int = 0,
) -> Decision:
    """Decide whether a candidate model takes the champion's place: both scored afresh on the same documents.

    The candidate passes if it needs fewer bits per byte by `min_improvement`, and the bootstrap interval of that
    difference, over paired documents, lies above zero. Documents weigh by their bytes, so the figures are those that
    an evaluation shows.

    Args:
        candidate: Model folder (model.safetensors, config.json, tokenizer.json).
        champion: Model folder of the version in service; None if there is none, which passes.
        documents: (id, text) of test documents that neither model trained on.
        min_improvement: Bits per byte by which the candidate must be better.
        batch_size: Windows in one forward pass.
        seed: Seed of the bootstrap.

    Raises:
        ModelInputError: No document holds text.
    """
    texts = [text for _, text in documents if text]
    scope = f"{len(texts)} test documents, both models scored on the same text"
    if champion is not None and _same_model(candidate, champion):
        return Decision(passed=False, reason="equal: candidate and champion are the same model", scope=scope)
    if champion is not None and len(texts) < _MIN_DOCUMENTS:
        reason = f"cannot tell: {len(texts)} test documents are left that neither saw, at least {_MIN_DOCUMENTS} needed"
        return Decision(passed=False, reason=reason, scope=scope, numbers={"num_documents": len(texts)})
    ours = evaluate_texts(_load(candidate), texts, batch_size)
    if champion is None:
        reason = f"first version: {ours.bits_per_byte:.4f} bits per byte on {len(texts)} test documents"
        numbers: dict[str, float | int | None] = {
            "candidate_bits_per_byte": ours.bits_per_byte, "num_documents": len(texts),
        }  # fmt: skip
        return Decision(passed=True, reason=reason, scope=scope.split(",")[0], numbers=numbers)
    theirs = evaluate_texts(_load(champion), texts, batch_size)
    return _decide(ours, theirs, min_improvement, scope, seed)


def read_test_documents(folder: Path) -> tuple[list[PackedDocument], list[Ids]]:
    """Read the test split of a pack stage's folder: its rows, and each document's tokens with its end.

    Raises:
        CorpusTooSmallError: The test split is empty.
    """
    rows = read_packed_documents(folder, ["test"])
    if not rows:
        raise CorpusTooSmallError(
            expected="documents in the test split", actual="none", mend="Add documents or raise split.test_ratio."
        )
    stream = TokenSplit.open(folder, "test")
    return rows, [stream[row.start : row.start + row.num_tokens] for row in rows]


def _load(folder: Path) -> Generator:
    generator = Generator.load(folder)
    to_fastest_device(generator.model)
    return generator


def _score(generator: Generator, documents: Sequence[Ids], sizes: Sequence[int], batch_size: int) -> TextScores:
    nats = document_losses(generator.model, documents, generator.tokenizer.end_of_document_id, batch_size)
    per_document = tuple(
        DocumentScore(nats=round(float(loss), 6), num_tokens=len(ids), num_bytes=size)
        for loss, ids, size in zip(nats, documents, sizes, strict=True)
    )
    loss, num_tokens, num_bytes = _totals(per_document)
    return TextScores(
        loss=round(loss / num_tokens, 6), perplexity=_perplexity(loss / num_tokens),
        bits_per_byte=round(bits_per_byte(loss, num_bytes), 6), num_bytes=num_bytes,
        num_documents=len(documents), num_tokens=num_tokens, per_document=per_document,
    )  # fmt: skip


def _totals(scores: Iterable[DocumentScore]) -> tuple[float, int, int]:
    rows = [(score.nats, score.num_tokens, score.num_bytes) for score in scores]
    return math.fsum(row[0] for row in rows), sum(row[1] for row in rows), sum(row[2] for row in rows)


def _perplexity(loss: float) -> float:
    return round(math.exp(min(loss, 700.0)), 4)  # beyond it a float overflows


def _slices(
    rows: Sequence[PackedDocument], scores: TextScores, key: Callable[[PackedDocument], str]
) -> dict[str, Slice]:
    groups: dict[str, list[DocumentScore]] = defaultdict(list)
    for row, score in zip(rows, scores.per_document, strict=True):
        groups[key(row)].append(score)
    return {name: _slice(groups[name]) for name in sorted(groups)}


def _slice(scores: Sequence[DocumentScore]) -> Slice:
    loss, num_tokens, num_bytes = _totals(scores)
    return Slice(
        loss=round(loss / num_tokens, 6), bits_per_byte=round(bits_per_byte(loss, num_bytes), 6),
        num_documents=len(scores), num_bytes=num_bytes,
    )  # fmt: skip


def _baselines(tokenizer: Tokenizer, folder: Path, documents: Sequence[Ids], num_bytes: int) -> dict[str, float]:
    size, train = tokenizer.vocab_size, TokenSplit.open(folder, "train")
    counts = np.zeros(size, dtype=np.int64)
    for start in range(0, len(train), _COUNT_TOKENS):
        counts += count_tokens(train[start : start + _COUNT_TOKENS], size)
    tokens = np.concatenate(documents)
    unigram, xz = unigram_bits(counts, count_tokens(tokens, size)), xz_bits(tokenizer.decode_bytes(tokens.tolist()))
    return {"unigram": round(unigram / num_bytes, 6), "xz": round(xz / num_bytes, 6)}


def _continuations(generator: Generator, documents: Sequence[Ids], config: EvaluationConfig) -> dict[str, object]:
    """Continue the beginnings of test documents and compare with how they really go on."""
    pairs = _prompts(generator.tokenizer, documents, config)
    fields = ("bleu", "chrf", "rouge_l")
    result: dict[str, object] = dict.fromkeys([*fields, *(f"shuffled_{name}" for name in fields)])
    result |= {"num_prompts": len(pairs), "signatures": {}, "distinct_2": None, "repetition_ratio": None}
    if not pairs:
        return result
    # Temperature 1 shows the model's own distribution; greedy text would say little but how it loops.
    generated = generator.generate(
        [prompt for prompt, _ in pairs], max_new_tokens=config.continuation_tokens, temperature=1.0, seed=config.seed
    )
    texts, references = [item.text for item in generated], [reference for _, reference in pairs]
    found, shuffled = overlap.overlap(texts, references), overlap.shuffled_overlap(texts, references)
    result |= {name: round(getattr(found, name), 6) for name in fields}
    result |= {f"shuffled_{name}": round(getattr(shuffled, name), 6) for name in fields if shuffled}
    ids: list[Sequence[Hashable]] = [tuple(item.token_ids) for item in generated]
    return result | {
        "signatures": found.signatures,
        "distinct_2": round(overlap.distinct_ratio(ids), 6),
        "repetition_ratio": round(overlap.repetition_ratio(ids), 6),
    }


def _prompts(tokenizer: Tokenizer, documents: Sequence[Ids], config: EvaluationConfig) -> list[tuple[str, str]]:
    """Give (prompt, true continuation) of the first documents that are long enough; their order is a fixed shuffle."""
    start, end = config.prompt_tokens, config.prompt_tokens + config.continuation_tokens
    chosen = [ids for ids in documents if len(ids) > end][: config.num_prompts]
    return [(tokenizer.decode(ids[:start].tolist()), tokenizer.decode(ids[start:end].tolist())) for ids in chosen]


def _write_scores(path: Path, rows: Sequence[PackedDocument], scores: TextScores) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({
        "id": [row.id for row in rows], "source": [row.source for row in rows], "lang": [row.lang for row in rows],
        "nats": [score.nats for score in scores.per_document],
        "num_tokens": [score.num_tokens for score in scores.per_document],
        "num_bytes": [score.num_bytes for score in scores.per_document],
    })  # fmt: skip
    pq.write_table(table, path)


def _same_model(one: Path, two: Path) -> bool:
    return all(file_digest(one / name) == file_digest(two / name) for name in _MODEL_FILES)


def _decide(ours: TextScores, theirs: TextScores, min_improvement: float, scope: str, seed: int) -> Decision:
    pairs = list(zip(theirs.per_document, ours.per_document, strict=True))
    saved = [bits_per_byte(champion.nats - candidate.nats, 1) for champion, candidate in pairs]
    low, high = paired_ratio_interval(saved, [candidate.num_bytes for _, candidate in pairs], seed)
    gain = theirs.bits_per_byte - ours.bits_per_byte
    numbers: dict[str, float | int | None] = {
        "candidate_bits_per_byte": ours.bits_per_byte, "champion_bits_per_byte": theirs.bits_per_byte,
        "improvement": round(gain, 6), "improvement_low": round(low, 6), "improvement_high": round(high, 6),
        "min_improvement": min_improvement, "num_documents": ours.num_documents,
    }  # fmt: skip
    figures = (
        f"{ours.bits_per_byte:.4f} bits per byte against the champion's {theirs.bits_per_byte:.4f}, "
        f"{_change(gain)} (95 % interval {low:+.4f} to {high:+.4f}"
    )
    verdict, passed = _verdict(gain, low, min_improvement)
    reason = f"{verdict}: {figures}; at least {min_improvement:g} asked for)"
    return Decision(passed=passed, reason=reason, scope=scope, numbers=numbers)


def _change(gain: float) -> str:
    return f"{abs(gain):.4f} {'better' if gain > 0 else 'worse'}" if abs(gain) >= 0.00005 else "no difference"


def _verdict(gain: float, low: float, min_improvement: float) -> tuple[str, bool]:
    if gain < 0:
        return "worse", False
    if gain == 0:
        return "equal", False
    if gain < min_improvement:
        return "not better by enough", False
    return ("better", True) if low > 0 else ("cannot tell, the documents disagree", False)
