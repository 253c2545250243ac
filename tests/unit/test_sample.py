"""The sample holds what data/README.md says."""

import json
from collections import Counter
from pathlib import Path

from gptmodel.corpus.scrubbing import KINDS, find

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"


def texts() -> dict[str, str]:
    found = {}
    for path in sorted(SAMPLE.rglob("*")):
        if path.is_file() and path.suffix != ".jsonl":
            encoding = "gb18030" if "gb18030" in path.name else "utf-8"
            found[path.relative_to(SAMPLE).as_posix()] = path.read_text(encoding=encoding)
    return found


def test_it_is_large_enough_to_train_the_smallest_preset_alone() -> None:
    distinct = {text for text in texts().values() if len(text) >= 20}
    assert len(distinct) >= 60
    assert sum(len(text.encode()) for text in distinct) >= 90_000


def test_it_holds_every_kind_that_is_searched() -> None:
    kinds = Counter(one.kind for text in texts().values() for one in find(text))
    assert set(KINDS) <= set(kinds)


def test_addresses_are_invented() -> None:
    for text in texts().values():
        for one in find(text, kinds=("EMAIL",)):
            value = text[one.start : one.end].replace(" [dot] ", ".")
            assert value.endswith(("example.com", "example.org", "example.net"))


def test_it_has_duplicates_mojibake_and_short_files() -> None:
    found = texts()
    assert found["archive/bread-log-copy.md"] == found["notes/bread-log.md"]
    assert found["zh/渡口.txt"] != found["zh/渡口-另一稿.txt"]
    assert "Ã©" in found["web/cafe-notice.txt"]
    assert found["short/empty.txt"] == ""


def test_the_json_lines_have_good_and_broken_records() -> None:
    good = bad = 0
    for line in (SAMPLE / "records/snippets.jsonl").read_bytes().split(b"\n"):
        try:
            good += "text" in json.loads(line)
        except ValueError:
            bad += bool(line)
    assert good >= 12
    assert bad == 2
