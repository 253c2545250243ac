"""Scrub files, folders and streams without a pipeline: what the command `gptmodel scrub` calls.

A file is one document; in JSON Lines each line's `text` is one, and every other text of the line is scrubbed too. A
document that a kind in it leaves out is not written: its file is empty, its line is missing. Spans are written one JSON
object a document, in input order, as character offsets in the decoded text before any change. Nothing here shows or
stores a value that was found.
"""

import contextlib
import gzip
import json
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from pydantic import BaseModel, ConfigDict

from gptmodel.corpus.scrubbing.finding import Finding
from gptmodel.corpus.scrubbing.json_values import scrub_json
from gptmodel.corpus.scrubbing.scrubber import Scrubber
from gptmodel.corpus.sources.decoding import detect, open_text
from gptmodel.corpus.sources.quarantine import NotTextError
from gptmodel.errors import ConfigError, SourceError

JSON_LINES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")

logger = logging.getLogger(__name__)


class ScrubSummary(BaseModel):
    """What a scrubbing of files found, by kind; never a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    num_documents: int
    """Files, or lines of JSON Lines files."""
    num_set_aside: int = 0
    """Files of a folder that hold no readable text; named in the log."""
    num_bytes: int
    """Size of their text as UTF-8."""
    seconds: float
    """Wall-clock time, reading and writing included."""
    findings: dict[str, int]
    """Findings by kind, every searched kind named."""
    num_left_out: int = 0
    """Documents left out for the sake of a kind that they hold."""
    num_allowed: int = 0
    """Values left standing because the site's allow file holds them."""


class _Session:
    """Counts and spans of one call."""

    def __init__(self, scrubber: Scrubber, spans: TextIO | None) -> None:
        self.scrubber, self.spans, self.started = scrubber, spans, time.perf_counter()
        self.documents = self.num_bytes = self.set_aside = self.left_out = self.num_allowed = 0
        self.findings: Counter[str] = Counter()

    def scrub(self, text: str) -> str | None:
        """Scrub a document; None if it is to be left out."""
        done = self.scrubber.scrub(text)
        self.documents += 1
        self.num_bytes += len(text.encode("utf-8", "surrogatepass"))
        self.findings.update(one.kind for one in done.findings)
        self.num_allowed += done.num_allowed
        if self.spans is not None:
            self.spans.write(_spans_line(done.findings))
        self.left_out += bool(done.left_out_for)
        return None if done.left_out_for else done.text

    def scrub_beside(self, record: Any, *, counted: bool) -> Any:
        """Scrub what stands in a record; None if the record is to be left out."""
        done = scrub_json(record, self.scrubber)
        if counted:
            self.findings.update(done.findings)
            self.num_allowed += done.num_allowed
            self.left_out += bool(done.left_out_for)
        return None if done.left_out_for else done.value

    def summary(self) -> ScrubSummary:
        return ScrubSummary(
            num_documents=self.documents,
            num_set_aside=self.set_aside,
            num_bytes=self.num_bytes,
            seconds=time.perf_counter() - self.started,
            findings={kind: self.findings[kind] for kind in self.scrubber.kinds},
            num_left_out=self.left_out,
            num_allowed=self.num_allowed,
        )


def scrub_paths(inputs: Sequence[Path], output: Path | None, spans: Path | None, scrubber: Scrubber) -> ScrubSummary:
    """Scrub files and folders.

    Args:
        inputs: Files, or folders that are walked in the order of their relative paths.
        output: A file for a single input file, else a folder that mirrors the inputs; None writes no text.
        spans: File for the spans, None for none.
        scrubber: What is looked for.

    Returns:
        The counts by kind.

    Raises:
        SourceError: A named input that is missing or is no text, two inputs for one output file, or an output among the
            inputs.
        ConfigError: An output that can't be written.
    """
    jobs = _jobs(inputs, output)
    with contextlib.ExitStack() as stack:
        session = _Session(scrubber, stack.enter_context(_writing(spans)) if spans else None)
        for source, target in jobs:
            try:
                _scrub_file(source, target, session)
            except SourceError:
                # A file that was named is the caller's mistake; one that lay in a folder must not hide the others.
                if source in inputs:
                    raise
                logger.warning("set aside, no readable text: %s", source)
                session.set_aside += 1
        return session.summary()


def scrub_stream(
    text_in: TextIO, text_out: TextIO | None, scrubber: Scrubber, spans: TextIO | None = None
) -> ScrubSummary:
    """Scrub everything that a stream holds as one document.

    Args:
        text_in: Where the text is read from, to its end.
        text_out: Where the scrubbed text goes; None for nowhere.
        scrubber: What is looked for.
        spans: Where the line of spans goes; None for nowhere.
    """
    session = _Session(scrubber, spans)
    scrubbed = session.scrub(text_in.read())
    if text_out is not None and scrubbed is not None:
        text_out.write(scrubbed)
    return session.summary()


def scrub_file_to(path: Path, text_out: TextIO, scrubber: Scrubber, spans: TextIO | None = None) -> ScrubSummary:
    """Scrub one file into a stream, such as standard output.

    Raises:
        SourceError: The file is missing or is no text.
    """
    session = _Session(scrubber, spans)
    for piece in _scrubbed(_existing(path), session):
        text_out.write(piece)
    return session.summary()


def _jobs(inputs: Sequence[Path], output: Path | None) -> list[tuple[Path, Path | None]]:
    single = len(inputs) == 1 and _existing(inputs[0]).is_file()
    if single and output is not None and not output.is_dir():
        jobs: list[tuple[Path, Path | None]] = [(inputs[0], output)]
    else:
        jobs = [(path, output / name if output else None) for root in inputs for name, path in _files(_existing(root))]
    _refuse_collisions(jobs)
    return jobs


def _files(root: Path) -> list[tuple[str, Path]]:
    if root.is_file():
        return [(root.name, root)]
    found = [(path.relative_to(root).as_posix(), path) for path in root.rglob("*") if path.is_file()]
    return sorted(found)


def _existing(path: Path) -> Path:
    if path.exists():
        return path
    raise SourceError(expected="a file or folder to scrub", actual=f"nothing at {path}", mend="Check the path.")


def _refuse_collisions(jobs: list[tuple[Path, Path | None]]) -> None:
    targets = [target.resolve() for _, target in jobs if target]
    if len(set(targets)) < len(targets):
        raise SourceError(
            expected="one output file for each input",
            actual="two inputs of the same name",
            mend="Scrub them into folders of their own.",
        )
    if {source.resolve() for source, _ in jobs} & set(targets):
        raise SourceError(
            expected="an output apart from the input",
            actual="an output that would replace its input",
            mend="Name another file or folder with --output.",
        )


def _scrub_file(source: Path, target: Path | None, session: _Session) -> None:
    pieces = _scrubbed(source, session)
    if target is None:
        for _ in pieces:
            pass
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with _writing(target) as out:
        out.writelines(pieces)


def _scrubbed(path: Path, session: _Session) -> Iterator[str]:
    lines = path.name.lower().endswith(JSON_LINES)

    def opener() -> Any:
        return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")

    if path.stat().st_size == 0:
        yield session.scrub("") or ""
        return
    try:
        with open_text(opener, detect(opener).codec, newline="") as text:
            if lines:
                yield from (_scrubbed_line(line, session) for line in text if line.strip())
            else:
                yield session.scrub(text.read()) or ""
    except (NotTextError, OSError, EOFError) as error:
        raise SourceError(
            expected=f"readable text in {path}",
            actual=f"a file that is damaged or not text ({type(error).__name__})",
            mend="Leave it out, or extract its text first.",
        ) from None


def _scrubbed_line(line: str, session: _Session) -> str:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if isinstance(record, dict) and isinstance(record.get("text"), str):
        return _scrubbed_record(record, session)
    as_it_stands = session.scrub(line)
    if as_it_stands is None or not isinstance(record, dict | list):
        return as_it_stands or ""
    # Scrubbed as text a line may be JSON no more: what is written is the scrubbed value.
    value = session.scrub_beside(record, counted=False)
    return line if value == record else "" if value is None else json.dumps(value, ensure_ascii=False) + "\n"


def _scrubbed_record(record: dict[str, Any], session: _Session) -> str:
    text = session.scrub(record["text"])
    if text is None:
        return ""
    beside = session.scrub_beside({**record, "text": None}, counted=True)
    return "" if beside is None else json.dumps({**beside, "text": text}, ensure_ascii=False) + "\n"


def _spans_line(findings: Sequence[Finding]) -> str:
    spans = [{"start": one.start, "end": one.end, "type": one.kind} for one in findings]
    return json.dumps({"spans": spans}) + "\n"


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[TextIO]:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        out = opened(path, "wt", encoding="utf-8", errors="surrogatepass", newline="")
    except OSError as error:
        raise unwritable(path, error) from None
    with out:
        yield out


def unwritable(path: Path, error: OSError) -> ConfigError:
    """Make the error for a file that can't be written; not a source's, which a folder's other files would outlive."""
    return ConfigError(
        expected=f"a file that can be written at {path}",
        actual=error.strerror or "an error",
        mend="Make its folder first, or name another file.",
    )
