"""The sources that need no download."""

import sysconfig
from pathlib import Path

import pytest

import gptmodel
from gptmodel.corpus.sources import builtin
from gptmodel.corpus.sources.builtin import python_docs_files, read_python_docs, sample_dir
from gptmodel.corpus.sources.quarantine import Rejected
from gptmodel.corpus.sources.records import Record
from gptmodel.corpus.sources.streams import local_file
from gptmodel.errors import SourceError

MODULE = '''"""The module."""

def documented(a: int, *, b=2) -> int:
    """Add."""
    def inner():
        """Not public."""

def bare():
    pass

async def later(x):
    """Wait."""

class Thing(Base):
    """A thing.

        Indented.
    """

    def method(self):
        r"""Escape \\d."""

    class Inner:
        """Within."""
'''


def read(tmp_path: Path, source: str, name: str = "lib/pkg/mod.py") -> list[Record | Rejected]:
    (tmp_path / "file.py").write_text(source)
    return list(read_python_docs(local_file(tmp_path / "file.py", name)))


def text_of(item: Record | Rejected) -> str:
    assert isinstance(item, Record)
    return "".join(item.chunks)


def test_a_module_gives_its_docstrings_under_their_headings(tmp_path: Path) -> None:
    (item,) = read(tmp_path, MODULE)
    assert text_of(item).split("\n\n") == [
        "pkg.mod",
        "The module.",
        "pkg.mod.documented(a: int, *, b=2)",
        "Add.",
        "pkg.mod.later(x)",
        "Wait.",
        "class pkg.mod.Thing",
        "A thing.",
        "Indented.",
        "pkg.mod.Thing.method(self)",
        "Escape \\d.",
        "class pkg.mod.Thing.Inner",
        "Within.\n",
    ]


def test_a_package_is_named_without_its_init(tmp_path: Path) -> None:
    (item,) = read(tmp_path, '"""Doc."""', "lib/json/__init__.py")
    assert text_of(item) == "json\n\nDoc.\n"


def test_a_module_without_docstrings_gives_no_document(tmp_path: Path) -> None:
    assert read(tmp_path, "x = 1\n") == []


def test_a_module_that_can_not_be_parsed_is_set_aside(tmp_path: Path) -> None:
    assert read(tmp_path, "print 'old'\n") == [Rejected(0, "broken_file")]


def test_a_module_is_never_run(tmp_path: Path) -> None:
    (item,) = read(tmp_path, '"""Doc."""\nraise SystemExit(1)\n')
    assert text_of(item).endswith("Doc.\n")


def test_each_topic_is_a_document_with_a_path_of_its_own(tmp_path: Path) -> None:
    items = read(tmp_path, "topics = {'b': 'two', 'a': 'one'}\n", builtin.TOPICS_FILE)
    assert [(item.path, text_of(item)) for item in items if isinstance(item, Record)] == [
        ("a", "one"),
        ("b", "two"),
    ]


def test_this_pythons_documentation_is_listed_without_tests_and_packages() -> None:
    files = python_docs_files()
    assert {"topics", "lib/json/decoder.py", "lib/this.py"} <= set(files)
    parts = {part for name in files for part in name.split("/")}
    assert not parts & {"test", "tests", "site-packages", "__pycache__", "idle_test"}


def test_this_pythons_documentation_holds_more_than_a_megabyte() -> None:
    names = ["topics", "lib/argparse.py", "lib/typing.py", "lib/random.py"]
    files = python_docs_files()
    sizes = [len(text_of(item)) for name in names for item in read_python_docs(local_file(files[name], name))]
    assert len(sizes) > 60
    assert sum(sizes) > 400_000


def test_a_python_without_its_library_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    with pytest.raises(SourceError, match="libpython3.11-stdlib"):
        python_docs_files()


def test_the_sample_lies_beside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "sample").mkdir(parents=True)
    monkeypatch.setattr(gptmodel, "__file__", str(tmp_path / "gptmodel" / "__init__.py"))
    assert sample_dir() == tmp_path / "data" / "sample"


def test_a_package_without_its_checkout_has_no_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gptmodel, "__file__", str(tmp_path / "gptmodel" / "__init__.py"))
    with pytest.raises(SourceError, match="checkout"):
        sample_dir()
