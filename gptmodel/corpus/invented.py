"""Invented values of each kind of sensitive data: valid by construction, drawn from a seed, nobody's.

Where a standard sets a range aside (domains, numbers for drama), values come from it; elsewhere they are drawn at
random with a right checksum, and tied to no person. The planted test phrases and the scrubber's test of itself take
their values from here. The draws are part of a promise: the same seed gives the same values.
"""

import base64
import hashlib
import random

WORDS = (
    "apple autumn basket bottle branch bridge bright button candle carpet castle circle cloud copper corner cotton "
    "country dance dinner engine evening family farmer father feather field finger flower forest friend garden gentle "
    "ginger golden green hammer harbour honey island jacket kitchen ladder lemon letter little market meadow middle "
    "mirror morning mother mountain music number orange paper pencil people pepper picture planet plate pocket quiet "
    "rabbit river round saddle school season second shadow silver simple sister spring square stone street summer "
    "sunday table thunder ticket travel valley village violet wagon water wheel white window winter wooden yellow"
).split()
"""Common English words, for what must resemble nobody's data."""
ZH_WORDS = (
    "苹果 秋天 篮子 瓶子 树枝 小桥 明亮 蜡烛 地毯 城堡 圆圈 白云 角落 棉花 舞蹈 晚饭 傍晚 家庭 农民 父亲 "
    "羽毛 田野 手指 花朵 森林 朋友 花园 金色 绿色 港口 蜂蜜 岛屿 外套 厨房 梯子 柠檬 市场 草地 中间 镜子 "
    "早晨 母亲 高山 音乐 数字 橙色 铅笔 人们 图画 星球 盘子 口袋 安静 兔子 河流 学校 季节 影子 银色 简单 "
    "姐妹 春天 广场 石头 街道 夏天 星期 桌子 雷声 车票 旅行 山谷 村庄 马车 清水 车轮 白色 窗户 冬天 木头 "
    "黄色"
).split()
"""Common Chinese words, for the same."""

_LETTERS, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_ALPHANUMERIC = _LETTERS + _LETTERS.lower() + _DIGITS
_BASE58_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"  # pragma: allowlist secret
_BECH32_DIGITS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"  # pragma: allowlist secret
_CN_MOBILE = "130 132 135 136 137 138 139 150 151 155 158 166 177 180 185 186 188 189 191 199".split()
_CN_REGIONS = "110105 120103 210202 310104 320106 330108 370203 420106 440305 500112 510107 610113".split()
_GIVEN = "Adela Bruno Clara Dario Edith Felix Greta Hugo Irene Jonas Karin Leon Marta Nadia Oscar Petra Simon".split()
_FAMILY_BEGINNINGS = "Ash Birk Cold Dunn Elder Fen Hart Lind Marsh North Quill Rook Stone Thorn Under Whit".split()
_FAMILY_ENDINGS = "bury croft dale field gate grove ham house ley man more ridge son stead ton wick".split()
_ZH_FAMILY = "赵 钱 孙 李 周 吴 郑 王 冯 陈 蒋 沈 韩 杨 朱 许 何 吕 张 曹 严 金 魏 陶 姜".split()
_ZH_GIVEN = "文 晓 丽 建 国 志 明 春 华 雪 梅 思 远 子 涵 雨 欣 浩 然 佳 怡 伟 芳 静 磊".split()


def digits(count: int, draw: random.Random) -> str:
    """Draw decimal digits."""
    return "".join(draw.choices(_DIGITS, k=count))


def email(draw: random.Random) -> str:
    """Draw an address of a domain that RFC 2606 sets aside, so that it is nobody's."""
    domain = draw.choice(("example.com", "example.net", "example.org"))
    return f"{draw.choice(WORDS)}.{draw.choice(WORDS)}{draw.randrange(10, 100)}@{domain}"


def uk_phone(draw: random.Random) -> str:
    """Draw a number that Ofcom keeps for drama in a British city: valid in form, never given out."""
    city = draw.choice(("113", "114", "115", "116", "117", "121", "131", "141", "151", "161"))
    return f"+44 {city} 496 0{digits(3, draw)}"


def visa_card(draw: random.Random) -> str:
    """Draw a Visa card's number, in groups of four."""
    return in_fours(_with_luhn("4" + digits(14, draw)))


def _with_luhn(body: str) -> str:
    """Add the check digit: every second digit doubled, from the last (ISO/IEC 7812)."""
    doubled = (int(digit) * (2 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(body)))
    return body + str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def in_fours(text: str) -> str:
    """Put a space after every four characters."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def ipv4(draw: random.Random) -> str:
    """Draw an address out of ranges that are routed."""
    first = draw.choice((23, 34, 45, 62, 81, 91, 103, 185, 193, 212))
    return ".".join(str(part) for part in (first, *(draw.randrange(1, 255) for _ in range(3))))


def german_iban(draw: random.Random) -> str:
    """Draw a German account's number."""
    return _iban("DE", digits(18, draw))


def _iban(country: str, account: str) -> str:
    # ISO 7064 mod 97-10 over the account, the country, 00; letters count as numbers from A = 10 on.
    number = int("".join(str(int(char, 36)) for char in account + country + "00"))
    return f"{country}{98 - number % 97:02d}{account}"


def aws_key(draw: random.Random) -> str:
    """Draw an access key in Amazon's form."""
    # Finders take a row of letters alone for a word, so every fourth character is a digit.
    return "AKIA" + "".join(draw.choice(_LETTERS if at % 4 else "234567") for at in range(16))


def tagged_email(draw: random.Random) -> str:
    """Draw an address with a tag, or of a domain within one set aside."""
    local = f"{draw.choice(WORDS)}_{draw.choice(WORDS)}"
    ending = draw.choice((f"+{draw.choice(WORDS)}@example.com", "@mail.example.org", "@post.office.example.net"))
    return local.upper() + ending.upper() if draw.random() < 0.2 else local + ending


def us_phone(draw: random.Random) -> str:
    """Draw a number from 555-0100 to 555-0199, which North America keeps for fiction."""
    area = draw.choice(("202", "212", "312", "415", "617", "713", "808"))
    return draw.choice(("({}) 555-01{}", "{}-555-01{}", "+1 {} 555 01{}")).format(area, digits(2, draw))


def london_phone(draw: random.Random) -> str:
    """Draw a number that Ofcom keeps for drama in London."""
    return draw.choice(("020 7946 0{}", "(020) 7946 0{}", "+44 20 7946 0{}")).format(digits(3, draw))


def german_phone(draw: random.Random) -> str:
    """Draw a number that the Bundesnetzagentur keeps for drama in Berlin."""
    return draw.choice(("030 23125 {}", "+49 30 23125-{}")).format(digits(3, draw))


def chinese_landline(draw: random.Random) -> str:
    """Draw a Chinese landline's number; no range of these is set aside."""
    return draw.choice(("010-{}", "021-{}", "0755-{}")).format(draw.choice("268") + digits(7, draw))


def chinese_mobile(draw: random.Random) -> str:
    """Draw a Chinese mobile number; no range of these is set aside."""
    return draw.choice(_CN_MOBILE) + digits(8, draw)


def ipv6(draw: random.Random) -> str:
    """Draw an address out of a range that is routed in Europe."""
    return ":".join(["2a02", *(f"{draw.randrange(1, 65536):x}" for _ in range(7))])


def other_card(draw: random.Random) -> str:
    """Draw a card's number of Mastercard, American Express, UnionPay, Discover or JCB."""
    prefix, length = draw.choice((("52", 16), ("37", 15), ("62", 16), ("62", 19), ("6011", 16), ("3530", 16)))
    return _with_luhn(prefix + digits(length - 1 - len(prefix), draw))


def other_iban(draw: random.Random) -> str:
    """Draw a British, Dutch or Austrian account's number."""
    bank = "".join(draw.choices(_LETTERS, k=4))
    accounts = {"GB": bank + digits(14, draw), "NL": bank + digits(10, draw), "AT": digits(16, draw)}
    country = draw.choice(sorted(accounts))
    return _iban(country, accounts[country])


def us_ssn(draw: random.Random) -> str:
    """Draw a number of the form and ranges in which the Social Security Administration gives them out."""
    area = draw.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03d}-{draw.randrange(1, 100):02d}-{draw.randrange(1, 10_000):04d}"


def chinese_id(draw: random.Random) -> str:
    """Draw a resident identity number (GB 11643-1999)."""
    born = f"{draw.randrange(1950, 2006)}{draw.randrange(1, 13):02d}{draw.randrange(1, 29):02d}"
    body = draw.choice(_CN_REGIONS) + born + digits(3, draw)
    return body + "10X98765432"[sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(body)) % 11]


def password(draw: random.Random) -> str:
    """Draw a password of the sort that people make: a word, a sign, some digits, another word."""
    return f"{draw.choice(WORDS).title()}{draw.choice('!#%_-')}{digits(3, draw)}{draw.choice(WORDS)}"


def url_with_credentials(draw: random.Random) -> str:
    """Draw an address of a service with a user's name and password in it."""
    scheme, rest = draw.choice((("postgresql", ":5432/orders"), ("https", "/repo.git"), ("redis", ":6379/0"),
                                ("mongodb+srv", "/shop?retryWrites=true"), ("amqp", "/queue")))  # fmt: skip
    host = f"{draw.choice(WORDS)}.{draw.choice(('internal', 'example.com', 'example.net'))}"
    return f"{scheme}://{draw.choice(WORDS)}:{alphanumeric(12, draw)}@{host}{rest}"


def alphanumeric(count: int, draw: random.Random) -> str:
    """Draw letters and digits, at least one digit among them."""
    text = "".join(draw.choices(_ALPHANUMERIC, k=count - 1))
    at = draw.randrange(count)
    return text[:at] + draw.choice(_DIGITS) + text[at:]


def provider_token(draw: random.Random) -> str:
    """Draw a token in the form of a well-known provider."""
    prefix, count = draw.choice((("ghp_", 36), ("glpat-", 20), ("sk_live_", 24), ("AIza", 35), ("npm_", 36)))
    return prefix + alphanumeric(count, draw)


def json_web_token(draw: random.Random) -> str:
    """Draw a signed JSON Web Token (RFC 7519) that signs nothing."""
    claims = f'{{"sub":"{digits(8, draw)}","name":"{draw.choice(WORDS)}"}}'
    parts = (b'{"alg":"HS256","typ":"JWT"}', claims.encode(), draw.randbytes(32))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def private_key(draw: random.Random) -> str:
    """Draw a block in the form of a private key (RFC 7468); its bytes are random and no key."""
    sort = draw.choice(("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"))
    text = base64.b64encode(draw.randbytes(240)).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {sort}-----", *lines, f"-----END {sort}-----"])


def bitcoin_address(draw: random.Random) -> str:
    """Draw an address in base58check, as payments to a key's hash have it."""
    payload = b"\0" + draw.randbytes(20)
    whole = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(whole), ""
    while number:
        number, rest = divmod(number, 58)
        text = _BASE58_DIGITS[rest] + text
    return "1" * (len(whole) - len(whole.lstrip(b"\0"))) + text


def segwit_address(draw: random.Random) -> str:
    """Draw an address in bech32 (BIP 173)."""
    bits = f"{int.from_bytes(draw.randbytes(20)):0160b}"
    values = [0, *(int(bits[at : at + 5], 2) for at in range(0, 160, 5))]
    check = _bech32_checksum([3, 3, 0, 2, 3, *values, *[0] * 6]) ^ 1  # "bc" stands before them as 3, 3, 0, 2, 3
    values += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return "bc1" + "".join(_BECH32_DIGITS[value] for value in values)


def _bech32_checksum(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for at, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> at & 1 else 0
    return check


def person(draw: random.Random) -> str:
    """Draw a given and a made-up family name; that somebody bears both is chance."""
    return f"{draw.choice(_GIVEN)} {draw.choice(_FAMILY_BEGINNINGS)}{draw.choice(_FAMILY_ENDINGS)}"


def chinese_person(draw: random.Random) -> str:
    """Draw a Chinese name at random; that somebody bears it is chance."""
    return draw.choice(_ZH_FAMILY) + "".join(draw.choices(_ZH_GIVEN, k=draw.choice((1, 2, 2))))


def street_address(draw: random.Random) -> str:
    """Draw an address of a made-up street in a made-up town."""
    place = [draw.choice(_FAMILY_BEGINNINGS) + draw.choice(_FAMILY_ENDINGS) for _ in range(2)]
    street = draw.choice(("Street", "Road", "Avenue", "Lane"))
    return f"{draw.randrange(1, 200)} {place[0]} {street}, {place[1]}"


def chinese_address(draw: random.Random) -> str:
    """Draw an address of a made-up street in a real city."""
    city = draw.choice(("北京市朝阳区", "上海市浦东新区", "广州市天河区", "成都市武侯区", "杭州市西湖区"))
    return f"{city}{draw.choice(ZH_WORDS)}路{draw.randrange(1, 300)}号{draw.randrange(1, 30)}室"


def brazilian_cpf(draw: random.Random) -> str:
    """Draw a Brazilian taxpayer's number, whose two last digits check the others mod 11."""
    body = digits(9, draw)
    for _ in range(2):
        weighed = sum(int(digit) * weight for digit, weight in zip(reversed(body), range(2, 12), strict=False))
        body += str(-weighed % 11 % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def polish_pesel(draw: random.Random) -> str:
    """Draw a Polish identity number of somebody born in the last century."""
    body = _birthday(draw) + digits(4, draw)
    return f"{body}{-sum(int(digit) * (1, 3, 7, 9)[at % 4] for at, digit in enumerate(body)) % 10}"


def spanish_dni(draw: random.Random) -> str:
    """Draw a Spanish identity number, whose letter stands for the remainder by 23."""
    body = digits(8, draw)
    return body + "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23]  # pragma: allowlist secret


def dutch_bsn(draw: random.Random) -> str:
    """Draw a Dutch citizen's number, out of those whose last digit checks the others mod 11."""
    check = 10
    while check == 10:
        body = draw.choice("123456789") + digits(7, draw)
        check = sum(int(digit) * (9 - at) for at, digit in enumerate(body)) % 11
    return f"{body}{check}"


def nhs_number(draw: random.Random) -> str:
    """Draw a number of the British health service, out of those whose check digit is one digit."""
    check = 10
    while check == 10:
        body = draw.choice("4567") + digits(8, draw)
        check = -sum(int(digit) * (10 - at) for at, digit in enumerate(body)) % 11
    number = f"{body}{check}"
    return f"{number[:3]} {number[3:6]} {number[6:]}"


def french_nir(draw: random.Random) -> str:
    """Draw a French social security number."""
    born = _birthday(draw)
    body = f"{draw.choice('12')}{born[:4]}{draw.choice(('75', '69', '13', '33'))}{digits(3, draw)}{digits(3, draw)}"
    return f"{body}{97 - int(body) % 97:02d}"


def _birthday(draw: random.Random) -> str:
    return f"{draw.randrange(50, 100)}{draw.randrange(1, 13):02d}{draw.randrange(1, 29):02d}"
