"""What a rule is: a named function that drops a document, or one that edits its text.

A rule's name is the drop reason in the account and the word that turns it off in `cleaning.skip`; its source says who
published it, its deviation where ours differs. The files beside this one hold the rules, `__init__` puts them in order.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gptmodel.config import CleaningConfig
from gptmodel.corpus.rules.page import Page

Drops = Callable[[Page, CleaningConfig], bool]
Edits = Callable[[Page], str]


@dataclass(frozen=True)
class Rule:
    """A rule that looks at a document and says whether it goes.

    Attributes:
        name: Short words: the drop reason, and what turns the rule off.
        source: Paper and section, or "ours".
        deviation: Where it differs from its source, and why; empty where it doesn't.
        drops: True where the document goes.
    """

    name: str
    source: str
    deviation: str
    drops: Drops


@dataclass(frozen=True)
class Edit:
    """A rule that takes something out of a document's text and drops nothing by itself.

    Attributes:
        name: Short words: what turns it off.
        source: Paper and section.
        deviation: Where it differs from its source, and why; empty where it doesn't.
        edit: Gives the text that stays; the very text where there is nothing to take out.
    """

    name: str
    source: str
    deviation: str
    edit: Edits


AnyRule = Rule | Edit


def rule(name: str, source: str = "ours", deviation: str = "") -> Callable[[Drops], Rule]:
    """Make a rule of the function below it; it returns True for a document that goes."""
    return lambda function: Rule(name, source, deviation, function)


def edit(name: str, source: str, deviation: str = "") -> Callable[[Edits], Edit]:
    """Make an editing rule of the function below it; it returns the text that stays."""
    return lambda function: Edit(name, source, deviation, function)
