"""Files, folders and streams."""

import gzip
import io
import json
from pathlib import Path

import pytest

from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.files import scrub_file_to, scrub_paths, scrub_stream
from gptmodel.errors import ConfigError, SourceError

SCRUBBER = Scrubber(ScrubbingConfig())


def spans_of(path: Path) -> list[list[dict[str, object]]]:
    return [json.loads(line)["spans"] for line in path.read_text().splitlines()]


def test_a_file_is_scrubbed_into_a_file_with_its_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("é ada@example.com\r\nend\r\n".encode())
    summary = scrub_paths([tmp_path / "a.txt"], tmp_path / "b.txt", tmp_path / "s.jsonl", SCRUBBER)
    assert (tmp_path / "b.txt").read_bytes() == "é <EMAIL>\r\nend\r\n".encode()
    assert spans_of(tmp_path / "s.jsonl") == [[{"start": 2, "end": 17, "type": "EMAIL"}]]
    assert (summary.num_documents, summary.findings["EMAIL"], summary.findings["PHONE"]) == (1, 1, 0)


def test_a_folder_is_mirrored_in_the_order_of_its_paths(tmp_path: Path) -> None:
    (tmp_path / "in/b").mkdir(parents=True)
    (tmp_path / "in/b/x.txt").write_text("8.8.8.8")
    (tmp_path / "in/a.txt").write_text("ada@example.com")
    scrub_paths([tmp_path / "in"], tmp_path / "out", tmp_path / "s.jsonl", SCRUBBER)
    assert (tmp_path / "out/b/x.txt").read_text() == "<IP_ADDRESS>"
    assert [one[0]["type"] for one in spans_of(tmp_path / "s.jsonl")] == ["EMAIL", "IP_ADDRESS"]


@pytest.mark.parametrize("name", ["d.jsonl", "d.jsonl.gz"])
def test_each_line_of_json_lines_is_a_document(tmp_path: Path, name: str) -> None:
    lines = ['{"id": 7, "text": "ada@example.com"}', "broken ada@example.com", '{"text": "plain"}']
    data = "\n".join(lines).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    scrub_paths([tmp_path / name], tmp_path / "out.jsonl", tmp_path / "s.jsonl", SCRUBBER)
    out = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(out[0]), out[1], json.loads(out[2])] == [
        {"id": 7, "text": "<EMAIL>"},
        "broken <EMAIL>",
        {"text": "plain"},
    ]
    assert [len(one) for one in spans_of(tmp_path / "s.jsonl")] == [1, 1, 0]


def test_what_stands_beside_the_text_of_a_line_is_scrubbed_too(tmp_path: Path) -> None:
    line = {"by": ["ada@example.com", 1], "text": "x", "a@example.com": 1, "b@example.com": {"to": "8.8.8.8"}}
    (tmp_path / "d.jsonl").write_text(json.dumps(line) + "\n")
    summary = scrub_paths([tmp_path / "d.jsonl"], tmp_path / "out.jsonl", None, SCRUBBER)
    written = json.loads((tmp_path / "out.jsonl").read_text())
    assert written == {"by": ["<EMAIL>", 1], "text": "x", "<EMAIL>": 1, "<EMAIL> 2": {"to": "<IP_ADDRESS>"}}
    assert (summary.num_documents, summary.findings["EMAIL"]) == (1, 3)


@pytest.mark.parametrize("name", ["d.jsonl", "d.txt"])
def test_a_document_that_is_left_out_is_not_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"text": "ada@example.com"}\n')
    scrubber = Scrubber(ScrubbingConfig(replacement="drop"))
    summary = scrub_paths([tmp_path / name], tmp_path / "out", tmp_path / "s.jsonl", scrubber)
    assert (tmp_path / "out").read_text() == ""
    assert (summary.num_documents, summary.num_left_out, len(spans_of(tmp_path / "s.jsonl"))) == (1, 1, 1)


def test_a_stream_that_is_left_out_is_not_written() -> None:
    out = io.StringIO()
    summary = scrub_stream(io.StringIO("ada@example.com"), out, Scrubber(ScrubbingConfig(replacement="drop")))
    assert (out.getvalue(), summary.num_left_out) == ("", 1)


def test_offsets_count_characters_of_the_decoded_text(tmp_path: Path) -> None:
    text = "联系方式写在这里，请不要外传，谢谢大家的配合。邮箱 ada@example.com 完"
    (tmp_path / "a.txt").write_bytes(text.encode("gb18030"))
    scrub_paths([tmp_path / "a.txt"], None, tmp_path / "s.jsonl", SCRUBBER)
    span = spans_of(tmp_path / "s.jsonl")[0][0]
    assert text[span["start"] : span["end"]] == "ada@example.com"  # type: ignore[misc]


def test_a_stream_is_one_document() -> None:
    out, spans = io.StringIO(), io.StringIO()
    summary = scrub_stream(io.StringIO("call 138 0013 8000\n"), out, SCRUBBER, spans)
    assert out.getvalue() == "call <CN_PHONE>\n"
    assert json.loads(spans.getvalue())["spans"] == [{"start": 5, "end": 18, "type": "CN_PHONE"}]
    assert summary.num_bytes == 19


def test_a_file_can_go_into_a_stream(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ada@example.com")
    out = io.StringIO()
    scrub_file_to(tmp_path / "a.txt", out, SCRUBBER)
    assert out.getvalue() == "<EMAIL>"


def test_a_missing_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Check the path"):
        scrub_paths([tmp_path / "none"], None, None, SCRUBBER)


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ada@example.com")
    with pytest.raises(SourceError, match="replace its input"):
        scrub_paths([tmp_path / "a.txt"], tmp_path / "a.txt", None, SCRUBBER)
    assert (tmp_path / "a.txt").read_text() == "ada@example.com"


def test_bytes_that_are_no_text_are_refused_without_showing_them(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(SourceError, match="not text"):
        scrub_paths([tmp_path / "a.bin"], tmp_path / "o", None, SCRUBBER)


def test_a_line_without_a_text_stays_json(tmp_path: Path) -> None:
    lines = [
        '{"body": "a", "phone": 4930901820100, "email": "\\u0065@example.com"}',
        '["ada@example.com"]',
        '{"n": 1 }',
    ]
    (tmp_path / "d.jsonl").write_text("\n".join(lines) + "\n")
    scrub_paths([tmp_path / "d.jsonl"], tmp_path / "out.jsonl", None, SCRUBBER)
    out = (tmp_path / "out.jsonl").read_text().splitlines()
    assert json.loads(out[0]) == {"body": "a", "phone": "<PHONE>", "email": "<EMAIL>"}
    assert (json.loads(out[1]), out[2]) == (["<EMAIL>"], '{"n": 1 }')


def test_a_record_is_left_out_for_what_stands_beside_its_text(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text('{"text": "x", "by": "ada@example.com"}\n')
    dropping = Scrubber(ScrubbingConfig(replacement_of={"EMAIL": "drop"}))
    summary = scrub_paths([tmp_path / "d.jsonl"], tmp_path / "out.jsonl", None, dropping)
    assert ((tmp_path / "out.jsonl").read_text(), summary.num_left_out) == ("", 1)


def test_an_empty_file_gives_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    scrub_paths([tmp_path / "a.txt"], tmp_path / "b.txt", None, SCRUBBER)
    assert (tmp_path / "b.txt").read_text() == ""


def test_a_file_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ConfigError, match="can be written"):
        scrub_paths([tmp_path / "a.txt"], None, tmp_path / "none" / "s.jsonl", SCRUBBER)


def test_an_output_of_a_folder_that_can_not_be_written_is_no_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("x")
    (tmp_path / "out" / "a.txt").mkdir(parents=True)
    with pytest.raises(ConfigError, match="can be written"):
        scrub_paths([tmp_path / "in"], tmp_path / "out", None, SCRUBBER)


def test_allowed_values_beside_a_text_are_counted(tmp_path: Path) -> None:
    (tmp_path / "allow.txt").write_text("ada@example.com\n")
    (tmp_path / "d.jsonl").write_text('{"text": "x", "by": "ada@example.com"}\n')
    allowing = Scrubber(ScrubbingConfig(allow_file=str(tmp_path / "allow.txt")))
    assert scrub_paths([tmp_path / "d.jsonl"], None, None, allowing).num_allowed == 1
