"""One written form for each value, so that two ways of writing it compare as equal.

Spaces, hyphens, full-width digits, the case of an e-mail address and the prefix of a telephone number are how a value
is written, not what it is. Kinds that are written alike share a form: a number is the same value whether a finder took
it for a card or for an identifier. Pure functions; nothing here stores or logs a value.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from gptmodel.corpus.scrubbing.finders.passage import fold

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_BROKEN = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_AT = re.compile(r"\s*(?:[\[({<]\s*(?:at|@)\s*[\])}>]|_at_|\sat\s|@)\s*")
_DOT = re.compile(r"\s*(?:[\[({<]\s*(?:dot|\.)\s*[\])}>]|_dot_|\sdot\s|\.)\s*")
_HAN = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_MARKS = re.compile(r"[\s,;，；、.'’·\-/]+")
_PHONE = re.compile(r"\(?\+?[\d\s().\-/]{4,40}", re.ASCII)
_EXTENDED = re.compile(r"(\(?0[1-9]\d{1,2}\)?[ \-]?[2-9]\d{6,7})-(\d{1,5})", re.ASCII)
_CN_MOBILE = re.compile(r"(?:86)?(1[3-9]\d{9})", re.ASCII)
_NORTH_AMERICAN = re.compile(r"1?([2-9]\d\d[2-9]\d{6})", re.ASCII)
_OUTER_SCHEMES = re.compile(r"(?:[A-Za-z][\w+.\-]*:)+(?=[A-Za-z][\w+.\-]*://)", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21, "ssh": 22}

NormalForm = Callable[[str], str]


def normal_form(kind: str, value: str) -> tuple[str, str]:
    """Give a value's normal form: the name of the form, and the value in it.

    Args:
        kind: Kind that a finder took the value for; kinds of a site's own are plain text.
        value: The value as it is written.

    Example:
        >>> normal_form("EMAIL", "Anna [at] Example dot com")
        ('email', 'anna@example.com')
        >>> normal_form("CN_PHONE", "138-0013-8000") == normal_form("PHONE", "+86 138 0013 8000")
        True
    """
    name = _FORM_OF.get(kind, "text")
    written = FORMS[name](value)
    # What a recognizer took for a number may be written in words.
    return (name, written) if written else ("text", text_form(value))


def normal_forms(value: str) -> Iterator[tuple[str, str]]:
    """Give a value of unknown kind in each form that it can be written in."""
    for name, form in FORMS.items():
        if written := form(value):
            yield name, written


def values_inside(kind: str, value: str) -> Iterator[tuple[str, str]]:
    """Give the kinds and values that a finding holds besides itself: a URL's password, a number without extension."""
    if kind == "URL_WITH_CREDENTIALS":
        parts = _url_parts(value)
        secret = parts and (parts.password or parts.username)
        if secret:
            yield "SECRET", unquote(secret)
    elif match := _EXTENDED.fullmatch(plain(value)):
        yield kind, match.group(1)


def plain(value: str) -> str:
    """Give a text without differences of width, composition, dashes and invisible signs; spaces are single."""
    if not value.isascii():
        value = _DASHES.sub("-", unicodedata.normalize("NFKC", _INVISIBLE.sub("", value)))
    return " ".join(value.split())


def text_form(value: str) -> str:
    """Give the form of names, addresses and a site's own kinds: lower case, one space for any marks between words."""
    return _HAN.sub("", _MARKS.sub(" ", plain(value).casefold()).strip())


def email_form(value: str) -> str:
    """Give an e-mail address in lower case, written out ones with their signs; empty if it is none.

    RFC 5321 tells cases of the local part apart; hardly a server does.
    """
    text = _DOT.sub(".", _AT.sub("@", plain(value).lower().replace("%40", "@"), count=1))
    local, at, domain = text.replace(" ", "").rpartition("@")
    return f"{local}@{_ascii(domain)}" if local and at and domain else ""


def phone_form(value: str) -> str:
    """Give a telephone number in the form of E.164 if its country is plain, else its digits; empty if it is none.

    National numbers are taken for Chinese or North American ones where they are valid there. Others stay without a
    country: the same digits may be two people's numbers in two countries.
    """
    text = plain(value)
    if match := _EXTENDED.fullmatch(text):
        return f"{phone_form(match.group(1))}x{match.group(2)}"
    if not _PHONE.fullmatch(text):
        return ""
    digits = re.sub(r"\D", "", text)
    if len(digits) < 4:
        return ""
    if "+" in text[:2] or digits.startswith("00"):
        return _international(text if "+" in text[:2] else f"+{digits[2:]}")
    return _national(digits, is_one_apart=re.match(r"1\D", text) is not None)


def number_form(value: str) -> str:
    """Give a card, account or identity number without separators, in upper case; empty if it has no digit.

    A plus sign stays: in Finnish and Swedish identity numbers it tells the century.
    """
    text = "".join(char for char in plain(value).upper() if char.isalnum() or char == "+")
    return text if any(map(str.isdigit, text)) else ""


def ip_form(value: str) -> str:
    """Give an IP address in its shortest form (RFC 5952), mapped IPv4 as such; empty if it is none."""
    try:
        address = ipaddress.ip_address(plain(value).partition("%")[0].strip("[]"))
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def wallet_form(value: str) -> str:
    """Give a wallet's address; those of which the case tells nothing in lower case; empty if it has no digit."""
    text = plain(value)
    if not any(map(str.isdigit, text)) or " " in text:
        return ""
    return text.lower() if text[:3].lower() in ("bc1", "tb1") or text[:2].lower() == "0x" else text


def secret_form(value: str) -> str:
    """Give a secret as it is, full-width forms and broken lines aside; a private key block without spaces."""
    text = fold(value).strip()
    if text.startswith("-----BEGIN"):
        return re.sub(r"\s|\\r|\\n", "", text)
    return _BROKEN.sub("", text)


def url_form(value: str) -> str:
    """Give a URL with scheme and host in lower case, signs unquoted, without a default port; empty if it is none."""
    parts = _url_parts(value)
    if parts is None:
        return ""
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(scheme)) else f":{parts.port}"
    rest = f"{parts.path}{'?' * bool(parts.query)}{parts.query}{'#' * bool(parts.fragment)}{parts.fragment}"
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"{scheme}://{user}@{host}{port}{unquote(rest).rstrip('/')}"


FORMS: Mapping[str, NormalForm] = {
    "email": email_form, "phone": phone_form, "number": number_form, "ip": ip_form, "wallet": wallet_form,
    "secret": secret_form, "url": url_form, "text": text_form,
}  # fmt: skip
"""The forms by name."""

_FORM_OF: Mapping[str, str] = {
    "EMAIL": "email", "PHONE": "phone", "CN_PHONE": "phone", "IP_ADDRESS": "ip", "CREDIT_CARD": "number",
    "IBAN": "number", "US_SSN": "number", "CN_ID": "number", "OTHER_ID": "number", "CRYPTO": "wallet",
    "SECRET": "secret",  # pragma: allowlist secret
    "URL_WITH_CREDENTIALS": "url",
}  # fmt: skip


def _ascii(domain: str) -> str:
    try:
        return domain.strip(".").encode("idna").decode("ascii")
    except UnicodeError:
        return domain.strip(".")


def _international(number: str) -> str:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return "+" + re.sub(r"\D", "", number)
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _national(digits: str, *, is_one_apart: bool) -> str:
    """Give a number without a country prefix; `1-650-...` is North American, `165...` in one piece Chinese."""
    mobile, american = _CN_MOBILE.fullmatch(digits), _NORTH_AMERICAN.fullmatch(digits)
    if american and (is_one_apart or not mobile) and _is_valid(f"+1{american.group(1)}"):
        return f"+1{american.group(1)}"
    if mobile:
        return f"+86{mobile.group(1)}"
    if digits.startswith("0") and _is_valid(f"+86{digits[1:]}"):
        return f"+86{digits[1:]}"
    return digits


def _is_valid(number: str) -> bool:
    import phonenumbers

    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(number)))
    except phonenumbers.NumberParseException:
        return False


def _url_parts(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(_OUTER_SCHEMES.sub("", _BROKEN.sub("", fold(value).strip()), count=1))
        is_whole = bool(parts.scheme and parts.netloc and (parts.port or True))  # a port out of range raises
    except ValueError:
        return None
    return parts if is_whole else None
