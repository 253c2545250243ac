"""A small corpus of which everything is known, put through the real stages up to the split."""

import gzip
import json
import random
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptmodel.config import (
    CleaningConfig,
    CorpusConfig,
    DedupConfig,
    PlantedConfig,
    ScrubbingConfig,
    SourceConfig,
    SplitConfig,
)
from gptmodel.corpus.cleaning import clean
from gptmodel.corpus.dedup.evaluation_texts import list_evaluation_texts
from gptmodel.corpus.dedup.stage import deduplicate
from gptmodel.corpus.scrubbing import Scrubber, scrub
from gptmodel.corpus.sources.stage import ingest, list_sources
from gptmodel.corpus.split import split
from gptmodel.store import Workspace

STAGES = ("ingest", "clean", "scrub", "deduplicate", "split")
SECRET = "anna.keller@example.com"  # pragma: allowlist secret
FOOTER = "Every page of this collection may be copied freely by everyone"
IN = "in"
"""Stands for whichever split a document went to."""

_WORDS = (
    "river stone window letter garden mirror winter silver bridge candle copper engine forest island kitchen market "
    "meadow morning orange painter pocket rabbit saddle summer teacher valley village weather whisper yellow"
).split()
_EVALUATED = "nobody in the harbour had ever seen a lantern burn with so steady and so green a flame before"

Fate = tuple[str, str, str]


@dataclass(frozen=True)
class Known:
    """The corpus after the split; its text from before scrubbing is deleted.

    Attributes:
        folders: Folder of each stage.
        accounts: Each stage's result as JSON values.
        truth: Source and path -> (status, stage, reason) of what lies there, sorted.
    """

    folders: dict[str, Path]
    accounts: dict[str, dict[str, Any]]
    truth: Mapping[tuple[str, str], list[Fate]]


def prose(seed: int, count: int = 60) -> str:
    """Give sentences of English words that no other seed gives."""
    words = random.Random(seed).choices(_WORDS, k=count)
    return ". ".join(f"The {' and the '.join(words[at : at + 4])}" for at in range(0, count, 4)) + "."


def build(folder: Path, scrubbing: ScrubbingConfig = ScrubbingConfig()) -> Known:  # noqa: B008 - it is frozen
    """Write the corpus and put it through the stages."""
    truth = _write_notes(folder / "notes") | _write_mail(folder / "mail")
    folders = {stage: folder / stage for stage in STAGES}
    (folder / "evaluated.txt").write_text(_EVALUATED)
    accounts = _run(folder, folders, scrubbing)
    for stage in ("ingest", "clean"):
        shutil.rmtree(folders[stage] / "shards")
    return Known(folders, accounts, truth)


def counted(known: Known, source: str) -> Counter[Fate]:
    """Count what became of a source's files, records and documents."""
    return Counter(fate for (its, _), fates in known.truth.items() if its == source for fate in fates)


def _write_notes(folder: Path) -> dict[tuple[str, str], list[Fate]]:
    folder.mkdir()
    kept, dropped, gone = (IN, "split", ""), "dropped", "quarantined"
    files: dict[str, tuple[str | bytes, list[Fate]]] = {
        f"n{number:02d}.txt": (f"{prose(number)}\n{FOOTER if number < 20 else ''}", [kept]) for number in range(40)
    }
    files["n30.txt"] = (f"{prose(30)} Write to {SECRET} or {SECRET}.", [kept])
    files["short.txt"] = ("Hi.", [(dropped, "clean", "too short")])
    files["numbers.txt"] = ("0123 4567 8910 1112 1314 (15) [16] = 17", [(dropped, "clean", "not text")])
    files["long.txt"] = ("\n\n".join(prose(seed) for seed in (90, 91, 92)), [kept] * 3)
    files["judged.txt"] = (f"{prose(70)} {_EVALUATED}.", [(dropped, "deduplicate", "contaminated")])
    files["photo.png"] = (b"\x89PNG\0", [(gone, "ingest", "unsupported_format")])
    files["blank.txt"] = (" \n", [(gone, "ingest", "empty")])
    files["cut.txt.gz"] = (gzip.compress(prose(80).encode(), mtime=0)[:-9], [(gone, "ingest", "damaged_archive")])
    for name, (content, _) in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return {("notes", name): fates for name, (_, fates) in files.items()}


def _write_mail(folder: Path) -> dict[tuple[str, str], list[Fate]]:
    """Write records: ten letters, one of them a copy of a note, one nearly one, one broken and one empty."""
    folder.mkdir()
    letters = [json.dumps({"text": prose(100 + number)}) for number in range(8)]
    letters.append(json.dumps({"text": prose(25).upper()}))
    letters.append(json.dumps({"text": prose(26).replace("The", "A", 1)}))
    letters += ['{"text": "cut', '{"text": ""}']
    (folder / "sent").mkdir()
    (folder / "sent" / "mail.jsonl").write_text("\n".join(letters))
    fates = [(IN, "split", "")] * 8 + [("dropped", "deduplicate", "exact"), ("dropped", "deduplicate", "near")]
    fates += [("quarantined", "ingest", "broken_record"), ("quarantined", "ingest", "empty")]
    return {("mail", "sent/mail.jsonl"): sorted(fates)}


def _run(folder: Path, folders: dict[str, Path], scrubbing: ScrubbingConfig) -> dict[str, dict[str, Any]]:
    sources = (SourceConfig(name="notes", path=str(folder / "notes"), personal_data="no"),
               SourceConfig(name="mail", path=str(folder / "mail"), personal_data="yes"))  # fmt: skip
    corpus = CorpusConfig(sources=sources, num_shards=3, max_document_chars=1200)
    dedup = DedupConfig(evaluation_texts=(str(folder / "evaluated.txt"),))
    evaluation = list_evaluation_texts(dedup, folder / "evaluation.json")
    listing = list_sources(corpus, folder / "listing.json")
    planted = PlantedConfig(max_canary_ratio=1.0)
    splits = SplitConfig(validation_ratio=0.2, test_ratio=0.2, min_documents=1)
    results = {
        "ingest": ingest(_work(folders, "ingest"), corpus, planted, listing),
        "clean": clean(_work(folders, "clean", "ingest"), CleaningConfig(), private=["mail"]),
        "scrub": scrub(_work(folders, "scrub", "clean"), Scrubber(scrubbing)),
        "deduplicate": deduplicate(_work(folders, "deduplicate", "scrub"), dedup, ["notes", "mail"], evaluation),
        "split": split(_work(folders, "split", "scrub", "deduplicate"), splits),
    }
    return {stage: result.model_dump(mode="json") for stage, result in results.items()}


def _work(folders: dict[str, Path], stage: str, *inputs: str) -> Workspace:
    folders[stage].mkdir()
    return Workspace(folders[stage], {name: folders[name] for name in inputs})
