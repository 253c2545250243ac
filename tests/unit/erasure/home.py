"""A small home: real corpus stages up to the token files, committed as runs commit them, and what trainings leave."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gptmodel.config import (
    CleaningConfig,
    CorpusConfig,
    DedupConfig,
    PlantedConfig,
    SourceConfig,
    SplitConfig,
    TokenizerConfig,
    TokensConfig,
)
from gptmodel.corpus.cleaning import clean
from gptmodel.corpus.dedup.stage import deduplicate
from gptmodel.corpus.documents import document_id
from gptmodel.corpus.scrubbing import Scrubber, scrub
from gptmodel.corpus.sources.stage import ingest, list_sources
from gptmodel.corpus.split import split
from gptmodel.erasure.requests import ErasureRequest, input_digests_of, marks_of
from gptmodel.keys import Keys
from gptmodel.store import Output, Store, Workspace, digest_of, seal
from gptmodel.tokenizer import train_tokenizer
from gptmodel.tokens import pack
from tests.unit.corpus.known import prose
from tests.unit.house import UNTESTED

KEY = b"the key of a home in a test"  # pragma: allowlist secret
ASKED, COPY, NEAR, LONG, SHORT = "asked.txt", "copy.txt", "near.txt", "long.txt", "short.txt"
"""Files: the one that is asked for, its copy, its near duplicate, one that is divided, and one that is dropped."""

EMAIL = "anna.keller@example.com"  # pragma: allowlist secret
"""Stands in the near duplicate alone."""


class Account(BaseModel):
    """A later stage's account, as far as look-ups read it."""

    name: str = "gpt"
    version: int = 0
    num_steps: int = 20
    runtime: dict[str, str] = {}


class SmallHome:
    """A store with runs over one folder of text.

    Attributes:
        texts: The folder.
        store: The store.
        key: Its key.
    """

    def __init__(self, root: Path, key: bytes = KEY) -> None:
        self.root, self.store, self.texts, self.key = root, Store(root / "store"), root / "texts", key
        if self.texts.exists():  # a copy of another one
            return
        self.texts.mkdir(parents=True)
        for number in range(12):
            (self.texts / f"{number}.txt").write_text(prose(number))
        for name in (ASKED, COPY):
            (self.texts / name).write_text(prose(50))
        (self.texts / NEAR).write_text(prose(50) + f" Write to {EMAIL}.")
        (self.texts / LONG).write_text("\n\n".join(prose(seed) for seed in (90, 91, 92)))
        (self.texts / SHORT).write_text("Tiny words.")

    def id(self, name: str) -> str:
        """Give the identity of a file's document."""
        return document_id("notes", name, "0")

    def run(
        self, requests: Sequence[ErasureRequest] = (), version: int = 1, name: str = "gpt", source_name: str = "notes"
    ) -> dict[str, Output]:
        """Compute and commit all stages; what is trained is made up."""
        source = SourceConfig(name=source_name, path=str(self.texts), personal_data="no")
        corpus = CorpusConfig(sources=(source,), num_shards=3, max_document_chars=1200)
        listing = list_sources(corpus, self.root / "listing.json")
        scrubber, marks = Scrubber(UNTESTED, Keys(home=self.key)), marks_of(requests, self.key)
        splits, planted = (
            SplitConfig(validation_ratio=0.2, test_ratio=0.2, min_documents=1),
            PlantedConfig(enabled=False),
        )
        done: dict[str, Output] = {}
        external = {"listing": digest_of([source_name, listing.digests()])} | input_digests_of(requests)
        section = {"corpus": corpus.model_dump(mode="json")}
        self._put(done, "ingest", lambda work: ingest(work, corpus, planted, listing, marks=marks), external, section)
        self._put(done, "clean", lambda work: clean(work, CleaningConfig()))
        self._put(done, "scrub", lambda work: scrub(work, scrubber))
        self._put(done, "deduplicate", lambda work: deduplicate(work, DedupConfig(), [source_name]))
        self._put(done, "split", lambda work: split(work, splits))
        self._put(done, "tokenizer", lambda work: train_tokenizer(work, TokenizerConfig(vocab_size=300), ()))
        self._put(done, "pack", lambda work: pack(work, TokensConfig()))
        settings = {"model": {"context_length": 16}, "training": {"batch_size": 4, "seed": 0}}
        self._put(done, "train", _train, section=settings)
        self._put(done, "register", lambda work: _register(work, version, name), section={"name": name})
        self._put(done, "promote", lambda work: Account(version=version, name=name))
        return done

    def _put(
        self, done: dict[str, Output], stage: str, compute: Callable[[Workspace], BaseModel],
        external: dict[str, str] | None = None, section: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        inputs = {name: output.digest for name, output in done.items()} | (external or {})
        address = digest_of([stage, inputs, section or {}])[:32]
        if self.store.find(stage, address) is None:
            with self.store.writing(stage, address, done) as work:
                result = compute(work)
                self.store.commit(work, seal(
                    work, stage=stage, fingerprint=address, code_version="", section=section or {}, inputs=inputs,
                    result=result,
                ))  # fmt: skip
        manifest = self.store.find(stage, address)
        assert manifest is not None
        done[stage] = Output(stage=stage, fingerprint=address, digest=manifest.digest, result=manifest.result)


def _train(work: Workspace) -> Account:
    (work.path / "model").mkdir()
    (work.path / "model" / "model.safetensors").write_bytes(work.inputs["pack"].name.encode())
    (work.path / "samples.jsonl").write_text(json.dumps({"text": "what it said"}) + "\n")
    return Account()


def _register(work: Workspace, version: int, name: str) -> Account:
    (work.path / "bundle").mkdir()
    (work.path / "bundle" / "model.safetensors").write_bytes(work.inputs["train"].name.encode())
    (work.path / "bundle" / "digests.json").write_text(work.inputs["train"].name)
    return Account(version=version, name=name, runtime={"model_id": "m-1"})
