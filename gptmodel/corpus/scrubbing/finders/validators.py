"""Checksums and validity rules of numbers, as pure functions over bare characters.

Source: ISO/IEC 7812 (Luhn), ISO 13616 (IBAN, mod 97), GB 11643-1999 (ISO 7064 mod 11-2), Bitcoin's base58check,
BIP 173 and BIP 350 (bech32, bech32m), and the Social Security Administration's allocation rules.
"""

import datetime
import hashlib

_LUHN_DOUBLE = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_CN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CN_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()
)
_BASE58_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"  # pragma: allowlist secret
_BASE58 = {char: value for value, char in enumerate(_BASE58_DIGITS)}
_BECH32 = {char: value for value, char in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}  # pragma: allowlist secret
_PUBLISHED_SSNS = frozenset({"078051120", "219099999", "123456789", "987654321"})

# Length of an IBAN by country, from the SWIFT IBAN registry.
_IBAN_LENGTHS = {
    code[:2]: int(code[2:])
    for code in (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
        "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
        "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 "
        "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
        "YE30"
    ).split()
}


def luhn(digits: str) -> bool:
    """Check the Luhn digit of a string of digits.

    Example:
        >>> luhn("4111111111111111"), luhn("4111111111111112")
        (True, False)
    """
    values = [int(digit) for digit in digits]
    return (sum(values[-1::-2]) + sum(_LUHN_DOUBLE[value] for value in values[-2::-2])) % 10 == 0


def is_card(digits: str) -> bool:
    """Tell whether 12 to 19 digits are a payment card: an issuer's prefix with its length, and Luhn."""
    return len(set(digits)) > 1 and _has_issuer(digits) and luhn(digits)


def _has_issuer(digits: str) -> bool:
    length, two, four = len(digits), int(digits[:2]), int(digits[:4])
    visa = digits[0] == "4" and length in (13, 16, 19)
    mastercard = length == 16 and (51 <= two <= 55 or 2221 <= four <= 2720)
    amex = length == 15 and two in (34, 37)
    diners = (length == 14 and (two in (30, 36, 38, 39))) or (length == 16 and two in (30, 36, 38, 39))
    jcb = (length >= 16 and two == 35) or (length == 15 and four in (2131, 1800))
    maestro = 12 <= length <= 19 and (two in (50, 56, 57, 58) or digits[0] == "6")
    mir = length >= 16 and 2200 <= four <= 2204
    regional = length == 16 and (four == 9792 or 8100 <= four <= 8171 or 8172 <= four <= 8299)
    return visa or mastercard or amex or diners or jcb or maestro or mir or regional


def iban_length(country: str) -> int | None:
    """Give the length of a country's IBAN, or None for a country without one."""
    return _IBAN_LENGTHS.get(country)


def is_iban(value: str) -> bool:
    """Check an IBAN in upper case and without separators: its country's length and mod 97 = 1.

    Example:
        >>> is_iban("GB82WEST12345698765432"), is_iban("GB82WEST12345698765433")
        (True, False)
    """
    if len(value) != _IBAN_LENGTHS.get(value[:2]):
        return False
    return int("".join(str(int(char, 36)) for char in value[4:] + value[:4])) % 97 == 1


def is_us_ssn(digits: str) -> bool:
    """Check area, group and serial of nine digits, and that it is none of the published sample numbers."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000":
        return False
    return digits not in _PUBLISHED_SSNS and len(set(digits)) > 1


def is_cn_id(value: str) -> bool:
    """Check a Chinese resident identity number of 18 characters: province, date of birth, check character.

    Example:
        >>> is_cn_id("11010519491231002X"), is_cn_id("110105194912310021")
        (True, False)
    """
    if value[:2] not in _CN_PROVINCES or not is_date(value[6:14]):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(value, _CN_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == value[17].upper()


def is_date(digits: str) -> bool:
    """Tell whether eight digits are a day of the calendar between 1850 and 2099, as YYYYMMDD."""
    try:
        return 1850 <= datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year <= 2099
    except ValueError:
        return False


def is_bitcoin(value: str) -> bool:
    """Check a Bitcoin address: base58check of version 0 or 5, or bech32 with the prefix `bc1`."""
    return _is_bech32(value) if value[:3].lower() == "bc1" else _is_base58check(value)


def _is_base58check(value: str) -> bool:
    number = 0
    for char in value:
        if char not in _BASE58:
            return False
        number = number * 58 + _BASE58[char]
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25)
    return raw[0] in (0, 5) and hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def _is_bech32(value: str) -> bool:
    if value not in (value.lower(), value.upper()):
        return False
    data = value.lower()[3:]
    if any(char not in _BECH32 for char in data):
        return False
    checksum = _polymod([3, 3, 0, 2, 3, *(_BECH32[char] for char in data)])
    return checksum == (1 if data[0] == "q" else 0x2BC830A3)


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top, checksum = checksum >> 25, (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if top >> bit & 1 else 0
    return checksum
