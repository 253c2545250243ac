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
    is_term,
    is_unbalanced,
    is_value,
)
from gptmodel.corpus.scrubbing.finders.secret_words import KEYS, PASSWORDS, PASSWORDS_UNSPACED, in_code, spaced
from gptmodel.corpus.scrubbing.finders.sieve import linear
from gptmodel.corpus.scrubbing.finding import RANK_KEYWORD, Finding

_CLEAR = re.compile(
    r"passw|passphrase|passcode|pass|pwd|pw|secret|cred|psk|暗号|"
    rf"{spaced('|'.join(PASSWORDS.values()))}|{in_code(PASSWORDS)}|{PASSWORDS_UNSPACED}",
    re.IGNORECASE,
)
_PASSWORD = re.compile(rf"passw|pwd|pw|pass$|passphrase|{spaced('|'.join(PASSWORDS.values()))}", re.IGNORECASE)

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
# Words of other languages count only as a whole, or joined by a hyphen or an underscore.
_ELSEWHERE = "|".join(
    in_code({name: words for name, words in table.items() if name != "en"}) for table in (PASSWORDS, KEYS)
)
_WORDS = (
    r"(?:passwords?|passwd|pwd|passphrase|passcode|pass|secret|credential|creds?|token|api[ _\-.]?key|"
    r"access[ _\-.]?key|auth[ _\-.]?key|key|auth|login|kennwort|wachtwoord|senha)[a-z0-9_\-.]{0,24}"
    rf"|(?:\b|_)(?:{_ELSEWHERE})(?:\b|[_\-][a-z0-9_\-]{{1,24}})"
    r"|(?:\b|_|root|bind)pw\b|\b(?:psk|sig)\b"
    r"|bundle_(?:gems|enterprise)__contribsys__com"
    rf"|(?:{_PROVIDERS})[a-z0-9_\-.]{{0,24}}(?: (?:api |access |client )?(?:key|token|secret|id))?"
)
_TYPE = r"(?:[ \t]{0,2}:?[ \t]{0,2}(?:as string|string|nsstring \*|&(?:'static )?str|str|char)\b)?(?:\[\d{0,4}\])?"
# Signs of assignment; a call, a list or an initialiser before a quote; the end of a line, if the value fills the next.
_JOINED = (
    r"[ \t]{0,2}[:>][ \t]{0,4}(?:\r?\n){1,2}(?:```[a-z]{0,10}\n)?[ \t>]{0,16}"
    r"|[ \t]{0,16}(?:[:?!<=.+]{0,3}=>?|:-|::?|\|\|:?|,|>|<-)[ \t]{0,16}"
    r"|(?:[ \t]{1,3}|[({][ \t]{0,2}|[\"'] value=)[@a-z]{0,2}[\"'`]"
)
_LABELLED = rf"({_WORDS})(?:\\?[\"'\]\)]){{0,2}}{_TYPE}(?:{_JOINED})"
_NOT_SECRET = re.compile(r"ids?$|(?:sha\d*|hash|md5|digest|commit|version|checksum|etag|url|uri|host)$", re.IGNORECASE)
_SETTING = re.compile(
    r"(?:timeout|expiry|expires|age|days|hours|length|len|min|max|hashers?|policy|attempts|retries|validators?)$"
)
_OTHER_KEY = re.compile(
    r"(?:cache|foreign|primary|sort|partition|row|group|object|idempotency|dedup|index|public)[_ -]?$"
)
_PASSING = re.compile(r"pass(?!\b|[_\-.\d]|w|p|c)")

_COMPARED = re.compile(
    r"([\"'`])((?:(?!\1)[^\\\n]){6,200})\1[ \t]{0,2}[!=]==?[ \t]{0,2}"
    r"[\w.$]{0,32}(?:passw|pwd|secret|token|api_?key|_key)",
    re.IGNORECASE,
)

_PREFIX = r"(?:@|\$|[bruflBRUFL]|u8|br|rb|fr|rf)?"
_QUOTED = re.compile(rf"{_PREFIX}(?:\"\"(?=\"))?(\"|'|`)((?:\\.|(?!\1)[^\\\n]){{4,300}})\1")
_ESCAPED = re.compile(r"\\(\"|')((?:(?!\\)[^\n]){4,300})\\\1")
_TYPOGRAPHIC = re.compile(r"([“„«「『‘])([^“”„«»「」『』‘’\n]{4,100})[”“»」』’]")
_PERL = re.compile(r"(%?[qQ]q?)[{(\[|]([^{}()\[\]|\n]{4,200})[})\]|]")
_BARE = re.compile(r"(?:(?![\"'`,;<|])[!-~\u00c0-\u024f]){6,300}")
# What may stand between the label and the quoted value: a setting's name, a call, a template, a tag of YAML.
_QUOTE_NEAR = re.compile("[\"'`]|! ?")
_DEFAULT = re.compile(r"[\w.]{2,30}\(\s?[\"'][\w.\-]{1,60}[\"'],\s?(?=[\"'])")
_CALL = re.compile(rf"(?:new\s)?([A-Za-z_][\w.:<>&]{{1,50}})[({{]\s{{0,2}}(?={_PREFIX}[\"'`])")
_TEMPLATE = re.compile(r"[\"']?\{\{\s{0,2}(?=[\"'])|!(?:unsafe|vault|!?str)\s(?:\|[-+]?\s{1,12})?")
_LOOKUP = re.compile(
    r"get|env|input|prompt|read|ask|load|find|fetch|lookup|param|conf|prop|setting|var|label|print|log|warn|err|format|"
    r"translate|(?:^|[.:])_?t$|gettext|i18n|message|text|path|url|file|require|import|include|query|select|attr|field|"
    r"column|key|has|is_|test|match|valid|check|assert|expect|contains|equals|replace|split|join|regex|compile",
    re.IGNORECASE,
)
_READING = re.compile(r"(?:get|read|load|fetch|find|lookup|has|is|check|valid(?:ate)?|verify|test|reset|forgot)_?$")
_QUOTES = (_QUOTED, _ESCAPED, _TYPOGRAPHIC, _PERL)
# Functions that take something else than the password they are named after.
_CLOSING_TAG = re.compile(r"</[\w.:\-]*$")
_ASKED = re.compile(
    r"(?:hash|hasher|field|input|prompt|label|hint|length|policy|regex|pattern|file|path|name|error)s?$", re.I
)
_LABEL_BEYOND_ASCII = re.compile(
    rf"(?:{PASSWORDS_UNSPACED})(?:[（(][^）)\n]{{0,12}}[）)])?\s{{0,2}}(?:是|为|[:=：】\]])\s{{0,2}}"
)
# Words before `key` with which it names a secret; a monkey or a foreign key does not.
_KEYED = re.compile(
    r"(?:app|api|access|secret|private|master|sign|signing|enc|encryption|crypto|aes|des|hmac|auth|account|shared|deploy|"
    r"session|client|server|service|storage|cookie|license|webhook|jwt|admin|root|pay|mch|merchant|sms|map|site|user|"
    r"subscription|host|function|ingest|write|bot|db|master)$"
)


def find_passwords(passage: Passage) -> Iterator[Finding]:
    """Find secrets by their label."""
    for match in linear(_LABELLED).finditer(passage.ascii_lower):
        label, end = passage.text[match.start(1) : match.end(1)], match.end()
        if _says_otherwise(passage, label, match.start(1)):
            continue
        between = passage.text[match.end(1) : end]
        if ">" in between and _CLOSING_TAG.search(passage.before(match.start(1), 40)):
            continue
        finding = _value_at(passage.text, label, end - between.endswith(("'", '"', "`")), between)
        if finding:
            yield finding
    yield from _compared(passage)
    for start, _ in passage.labels:
        found = None if passage.text[start].isascii() else _LABEL_BEYOND_ASCII.match(passage.text, start)
        finding = _value_at(passage.text, "密码", found.end(), ":") if found else None
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
    before = passage.before(start, 12)
    if "public" in before[-8:] or (not label[0].islower() and _READING.search(before)):
        return True
    if not _CLEAR.search(low) and _NOT_SECRET.search(low) and not (low.endswith("id") and _PROVIDER.match(low)):
        return True
    if _SETTING.search(low) or ("key" in low and _OTHER_KEY.search(before)):
        return True
    if low.endswith(("id", "ids")) and not _PROVIDER.match(low):
        return True
    if _PASSING.match(low):
        return True
    camel = label[0].isupper() and passage.char_at(start - 1).islower()
    return low in ("pass", "key", "keys") and before[-1:].isalpha() and not camel and not _KEYED.search(before)


def _value_at(text: str, label: str, at: int, between: str) -> Finding | None:
    at, is_called = _past_wrapping(text, at)
    quoted = next((m for m in (form.match(text, at) for form in _QUOTES) if m), None)
    if quoted:
        value, start = quoted.group(2), quoted.start(2)
        good = _is_quoted(value, label, "(" if is_called else between)
    else:
        bare = _BARE.match(text, at)
        if bare is None or is_called or "," in between or text[at] in "({[-":
            return None
        value, start = _trimmed(bare.group()), bare.start()
        if "://" in value or (text[bare.end() : bare.end() + 1].isalpha() and not _is_wide(text[bare.end()])):
            return None
        good = _is_bare(value, label) and not ("\n" in between and not _ends_line(text, bare.end()))
    return Finding(start, start + len(value), "SECRET", "label", RANK_KEYWORD) if good and is_value(value) else None


def _past_wrapping(text: str, at: int) -> tuple[int, bool]:
    """Give where a value begins within a call or a template, and whether it is a call's only argument."""
    if not _QUOTE_NEAR.search(text, at, at + 64):
        return at, False
    call = _CALL.match(text, at)
    is_lookup = call is not None and _LOOKUP.search(call.group(1)) is not None
    found = (_DEFAULT.match(text, at) if is_lookup else None) or _TEMPLATE.match(text, at)
    if found:
        return found.end(), False
    return (call.end(), True) if call and not is_lookup else (at, False)


def _ends_line(text: str, at: int) -> bool:
    return text[at : at + 1] in ("", "\n", "\r", "<")


def _is_wide(char: str) -> bool:
    """Tell whether a character is of a script that puts no space between words."""
    return "\u3040" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3"


def _is_quoted(value: str, label: str, between: str) -> bool:
    if value[0] in " ,":
        return False  # what stands between two quoted values
    vague = is_random(value, 10 if _PROVIDER.match(label) else 14) or is_odd(value)
    if vague or not _CLEAR.search(label):
        return vague
    if "(" in between or "{" in between:
        asked = _ASKED.search(label) is not None
        return is_strong(value) and " " not in value and not is_code(value) and not is_term(value) and not asked
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
