"""A folder of one's own: what `init` writes is what `run` reads, in every format and encoding."""

import bz2
import csv
import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Command

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

CHINESE = (
    "河边的集市在第{}天开张，卖鱼的人把木桶排成一行，孩子们围着看水里的影子。"
    "到了傍晚，风从山上吹下来，摊主们收起布棚，约好第{}天再见，路上只剩下脚步声和几片叶子。"
)
ENGLISH = (
    "On day {} the market by the river opened late, and the fishmonger set out {} buckets in a row. "
    "Children watched the shadows in the water until the wind came down from the hills and the awnings were folded. "
)
SMALL = (
    "dedup.repeated_line_min_documents=0", "tokenizer.vocab_size=400", "model.context_length=32",
    "corpus.num_shards=2", "split.validation_ratio=0.2", "split.test_ratio=0.2", "privacy.planted.enabled=false",
    "dedup.near=false",
)  # fmt: skip
WRITTEN = {"plain": 6, "notes": 4, "page": 4, "lines": 10, "packed": 10, "table": 10, "sheet": 6, "gb": 6}


def words(kind: str, number: int, template: str = ENGLISH) -> str:
    where = list(WRITTEN).index(kind) * 100 + number
    return f"{kind}-{number}. " + template.format(where, where + 7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Texts in every format: each document says its kind and number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = tmp_path / "My texts"
    (made / "deep" / "er").mkdir(parents=True)
    texts = {kind: [words(kind, number) for number in range(count)] for kind, count in WRITTEN.items()}
    for number, text in enumerate(texts["plain"]):
        (made / f"plain {number}.txt").write_text(text)
    for number, text in enumerate(texts["notes"]):
        (made / "deep" / "er" / f"{number}.md").write_text(f"# Heading\n\n{text}")
    for number, text in enumerate(texts["page"]):
        (made / "deep" / f"{number}.html").write_text(
            f"<html><head><title>t</title><script>var never = 1;</script></head><body><p>{text}</p></body></html>"
        )
    lines = [json.dumps({"text": text, "id": number}) for number, text in enumerate(texts["lines"])]
    (made / "lines.jsonl").write_text("\n".join(lines) + "\n")
    packed = "\n".join(json.dumps({"text": text}) for text in texts["packed"])
    (made / "packed.jsonl.gz").write_bytes(gzip.compress(packed.encode()))
    pq.write_table(pa.table({"text": texts["table"], "number": list(range(10))}), made / "table.parquet")
    with bz2.open(made / "sheet.csv.bz2", "wt", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["text", "n"], *([text, "1"] for text in texts["sheet"])])
    for number in range(WRITTEN["gb"]):
        (made / f"gb{number}.txt").write_bytes(words("gb", number, CHINESE).encode("gb18030"))
    return made


def scrubbed(command: Command) -> str:
    import pyarrow.parquet as pq

    files = sorted((command.home / "store" / "scrub").rglob("*.parquet"))
    texts = [str(row) for file in files for row in pq.read_table(file).to_pylist()]
    return "\n".join([*texts, *read_lines(command)])


def read_lines(command: Command) -> list[str]:
    files = [path for path in (command.home / "store" / "scrub").rglob("*.jsonl*") if path.is_file()]
    opened = [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in files]
    return [line for raw in opened for line in raw.decode("utf-8").splitlines()]


def account(command: Command, stage: str) -> Any:
    [manifest] = (command.home / "store" / stage).glob("*/manifest.json")
    return json.loads(manifest.read_text(encoding="utf-8"))["result"]


def settings(*pairs: str) -> list[str]:
    return [part for pair in pairs for part in ("--set", pair)]


def test_a_folder_in_every_format_is_read_whole(command: Command, folder: Path, tmp_path: Path) -> None:
    config = str(tmp_path / "mine.toml")
    written = command("init", config, "--source", str(folder))
    assert written.code == 0, written.out + written.err
    ended = command("run", "--config", config, *settings(*SMALL), "--until", "pack", "--json")
    assert ended.code == 0, ended.out + ended.err
    corpus = ended.record["corpus"]
    assert (corpus["num_read"], corpus["num_kept"], corpus["num_quarantined"]) == (sum(WRITTEN.values()),) * 2 + (0,)
    assert account(command, "ingest")["encodings"].get("gb18030") == WRITTEN["gb"]
    text = scrubbed(command)
    missing = [f"{kind}-{number}. " for kind, count in WRITTEN.items() for number in range(count)
               if f"{kind}-{number}. " not in text]  # fmt: skip
    assert missing == []
    assert "孩子们围着看水里的影子" in text
    assert "var never" not in text
    assert "<p>" not in text
    assert [stage["name"] for stage in ended.record["stages"]][-1] == "pack"
    assert ended.record["model"] is None


def test_a_real_chinese_corpus_reaches_packed_tokens(command: Command, test_corpora: str, tmp_path: Path) -> None:
    folder = tmp_path / "zh"
    # Without the longest novel it has every format and encoding still.
    shutil.copytree(f"{test_corpora}/zh", folder, ignore=shutil.ignore_patterns("hongloumeng.txt"))
    ended = command("run", "--source", str(folder), *settings("tokenizer.vocab_size=2000"), "--until", "pack",
                    "--json")  # fmt: skip
    assert ended.code == 0, ended.out + ended.err
    corpus = ended.record["corpus"]
    assert corpus["num_read"] == corpus["num_kept"] + corpus["num_dropped"] + corpus["num_quarantined"]
    assert corpus["num_dropped"] == sum(corpus["dropped_by_reason"].values())
    assert ended.record["tokenizer"]["vocab_size"] == 2000
    assert account(command, "clean")["languages"].get("zh", 0) > corpus["num_kept"] / 2
    assert account(command, "pack")["num_tokens"]["train"] > 100_000
