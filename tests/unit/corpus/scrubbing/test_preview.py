"""The preview of the sample."""

import subprocess
import sys
from pathlib import Path

import pytest

from gptmodel.corpus.preview import main, preview

ROOT = Path(__file__).parents[4]


def test_a_line_is_shown_before_and_after(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first\nwrite to ada@example.com\n")
    assert list(preview(tmp_path))[:3] == ["a.txt", "  - write to ada@example.com", "  + write to <EMAIL>"]


def test_colour_is_used_only_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ada@example.com\n")
    assert "\x1b" not in "".join(preview(tmp_path))
    assert "\x1b" in "".join(preview(tmp_path, colour=True))


def test_a_folder_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_it_needs_the_small_packages_alone() -> None:
    code = (
        "import sys, pathlib, gptmodel.corpus.preview as p; list(p.preview(pathlib.Path('data/sample')));"
        "print(sorted({n.split('.')[0] for n in sys.modules} & {'torch','pyarrow','prefect','numpy','psutil'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
