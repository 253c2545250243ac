"""Whether a line says when a schedule runs, in cron's five fields. Called by config."""

import re

_CRON_ITEM = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/0*[1-9]\d*)?", re.ASCII)
# Of minute, hour, day, month, weekday: least and greatest number, and the names that may stand for one.
_CRON_FIELDS = (
    (0, 59, ()), (0, 23, ()), (1, 31, ("l",)),
    (1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    (0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)  # fmt: skip


def is_cron(line: str) -> bool:
    """Tell whether a line has five fields with values in range, as `0 3 1 * *`."""
    fields = line.split()
    return len(fields) == len(_CRON_FIELDS) and all(
        _is_cron_item(item, *allowed)
        for field, allowed in zip(fields, _CRON_FIELDS, strict=True)
        for item in field.split(",")
    )


def _is_cron_item(item: str, least: int, greatest: int, names: tuple[str, ...]) -> bool:
    match = _CRON_ITEM.fullmatch(item)
    return match is not None and all(
        value is None or value.lower() in names or (value.isdecimal() and least <= int(value) <= greatest)
        for value in match.groups()
    )
