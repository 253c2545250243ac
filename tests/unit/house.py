"""A store of small outputs, made by hand, for tests of what is looked up in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gptmodel.config import ScrubbingConfig, SelfTestConfig, fingerprint_section
from gptmodel.corpus.dedup.members import MEMBERS_DIR, LeftOut, Member
from gptmodel.corpus.documents import Document, shard_path, write_shard
from gptmodel.corpus.rules import Dropped
from gptmodel.corpus.scrubbing import Scrubber, scrub
from gptmodel.corpus.sources.forgetting import (
    FORGOTTEN_DIR,
    TEXTS_DIR,
    ForgottenRow,
    KnownText,
    text_mark,
)
from gptmodel.corpus.split_table import SPLIT_DIR, Split, SplitRow
from gptmodel.corpus.table_names import LEFT_OUT_DIR
from gptmodel.corpus.tables import write_table
from gptmodel.keys import Keys
from gptmodel.store import Output, Store, Workspace, digest_of, seal

A, B, C, D = (letter * 32 for letter in "abcd")
"""Ids of documents."""
UNTESTED = ScrubbingConfig(self_test=SelfTestConfig(num_values=0))
_KINDS = {SPLIT_DIR: SplitRow, MEMBERS_DIR: Member, "drops": Dropped, LEFT_OUT_DIR: Dropped,
          FORGOTTEN_DIR: ForgottenRow, TEXTS_DIR: KnownText}  # fmt: skip


class Account(BaseModel):
    """Any stage's account."""

    name: str = ""
    version: int = 0
    runtime: dict[str, Any] = {}


class House:
    """A store that outputs are put into."""

    def __init__(self, root: Path, key: bytes | None = None) -> None:
        self.store = Store(root / "store")
        self.key = key
        self._scrubbed: dict[str, Output] = {}

    def put(self, stage: str, inputs: Sequence[Output], account: Account | None = None, **tables: Any) -> Output:
        """Commit an output with tables by folder, each a list of rows in one shard."""
        digests = {output.stage: output.digest for output in inputs}
        address = digest_of([stage, digests, repr(account), repr(tables)])[:32]
        with self.store.writing(stage, address, {}) as work:
            _write(work, tables)
            return self.store.commit(work, seal(
                work, stage=stage, fingerprint=address, code_version="", section={}, inputs=digests,
                result=account or Account(),
            ))  # fmt: skip

    def corpus(
        self, splits: Mapping[str, Split], left_out: Mapping[str, LeftOut] | None = None, dropped: Sequence[str] = ()
    ) -> Output:
        """Commit clean, scrub, deduplicate and split; return the split."""
        drops = [Dropped(name, "notes", "n.txt", "too short", 3) for name in dropped]
        clean = self.put("clean", [], Account(name=repr((splits, left_out))), drops=drops)
        scrub = self.put("scrub", [clean], Account(name=clean.digest))
        members = [Member(name, "notes", name, True, "") for name in splits]
        members += [Member(name, "notes", A, False, reason) for name, reason in (left_out or {}).items()]
        clusters = self.put("deduplicate", [scrub], members=members)
        rows = [SplitRow(name, "notes", split, False) for name, split in splits.items()]
        return self.put("split", [scrub, clusters], splits=rows)

    def version(self, split: Output, number: int, name: str = "gpt") -> Output:
        """Commit what a version of a corpus consists of."""
        train = self.put("train", [split], Account(version=number))
        account = Account(name=name, version=number, runtime={"mlflow_run_id": f"run-{number}"})
        scrubbed = [self._scrubbed[split.fingerprint]] if split.fingerprint in self._scrubbed else []
        return self.put("register", [*scrubbed, split, train], account)

    def scrubbed(self, texts: Mapping[str, str], config: ScrubbingConfig = UNTESTED) -> Output:
        """Scrub texts by the real stage, and commit it with what it came from."""
        ingested = self._ingested(texts)
        cleaned = self.put("clean", [ingested], Account(name=ingested.digest))
        address = digest_of(["scrub", dict(texts), self.key is None, repr(config)])[:32]
        with self.store.writing("scrub", address, {}) as work:
            clean = work.path.parent / f"clean-{address}"
            write_shard(
                shard_path(clean, 0), [Document(name, "notes", f"{name[:1]}.txt", texts[name]) for name in texts]
            )
            work.inputs["clean"] = clean
            result = scrub(work, Scrubber(config, Keys(home=self.key)))
            return self.store.commit(work, seal(
                work, stage="scrub", fingerprint=address, code_version="",
                section={"scrubbing": fingerprint_section(config)}, inputs={"clean": cleaned.digest}, result=result,
            ))  # fmt: skip

    def _ingested(self, texts: Mapping[str, str]) -> Output:
        marks = {name: text_mark(self.key or b"", text.encode()) for name, text in texts.items()}
        known = [KnownText(name, "notes", f"{name[:1]}.txt", mark) for name, mark in marks.items()]
        return self.put("ingest", [], Account(name=digest_of(marks)), **{TEXTS_DIR: known})

    def split_of(self, scrubbed: Output, splits: Mapping[str, Split]) -> Output:
        """Commit where the documents of a scrubbed corpus went."""
        rows = [SplitRow(name, "notes", split, False) for name, split in splits.items()]
        split = self.put("split", [scrubbed], splits=rows)
        self._scrubbed[split.fingerprint] = scrubbed
        return split


def _write(work: Workspace, tables: Mapping[str, Sequence[Any]]) -> None:
    for folder, rows in tables.items():
        # The name of an index tells what it is made from.
        name = f"00000-{digest_of(repr(rows))[:16]}" if folder == TEXTS_DIR else "00000-000"
        write_table(work.path / folder / f"{name}.parquet", _KINDS[folder], rows)
