"""`gptmodel scrub`: files, folders or standard input, without a pipeline, a server or a heavy import."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from flows import terminal
from flows.summary import counted
from gptmodel.config import ScrubbingConfig
from gptmodel.corpus.scrubbing import Scrubber
from gptmodel.corpus.scrubbing.files import ScrubSummary, scrub_file_to, scrub_paths, scrub_stream, unwritable
from gptmodel.corpus.sources.decoding import detect, open_text
from gptmodel.corpus.sources.quarantine import NotTextError
from gptmodel.errors import ConfigError, SourceError
from gptmodel.keys import Keys, pseudonym_key

STANDARD = "-"


def scrub_inputs(
    inputs: Sequence[str], output: str | None, spans: Path | None, config: ScrubbingConfig, *, as_json: bool
) -> dict[str, Any]:
    """Scrub what was named and give the `--json` object; the counts go to standard error where text is printed.

    Args:
        inputs: Files and folders, or `-` for standard input.
        output: File or folder for the text, or `-`; None writes none, but for standard input.
        spans: File for the spans.
        config: What is looked for.
        as_json: Whether the object is printed.

    Raises:
        ConfigError: Standard input or output together with several inputs, or what `Scrubber` refuses.
    """
    scrubber = Scrubber(config, Keys(pseudonyms=pseudonym_key()))
    if inputs == [STANDARD]:
        summary = _from_standard_input(output, spans, scrubber)
    elif output == STANDARD:
        summary = _to_standard_output(inputs, spans, scrubber)
    elif STANDARD in inputs:
        raise ConfigError(
            expected="either - or files and folders", actual="both", mend="Scrub them one after the other."
        )
    else:
        target = Path(output) if output else None
        summary = scrub_paths([Path(name) for name in inputs], target, spans, scrubber)
    prints_text = output == STANDARD or (output is None and inputs == [STANDARD])
    _say(summary, scrubber.scope, prints_text=prints_text)
    return {
        "num_documents": summary.num_documents, "num_bytes": summary.num_bytes, "seconds": summary.seconds,
        "findings": dict(summary.findings),
    }  # fmt: skip


def _from_standard_input(output: str | None, spans: Path | None, scrubber: Scrubber) -> ScrubSummary:
    raw = sys.stdin.buffer.read()
    text = _decoded(raw)
    with _writing(spans) as spans_out:
        if output in (None, STANDARD):
            return scrub_stream(text, sys.stdout, scrubber, spans_out)
        with _writing(Path(str(output))) as text_out:
            return scrub_stream(text, text_out, scrubber, spans_out)


def _decoded(raw: bytes) -> TextIO:
    if not raw:
        return io.StringIO()
    try:
        return open_text(lambda: io.BytesIO(raw), detect(lambda: io.BytesIO(raw)).codec, newline="")
    except NotTextError as error:
        raise SourceError(
            expected="text on standard input",
            actual=f"bytes that are no text ({error})",
            mend="Extract the text first.",
        ) from None


def _to_standard_output(inputs: Sequence[str], spans: Path | None, scrubber: Scrubber) -> ScrubSummary:
    if len(inputs) != 1:
        raise ConfigError(expected="one file with --output -", actual=f"{len(inputs)} inputs", mend="Name a folder.")
    with _writing(spans) as spans_out:
        return scrub_file_to(Path(inputs[0]), sys.stdout, scrubber, spans_out)


@contextlib.contextmanager
def _writing(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        file = partial.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise unwritable(path, error) from None
    with file:
        yield file
    partial.replace(path)


def _say(summary: ScrubSummary, scope_sentence: str, *, prints_text: bool) -> None:
    # Where the text itself goes to standard output, nothing else may.
    watch = terminal.Terminal(sys.stderr) if prints_text else terminal.current()
    aside = f", {summary.num_set_aside} files set aside (no readable text)" if summary.num_set_aside else ""
    aside += f", {summary.num_left_out:,} left out" if summary.num_left_out else ""
    allowed = f"; {summary.num_allowed:,} allowed values left standing" if summary.num_allowed else ""
    found = counted(summary.findings, 20) or "no findings"
    watch.line(f"{summary.num_documents:,} documents{aside}: {found}{allowed}")
    watch.line(scope_sentence)
