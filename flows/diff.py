"""`gptmodel diff V1 V2`: settings, code, sources, documents and metrics of two versions beside each other."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flows.home import Home
from flows.named_version import find_version
from gptmodel.errors import RegistryError
from gptmodel.lineage.ancestry import Ancestry, trace
from gptmodel.lineage.difference import MOST_IDS, difference

_DIGITS = 12

Say = Callable[[str], None]


def tell_difference(home: Home, old: str, new: str, name: str, say: Say) -> dict[str, Any]:
    """Say what differs between two versions, and give the `--json` object.

    Args:
        home: The home.
        old: Number of a version, or its URI.
        new: Number of another, or its URI.
        name: Name of the registered model that numbers are of.
        say: Writes a line for a person.

    Raises:
        RegistryError: One of them is not known to this home.
        ServerError: The registry has to be asked and does not answer.
        StoreError: A table can't be read.
    """
    record = difference(home.store, *(_ancestry(home, uri_of(one, name)) for one in (old, new)))
    for line in lines_of(record):
        say(line)
    return record


def uri_of(version: str, name: str) -> str:
    """Give the URI of a version that is named by its number, such as 3 or v3; anything else is a URI already."""
    number = version.removeprefix("v")
    return f"models:/{name}/{number}" if number.isdecimal() else version


def _ancestry(home: Home, uri: str) -> Ancestry:
    found = find_version(home, uri).version
    if found is None:
        raise RegistryError(
            expected=f"{uri} to be a version that this home made",
            actual="no such version in its store",
            mend="Say `gptmodel diff` in the home that made it, or give --name for a model of another name.",
        )
    return trace(home.store, found)


def lines_of(record: Mapping[str, Any]) -> Iterator[str]:
    """Give the difference as lines for a person."""
    yield f"{record['from']} -> {record['to']}"
    yield from _section("config", record["config"], _setting)
    code = record["code"]
    yield from _section("code", code and code["changed"], _code)
    if code and code["stages_with_other_code"]:
        yield f"  stages whose own code differs: {', '.join(code['stages_with_other_code'])}"
    yield from _section("sources", record["sources"] and record["sources"]["changed"], _source)
    yield from _documents(record["documents"])
    yield "metrics"
    yield from (f"  {_change(row['name'], row)}" for row in record["metrics"])
    if record["documents"] and not record["documents"]["same_test"]:
        yield "  The test documents differ, so that losses are not of the same text; the promotion compares on one."


def _section(title: str, rows: Any, words: Callable[[Mapping[str, Any]], str]) -> Iterator[str]:
    if rows is None:
        yield f"{title}: gone from the store, or never noted"
    elif not rows:
        yield f"{title}: the same"
    else:
        yield title
        yield from (f"  {words(row)}" for row in rows)


def _setting(row: Mapping[str, Any]) -> str:
    return f"{row['path']}  {_value(row['from'])} -> {_value(row['to'])}"


def _code(row: Mapping[str, Any]) -> str:
    is_digest = row["name"] in ("commit", "lock_digest")
    was, now = ((str(row[side])[:_DIGITS] if is_digest and row[side] else row[side]) for side in ("from", "to"))
    return f"{row['name'].replace('_', ' ')}  {_shown(was)} -> {_shown(now)}"


def _source(row: Mapping[str, Any]) -> str:
    files = ", ".join(
        f"{row[f'num_files_{what}']:,} {what}" for what in ("added", "removed", "changed") if row[f"num_files_{what}"]
    )
    return f"{row['name']}  {row['change']}: {f'files {files}' if files else 'other files'}"


def _documents(documents: Mapping[str, Any] | None) -> Iterator[str]:
    if documents is None:
        yield "documents: a split is gone from the store, so that nobody can tell"
        return
    yield "documents"
    for what in ("added", "removed"):
        yield f"  {documents[f'num_{what}']:,} {what}{_by(documents[f'{what}_by_source'])}"
    yield from (f"  {row['num_documents']:,} moved from {row['from']} to {row['to']}" for row in documents["moved"])
    edited = f", of which {documents['num_changed']:,} texts say something else" if documents["num_changed"] else ""
    yield f"  {documents['num_same']:,} in both{edited}"
    if max(documents["num_added"], documents["num_removed"]):
        yield f"  --json names the first {MOST_IDS:,} of them"


def _by(counts: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{name} {number:,}' for name, number in counts.items())})" if counts else ""


def _change(name: str, row: Mapping[str, Any]) -> str:
    same = " (the same)" if row["from"] == row["to"] else ""
    return f"{name:<16} {_shown(row['from']):>14}  {_shown(row['to']):>14}{same}"


def _value(value: Any) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)


def _shown(value: Any) -> str:
    if value is None:
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}" if isinstance(value, float) else str(value)
