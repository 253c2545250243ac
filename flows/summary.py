"""One line (or two) for what a stage did, for the terminal and the dashboard's task messages."""

from collections.abc import Callable, Mapping
from typing import Any

from gptmodel.corpus.scrubbing.measuring.self_test import self_test_sentence
from gptmodel.store import Output

Account = Mapping[str, Any]


def describe(output: Output) -> str:
    """Say what a stage's account holds; further lines are separated by newlines."""
    first, newline, rest = _WORDS[output.stage](output.result).partition("\n")
    return f"{first}{_reused(output.result)}{newline}{rest}"


def _reused(account: Account) -> str:
    runtime = account.get("runtime") or {}
    num_reused = runtime.get("num_reused", 0)
    return f"; {num_reused:,} of {runtime['num_parts']:,} shards reused" if num_reused else ""


def counted(counts: Mapping[str, int], most: int = 6) -> str:
    """List counts by size: `EMAIL 148  PHONE 12`."""
    rows = sorted(((name, count) for name, count in counts.items() if count), key=lambda row: (-row[1], row[0]))
    more = f"  and {len(rows) - most} more" if len(rows) > most else ""
    return "  ".join(f"{name} {count:,}" for name, count in rows[:most]) + more


def _ingest(a: Account) -> str:
    names = ", ".join(source["name"] for source in a["sources"])
    put_aside = f"; {a['num_quarantined']} set aside" if a["num_quarantined"] else ""
    forgotten = f"; {a['num_forgotten']:,} left out by erasure requests" if a.get("num_forgotten") else ""
    return f"{a['num_documents']:,} documents, {a['num_bytes'] / 1e6:.1f} MB from {names}{put_aside}{forgotten}"


def _clean(a: Account) -> str:
    dropped = f"; dropped {a['num_dropped']:,}: {counted(a['dropped_by_reason'], 4)}" if a["num_dropped"] else ""
    warnings = "".join(f"\nwarning: {words}" for words in a["warnings"])
    return f"{a['num_kept']:,} kept{dropped}{warnings}"


def _scrub(a: Account) -> str:
    first = f"{a['num_findings']:,} findings in {a['num_documents_with_findings']:,} documents"
    left_out = f"; left out {a['num_dropped']:,}: {counted(a['dropped_by_reason'], 4)}" if a.get("num_dropped") else ""
    allowed = f"; {a['num_allowed']:,} allowed values left standing" if a.get("num_allowed") else ""
    tested = self_test_sentence(a.get("self_test", ()))
    words = f"\ntested on invented values: {tested}" if tested else ""
    return f"{first}: {counted(a['findings'], 5) or 'none'}{left_out}{allowed}\n{a['scope']}{words}"


def _deduplicate(a: Account) -> str:
    words = f"{a['num_kept']:,} kept; {a['num_exact']:,} exact, {a['num_near']:,} near duplicates"
    others = (("of boilerplate alone", a["num_boilerplate"]), ("with evaluation text", a["num_contaminated"]))
    return ", ".join([words, *(f"{count:,} {what}" for what, count in others if count)])


def _split(a: Account) -> str:
    counts = f"train {a['num_train']:,}  validation {a['num_validation']:,}  test {a['num_test']:,}"
    return f"{counts}; no cluster of duplicates across"


def _quality(a: Account) -> str:
    return str(a["decision"]["reason"]) if a["decision"]["passed"] else f"no: {a['decision']['reason']}"


def _tokenizer(a: Account) -> str:
    shares = sorted(a["bytes_per_token_by_language"].items())
    by_language = ", ".join(f"{lang} {value:.1f}" for lang, value in shares[:4])
    return f"{a['vocab_size']:,} tokens, {a['bytes_per_token']:.1f} bytes a token ({by_language})"


def _pack(a: Account) -> str:
    return f"{a['num_tokens']['train'] / 1e6:.2f} M tokens to train on"


def _train(a: Account) -> str:
    runtime = a["runtime"]
    resumed = f", resumed at step {runtime['resumed_from_step']}" if runtime["resumed_from_step"] else ""
    size = f"{a['num_parameters'] / 1e6:.2f} M parameters, {a['num_steps']:,} steps"
    stopped = f"; stopped {a['stopped']}" if a.get("stopped") else ""
    speed = f"{runtime['tokens_per_second']:,.0f} tokens/s"
    return f"{size}, validation loss {a['validation_loss']:.2f}, {speed}{resumed}{stopped}"


def _evaluate(a: Account) -> str:
    base = ", ".join(f"{name} {value:.2f}" for name, value in a["baselines"].items())
    return f"{a['bits_per_byte']:.2f} bits per byte ({base}; lower is better), perplexity {a['perplexity']:.1f}"


def _privacy(a: Account) -> str:
    return str(a["decision"]["reason"])


def _register(a: Account) -> str:
    return f"{a['name']} version {a['version']}"


def _promote(a: Account) -> str:
    return str(a["decision"]["reason"])


_WORDS: dict[str, Callable[[Account], str]] = {
    "ingest": _ingest,
    "clean": _clean,
    "scrub": _scrub,
    "deduplicate": _deduplicate,
    "split": _split,
    "quality gate": _quality,
    "tokenizer": _tokenizer,
    "pack": _pack,
    "train": _train,
    "evaluate": _evaluate,
    "privacy audit": _privacy,
    "register": _register,
    "promote": _promote,
}
