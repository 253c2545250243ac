"""`gptmodel generate` and `gptmodel evaluate`: one registered model, in this process, without a flow."""

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows import stack
from flows.home import Home
from flows.origin import fetch_model, filter_of
from gptmodel.config import PlantedConfig
from gptmodel.config_file import load_config
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.downloads import registered_version
from gptmodel.errors import ConfigError, ModelInputError
from gptmodel.output_filter import Filtered, filter_output
from gptmodel.registry import CORPUS_TAG, SPLIT_TAG
from gptmodel.store import Workspace


@dataclass(frozen=True)
class Sampling:
    """How text is sampled; see `gptmodel.generation`."""

    max_new_tokens: int
    temperature: float
    top_k: int | None
    top_p: float | None
    seed: int


def speak(
    home: Home, model: str, prompt: str | None, sampling: Sampling, *, filtered: bool = True, as_json: bool
) -> dict[str, Any] | None:
    """Continue a prompt, or one prompt after the other from standard input; return the `--json` object.

    From a pipe each line is a prompt; blank lines are passed over.

    Args:
        home: The home.
        model: URI of the model.
        prompt: The prompt; None reads prompts.
        sampling: How text is sampled.
        filtered: Show placeholders for what the finders see in a text, which is shown once it is whole.
        as_json: Print nothing but the object.

    Raises:
        ConfigError: `--json`, which is one object, without a prompt or with several of them from a pipe.
    """
    typed = prompt is None and sys.stdin.isatty()
    prompts = [] if typed else _piped(as_json) if prompt is None else [prompt]
    if not (typed or prompts):
        return None
    folder = fetch_model(home, model)
    from gptmodel.generation import Generator

    generator, scrubber = Generator.load(folder), filter_of(home, folder) if filtered else None
    if typed:
        _converse(generator, sampling, scrubber)
    records = [_continue(generator, text, sampling, scrubber, as_json=as_json) for text in prompts]
    return records[-1] if records else None


def _piped(as_json: bool) -> list[str]:
    prompts = [line for line in sys.stdin.read().split("\n") if line.strip()]
    if as_json and len(prompts) != 1:
        raise ConfigError(
            expected="one prompt with --json", actual=f"{len(prompts)} lines on standard input",
            mend="Give one line, or --prompt TEXT, or leave --json out.",
        )  # fmt: skip
    return prompts


def _continue(
    generator: Any, text: str, sampling: Sampling, scrubber: Scrubber | None, *, as_json: bool
) -> dict[str, Any]:
    started = time.monotonic()
    [made] = generator.generate([text], **asdict(sampling))
    seconds = time.monotonic() - started
    shown = _shown(text, made.text, scrubber)
    if not as_json:
        sys.stdout.write(text + shown.text + "\n")
        sys.stdout.flush()
    rate = made.num_tokens / seconds if seconds else 0.0
    return {
        "text": shown.text, "num_tokens": made.num_tokens, "tokens_per_second": round(rate, 1), "seed": sampling.seed,
        "num_filtered": shown.num_filtered if scrubber else None,
    }  # fmt: skip


def _shown(prompt: str, text: str, scrubber: Scrubber | None) -> Filtered:
    return filter_output(prompt, text, scrubber) if scrubber else Filtered(text, 0)


def score(home: Home, model: str, data: str | None) -> dict[str, Any]:
    """Score a model on a file or folder of text, or on the test split it was made with."""
    folder = fetch_model(home, model)
    from gptmodel.evaluation import evaluate_texts
    from gptmodel.generation import Generator

    texts = _texts(home, data) if data else _own_test_split(home, model)
    scores = evaluate_texts(Generator.load(folder), texts)
    names = ("loss", "perplexity", "bits_per_byte", "num_bytes", "num_documents")
    return {name: getattr(scores, name) for name in names}


def _converse(generator: Any, sampling: Sampling, scrubber: Scrubber | None) -> None:
    sys.stdout.write("Type a prompt; an empty line ends.\n")
    while True:
        sys.stdout.write("> ")
        sys.stdout.flush()
        line = sys.stdin.readline().rstrip("\n")
        if not line:
            return
        sys.stdout.write(line)
        for piece in _pieces(generator, line, sampling, scrubber):
            sys.stdout.write(piece)
            sys.stdout.flush()
        sys.stdout.write("\n")


def _pieces(generator: Any, prompt: str, sampling: Sampling, scrubber: Scrubber | None) -> Iterator[str]:
    """Give a completion as it comes, or, filtered, once it is whole: half of a value is none to the finders."""
    if scrubber is None:
        yield from generator.stream(prompt, **asdict(sampling))
    else:
        [made] = generator.generate([prompt], **asdict(sampling))
        yield filter_output(prompt, made.text, scrubber).text


def _texts(home: Home, data: str) -> list[str]:
    from gptmodel.corpus.documents import read_documents
    from gptmodel.corpus.sources.stage import ingest, list_sources

    corpus = load_config("tiny", sources=[data]).corpus
    listing = list_sources(corpus, home.cache_dir / "listing.json")
    with tempfile.TemporaryDirectory(dir=home.cache_dir) as folder:
        ingest(Workspace(Path(folder), {}), corpus, PlantedConfig(enabled=False), listing)
        return [document.text for document in read_documents(Path(folder))]


def _own_test_split(home: Home, model: str) -> list[str]:
    from gptmodel.promotion import held_out

    is_version = model.startswith("models:")
    tags = registered_version(stack.registry_address(home), model).tags if is_version else {}
    scrub, split = (
        home.store.folder(stage, tags.get(tag, "unknown"))
        for stage, tag in (("scrub", CORPUS_TAG), ("split", SPLIT_TAG))
    )
    if not (scrub.is_dir() and split.is_dir()):
        raise ModelInputError(
            expected="the version's own test split in this home", actual="it is not in the store",
            mend="Name a file or folder of text: --data PATH",
        )  # fmt: skip
    return [text for _, text in held_out(scrub, split, set())]
