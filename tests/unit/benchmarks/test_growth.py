import json
import random
from pathlib import Path

from benchmarks.growth import FILE_BYTES, grow, make_up

PROSE = "The keeper of the old lighthouse, a quiet man of 64, wrote:\n    'No ship passed tonight.'\n\nThen he slept.\n"
HAN = "庭院深深深几许，杨柳堆烟，帘幕无重数。\n玉勒雕鞍游冶处，楼高不见章台路。"


def source(folder: Path, texts: list[str]) -> Path:
    file = folder / "documents.jsonl"
    file.write_text("".join(json.dumps({"path": "a", "text": text}) + "\n" for text in texts))
    return file


def texts_in(folder: Path) -> list[str]:
    return [json.loads(line)["text"] for file in sorted(folder.glob("*.jsonl")) for line in file.open()]


def test_lines_indentation_and_punctuation_stay() -> None:
    made_up = make_up(PROSE, [], random.Random(1))
    assert made_up != PROSE
    assert [len(line) - len(line.lstrip()) for line in made_up.split("\n")] == [0, 4, 0, 0, 0]
    assert [char for char in made_up if char in ",.:'\n"] == [char for char in PROSE if char in ",.:'\n"]


def test_a_number_keeps_its_digits() -> None:
    assert len(make_up("1984-06-08", [], random.Random(1))) == 10


def test_each_character_of_a_script_without_spaces_counts_as_a_word() -> None:
    made_up = make_up(HAN, [], random.Random(1))
    assert len(made_up) == len(HAN)
    assert set(made_up) <= set(HAN)


def test_a_short_document_draws_from_its_neighbours_too() -> None:
    neighbours: list[str] = []
    draw = random.Random(1)
    make_up("alpha beta gamma delta", neighbours, draw)
    assert any(make_up("one", neighbours, draw) != "one" for _ in range(20))


def test_so_many_bytes_are_made_in_files_of_a_size_whatever_the_source_holds(tmp_path: Path) -> None:
    file = source(tmp_path, [PROSE * 20, HAN * 30])
    made = grow(file, tmp_path / "grown", FILE_BYTES + 100_000, seed=1)
    assert abs(made - FILE_BYTES - 100_000) < 0.01 * FILE_BYTES
    assert made == sum(len(text.encode()) for text in texts_in(tmp_path / "grown"))
    assert len([file for file in (tmp_path / "grown").iterdir() if file.stat().st_size]) == 2


def test_less_than_the_source_holds_is_a_sample_of_it(tmp_path: Path) -> None:
    file = source(tmp_path, [f"{PROSE} {number}" for number in range(400)])
    made = grow(file, tmp_path / "grown", 10_000, seed=1)
    assert 9_000 < made < 12_000


def test_the_same_seed_gives_the_same_text_and_another_seed_other_text(tmp_path: Path) -> None:
    file = source(tmp_path, [PROSE])
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        grow(file, tmp_path / folder, 5_000, seed)
    assert texts_in(tmp_path / "a") == texts_in(tmp_path / "b") != texts_in(tmp_path / "c")


def test_grown_documents_repeat_neither_each_other_nor_the_source(tmp_path: Path) -> None:
    file = source(tmp_path, [PROSE])
    grow(file, tmp_path / "grown", 10_000, seed=1)
    texts = texts_in(tmp_path / "grown")
    assert len(set(texts) | {PROSE}) == len(texts) + 1
