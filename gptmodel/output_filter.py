"""The output filter: what a model says passes the scrubber's finders before anybody reads it.

The whole text is judged at once, with the prompt before it, since a label in the prompt may be what makes a value of
the words after it. `gptmodel generate` filters; a served model carries no finders and does not.
"""

from dataclasses import dataclass

from gptmodel.corpus.scrubbing import Scrubber, placeholder


@dataclass(frozen=True)
class Filtered:
    """A completion fit to be shown.

    Attributes:
        text: The completion with a placeholder for every finding.
        num_filtered: Findings that were replaced.
    """

    text: str
    num_filtered: int


def filter_output(prompt: str, text: str, scrubber: Scrubber) -> Filtered:
    """Put a placeholder in place of each finding that reaches into the completion; the prompt is left as it is.

    Example:
        >>> filter_output("Write to", " ada.quill@example.com.", Scrubber(ScrubbingConfig())).text   # doctest: +SKIP
        ' <EMAIL>.'
    """
    whole, done = prompt + text, len(prompt)
    findings = [finding for finding in scrubber.find(whole) if finding.end > done]
    pieces: list[str] = []
    for finding in findings:
        pieces += [whole[done : max(done, finding.start)], placeholder(finding.kind)]
        done = finding.end
    return Filtered("".join([*pieces, whole[done:]]), len(findings))
