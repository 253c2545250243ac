"""A registered model's own description for people, as Markdown: what it is, how it is made, how to roll it back.

Written once, when the model is made in the registry; what a person writes there instead stays.
"""


def describe_model(name: str) -> str:
    """Write the description of a registered model.

    Args:
        name: Name of the registered model.

    Example:
        >>> describe_model("gpt").splitlines()[0]
        'A GPT trained from scratch on the text of its owners by the pipeline gptmodel, version after version.'
    """
    return _TEXT.replace("NAME", name)


_TEXT = """\
A GPT trained from scratch on the text of its owners by the pipeline gptmodel, version after version.

### How it is made
The raw text is read, cleaned, searched for sensitive data (findings are replaced), freed of duplicates, divided into \
train, validation and test, and checked by a quality gate. Tokenizer and model are then trained on the train split \
alone, measured on the test split, and put through a leak test. Each finished run registers a version.

### Which version is in service
- The alias **champion** marks it: `models:/NAME@champion`. It passed the leak test and was better than the champion \
before.
- The alias **challenger** marks a version that was not better. One that failed the leak test bears no alias.
- A version's page says why, in its first line. Below stand its figures, its sources with their digests, what was \
searched and what was not, and links to its **report**, its runs, its config and its parent version.

### Commands
- `gptmodel generate --model models:/NAME@champion` tries it.
- `gptmodel lineage models:/NAME@champion` shows all it came from.
- `gptmodel rollback NAME` makes the champion before this one champion again.
"""
