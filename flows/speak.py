"""`gptmodel generate` and `gptmodel evaluate`: one registered model, in this process, without a flow."""

import os
import re
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows import stack
from flows.home import Home
from gptmodel import registry
from gptmodel.config import PlantedConfig
from gptmodel.config_file import load_config
from gptmodel.downloads import resolve_model
from gptmodel.errors import ConfigError, ModelInputError
from gptmodel.store import Workspace


@dataclass(frozen=True)
class Sampling:
    """How text is sampled; see `gptmodel.generation`."""

    max_new_tokens: int
    temperature: float
    top_k: int | None
    top_p: float | None
    seed: int


def speak(home: Home, model: str, prompt: str | None, sampling: Sampling, *, as_json: bool) -> dict[str, Any] | None:
    """Continue a prompt, or one prompt after the other from standard input; return the `--json` object.

    From a pipe each line is a prompt; blank lines are passed over.

    Raises:
        ConfigError: `--json`, which is one object, without a prompt or with several of them from a pipe.
    """
    typed = prompt is None and sys.stdin.isatty()
    prompts = [] if typed else _piped(as_json) if prompt is None else [prompt]
    if not (typed or prompts):
        return None
    folder = _fetch(home, model)
    from gptmodel.generation import Generator

    generator = Generator.load(folder)
    if typed:
        _converse(generator, sampling)
    records = [_continue(generator, text, sampling, as_json=as_json) for text in prompts]
    return records[-1] if records else None


def _piped(as_json: bool) -> list[str]:
    prompts = [line for line in sys.stdin.read().split("\n") if line.strip()]
    if as_json and len(prompts) != 1:
        raise ConfigError(
            expected="one prompt with --json", actual=f"{len(prompts)} lines on standard input",
            mend="Give one line, or --prompt TEXT, or leave --json out.",
        )  # fmt: skip
    return prompts


def _continue(generator: Any, text: str, sampling: Sampling, *, as_json: bool) -> dict[str, Any]:
    started = time.monotonic()
    [made] = generator.generate([text], **asdict(sampling))
    seconds = time.monotonic() - started
    if not as_json:
        sys.stdout.write(text + made.text + "\n")
        sys.stdout.flush()
    rate = made.num_tokens / seconds if seconds else 0.0
    return {
        "text": made.text, "num_tokens": made.num_tokens, "tokens_per_second": round(rate, 1), "seed": sampling.seed,
    }  # fmt: skip


def score(home: Home, model: str, data: str | None) -> dict[str, Any]:
    """Score a model on a file or folder of text, or on the test split it was made with."""
    folder = _fetch(home, model)
    from gptmodel.evaluation import evaluate_texts
    from gptmodel.generation import Generator

    texts = _texts(home, data) if data else _own_test_split(home, model)
    scores = evaluate_texts(Generator.load(folder), texts)
    names = ("loss", "perplexity", "bits_per_byte", "num_bytes", "num_documents")
    return {name: getattr(scores, name) for name in names}


def _fetch(home: Home, model: str) -> Path:
    os.environ.update(stack.client_environment(home))
    return resolve_model(stack.addresses(home).mlflow, model, home.cache_dir / "models")


def _converse(generator: Any, sampling: Sampling) -> None:
    sys.stdout.write("Type a prompt; an empty line ends.\n")
    while True:
        sys.stdout.write("> ")
        sys.stdout.flush()
        line = sys.stdin.readline().rstrip("\n")
        if not line:
            return
        sys.stdout.write(line)
        for piece in generator.stream(line, **asdict(sampling)):
            sys.stdout.write(piece)
            sys.stdout.flush()
        sys.stdout.write("\n")


def _texts(home: Home, data: str) -> list[str]:
    from gptmodel.corpus.documents import read_documents
    from gptmodel.corpus.sources.stage import ingest, list_sources

    corpus = load_config("tiny", sources=[data]).corpus
    listing = list_sources(corpus, home.cache_dir / "listing.json")
    with tempfile.TemporaryDirectory(dir=home.cache_dir) as folder:
        ingest(Workspace(Path(folder), {}), corpus, PlantedConfig(enabled=False), listing)
        return [document.text for document in read_documents(Path(folder))]


def _own_test_split(home: Home, model: str) -> list[str]:
    from flows.registration import CORPUS_TAG, SPLIT_TAG
    from gptmodel.promotion import held_out

    tags = _tags(stack.addresses(home).mlflow, model)
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


def _tags(uri: str, model: str) -> dict[str, str]:
    match = re.fullmatch(r"models:/([^@/]+)(?:@(.+)|/(\d+))", model)
    if not match:
        return {}
    name, alias, number = match.groups()
    version = (
        registry.find_version_by_alias(uri, name, alias) if alias else registry.find_version(uri, name, int(number))
    )
    return version.tags if version else {}
