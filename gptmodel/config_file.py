"""A run's config from a preset, a TOML file or a mapping, with overrides; and back to TOML.

What does not fit is refused with the nearest valid name before any work starts. Called by the command line, the flow
and whoever writes a config down.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gptmodel.config import PRESETS, Config
from gptmodel.errors import ConfigError


def load_config(
    base: str | Path | Mapping[str, Any] = "tiny",
    overrides: Sequence[str] = (),
    sources: Sequence[str | Path] = (),
) -> Config:
    """Build a run's config from a preset, a TOML file or a (sparse) mapping.

    Args:
        base: A preset's name, a path to a TOML file, or a mapping such as the flow's parameter `config`; a file or
            mapping with `preset = NAME` starts from that preset (default `tiny`).
        overrides: `section.key=value` strings, applied last; the value is read as TOML, else as a plain string.
        sources: Paths that replace the config's sources; each is named after its last part.

    Raises:
        ConfigError: An unknown preset or key (the nearest valid name is offered), or a value out of range.

    Example:
        >>> load_config("tiny", ["training.max_steps=20"]).training.max_steps
        20
    """
    tree = _complete(_read(base))
    if sources:
        tree.setdefault("corpus", {})["sources"] = [dict(name=n, path=p) for n, p in _named(sources)]
    for override in overrides:
        _apply(tree, override)
    return _validate(tree)


def to_toml(config: Config) -> str:
    """Write a config as TOML that `load_config` reads back to the same value."""
    data = config.model_dump(mode="json", exclude_none=True)
    lines = [f"preset = {_toml(data.pop('preset'))}"]
    for name, section in data.items():
        lines += ["", f"[{name}]", *_toml_section(name, section)]
    return "\n".join(lines) + "\n"


def _toml_section(name: str, section: dict[str, Any]) -> Iterator[str]:
    tables = {key: value for key, value in section.items() if isinstance(value, dict)}
    rows = {key: value for key, value in section.items() if isinstance(value, list) and value and _are_tables(value)}
    yield from (f"{key} = {_toml(value)}" for key, value in section.items() if key not in tables and key not in rows)
    for key, value in tables.items():
        yield from ["", f"[{name}.{key}]", *_toml_section(f"{name}.{key}", value)]
    for key, items in rows.items():
        for item in items:
            yield from ["", f"[[{name}.{key}]]", *_toml_section(f"{name}.{key}", item)]


def _are_tables(items: list[Any]) -> bool:
    return all(isinstance(item, dict) for item in items)


def _toml(value: Any) -> str:
    # A JSON scalar or list of scalars is TOML as it stands, and so are JSON's escapes of control characters; of its
    # escapes beyond U+FFFF, which are pairs of surrogates, TOML knows nothing, and DEL it wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _read(base: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(base, Mapping):
        return dict(base)
    if str(base) in PRESETS:
        return {"preset": str(base)}
    path = Path(base).expanduser()
    if path.is_file():
        return _parse(path.read_bytes(), str(path))
    raise _no_base(str(base), path)


def _no_base(base: str, path: Path) -> ConfigError:
    """Make the error for what is neither a preset nor a file."""
    is_path = len(path.parts) > 1 or path.suffix == ".toml"
    what = ", which is no file" if path.exists() else ", a file that does not exist" if is_path else ""
    mend = "Check the path." if what else "See: gptmodel run --help"
    known = f"a preset ({', '.join(PRESETS)}) or a TOML file"
    return ConfigError(expected=known, actual=f"{base!r}{what}", mend=_nearest(base, PRESETS, mend))


def _parse(raw: bytes, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(expected=f"TOML in {where}", actual=str(error), mend="Mend the line named.") from error


def _complete(tree: dict[str, Any]) -> dict[str, Any]:
    name = tree.get("preset", "tiny")
    if name not in PRESETS:
        mend = _nearest(str(name), PRESETS, f"Use one of {', '.join(PRESETS)}.")
        raise ConfigError(expected=f"preset to be one of {', '.join(PRESETS)}", actual=repr(name), mend=mend)
    file = resources.files("gptmodel").joinpath("presets", f"{name}.toml")
    return _merge(_parse(file.read_bytes(), f"preset {name}"), tree)


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _named(sources: Sequence[str | Path]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for source in sources:
        stem = Path(str(source).rstrip("/*")).name.lower() or "source"
        base = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "-" for char in stem)
        base = (base.lstrip("._-") or "source")[:60]
        name, number = base, 2
        while name in seen:
            name, number = f"{base}-{number}", number + 1
        seen.add(name)
        yield name, str(source)


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(
            expected="--set section.key=value", actual=repr(override), mend="For example: training.max_steps=100"
        )
    *sections, last = key.strip().split(".")
    if (*sections, last)[0] == "preset":
        raise ConfigError(
            expected="--set section.key=value", actual=repr(override),
            mend=f"A preset is where a config starts: --config {text.strip()}",
        )  # fmt: skip
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise ConfigError(expected="section.key", actual=key, mend=f"{section} is a value, not a section.")
    tree[last] = _value(text.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _validate(tree: dict[str, Any]) -> Config:
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise _explain(error) from None


def _explain(error: ValidationError) -> ConfigError:
    first = error.errors(include_url=False)[0]
    # Of a union of literals pydantic names the member too, with all its values.
    where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("literal[")) or "config"
    if first["type"] == "literal_error":
        return _no_choice(where, first)
    if first["type"] == "extra_forbidden":
        names = _names(first["loc"][:-1])
        return ConfigError(
            expected=f"a known key in {'.'.join(map(str, first['loc'][:-1])) or 'the config'}",
            actual=where,
            mend=_nearest(str(first["loc"][-1]), names, f"Known keys: {', '.join(names)}."),
        )
    message = first["msg"].removeprefix("Value error, ")
    return ConfigError(expected=f"{where}: {message}", actual=_shown(first), mend=f"Set {where} to such a value.")


def _no_choice(where: str, problem: Any) -> ConfigError:
    """Make the error for a value that is none of those there are."""
    choices = re.findall(r"'([^']*)'", problem["ctx"]["expected"])
    mend = _nearest(str(problem["input"]), choices, f"Set {where} to one of these.", cutoff=0.6)
    return ConfigError(expected=f"{where} to be one of {', '.join(choices)}", actual=_shown(problem), mend=mend)


def _shown(problem: Any) -> str:
    if problem["type"] == "missing":
        return "nothing"
    value = problem["input"]
    return "such a combination" if isinstance(value, dict | BaseModel) else repr(value)


def _names(loc: Sequence[str | int]) -> list[str]:
    model: type[BaseModel] = Config
    for part in loc:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model)
    return list(model.model_fields)


def _nearest(name: str, names: Sequence[str], otherwise: str, cutoff: float = 0.5) -> str:
    """Offer the name that is most alike, in any case of letters, if one is alike enough (0 to 1)."""
    by_letters = {one.casefold(): one for one in names}
    near = difflib.get_close_matches(name.casefold(), by_letters, n=1, cutoff=cutoff)
    return f"Did you mean {by_letters[near[0]]!r}?" if near else otherwise
