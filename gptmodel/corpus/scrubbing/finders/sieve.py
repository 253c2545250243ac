"""One cheap pass over a text that tells where most rules are worth running.

Each hint is a looser form of a rule's pattern, so that a rule finds around the hints all that it would find anywhere
(a property test holds it). RE2 looks for all of them at once, in linear time; ordinary prose has next to none.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from gptmodel.corpus.scrubbing.finders.identifier_words import MODULES
from gptmodel.corpus.scrubbing.finders.secret_words import KEYS, KEYS_UNSPACED, PASSWORDS, PASSWORDS_UNSPACED, in_code

# All over the text in lower case, one byte a character, `?` for what is not ASCII.
IP_V4 = r"\d\.\d{1,3}\.\d{1,3}\.\d"
IP_V6 = r"[23][0-9a-f]{0,3}(?::[0-9a-f]{1,4}){1,5}::|(?:[0-9a-f]{1,4}:){6}"
ACCOUNTS = r"[a-z]{2}\d\d(?:[ \-\n]?[a-z0-9]){11}"
WALLETS = r"[13][1-9a-z]{25,34}|bc1[02-9a-z]{11}"
IDENTIFIERS = r"\d\.\d{3}\.\d{3}-|756\.\d{4}\.|[a-z]{6}\d\d[a-z]|[a-z]{4}\d{6}[hm]"
"""Hints at values that show by their own form; they are short."""

CODES = "|".join((IP_V4, IP_V6, ACCOUNTS, WALLETS, IDENTIFIERS))
"""Any of them."""

_AT = r"at|\?t|arroba|arobase|chiocciola|apenstaartje|snabel-?a|zavin..|ma.pa|kukac|sobaka|shtrudel|kuyruklu a|\?{1,6}"
_DOT = r"dot|dt|pun[kc]?t|punto|point|ponto|piste|pont|te.ka|bodka|kropka|nokta|tochka|\?{1,5}"
WORDS = "|".join(
    (
        # emails.py: what stands for an at sign or a dot
        r"%40[a-z0-9]",
        rf"@\s{{0,3}}[a-z0-9\-.]{{1,63}}(?:\s{{0,3}}[\[({{<]\s{{0,2}}(?:{_DOT}|\.)\s{{0,2}}[\])}}>]|\s(?:{_DOT})\s)",
        rf"[a-z0-9]\s{{0,3}}(?:[\[({{<]\s{{0,2}}(?:{_AT}|@)\s{{0,2}}[\])}}>]|_at_)\s{{0,3}}[a-z0-9]|\sdot\s",
        rf"[\])}}>]\s{{0,3}}[\[({{<]\s{{0,2}}(?:{_AT}|@)\s{{0,2}}[\])}}>]\s{{0,3}}[a-z0-9]",
        r"\s(?:arroba|arobase|chiocciola)\s",
        # addresses.py
        r"address(?:[ _]?line[ _]?[12])?[\"'*]{0,3}\s?(?:[:=]|is\s)|[\"']street|<address>|address</",
        # tokens.py
        r"\.ey[a-z0-9_\-]|private key|putty-user-key",
        # passwords.py: a value before its name
        r"[\"'`][ \t]{0,2}[!=]==?[ \t]{0,2}[\w.$]{0,32}(?:passw|pwd|secret|token|api_?key|_key)",
        # commands.py
        r"authorization[\"'`\])]{0,2}\s{0,3}(?:[:=,]|->)|\bbearer\s+[a-z0-9._~+/=\-]{8}",
        r"--[a-z\-]{0,24}(?:pass|token|secret|key)",
        r"curl\b.{0,200} (?:-u|--user|--proxy-user)|(?:mysql|mysqldump|mysqladmin|mariadb)\b.{0,80} -p|sshpass -p",
        r"(?:docker|podman|helm|az|oc|skopeo)\b.{0,40} login|redis-cli|\bnet user |\bcmdkey|\bhtpasswd -",
        r"\b(?:openssl|unzip|zip|7za?|rar|gpg|ldap[a-z]+|sqlcmd|bcp|mongo(?:sh|dump|restore)?|xfreerdp|rdesktop|smbclient|"
        r"psql|keytool|jarsigner|ansible-vault|snmp[a-z]+|ipmitool|impacket[a-z\-]*|evil-winrm|crackmapexec|nmcli)\b"
        r"[^\n]{0,80} (?:-(?:[kpwa]|passin|passout|storepass|keypass|passphrase|pass) |/p:|password )",
        r"wpa_passphrase |snmp-server community |\benable (?:secret|password) ",
        r"\busername [^\s]{1,40} (?:privilege|password|secret) ",
        r"\bsudo\b[^\n]{0,40} -s\b|\|\s?(?:sudo )?chpasswd|-u [^\s%]{1,40}%",
        r"\b(?:vault|oc|gh|npm|heroku|doppler|pulumi|argocd) login [^\s\-]|convertto-securestring|password\([\"']",
        r"(?:basic_?auth|credentials?|authenticat(?:e|ion|or)|login|signin|logon)[a-z_]{0,20}\(\s?[\"']",
        r"\b(?:config|secrets?|configure|settings?|variable|env)(?:[: ](?:set|put|add|create))?[ \t]"
        r"(?:--?[\w\-]{1,20}[ \t]){0,3}"
        r"[\w.:/@\-]{0,60}(?:pass|password|passwd|token|secret|key)[ \t][!-~]{6}",
        r":(?:\d{4,5}|\*):[a-z0-9_*\-]{1,40}:[a-z0-9_*\-]{1,40}:[^\s:]{6}",
        r"[?&;](?:app_?id|appkey|ak|sk|sn|license|licence|access)=[a-z0-9_\-]{20}",
        r"identified .{0,30}by [\"']|\bauth\s?=\s?\(",
        r"(?:getconnection|pdo|mysqli|connect)\(\s?[\"']",
        r"machine .{1,80} password |(?:requirepass|masterauth|\npassword|\n {1,8}password|^password)[ \t]+[^ \t]",
        r"(?:env|arg|set|setenv|setx|export)[ \t]+\w*(?:pass|token|secret|key)\w{0,8}[ \t]+[^ \t]",
    )
)
"""Words and signs that announce a value, with all that belongs to it within some hundred characters."""

_IDENTIFIER_NAMES = "|".join(
    re.escape(name) + (r"\b" if name[-1].isalnum() else "") for name in sorted(MODULES, key=len, reverse=True)
)
LABELS = (
    rf"\b(?:{in_code({'en': PASSWORDS['en'], 'other': PASSWORDS['other']})}|pass|pin|{in_code(KEYS)})\b"
    rf"|(?:{in_code({name: words for name, words in PASSWORDS.items() if name not in ('en', 'other')})})\b"
    r"|jelsz\?|parol\?|\?ifr[ea]\b|\bcl\?"
    rf"|\b(?:{_IDENTIFIER_NAMES})"
)
"""Words for passwords and keys (of languages that join words also at the end of one), names of national identifiers."""

HAN_NAMES = (
    "姓名|患者|病人|联系人|收件人|收货人|寄件人|申请人|当事人|户主|负责人|经办人|签名|签字|持卡人|开户名|户名|投保人|受益人|"
    "家长|学生|员工|客户|记录人|主持人|出席|与会者|先生|女士|小姐|大夫|医生|医师|教授|老师|经理|主任|师傅|同学|护士|律师|"
    "地\\s?址|住址|住所|尊敬的|亲爱的|敬爱的|我叫|我的名字是|本人姓名|"
    "甲方|乙方|丙方|法定代表人|法人|原告|被告|监护人|委托人|代理人|发件人|会员|租客|房东|借款人|担保人|报案人|证人|寄至|寄给|交给|转交"
)
LABELS_BEYOND_ASCII = rf"{PASSWORDS_UNSPACED}|{KEYS_UNSPACED}"
"""The same in other scripts, over the text in UTF-8."""

BEYOND_ASCII = f"{LABELS_BEYOND_ASCII}|{HAN_NAMES}"


@cache
def linear(pattern: str) -> Any:
    """Compile a pattern over bytes for RE2, which scans in linear time and several times faster than `re`."""
    import re2

    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    return re2.compile(pattern.encode(), options)


def merged(spans: Iterable[tuple[int, int]], width: int) -> list[tuple[int, int]]:
    """Widen spans on both sides and join those that touch.

    Example:
        >>> merged([(10, 12), (14, 15), (90, 91)], 5)
        [(5, 20), (85, 96)]
    """
    stretches: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if stretches and start - width <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], end + width))
        else:
            stretches.append((max(0, start - width), end + width))
    return stretches


def spans_in_utf8(pattern: str, encoded: bytes) -> Iterable[tuple[int, int]]:
    """Give a pattern's matches in UTF-8 as offsets of characters."""
    done = characters = 0
    for match in linear(pattern).finditer(encoded):
        begin, end = match.span()
        start = characters + len(encoded[done:begin].decode("utf-8", "surrogatepass"))
        characters, done = start + len(encoded[begin:end].decode("utf-8", "surrogatepass")), end
        yield start, characters
