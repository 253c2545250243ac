"""What the scrubber's test of itself is made of: invented values as people write them, and texts that carry them.

Values and look-alikes by kind, the forms a value is written in, and the sentences, records and lines around it are
data, written from how such texts look in life and without regard to how the finders work: values are to be missed where
the finders fall short.
"""

import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gptmodel.corpus import invented
from gptmodel.corpus.invented import digits

Maker = Callable[[random.Random], str]
Form = Callable[[str], str]


@dataclass(frozen=True)
class Sort:
    """One sort of value within a kind, or of what looks like one.

    Attributes:
        make: Draws a value.
        label: What people call it, in English and in Chinese.
        key: What a program calls it.
        forms: Ways in which it is written.
        carriers: Texts around it, if it asks for texts of its own.
    """

    make: Maker
    label: tuple[str, str]
    key: str
    forms: tuple[Form, ...] = ()
    carriers: tuple[str, ...] = ()


def plain(text: str) -> str:
    """Give a value as it is."""
    return text


def compact(text: str) -> str:
    """Leave out separators."""
    return "".join(char for char in text if char.isalnum())


def hyphenated(text: str) -> str:
    """Join the groups by hyphens; a value without groups is put into groups of four."""
    return (text if " " in text else invented.in_fours(text)).replace(" ", "-")


def grouped(text: str) -> str:
    """Give a value in groups of four."""
    return invented.in_fours(compact(text))


def full_width(text: str) -> str:
    """Write ASCII characters full-width, as Chinese input methods do."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def spelled_out(text: str) -> str:
    """Write an address so that harvesters miss it."""
    return text.replace("@", " at ").replace(".", " dot ")


def bracketed(text: str) -> str:
    """Write an address with its signs in brackets."""
    return text.replace("@", " [at] ").replace(".", "[dot]", 1) if text.count(".") == 1 else text.replace("@", "(at)")


def broken(text: str) -> str:
    """Break a grouped value at a line's end."""
    groups = invented.in_fours(compact(text)).split(" ")
    return " ".join(groups[:-1]) + "\n" + groups[-1]


CARRIERS: tuple[tuple[int, str], ...] = (
    (0, "Please keep the {label} {value} on file for the {topic} order."),
    (0, "I changed my {label} last week. It is {value} from now on, so take the old one off the list."),
    (0, "{Label}: {value}\nOrdered: two {topic} chairs\n"),
    (0, "Minutes of the {topic} meeting\n\n* **{Label}:** {value}\n* Next date is open\n"),
    (0, "| item | {label} | state |\n|---|---|---|\n| {topic} | {value} | paid |\n"),
    (0, '{{"id": 17, "{key}": "{value}", "state": "open", "note": "{topic}"}}'),
    (0, 'def main():\n    {key} = "{value}"  # {topic}\n    return send({key})\n'),
    (0, "2023-11-08 08:14:02,118 INFO [{topic}] request done, {key}={value} status=200 in 13 ms\n"),
    (0, "item,{key},state\n{topic},{value},paid\n"),
    (0, "<tr><td>{label}</td><td>{value}</td></tr>"),
    (0, "{topic}:\n  {key}: {value}\n  retries: 3\n"),
    (0, "We talked about the {topic} for an hour; his {label} ({value}) is in the notes too."),
    (1, "{topic}登记的{label}是{value}，请核对后回复。"),
    (1, "{label}：{value}\n备注：{topic}两件\n"),
    (1, "我的{label}上周改成{value}了，以前的不要再用。"),
    (1, "【{topic}】{label}：{value}；如有变动请及时告知。"),
    (1, '{{"编号": 17, "{label}": "{value}", "状态": "正常"}}'),
    (1, "| 项目 | {label} |\n| --- | --- |\n| {topic} | {value} |\n"),
)  # fmt: skip
"""Texts around a value: which label they take (0 English, 1 Chinese), and the text."""

_PROSE = tuple(carrier for carrier in CARRIERS if carrier[1].endswith((".", "。")))

_KEY_FILES = (
    "The {topic} deploy key, do not share:\n\n{value}\n",
    "cat > {topic}.pem <<EOF\n{value}\nEOF\nchmod 600 {topic}.pem\n",
    "部署用的私钥如下：\n{value}\n请保存好。\n",
)
_NAMED = (
    "Patient: {value}\nAdmitted: ward 3\n",
    "Name: {value}\nOrder: one {topic} table\n",
    "Dear {value},\n\nthank you for the {topic} sample.\n",
    "The {topic} talk was given by Dr. {value} in the old hall.",
    '{{"name": "{value}", "item": "{topic}", "paid": true}}',
    "See you in spring.\n\nBest regards,\n{value}\n",
    "Contact: {value} (purchasing)\n",
    "We met Mrs. {value} at the {topic} fair.",
)
_ZH_NAMED = (
    "姓名：{value}\n项目：{topic}\n",
    "患者：{value}，因{topic}不适就诊。",
    "联系人：{value}\n地址：略\n",
    "尊敬的{value}先生：\n您好，{topic}已寄出。\n",
    "今天由{value}老师介绍{topic}。",
    "大家好，我叫{value}，喜欢{topic}。",
)
_ADDRESSED = (
    "Address: {value}\nOrder: one {topic} table\n",
    "Name: not given\nHome address: {value}\n",
    '{{"address": "{value}", "item": "{topic}"}}',
    "Ship to: {value}\nItem: {topic}\n",
    "Delivery address: {value}\nPlease ring twice.\n",
    "Billing address:\n{value}\n\nOne {topic} lamp\n",
)
_ZH_ADDRESSED = ("地址：{value}\n项目：{topic}\n", "收货地址：{value}\n", "家庭住址：{value}，备注{topic}。")

_PHONE = (("phone number", "电话"), "phone")
_CARD, _IBAN = (("credit card number", "信用卡号"), "card_number"), (("IBAN", "银行账号 IBAN"), "iban")
_EMAIL_FORMS = (plain, plain, plain, full_width, spelled_out, bracketed)
_PHONE_FORMS = (plain, plain, plain, full_width)
_CARD_FORMS = (*[plain] * 4, *[compact] * 3, hyphenated, hyphenated, grouped, full_width, broken)
_IBAN_FORMS = (*[plain] * 5, *[grouped] * 4, compact, compact, broken)
_PERSON, _ADDRESS = ("name", "姓名"), ("address", "地址")

SORTS: dict[str, tuple[Sort, ...]] = {
    "EMAIL": (
        Sort(invented.email, ("e-mail address", "电子邮箱"), "email", _EMAIL_FORMS),
        Sort(invented.tagged_email, ("e-mail", "邮箱"), "contact_email", (plain, plain, full_width, bracketed)),
    ),
    "PHONE": (
        Sort(invented.us_phone, *_PHONE, _PHONE_FORMS),
        Sort(invented.london_phone, *_PHONE, _PHONE_FORMS),
        Sort(invented.german_phone, *_PHONE, _PHONE_FORMS),
        Sort(invented.chinese_landline, ("phone", "联系电话"), "tel", _PHONE_FORMS),
    ),
    "IP_ADDRESS": (
        Sort(invented.ipv4, ("IP address", "IP 地址"), "client_ip"),
        Sort(invented.ipv6, ("IP address", "IP 地址"), "remote_addr"),
    ),
    "CREDIT_CARD": (Sort(invented.visa_card, *_CARD, _CARD_FORMS), Sort(invented.other_card, *_CARD, _CARD_FORMS)),
    "IBAN": (Sort(invented.german_iban, *_IBAN, _IBAN_FORMS), Sort(invented.other_iban, *_IBAN, _IBAN_FORMS)),
    "US_SSN": (Sort(invented.us_ssn, ("social security number", "社会安全号码"), "ssn", (plain, plain, full_width)),),
    "CN_ID": (Sort(invented.chinese_id, ("Chinese ID number", "身份证号"), "id_card", (plain, plain, full_width)),),
    "CN_PHONE": (
        Sort(invented.chinese_mobile, ("mobile number", "手机号"), "mobile",
             (plain, plain, full_width, lambda text: f"{text[:3]} {text[3:7]} {text[7:]}",
              lambda text: f"+86 {text[:3]}-{text[3:7]}-{text[7:]}")),
    ),
    "URL_WITH_CREDENTIALS": (Sort(invented.url_with_credentials, ("database URL", "连接地址"), "url"),),
    "SECRET": (
        Sort(invented.aws_key, ("access key", "访问密钥"), "aws_access_key_id"),
        Sort(invented.provider_token, ("token", "令牌"), "api_token"),
        Sort(invented.json_web_token, ("session token", "会话令牌"), "token"),
        Sort(invented.private_key, ("private key", "私钥"), "private_key", carriers=_KEY_FILES),
        Sort(invented.password, ("password", "密码"), "password"),
    ),
    "CRYPTO": (
        Sort(invented.bitcoin_address, ("bitcoin address", "比特币地址"), "wallet"),
        Sort(invented.segwit_address, ("bitcoin address", "比特币地址"), "payout_address"),
    ),
    "OTHER_ID": (
        Sort(invented.brazilian_cpf, ("CPF", "巴西税号 CPF"), "cpf", (plain, compact)),
        Sort(invented.polish_pesel, ("PESEL number", "波兰身份号 PESEL"), "pesel"),
        Sort(invented.spanish_dni, ("DNI", "西班牙身份证 DNI"), "dni"),
        Sort(invented.nhs_number, ("NHS number", "英国 NHS 号码"), "nhs_number", (plain, compact)),
        Sort(invented.dutch_bsn, ("BSN", "荷兰公民服务号 BSN"), "bsn"),
        Sort(invented.french_nir, ("NIR", "法国社保号 NIR"), "nir"),
    ),
    "PERSON": (
        Sort(invented.person, _PERSON, "name", carriers=_NAMED),
        Sort(invented.chinese_person, _PERSON, "name", carriers=_ZH_NAMED),
    ),
    "ADDRESS": (
        Sort(invented.street_address, _ADDRESS, "address", carriers=_ADDRESSED),
        Sort(invented.chinese_address, _ADDRESS, "address", carriers=_ZH_ADDRESSED),
    ),
}  # fmt: skip
"""Values by kind."""


def _hex(count: int) -> Maker:
    return lambda draw: "".join(draw.choices("0123456789abcdef", k=count))


def _wrong(make: Maker) -> Maker:
    """Draw values whose last character, which a checksum rests on, is another one."""

    def made(draw: random.Random) -> str:
        text = make(draw)
        group = string.digits if text[-1].isdigit() else string.ascii_letters
        return text[:-1] + group[(group.index(text[-1]) + 2) % len(group)]

    return made


def _documentation_ip(draw: random.Random) -> str:
    network = draw.choice(("192.0.2", "198.51.100", "203.0.113", "10.20.30", "127.0.0", "192.168.7"))
    return f"{network}.{draw.randrange(255)}"


def _version(draw: random.Random) -> str:
    return f"{draw.randrange(1, 20)}.{draw.randrange(30)}.{draw.randrange(20)}"


def _date(draw: random.Random) -> str:
    return f"{draw.randrange(1990, 2030)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"


def _isbn(draw: random.Random) -> str:
    body = "978" + digits(9, draw)
    check = -sum(int(digit) * (1, 3)[at % 2] for at, digit in enumerate(body)) % 10
    return f"{body[:3]}-{body[3]}-{body[4:8]}-{body[8:]}-{check}"


def _package(draw: random.Random) -> str:
    return f"{draw.choice(invented.WORDS)}@{_version(draw)}"


def _local_address(draw: random.Random) -> str:
    return f"{draw.choice(invented.WORDS)}@localhost"


def _plain_url(draw: random.Random) -> str:
    return f"https://www.example.org:8443/{draw.choice(invented.WORDS)}/{draw.randrange(10_000)}?page=2"


def _uuid(draw: random.Random) -> str:
    text = _hex(32)(draw)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def _variable(draw: random.Random) -> str:
    return f"${{{draw.choice(invented.WORDS).upper()}_PASSWORD}}"


def _no_ssn(draw: random.Random) -> str:
    return f"{draw.choice(('000', '666', '9' + digits(2, draw)))}-{digits(2, draw)}-{digits(4, draw)}"


LOOK_ALIKES: dict[str, tuple[Sort, ...]] = {
    "EMAIL": (
        Sort(_package, ("package", "依赖包"), "package"),
        Sort(_local_address, ("login", "登录名"), "login"),
    ),
    "PHONE": (
        Sort(_date, ("date", "日期"), "date"),
        Sort(_isbn, ("ISBN", "书号 ISBN"), "isbn"),
        Sort(lambda draw: digits(7, draw), ("part number", "零件号"), "part"),
    ),
    "IP_ADDRESS": (
        Sort(_documentation_ip, ("IP address", "IP 地址"), "host"),
        Sort(_version, ("version", "版本"), "version"),
    ),
    "CREDIT_CARD": (Sort(_wrong(invented.visa_card), *_CARD),),
    "IBAN": (Sort(_wrong(invented.german_iban), *_IBAN),),
    "US_SSN": (Sort(_no_ssn, ("reference", "编号"), "reference"),),
    "CN_ID": (Sort(_wrong(invented.chinese_id), ("serial number", "序列号"), "serial"),),
    "CN_PHONE": (Sort(lambda draw: "2" + digits(10, draw), ("order number", "订单号"), "order_id"),),
    "URL_WITH_CREDENTIALS": (Sort(_plain_url, ("page", "网页"), "url"),),
    "SECRET": (
        Sort(_hex(40), ("commit", "提交"), "commit"),
        Sort(_hex(64), ("SHA-256 checksum", "SHA-256 校验和"), "sha256"),
        Sort(_uuid, ("request id", "请求编号"), "request_id"),
        Sort(_variable, ("password", "密码"), "password"),
    ),
    "CRYPTO": (Sort(_wrong(invented.bitcoin_address), ("reference", "编号"), "reference"),),
    "OTHER_ID": (Sort(_wrong(invented.polish_pesel), ("PESEL number", "波兰身份号 PESEL"), "pesel"),),
    "PERSON": (
        Sort(lambda draw: f"{draw.choice(invented.WORDS)}.toml", ("file name", "文件名"), "filename"),
        Sort(lambda draw: f"the {draw.choice(invented.WORDS)} team", _PERSON, "team"),
    ),
    "ADDRESS": (Sort(lambda draw: f"0x{_hex(12)(draw)}", ("memory address", "内存地址"), "address"),),
}
"""What looks like a value of the kind and is none: it must stay."""


@dataclass(frozen=True)
class Carried:
    """A value in a text.

    Attributes:
        text: The whole text.
        start: First character of the value.
        end: One past its last.
    """

    text: str
    start: int
    end: int


def draw_carried(sorts: Sequence[Sort], count: int, draw: random.Random) -> list[Carried]:
    """Draw values of several sorts in turn, each in a form and a text drawn for it."""
    return [_carried(sorts[number % len(sorts)], draw) for number in range(count)]


def _carried(sort: Sort, draw: random.Random) -> Carried:
    value = draw.choice(sort.forms or (plain,))(sort.make(draw))
    # A line ends within a value in running text; in records it would be an error.
    usual = _PROSE if "\n" in value else CARRIERS
    lang, text = draw.choice([(0, text) for text in sort.carriers] or usual)
    words = invented.WORDS if text.isascii() else invented.ZH_WORDS
    label = sort.label[lang]
    before, after = text.split("{value}")
    names = {"label": label, "Label": label[0].upper() + label[1:], "key": sort.key, "topic": draw.choice(words)}
    start = before.format(**names)
    return Carried(start + value + after.format(**names), len(start), len(start) + len(value))
