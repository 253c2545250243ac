"""A small corpus that has gone through the stages before the quality gate, for tests of what the gate makes of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gptmodel.config import DedupConfig, QualityConfig, ScrubbingConfig, SplitConfig
from gptmodel.corpus.cleaning import CleanResult, SourceCleaning
from gptmodel.corpus.dedup.members import MEMBERS_DIR, Member, read_shard_members
from gptmodel.corpus.dedup.stage import deduplicate
from gptmodel.corpus.documents import Document, document_id, list_shards, shard_name, shard_path, write_shard
from gptmodel.corpus.quality.checks import CheckResult
from gptmodel.corpus.quality.reading import Search, read_shards
from gptmodel.corpus.quality.stage import QualityResult, check_quality
from gptmodel.corpus.quality.tables import Accounts, Tables, build_tables
from gptmodel.corpus.scrubbing import Scrubber, ScrubResult
from gptmodel.corpus.scrubbing.measuring.self_test import KindTest, recall_by_kind
from gptmodel.corpus.sources.reading import FileRow
from gptmodel.corpus.sources.stage import IngestResult, SourceAccount
from gptmodel.corpus.split import split
from gptmodel.corpus.split_table import SplitRow, read_shard_split, write_shard_split
from gptmodel.corpus.table_names import FILES_DIR
from gptmodel.corpus.tables import write_table
from gptmodel.parts import Mapper, in_turn
from gptmodel.store import Workspace

WORDS = (
    "river stone window letter garden mirror winter silver bridge candle copper engine forest island kitchen".split()
)
KINDS = ("EMAIL", "PHONE", "PERSON")
SCRUBBER = Scrubber(ScrubbingConfig(kinds=KINDS))
NUM_SHARDS = 3


def prose(number: int) -> str:
    return "\n".join(
        f"Line {number * 31 + row} speaks of {' and '.join(WORDS[(number * row + at) % 15] for at in range(6))}"
        for row in range(5)
    )


def make(number: int, text: str = "", source: str = "notes", lang: str = "en") -> Document:
    path = f"{number}.txt"
    return Document(document_id(source, path, "0"), source, path, text or prose(number), lang)


class House:
    """The folders of the stages before the gate, which can be spoilt before the gate is asked.

    Args:
        folder: Where they lie.
        documents: The scrubbed documents.
        encoding: Encoding of every file.
    """

    def __init__(self, folder: Path, documents: Sequence[Document], encoding: str = "utf-8") -> None:
        self.folder = folder
        for number in range(NUM_SHARDS):
            mine = documents[number::NUM_SHARDS]
            write_shard(shard_path(folder / "scrub", number), mine)
            files = [FileRow(d.source, d.path, 1, "text", encoding) for d in mine]
            write_table(folder / "ingest" / FILES_DIR / f"{shard_name(number)}.parquet", FileRow, files)
        names = sorted({document.source for document in documents if not document.planted})
        self.dedup = deduplicate(self.work("deduplicate", "scrub"), DedupConfig(near=False), names)
        ratios = SplitConfig(validation_ratio=0.2, test_ratio=0.2, min_documents=1)
        self.split = split(self.work("split", "scrub", "deduplicate"), ratios)
        sizes = Counter(document.source for document in documents if not document.planted)
        self.ingest = ingest_result(sizes)
        self.clean = clean_result(sizes)
        self.scrub = ScrubResult.model_construct(
            num_documents=sizes.total(),
            kinds_searched=KINDS,
            scope=Scrubber(ScrubbingConfig()).scope,
            sources=[],
            **self_tested(),
        )

    def work(self, stage: str, *inputs: str) -> Workspace:
        (self.folder / stage).mkdir(exist_ok=True)
        return Workspace(self.folder / stage, {name: self.folder / name for name in inputs})

    @property
    def gate(self) -> Workspace:
        return self.work("gate", "ingest", "scrub", "deduplicate", "split")

    def accounts(self) -> Accounts:
        return Accounts(self.ingest, self.clean, self.scrub, self.dedup, self.split)

    def tables(self, search: Search = Search(SCRUBBER, 1.0, 1.0)) -> Tables:  # noqa: B008 - it is frozen
        read = read_shards(self.gate, search)
        return build_tables(self.gate.path, read.accounts, self.accounts(), {})

    def check(self, mapper: Mapper = in_turn, **limits: object) -> QualityResult:
        return check_quality(self.gate, QualityConfig(**limits), SCRUBBER, self.accounts(), mapper=mapper)  # type: ignore[arg-type]

    def shards(self) -> list[str]:
        return [path.stem for path in list_shards(self.folder / "scrub")]

    def change_split(self, **fields_of: dict[str, object]) -> None:
        """Change fields of documents' rows in the tables of the split, given by id."""
        for shard in self.shards():
            rows: list[SplitRow] = list(read_shard_split(self.folder / "split", shard))
            changed = [replace(row, **fields_of.get(row.id, {})) for row in rows]  # type: ignore[arg-type]
            write_shard_split(self.folder / "split", shard, changed)

    def change_members(self, **fields_of: dict[str, object]) -> None:
        """Change fields of documents' rows in the tables of the duplicates, given by id."""
        for shard in self.shards():
            rows = [
                replace(row, **fields_of.get(row.id, {}))  # type: ignore[arg-type]
                for row in read_shard_members(self.folder / "deduplicate", shard)
            ]
            write_table(self.folder / "deduplicate" / MEMBERS_DIR / f"{shard}.parquet", Member, rows)


def self_tested(**num_found_of: int) -> dict[str, object]:
    """Give the account's fields of a test of itself in which all of 20 values of each kind were found, or so many."""
    rows = [
        KindTest(kind=kind, num_values=20, num_found=found, recall=found / 20, lower_bound=found / 25, num_decoys=20,
                 num_decoys_touched=0)
        for kind, found in (dict.fromkeys(KINDS, 20) | num_found_of).items()
    ]  # fmt: skip
    return {"self_test": rows, "self_test_recall": recall_by_kind(rows)}


def ingest_result(sizes: Counter[str], quarantined: int = 0) -> IngestResult:
    sources = [
        SourceAccount.model_construct(name=name, num_documents=size, num_parts=size, num_quarantined=quarantined)
        for name, size in sorted(sizes.items())
    ]
    num_quarantined = quarantined * len(sources)
    return IngestResult.model_construct(
        num_read=sizes.total() + num_quarantined, num_quarantined=num_quarantined, sources=sources
    )


def clean_result(sizes: Counter[str], dropped: int = 0) -> CleanResult:
    """Give the account of a cleaning that read so many documents more of each source than it kept."""
    sources = [
        SourceCleaning.model_construct(
            name=name, num_read=size + dropped, num_kept=size, dropped_by_reason={"too short": dropped}
        )
        for name, size in sorted(sizes.items())
    ]
    num_dropped = dropped * len(sources)
    return CleanResult.model_construct(
        num_read=sizes.total() + num_dropped, num_kept=sizes.total(), num_dropped=num_dropped, sources=sources
    )


def sound(folder: Path, *more: Document) -> House:
    """Give a corpus with nothing wrong in it, and further documents."""
    return House(folder, [*(make(number) for number in range(60)), *more])


def failed(result: QualityResult) -> dict[str, CheckResult]:
    return {check.name: check for check in result.checks if not check.passed}
