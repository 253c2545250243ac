"""`gptmodel find`: which documents, splits and versions held some values, also after the raw text is gone.

Values come from a file or standard input, one a line, never from the command line, where a shell's history and the
system's list of processes would keep them. What is shown names a value by its line alone.
"""

import io
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flows import stack
from flows.home import Home, keys_of
from gptmodel import registry
from gptmodel.corpus.documents import text_id
from gptmodel.corpus.sources.decoding import detect, open_text
from gptmodel.corpus.sources.forgetting import document_mark
from gptmodel.corpus.sources.quarantine import NotTextError
from gptmodel.erasure.requests import ErasureRequest, read_requests
from gptmodel.errors import ConfigError, GPTModelError
from gptmodel.lineage.documents import SeenBy, with_steps
from gptmodel.lineage.versions import Version
from gptmodel.value_search import Holder, ValueAnswer, search_values

STANDARD = "-"
_MOST_LINES = 20
_MEND = "Put the values into a file, one a line, or pipe them in: gptmodel find --values - < values.txt"

Champions = Mapping[str, int | None]
Forgotten = Mapping[str, Sequence[ErasureRequest]]
Say = Callable[[str], None]


@dataclass(frozen=True)
class GivenValue:
    """A value that somebody asks for.

    Attributes:
        line: Its line, from 1.
        text: The value; no repr shows it.
    """

    line: int
    text: str = field(repr=False)


def find_values(home: Home, where: str, say: Say) -> dict[str, Any]:
    """Look values up, say who held them, and give the `--json` object.

    Args:
        home: The home.
        where: File with one value a line, or `-` for standard input.
        say: Writes a line for a person.

    Raises:
        ConfigError: There is no such file, or no value in it.
    """
    values = read_values(where)
    key = keys_of(home).home
    if key is None:
        raise ConfigError(expected="the home's key", actual="none", mend="Run `gptmodel run` in this home first.")
    answer = search_values(home.store, key, [value.text for value in values])
    champions, forgotten = _champions(home, answer), _forgotten(home, key, answer)
    answer = _with_steps(home, answer)
    for value, holders in zip(values, answer.holders, strict=True):
        _say_value(value, holders, champions, forgotten, say)
    for line in _scope(answer):
        say(line)
    return _record(values, answer, champions, forgotten)


def _with_steps(home: Home, answer: ValueAnswer) -> ValueAnswer:
    told = with_steps(home.store, [holder.sighting for holders in answer.holders for holder in holders])
    sightings = iter(told)
    holders = tuple(tuple(replace(one, sighting=next(sightings)) for one in its) for its in answer.holders)
    return replace(answer, holders=holders)


def refuse_arguments(arguments: Sequence[str], mend: str = _MEND) -> None:
    """Refuse what stands on the command line besides options; it may be a value, so it is not shown.

    Raises:
        ConfigError: Something does.
    """
    if arguments:
        raise ConfigError(
            expected="values in a file or on standard input, never on the command line",
            actual="another argument (not shown, since it may be a value; the shell's history may hold it)",
            mend=mend,
        )


def read_values(where: str) -> list[GivenValue]:
    """Read values, one a line, white space around them aside; empty lines are passed over.

    Args:
        where: A file, or `-` for standard input.

    Raises:
        ConfigError: There is no such file, it is no text, or no value is in it.
    """
    if not where:
        raise ConfigError(expected="--values FILE, or --values - for standard input", actual="no --values", mend=_MEND)
    raw = sys.stdin.buffer.read() if where == STANDARD else _bytes_of(Path(where))
    try:
        text = open_text(lambda: io.BytesIO(raw), detect(lambda: io.BytesIO(raw)).codec) if raw else ()
        values = [GivenValue(number, line.strip()) for number, line in enumerate(text, 1) if line.strip()]
    except NotTextError:
        raise ConfigError(expected="text, one value a line", actual="bytes that are no text", mend=_MEND) from None
    if not values:
        raise ConfigError(expected="one value a line", actual="no line with a value", mend=_MEND)
    return values


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        # The argument is not shown: it may be a value that was typed in place of a file.
        raise ConfigError(
            expected="a file that can be read, or -, after --values; values never stand on the command line",
            actual="an argument that names no such file (not shown, since it may be a value)",
            mend=_MEND,
        ) from None


def _champions(home: Home, answer: ValueAnswer) -> Champions:
    """Give the champion's number for each model that held a value; None where the registry does not answer."""
    names = {seen.name for holders in answer.holders for holder in holders for seen in holder.sighting.versions}
    if not names or not stack.is_running(home, "mlflow"):
        return {}
    uri = stack.addresses(home).mlflow
    found: dict[str, int | None] = {}
    for name in sorted(names):
        try:
            champion = registry.champion_of(uri, name)
        except GPTModelError:
            return {}
        found[name] = champion.version if champion else None
    return found


def _forgotten(home: Home, key: bytes, answer: ValueAnswer) -> Forgotten:
    """Give the erasure requests that cover each document found, by its id; the id of a part stands for the text."""
    requests: defaultdict[str, list[ErasureRequest]] = defaultdict(list)
    for request in read_requests(home.erasures_dir):
        for mark in request.documents:
            requests[mark].append(request)
    ids = {holder.sighting.id for holders in answer.holders for holder in holders} if requests else set()
    return {name: found for name in ids if (found := requests.get(document_mark(key, text_id(name))))}


def _say_value(
    value: GivenValue, holders: Sequence[Holder], champions: Champions, forgotten: Forgotten, say: Say
) -> None:
    if not holders:
        say(f"line {value.line}: no finding with this value")
        return
    say(f"line {value.line}: {len(holders):,} document{'s' * (len(holders) > 1)}")
    for holder in holders[:_MOST_LINES]:
        one = holder.sighting
        seen = ", ".join(_words(version, champions) for version in one.versions)
        place = "/".join(part for part in (one.source, holder.path) if part)
        why = f" ({one.drop_reason})" if one.drop_reason else ""
        gone = "".join(f"  forgotten by {request.id}{_purged(request)}" for request in forgotten.get(one.id, ()))
        say(f"  {one.id}  {place}  {', '.join(holder.kinds)}  {one.status}{why}  {seen or 'no version'}{gone}")
    if len(holders) > _MOST_LINES:
        say(f"  and {len(holders) - _MOST_LINES:,} more; --json names them all")


def _purged(request: ErasureRequest) -> str:
    return ", purged" if request.purges else ""


def _words(seen: SeenBy, champions: Champions) -> str:
    steps = f", {seen.steps.num:,} step{'s' * (seen.steps.num != 1)}" if seen.steps and seen.split == "train" else ""
    mark = ", champion" if champions.get(seen.name) == seen.version else ""
    return f"{seen.name} v{seen.version} ({seen.split}{steps}{mark})"


def _scope(answer: ValueAnswer) -> Iterator[str]:
    """Say what an answer rests on, and what it can't tell."""
    corpora = "corpus" if answer.num_outputs == 1 else "corpora"
    yield f"Searched: what the finders found, in {answer.num_outputs} scrubbed {corpora} of this home"
    yield (
        "Not found is no proof: finders miss values, and neither documents that cleaning dropped nor values of the "
        "allow file are in the index"
    )
    if answer.kinds_not_searched:
        yield f"Kinds not searched: {', '.join(answer.kinds_not_searched)}"
    for one in answer.unindexed:
        yield (
            f"Not searched: {one.num_missing} of {one.num_shards} shards of scrub/{one.fingerprint}, which have no "
            "index under this home's key. Make one: gptmodel run --force scrub"
        )
    if gone := [f"{one.name} v{one.version}" for one in answer.unsearched_versions]:
        yield f"Versions whose scrubbed text could not be searched: {', '.join(sorted(set(gone)))}"


def _record(
    values: Sequence[GivenValue], answer: ValueAnswer, champions: Champions, forgotten: Forgotten
) -> dict[str, Any]:
    rows = [
        {
            "line": value.line,
            "kinds": sorted({kind for holder in holders for kind in holder.kinds}),
            "documents": [_document(holder, champions, forgotten) for holder in holders],
        }
        for value, holders in zip(values, answer.holders, strict=True)
    ]
    return {
        "values": rows, "num_values": len(values), "num_found": sum(bool(row["documents"]) for row in rows),
        "num_outputs": answer.num_outputs, "kinds_not_searched": list(answer.kinds_not_searched),
        "not_searched": [
            {"fingerprint": one.fingerprint, "num_shards": one.num_shards, "num_missing": one.num_missing}
            for one in answer.unindexed
        ],
        "versions_not_searched": _names(answer.unsearched_versions),
    }  # fmt: skip


def _document(holder: Holder, champions: Champions, forgotten: Forgotten) -> dict[str, Any]:
    one = holder.sighting
    versions = [
        {"name": seen.name, "version": seen.version, "split": seen.split,
         "steps": seen.steps.as_json() if seen.steps else None,
         "champion": champions[seen.name] == seen.version if seen.name in champions else None}
        for seen in one.versions
    ]  # fmt: skip
    return {
        "id": one.id, "source": one.source, "path": holder.path, "kinds": list(holder.kinds), "status": one.status,
        "split": one.split or None, "drop_reason": one.drop_reason or None, "versions": versions,
        "forgotten": [
            {"request": request.id, "purged": bool(request.purges)} for request in forgotten.get(one.id, ())
        ],
    }  # fmt: skip


def _names(versions: Sequence[Version]) -> list[dict[str, Any]]:
    named = sorted({(one.name, one.version) for one in versions})
    return [{"name": name, "version": version} for name, version in named]
