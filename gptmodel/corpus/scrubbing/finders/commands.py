"""Secrets in command lines, HTTP headers, sentences, and beside a user's name.

Each form announces a secret at one exact place; `secret_values.py` judges what stands there.
"""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.masks import is_masked
from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finders.secret_values import is_code, is_odd, is_random, is_strong
from gptmodel.corpus.scrubbing.finding import RANK_KEYWORD, Finding

_HEADER = re.compile(
    r"(?i)(?:\b(?:authorization|proxy-authorization)[\"'`\])]{0,2}\s{0,3}(?:[:=,]|=>|->)\s{0,3}[@$bfru]{0,2}[\"'`]?"
    r"(?:bearer|basic|token|digest|apikey|api-key|ssws|splunk|genie-?key|key|bot)|\bbearer)\s+"
    r"([A-Za-z0-9._~+/=\-]{8,400})"
)
_COMMAND = re.compile(
    r"--[a-z\-]{0,24}(?:password|passwd|pass|token|secret|api-?key|passphrase|access-key|auth-key)"
    r"(?:[ =]|\s\"|\s')[\"']?([^\s\"']{6,200})|"
    r"curl\b[^\n]{0,200}?\s(?:-u|--user|--proxy-user)[ =]?[\"']?[^\s:\"']*:([^\s\"']{4,100})|"
    r"(?:\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n|;]{0,80}? -p|\bsshpass -p ?|\bredis-cli\b[^\n|;]{0,60}? -a |"
    r"\b(?:docker|podman|helm|az|oc|skopeo)\b[^\n|;]{0,40} login\b[^\n|;]{0,80}? -p[ =]?|"
    r"\bnet user \S{1,40} |\bcmdkey\b[^\n]{0,80}?/pass:|\bhtpasswd -\w*b\w* \S+ \S+ |"
    r"\b(?:openssl|unzip|zip|7za?|rar|gpg|ldap\w+|sqlcmd|bcp|mongo(?:sh|dump|restore)?|xfreerdp|rdesktop|smbclient|psql|"
    r"keytool|jarsigner|ansible-vault|snmp\w+|ipmitool|impacket\w*|evil-winrm|crackmapexec|wpa_passphrase \S+|nmcli)\b"
    r"[^\n|;]{0,120}? (?:-(?:k|P|p|w|a|A|passin|passout|storepass|keypass|passphrase|pass) |/p:|password )(?:pass:)?|"
    r"\bwpa_passphrase \S+ |\b7za?\b[^\n|;]{0,80}? -p|\brar\b[^\n|;]{0,80}? -hp|-U [^\s%]{1,40}%|"
    r"\bsnmp-server community |\benable (?:secret|password) (?:\d )?|"
    r"\busername \S+ (?:privilege \d+ )?(?:password|secret) (?:\d )?|"
    r"\bsudo\b[^\n|;]{0,40} -S[^\n|;]{0,40}<<< ?|\b(?:vault|oc|gh|npm|heroku|doppler|pulumi|argocd) login )"
    r"[\"']?([^\s\"']{6,400})",
    re.IGNORECASE,
)
_STATEMENT = re.compile(
    r"IDENTIFIED (?:WITH \S{1,40} )?BY [\"']([^\"'\n]{6,100})[\"']|"
    r"\bauth\s?=\s?\(\s?[\"'][^\"'\n]{1,60}[\"'],\s?[\"']([^\"'\n]{6,100})[\"']|"
    r"(?:basic_?auth|credentials?|authenticat(?:e|ion|or)|login|signin|logon)\w*\(\s?[\"'][^\"'\n]{1,60}[\"'],\s?"
    r"[\"']([^\"'\n]{6,100})[\"']|(?:ConvertTo-SecureString|PASSWORD\()(?: -String)?\s{0,2}[\"']([^\"'\n]{6,100})[\"']|"
    r"\becho [\"']?([^\s\"'|:$]{6,100})[\"']? ?\| ?sudo -S|"
    r"\becho [\"']?[^\s\"'|:$]{1,40}:([^\s\"'|]{6,100})[\"']? ?\| ?"
    r"(?:sudo )?chpasswd|"
    r"(?:getConnection|PDO|mysqli|connect)\(\s?[\"'][^\"'\n]{1,200}[\"'],\s?[\"'][^\"'\n]{1,60}[\"'],\s?"
    r"[\"']([^\"'\n]{6,100})[\"']",
    re.IGNORECASE,
)
_NAMED = r"\w*(?:PASSWORD|PASSWD|PASS|TOKEN|SECRET|KEY|password|passwd|token|secret|key)"
_SPACED = re.compile(
    rf"(?m)(?:\bmachine \S+ login \S+ password |^[ \t]*(?:requirepass|masterauth|password)[ \t]+|"
    rf"^[ \t]*(?:ENV|ARG|set|setenv|setx|export)[ \t]+{_NAMED}[ \t]+|"
    r"\b(?:config|secrets?|configure|settings?|variable|env)(?:[: ](?:set|put|add|create))?[ \t]+"
    r"(?:--?[\w\-]+[ \t]+){0,3}"
    rf"[\w.:/@\-]{{0,60}}{_NAMED}[ \t]+)[\"']?([^\s\"'=]{{6,800}})"
)
# The PostgreSQL password file: host, port, database, user, password (its documentation, "The Password File").
_PGPASS = re.compile(r"(?m)^[ \t]{0,8}[\w.*\-]{1,80}:(?:\d{4,5}|\*):[\w*\-]{1,40}:[\w*\-]{1,40}:([^\s:]{6,100})$")
# Parameters of a query that hold a key though their names do not say so.
_QUERY = re.compile(r"[?&;](?:app_?id|appkey|ak|sk|sn|license|licence|access)=([A-Za-z0-9_\-]{20,100})\b")
_PAIR = re.compile(
    r"(?<![A-Za-z])(?:user(?:[ _]?name)?|login|user[ _]?id|account|用户名?|账号|帐号)[ \t]{0,2}[:=：]?[ \t]{0,2}"
    r"([^\s,;:=，；]{2,64})[\s,;，；/]{1,4}(?:pass(?:word|wd|phrase)?|pwd|pw|密码|口令)[ \t]{0,2}[:=：]?[ \t]{0,2}"
    r"([^\s,;，；]{3,64})",
    re.IGNORECASE,
)
_STOP_WORDS = frozenset(
    "and or is are was the a an for with in of to as by on not be can must may will has have should name id names "
    "authentication protected required prompt field fields reset login auth file change input manager".split()
)


def find_commands(passage: Passage) -> Iterator[Finding]:
    """Find secrets in commands and headers, and beside a user's name."""
    for match in passage.rare_matches(_HEADER):
        if is_random(match.group(1)) and not is_masked(match.group(1)):
            yield _finding(match, "header.authorization")
    for match in passage.rare_matches(_QUERY):
        if is_random(match.group(1), 20) and not is_masked(match.group(1)):
            yield _finding(match, "query")
    for pattern in (_COMMAND, _STATEMENT, _SPACED, _PGPASS):
        for match in passage.rare_matches(pattern):
            value = match.group(match.lastindex or 1)
            if (is_strong(value) or is_odd(value)) and not is_code(value) and "signingkey" not in match.group():
                yield _finding(match, "command")
    yield from _pairs(passage)


def _pairs(passage: Passage) -> Iterator[Finding]:
    for match in passage.matches(_PAIR, passage.paired):
        user, value = match.group(1), match.group(2).rstrip(".!?)\"'")
        between = passage.text[match.start() : match.start(2)]
        marked = any(mark in between for mark in ":=：\n") or any(map(str.isdigit, value)) or _fills_line(match)
        ordinary = {user.lower(), value.lower()} & _STOP_WORDS or not value.isascii() or "<" in value
        if marked and not ordinary and len(value) >= 3 and not is_masked(value):
            start = match.start(2) + (match.group(2)[0] in "\"'")
            yield Finding(start, match.start(2) + len(value), "SECRET", "pair", RANK_KEYWORD)


def _fills_line(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - 1) : match.start()]
    return before in ("", "\n") and match.string[match.end() : match.end() + 1] in ("", "\n")


def _finding(match: re.Match[str], rule: str) -> Finding:
    group = match.lastindex or 1
    return Finding(match.start(group), match.end(group), "SECRET", rule, RANK_KEYWORD)
