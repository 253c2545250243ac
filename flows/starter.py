"""`gptmodel init`: look at a folder and write a short commented config for it."""

import json
from collections.abc import Iterator
from pathlib import Path

from gptmodel.config_file import load_config
from gptmodel.corpus.sources.locations import is_local
from gptmodel.corpus.sources.survey import FolderView, describe_folder
from gptmodel.errors import ConfigError
from gptmodel.store import write_synced

_TEMPLATE = """\
# A run on {path}: {count} files, {size}.
# What is not said here is as in the preset; see it all: gptmodel plan --config {file}
preset = "{preset}"            # smoke (seconds), tiny (CPU, minutes), small (one GPU)

[registry]
name = "{name}"

[[corpus.sources]]
name = "{name}"
path = "{path}"
# Does the text hold data about people? yes | no | unknown.
# The text from before scrubbing is deleted afterwards unless every source says "no".
personal_data = "unknown"
licence = "unknown"            # shown on the version's page
{columns}
[training]
max_steps = {max_steps}
sample_prompt = "The"          # completed at four points of the training
"""


def write_starter(file: Path, source: str) -> Iterator[str]:
    """Write the config and give the lines that say what was seen and what to type next.

    Raises:
        ConfigError: The file is there already, or its folder is not.
        SourceError: The source is missing or holds no text.
    """
    if file.exists():
        raise ConfigError(
            expected=f"{file} not to exist yet", actual="a file", mend="Choose another name, or delete it."
        )
    if not file.parent.is_dir():
        raise ConfigError(
            expected=f"a folder {file.parent} to write into", actual="no such folder", mend="Make it, or name another."
        )
    view = describe_folder(source)
    text = _fill(file, source, view)
    write_synced(file, text)
    load_config(file)
    yield f"{source}: {_kinds(view)}"
    yield f"Wrote {file}. Have a look at it, then:"
    yield f"  gptmodel plan --config {file}"
    yield f"  gptmodel run --config {file}"


def _fill(file: Path, source: str, view: FolderView) -> str:
    path = str(Path(source).expanduser().resolve()) if is_local(source) else source
    named = load_config("tiny", sources=[path])
    return _TEMPLATE.format(
        path=_quoted(path), count=view.num_files, size=f"{view.num_bytes / 1e6:.1f} MB", file=_quoted(str(file)),
        preset="tiny", name=named.corpus.sources[0].name, columns=_columns(view), max_steps=named.training.max_steps,
    )  # fmt: skip


def _columns(view: FolderView) -> str:
    if not view.text_columns:
        return ""
    others = f"   # also seen: {_quoted(', '.join(view.text_columns[1:4]))}" if view.text_columns[1:] else ""
    return f'text_column = "{_quoted(view.text_columns[0])}"{others}\n'


def _kinds(view: FolderView) -> str:
    counts = sorted(view.num_files_by_extension.items(), key=lambda row: -row[1])
    kinds = ", ".join(f"{count} {extension or '(no ending)'}" for extension, count in counts[:6])
    return f"{view.num_files} files, {view.num_bytes / 1e6:.1f} MB ({kinds})"


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's, which asks for one more.
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("\x7f", "\\u007f")
