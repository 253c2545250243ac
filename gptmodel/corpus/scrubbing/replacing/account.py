"""What scrubbing did with what it found, in words: the same on a version's page and in its report."""

from collections.abc import Mapping
from typing import Any

_WAYS = {
    "placeholder": "by a placeholder",
    "pseudonym": "by a consistent pseudonym",
    "mask": "by a mask",
    "remove": "by nothing",
}
_ALL = "all kinds"
_ADDITIONS = {"known values": "roster of known values"}


def tell_replacing(scrub: Mapping[str, Any]) -> list[str]:
    """Say what took the place of which kinds, what stayed or was left out, and what the site brought itself.

    Args:
        scrub: The account of the stage `scrub` as JSON values; of what an older one does not hold, nothing is said.

    Example:
        >>> tell_replacing({"replacements": {"EMAIL": "mask", "IBAN": "placeholder", "PHONE": "placeholder"}})
        ['replaced: EMAIL by a mask, the others by a placeholder']
    """
    said = [_replaced(scrub.get("replacements", {}), scrub.get("pseudonym_key_id", "")), _left_out(scrub)]
    if num := scrub.get("num_allowed", 0):
        said.append(f"{num:,} value{'s' * (num > 1)} of the allow file left standing")
    if additions := scrub.get("additions", ()):
        said.append(f"also used: {', '.join(_ADDITIONS.get(name, name) for name in additions)}")
    return [words for words in said if words]


def _replaced(replacements: Mapping[str, str], key_id: str) -> str:
    parts = [
        f"{_kinds_of(replacements, way)} {words}{f' (key {key_id})' if way == 'pseudonym' and key_id else ''}"
        for way, words in sorted(_WAYS.items(), key=lambda item: item[0] == "placeholder")
        if way in replacements.values()
    ]
    return f"replaced: {', '.join(parts)}" if parts else ""


def _kinds_of(replacements: Mapping[str, str], way: str) -> str:
    """Name the kinds of a way; those with a placeholder, named last, are what is left."""
    kinds = [kind for kind, its in replacements.items() if its == way]
    if len(kinds) == len(replacements):
        return _ALL
    return "the others" if way == "placeholder" else ", ".join(kinds)


def _left_out(scrub: Mapping[str, Any]) -> str:
    kinds = [kind for kind, way in scrub.get("replacements", {}).items() if way == "drop"]
    num = scrub.get("num_dropped", 0)
    if not kinds and not num:
        return ""
    whose = _ALL if kinds and len(kinds) == len(scrub["replacements"]) else ", ".join(kinds)
    sake = f" for the sake of {whose}" if kinds else ""
    return f"{num:,} document{'s' * (num != 1)} left out{sake}"
