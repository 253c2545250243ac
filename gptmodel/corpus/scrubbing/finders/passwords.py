"""Passwords, keys and tokens that are known by their label: `password = ...`, `"api_key": "..."`, `密码：...`.

The label is found by one linear-time pass (RE2); `secret_values.py` judges the value. After a clear label (`password`)
a mixed value is enough; after a vague one (`key`, `token`, the name of a provider) it must look random.
"""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finders.secret_values import (
    is_code,
    is_odd,
    is_quoted_secret,
    is_random,
    is_strong,
    is_unbalanced,
    is_value,
)
from gptmodel.corpus.scrubbing.finders.sieve import linear
from gptmodel.corpus.scrubbing.finding import RANK_KEYWORD, Finding

_STRONG = (
    "passwords?|passwd|pwd|pw|passphrase|passcode|pass|secrets?|credentials?|creds?|"
    "kennwort|mot de passe|contrase.a|senha|wachtwoord|psk|密码|口令|密钥|密匙|暗号"
)
_CLEAR = re.compile(rf"(?:{_STRONG})", re.IGNORECASE)
_PASSWORD = re.compile(r"(?:password|passwd|pwd|passphrase)", re.IGNORECASE)

# Providers whose keys have no shape of their own; their name beside a random value is the label.
_PROVIDERS = (
    "adafruit|airtable|algolia|asana|atlassian|auth0|beamer|bitbucket|bittrex|cloudflare|codecov|cohere|coinbase|"
    "confluent|contentful|datadog|discord|drone|dropbox|etsy|fastly|finicity|finnhub|flickr|freemius|freshbooks|gitter|"
    "gocardless|heroku|hubspot|intercom|jfrog|kraken|kucoin|launchdarkly|linkedin|looker|mailchimp|mailgun|mattermost|"
    "meraki|messagebird|netlify|newrelic|new[_\\-]relic|nytimes|okta|paypal|plaid|privateai|rapidapi|sendbird|sendgrid|"
    "sentry|shodan|sidekiq|snyk|sonar|sourcegraph|squarespace|sumologic|telegram|travis|trello|twilio|twitch|twitter|"
    "typeform|yandex|zendesk"
)
_BUNDLE = re.compile(r"[a-f0-9]{8}:[a-f0-9]{8}")  # Sidekiq's documented pair in BUNDLE_GEMS__CONTRIBSYS__COM
_PROVIDER = re.compile(rf"(?:{_PROVIDERS})", re.IGNORECASE)
_WORDS = (
    r"(?:passwords?|passwd|pwd|passphrase|passcode|pass|secret|credential|creds?|token|api[ _\-.]?key|"
    r"access[ _\-.]?key|auth[ _\-.]?key|key|auth|login|kennwort|wachtwoord|senha)[a-z0-9_\-.]{0,24}"
    r"|(?:\b|_|root|bind)pw\b|\b(?:psk|sig)\b|mot de passe|contrase.a\b"
    r"|bundle_(?:gems|enterprise)__contribsys__com"
    rf"|(?:{_PROVIDERS})[a-z0-9_\-.]{{0,24}}(?: (?:api |access |client )?(?:key|token|secret|id))?"
)
_TYPE = r"(?:[ \t]{0,2}:?[ \t]{0,2}(?:as string|string|nsstring \*|&(?:'static )?str|str|char)\b)?(?:\[\d{0,4}\])?"
_JOINED = r"[ \t]{0,4}(?:[:?!<=]{0,3}=>?|:-|:|\|\|:?|,|>)[ \t]{0,4}|(?:[ \t]{1,3}|\(|[\"'] value=)[\"'`]"
_LABELLED = rf"({_WORDS})(?:\\?[\"'\]\)]){{0,2}}{_TYPE}(?:{_JOINED})"
_NOT_SECRET = re.compile(r"ids?$|(?:sha\d*|hash|md5|digest|commit|version|checksum|etag|url|uri|host)$", re.IGNORECASE)
_PASSING = re.compile(r"pass(?!\b|[_\-.\d]|w|p|c)")

_COMPARED = re.compile(
    r"([\"'`])((?:(?!\1)[^\\\n]){6,200})\1[ \t]{0,2}[!=]==?[ \t]{0,2}"
    r"[\w.$]{0,32}(?:passw|pwd|secret|token|api_?key|_key)",
    re.IGNORECASE,
)

_QUOTED = re.compile(r"[@bru]?(\"|'|`)((?:\\.|(?!\1)[^\\\n]){4,300})\1")
_ESCAPED = re.compile(r"\\(\"|')((?:(?!\\)[^\n]){4,300})\\\1")
_BARE = re.compile(r"(?:(?![\"'`,;<|])[!-~]){6,300}")
_DEFAULT = re.compile(r"[\w.]{2,30}\(\s?[\"'][\w.\-]{1,60}[\"'],\s?(?=[\"'])")
_LABEL_BEYOND_ASCII = re.compile(
    r"(?:密\s?码|口\s?令|密钥|密匙|令牌|授权码|密\s?碼|[Пп]ароль|パスワード|비밀번호|암호)(?:[（(][^）)\n]{0,12}[）)])?\s{0,2}(?:是|为|[:=：】\]])\s{0,2}"
)


def find_passwords(passage: Passage) -> Iterator[Finding]:
    """Find secrets by their label."""
    for match in linear(_LABELLED).finditer(passage.ascii_lower):
        label, end = passage.text[match.start(1) : match.end(1)], match.end()
        if _says_otherwise(passage, label, match.start(1)):
            continue
        between = passage.text[match.end(1) : end]
        finding = _value_at(passage.text, label, end - between.endswith(("'", '"', "`")), between)
        if finding:
            yield finding
    yield from _compared(passage)
    for found in passage.matches(_LABEL_BEYOND_ASCII, passage.announced):
        finding = _value_at(passage.text, "密码", found.end(), ":")
        if finding:
            yield finding


def _compared(passage: Passage) -> Iterator[Finding]:
    """Find a value that stands before its name: `if ("..." == password)`."""
    for match in passage.matches(_COMPARED, passage.announced):
        value = match.group(2)
        if is_value(value) and (is_strong(value) or is_odd(value)):
            yield Finding(match.start(2), match.end(2), "SECRET", "label.compared", RANK_KEYWORD)


def _says_otherwise(passage: Passage, label: str, start: int) -> bool:
    """Tell whether a label names an identifier, a public key, or only sounds like one (compass, monkey)."""
    low = label.lower()
    if "public" in passage.before(start, 8):
        return True
    if not _CLEAR.search(low) and _NOT_SECRET.search(low) and not (low.endswith("id") and _PROVIDER.match(low)):
        return True
    if low.endswith(("id", "ids")) and not _PROVIDER.match(low):
        return True
    if _PASSING.match(low):
        return True
    before = passage.char_at(start - 1)
    camel = label[0].isupper() and before.islower()
    return low in ("pass", "key", "keys") and before.isalpha() and not camel


def _value_at(text: str, label: str, at: int, between: str) -> Finding | None:
    default = _DEFAULT.match(text, at)
    at = default.end() if default else at
    quoted = _QUOTED.match(text, at) or _ESCAPED.match(text, at)
    if quoted:
        value, start = quoted.group(2), quoted.start(2)
        good = _is_quoted(value, label, between)
    else:
        bare = _BARE.match(text, at)
        if bare is None or "," in between or text[at] in "({[-":
            return None
        value, start = _trimmed(bare.group()), bare.start()
        if "://" in value or (text[bare.end() : bare.end() + 1].isalpha() and not _is_han(text[bare.end()])):
            return None
        good = _is_bare(value, label)
    return Finding(start, start + len(value), "SECRET", "label", RANK_KEYWORD) if good and is_value(value) else None


def _is_han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


def _is_quoted(value: str, label: str, between: str) -> bool:
    if value[0] in " ,":
        return False  # what stands between two quoted values
    vague = is_random(value, 10 if _PROVIDER.match(label) else 14) or is_odd(value)
    if vague or not _CLEAR.search(label) or "(" in between:
        return vague
    if "," in between or (between[:1].isspace() and "=" not in between and ":" not in between):
        bare_verb = label.lower() == "pass"  # "pass `spec=True` on", in prose about code
        return is_strong(value) and " " not in value and not is_code(value) and not bare_verb
    word = _PASSWORD.search(label) is not None and re.fullmatch(r"[a-z]{6,}", value) is not None
    return word or is_quoted_secret(value)


def _is_bare(value: str, label: str) -> bool:
    if is_odd(value) and is_unbalanced(value):
        return True
    if _CLEAR.search(label):
        return is_strong(value) and not is_code(value)
    if label.lower().startswith("bundle_"):
        return _BUNDLE.fullmatch(value) is not None
    return is_random(value, 10 if _PROVIDER.match(label) else 14) and not is_code(value)


def _trimmed(value: str) -> str:
    cut = value.rstrip(".?:")
    while (
        cut and cut[-1] in ")]}>" and cut.count({")": "(", "]": "[", "}": "{", ">": "<"}[cut[-1]]) < cut.count(cut[-1])
    ):
        cut = cut[:-1]
    return cut.split("&")[0] if "&" in cut and "=" in cut.split("&", 1)[1] else cut
