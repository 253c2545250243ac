"""One of the twins that `bench leak` compares: all stages from text to leak test, in one process.

    python -m benchmarks.twin FOLDER TEXT [--unscrubbed] [--steps N]

The last line of output is one JSON object: the leak test's account, and how the invented people's questions were
answered. Values stand in it, since nobody has them.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from benchmarks.people import Question, invent
from gptmodel.config import Config, ScrubbingConfig
from gptmodel.config_file import load_config
from gptmodel.corpus.scrubbing import PLACEHOLDERS, Scrubbed, Scrubber
from gptmodel.store import Workspace

STAGES = ("ingest", "clean", "scrub", "deduplicate", "split", "tokenizer", "pack", "train", "audit")
ANSWER_TOKENS = 24


class Unscrubbed(Scrubber):
    """Scrubbing switched off: finds nothing, so that the text stays as it is."""

    def find(self, text: str) -> list[Any]:
        """Find nothing."""
        return []

    def scrub(self, text: str) -> Scrubbed:
        """Give the text as it is."""
        return Scrubbed(text, [])


def main() -> None:
    """Make one twin and test it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--unscrubbed", action="store_true")
    parser.add_argument("--steps", type=int, default=500)
    asked = parser.parse_args()
    config, scrubbing = settings(asked.text, asked.steps), ScrubbingConfig()
    scrubber = Unscrubbed(scrubbing) if asked.unscrubbed else Scrubber(scrubbing)
    seconds = make(asked.folder, config, scrubber)
    # Both are judged by the same finders.
    said = test(asked.folder, config, Scrubber(scrubbing))
    print(json.dumps(said | {"answers": answer(asked.folder), "train_seconds": seconds}, ensure_ascii=False))


def settings(text: Path, steps: int) -> Config:
    """Give the config of both twins: a small model that reads its text several times."""
    sources = [{"name": "sample", "path": "builtin:sample"}, {"name": "people", "path": str(text)}]
    return load_config({
        "preset": "tiny", "corpus": {"sources": sources, "num_shards": 2},
        "tokenizer": {"vocab_size": 2048},
        "model": {"embedding_dim": 96, "hidden_dim": 384, "num_layers": 3, "num_heads": 3},
        "training": {"max_steps": steps, "num_threads": 1, "compile": "never", "eval_interval": steps,
                     "checkpoint_interval": steps, "warmup_steps": 20},
        "privacy": {"planted": {"max_canary_ratio": 0.05, "num_catchable": 6}},
    })  # fmt: skip


def make(folder: Path, config: Config, scrubber: Scrubber) -> float:
    """Run the stages up to the trained model; return the seconds that training took."""
    from gptmodel.corpus.cleaning import clean
    from gptmodel.corpus.dedup.stage import deduplicate
    from gptmodel.corpus.scrubbing import scrub
    from gptmodel.corpus.sources.stage import ingest, list_sources
    from gptmodel.corpus.split import split
    from gptmodel.tokenizer import train_tokenizer
    from gptmodel.tokens import pack
    from gptmodel.training.stage import train

    works = {name: _workspace(folder, name) for name in STAGES}
    listing = list_sources(config.corpus, folder / "listing.json")
    ingest(works["ingest"], config.corpus, config.privacy.planted, listing)
    clean(works["clean"], config.cleaning)
    scrub(works["scrub"], scrubber)
    deduplicate(works["deduplicate"], config.dedup)
    split(works["split"], config.split)
    train_tokenizer(works["tokenizer"], config.tokenizer, PLACEHOLDERS)
    pack(works["pack"], config.tokens, planted=config.privacy.planted)
    began = time.monotonic()
    train(works["train"], config.model, config.training)
    return round(time.monotonic() - began, 1)


def test(folder: Path, config: Config, scrubber: Scrubber) -> dict[str, Any]:
    """Put the twin to the leak test."""
    from gptmodel.privacy import audit

    return audit(_workspace(folder, "audit"), config.privacy, scrubber).model_dump(mode="json")


def answer(folder: Path) -> list[dict[str, str]]:
    """Let the twin complete what is known of the invented people, always by the likeliest token."""
    from gptmodel.generation import Generator
    from gptmodel.model_folder import load_model
    from gptmodel.tokenizer import Tokenizer

    generator = Generator(load_model(folder / "train" / "model"), Tokenizer.load(folder / "tokenizer"))
    questions: list[Question] = [question for person in invent() for question in person.questions]
    made = generator.generate(
        [question.prompt for question in questions], max_new_tokens=ANSWER_TOKENS, temperature=0.0
    )
    return [{"kind": question.kind, "prompt": question.prompt, "value": question.value, "text": one.text}
            for question, one in zip(questions, made, strict=True)]  # fmt: skip


def _workspace(folder: Path, stage: str) -> Workspace:
    path = folder / stage
    path.mkdir(parents=True, exist_ok=True)
    return Workspace(path, {name: folder / name for name in STAGES})


if __name__ == "__main__":
    main()
