"""The record of one finding. It holds where, what and by which rule; never the value itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A stretch of text that holds sensitive data.

    Attributes:
        start: First character (offset in the text).
        end: One past the last character.
        kind: One of KINDS.
        rule: Name of the rule that found it, such as `email` or `token.aws`.
        rank: Precedence where findings overlap; smaller wins.
    """

    start: int
    end: int
    kind: str
    rule: str
    rank: int = 50


# Precedence: private key > URL > provider token > checksum id > e-mail > IP > phone > keyword secret > name > address.
RANK_KEY = 0
RANK_URL = 10
RANK_TOKEN = 20
RANK_CHECKSUM = 30
RANK_EMAIL = 40
RANK_IP = 50
RANK_PHONE = 60
RANK_KEYWORD = 70
RANK_NAME = 80
RANK_ADDRESS = 90
