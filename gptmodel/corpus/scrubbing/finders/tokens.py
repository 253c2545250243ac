"""Access tokens by their providers' published shapes, JSON web tokens, and private keys as whole blocks.

The shapes are the providers' own documentation; one linear-time pass (RE2) looks for all of them at once.
"""

import base64
import json
import re
from collections.abc import Iterator
from functools import lru_cache

from gptmodel.corpus.scrubbing.finders.masks import entropy, is_masked
from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finders.secret_values import is_jumbled
from gptmodel.corpus.scrubbing.finders.sieve import linear
from gptmodel.corpus.scrubbing.finding import RANK_KEY, RANK_TOKEN, Finding

_W = r"[\w\-]"
_SHAPES: dict[str, str] = {
    "1password": r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"
    r"|ops_eyJ[A-Za-z0-9+/=]{60,}",
    "adobe": r"p8e-[A-Za-z0-9]{32}",
    "airtable": r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}",
    "amazon": r"amzn\.mws\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|amzn1\.oa2-cs\.v1\.[a-f0-9]{64}"
    r"|da2-[a-z0-9]{26}",
    "asana": r"[12]/\d{13,17}(?:/\d{13,17})?:[a-f0-9]{32}",
    "authress": r"(?:sc|ext|scauth|authress)_[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_\-][A-Za-z0-9\-]{10,32}"
    r"\.[\w+/=\-]{30,120}",
    "age": r"AGE-SECRET-KEY-1[A-Z0-9]{58}",
    "ai": rf"sk-ant-[a-z0-9]{{2,8}}-{_W}{{20,}}|sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_\-]{{20,}}"
    r"|gsk_[A-Za-z0-9]{40,}|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{30,}|xai-[A-Za-z0-9]{60,}|hf_[A-Za-z0-9]{34}"
    r"|api_org_[A-Za-z0-9]{30,}|nvapi-[\w\-]{60,}|csk-[a-z0-9]{40,}|fw_[A-Za-z0-9]{22,}|sk_[a-f0-9]{48}"
    r"|pcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{50,}|lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}|tgp_v1_[\w\-]{40,}",
    "adafruit": r"aio_[A-Za-z0-9]{28}",
    "ai_tools": r"tvly-[A-Za-z0-9\-]{20,}|jina_[A-Za-z0-9_\-]{40,}|fc-[a-f0-9]{32}|apify_api_[A-Za-z0-9]{30,}"
    r"|e2b_[a-f0-9]{40}|ls__[a-f0-9]{32}|esecret_[A-Za-z0-9]{26,}",
    "alibaba": r"LTAI[A-Za-z0-9]{12,26}",
    "artifactory": r"AKC[A-Za-z0-9]{10,}|cmVmd[A-Za-z0-9]{59}|AP[A-F0-9][A-Za-z0-9]{8,}",
    "atlassian": r"AT(?:ATT3|CTT3|STT3)[\w=\-]{60,}|ATBB[A-Za-z0-9]{24,36}",
    "aws": r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}|ABSK[A-Za-z0-9+/]{100,}={0,2}"
    r"|bedrock-api-key-[A-Za-z0-9+/=]{24,}|(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9+/=]{100,}",
    "azure": r"[\w~.]{3}\dQ~[\w~.\-]{31,34}",
    "baidu": r"ALTAK[A-Za-z0-9]{21}",
    "braintree": r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
    "buildkite": r"bk(?:ua|ca|at)_[a-f0-9]{40}",
    "circleci": r"CCI(?:PAT|PRJ)_[A-Za-z0-9]{22}_[a-f0-9]{40}",
    "clickhouse": r"4b1d[A-Za-z0-9]{38}",
    "clojars": r"CLOJARS_[A-Za-z0-9]{60}",
    "cloudflare": r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}",
    "clickup": r"pk_\d{6,9}_[A-Z0-9]{32}",
    "cockroach": r"CCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40}",
    "confluent": r"cflt[A-Za-z0-9+/]{58,62}",
    "contentful": r"CFPAT-[\w\-]{43}",
    "crates": r"cio[A-Za-z0-9]{32}",
    "databricks": r"(?:dapi|dkea|dose|dsapi)[a-f0-9]{32}(?:-\d)?",
    "dbt": r"dbt[ucs]_[A-Za-z0-9_\-]{40,}",
    "defined": r"dnkey-[\w=\-]{26}-[\w=\-]{52}",
    "digitalocean": r"do[opr]_v1_[a-f0-9]{64}",
    "discord": rf"https://(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{{17,20}}/{_W}{{60,72}}|[MNO]{_W}{{22,26}}\.{_W}{{6}}\.{_W}{{27,38}}",
    "docker": rf"dckr_(?:pat|oat)_{_W}{{27,32}}",
    "doppler": r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{40,}",
    "dropbox": rf"sl\.{_W}{{120,}}",
    "duffel": r"duffel_(?:test|live)_[\w=\-]{43}",
    "dynatrace": r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}",
    "easypost": r"EZ[AT]K[A-Za-z0-9]{54}",
    "facebook": r"EAA[A-Za-z][A-Za-z0-9]{20,}|\d{15,16}\|[\w\-]{27}",
    "figma": r"fig[dour]_[\w\-]{38,}",
    "flutterwave": r"FLW(?:PUB|SEC)K(?:_TEST)?-[A-Za-z0-9]{12,32}(?:-X)?",
    "fly": rf"fo1_{_W}{{43}}|fm[12][ar]?_[A-Za-z0-9+/]{{90,}}={{0,3}}",
    "frameio": r"fio-u-[\w=\-]{64}",
    "github": r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255}",
    "gitlab": r"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-(?:cs_)?"
    rf"{_W}{{20,120}}(?:\.[0-9a-z]{{2}}\.[0-9a-z]{{9,}})?|GR1348941{_W}{{20}}",
    "google": rf"AIza{_W}{{35}}|ya29\.{_W}{{20,}}|GOCSPX-{_W}{{28}}|1//0{_W}{{40,}}"
    rf"|{_W}{{8,24}}:APA91b{_W}{{100,200}}",
    "grafana": r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,3}|eyJrIjoi[A-Za-z0-9]{70,400}={0,3}",
    "harness": rf"(?:pat|sat)\.{_W}{{22}}\.[0-9a-f]{{24}}\.[A-Za-z0-9]{{20}}",
    "heroku": rf"HRKU-AA{_W}{{58}}",
    "honeycomb": r"hc[abc][im][kc]_[a-z0-9]{58}",
    "hubspot": r"pat-(?:na|eu|ap)\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "infracost": r"ico-[A-Za-z0-9]{32}",
    "intra42": r"s-s4t2(?:ud|af)-[a-f0-9]{64}",
    "launchdarkly": r"(?:sdk|mob|api)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "linear": r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}",
    "jwt_base64": r"ZXlK[A-Za-z0-9_\-]{60,}={0,2}",
    "lob": r"(?:live|test)_(?:pub_)?[a-f0-9]{31,35}",
    "mail": r"SG\.[\w=\-]{16,32}\.[\w=\-]{16,64}|xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}|(?:pub)?key-[a-f0-9]{32}"
    r"|xsmtpsib-[a-f0-9]{64}-[A-Za-z0-9]{16}|[a-f0-9]{32}-us\d{1,2}|[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}",
    "mailersend": r"mlsn\.[a-f0-9]{64}",
    "mapbox": r"[pst]k\.(?:eyJ[\w\-]{40,200}|[A-Za-z0-9]{60})\.[\w\-]{22}",
    "maxmind": r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
    "microsoft_teams": r"https://[a-z0-9\-]+\.webhook\.office\.com/webhookb2/[a-zA-Z0-9\-]{36,52}@[a-zA-Z0-9\-]{36,52}"
    r"/IncomingWebhook/[a-zA-Z0-9]{32}/[a-zA-Z0-9\-]{36,52}",
    "mongodb": rf"mdb_sa_sk_{_W}{{40}}",
    "meta": r"IG(?:QV|AA)[A-Za-z0-9_\-]{50,}",
    "neon": r"napi_[a-z0-9]{60,}|npg_[A-Za-z0-9]{12,}",
    "netlify": r"nf[pcoub]_[A-Za-z0-9]{36,}",
    "newrelic": r"NRAK-[A-Za-z0-9]{27}|NRJS-[a-f0-9]{19}|NR(?:II|RA|AL)-[\w\-]{20,}",
    "notion": r"ntn_\d{11}[A-Za-z0-9]{35}|secret_[A-Za-z0-9]{43}",
    "npm": r"npm_[A-Za-z0-9]{36}",
    "nuget": r"oy2[a-z0-9]{43}",
    "octopus": r"API-[A-Z0-9]{26}",
    "openshift": rf"sha256~{_W}{{43}}",
    "pinterest": r"pina_[A-Za-z0-9]{32,}",
    "plaid": r"access-(?:sandbox|development|production)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "planetscale": r"pscale_(?:tkn|pw|oauth)_[\w=.\-]{32,64}",
    "postman": r"PMAK-[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34}",
    "posthog": r"ph[cx]_[A-Za-z0-9]{40,48}",
    "prefect": r"pn[ub]_[A-Za-z0-9]{36}",
    "pulumi": r"pul-[a-f0-9]{40}",
    "pypi": rf"pypi-Ag[EIN]{_W}{{50,}}",
    "razorpay": r"rzp_(?:live|test)_[A-Za-z0-9]{14}",
    "readme": r"rdme_[a-z0-9]{70}",
    "render": r"rnd_[A-Za-z0-9]{28,32}",
    "resend": r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}",
    "rfc8959": r"secret-token:[A-Za-z0-9%._~:@\-]{12,200}",
    "rubygems": r"rubygems_[a-f0-9]{48}",
    "salesforce": r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{80,}",
    "scaleway": r"SCW[A-Z0-9]{17}",
    "scalingo": rf"tk-us-{_W}{{48}}",
    "sentry": r"sntry[su]_[A-Za-z0-9+/=_]{60,}",
    "snyk": rf"snyk_[a-z]{{2,4}}\.[a-f0-9]{{8}}\.{_W}{{60,}}",
    "socket": r"sktsec_[A-Za-z0-9_\-]{30,}",
    "sonar": r"sq[uap]_[A-Za-z0-9_\-]{40}",
    "settlemint": r"sm_(?:aat|pat|sat)_[A-Za-z0-9]{16}",
    "shippo": r"shippo_(?:live|test)_[a-fA-F0-9]{40}",
    "shopify": r"shp[a-z]{2,4}_[A-Fa-f0-9]{32}",
    "slack": r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9\-]{10,}|xapp-\d-[A-Za-z0-9]+-\d+-[A-Za-z0-9]+"
    r"|https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,80}",
    "sourcegraph": r"sgp_(?:[A-Fa-f0-9]{16}_|local_)?[A-Fa-f0-9]{40}",
    "square": rf"sq0[a-z]{{3}}-{_W}{{22,43}}|EAAA{_W}{{60}}",
    "stripe": r"(?:sk|rk|pk)_(?:test|live|prod)_[A-Za-z0-9]{10,99}|whsec_[A-Za-z0-9+/]{24,}={0,2}",
    "stytch": rf"secret-(?:live|test)-{_W}{{32,40}}=?",
    "supabase": r"sbp_(?:v\d_)?[a-f0-9]{40}|sb_secret_[A-Za-z0-9_\-]{30,40}",
    "tailscale": r"tskey-(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{10,20}-[A-Za-z0-9]{20,40}",
    "telegram": rf"\d{{8,10}}:A{_W}{{34}}",
    "tencent": r"AKID[A-Za-z0-9]{13,44}",
    "volcengine": r"AKLT[A-Za-z0-9]{40,48}",
    "terraform": r"[A-Za-z0-9]{14}\.atlasv1\.[\w=\-]{60,70}",
    "trello": r"ATTA[a-f0-9]{72}",
    "twilio": r"(?:SK|AC)[0-9a-f]{32}",
    "twitter": r"A{19,24}[A-Za-z0-9%]{60,100}",
    "typeform": r"tfp_[\w=.\-]{59}",
    "vault": rf"hv[sbr]\.{_W}{{20,300}}|s\.[A-Za-z0-9]{{24}}",
    "vercel": r"vc[pkair]_[A-Za-z0-9]{24,60}",
    "webhook": r"https://hooks\.zapier\.com/hooks/catch/\d+/[A-Za-z0-9]{5,12}"
    r"|https://open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|https://maker\.ifttt\.com/trigger/\w{1,40}/with/key/[\w\-]{16,50}"
    r"|https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "xprv": r"[xyz]prv[1-9A-HJ-NP-Za-km-z]{107}",
    "yandex": rf"AQVN{_W}{{35,38}}|YC{_W}{{38}}|t1\.[A-Za-z0-9_\-]+={{0,2}}\.{_W}{{86}}={{0,2}}",
    "zoho": r"1000\.[a-f0-9]{32}\.[a-f0-9]{32}",
}
_ANY = (
    r"(?:^|[^A-Za-z0-9_]|\\[nrt]|/bot)("
    + "|".join(f"(?:{shape})" for shape in _SHAPES.values())
    + r")(?:[^A-Za-z0-9_]|$)"
)
# These hold no digit by their provider's definition, or are long enough to be random without one.
_LETTERS_ONLY = frozenset(
    {"ai", "aws", "docker", "dropbox", "github", "gitlab", "npm", "posthog", "razorpay", "vercel"}
)

_JWT = re.compile(r"ey[A-Za-z0-9_\-]{8,}\.ey[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*)?={0,2}")
_TOKEN_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_KEY_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,40}?)PRIVATE KEY( BLOCK)?-----")
_KEY_BODY = re.compile(r"(?:[A-Za-z0-9+/=\s]|\\[nrt]|[\w\-]+: [^\n]*\n|[\"',])*")
_PUTTY = re.compile(r"PuTTY-User-Key-File-\d: [^\n]*\n(?:[^\n]*\n){1,200}?Private-MAC: [0-9a-fA-F]+")


def find_private_keys(passage: Passage) -> Iterator[Finding]:
    """Find private keys whole, from header to footer; a key cut short to the end of its body."""
    text = passage.text
    if passage.is_announced("PRIVATE KEY"):
        for match in _KEY_BEGIN.finditer(text):
            footer = f"-----END {match.group(1)}PRIVATE KEY{match.group(2) or ''}-----"
            at = text.find(footer, match.end(), match.end() + 40_000)
            body = _KEY_BODY.match(text, match.end(), min(len(text), match.end() + 40_000))
            end = (
                at + len(footer) if at >= 0 else len(text[: body.end() if body else match.end()].rstrip(" \n\r\t\"',"))
            )
            yield Finding(match.start(), max(end, match.end()), "SECRET", "private_key", RANK_KEY)
    if passage.is_announced("PuTTY-User-Key-File"):
        for match in _PUTTY.finditer(text):
            yield Finding(match.start(), match.end(), "SECRET", "private_key.putty", RANK_KEY)


def find_tokens(passage: Passage) -> Iterator[Finding]:
    """Find access tokens that show their provider, and JSON web tokens."""
    for match in linear(_ANY).finditer(passage.ascii):
        start, end = match.span(1)
        value = passage.text[start:end]
        rule = _rule_of(value)
        if rule and not is_masked(value) and _looks_random(value, rule):
            yield Finding(start, end, "SECRET", f"token.{rule}", RANK_TOKEN)
    yield from _web_tokens(passage)


def _web_tokens(passage: Passage) -> Iterator[Finding]:
    text, done = passage.text, 0
    for start, end in passage.announced:
        at = text.find(".ey", start, end)
        while at >= 0:
            match = _web_token_around(text, at, done)
            done = match.end() if match else at + 3
            if match and (match.group().startswith("eyJhbGciOi") or _is_json(match.group().split(".")[0])):
                yield Finding(match.start(), done, "SECRET", "token.jwt", RANK_TOKEN)
            at = text.find(".ey", done, end)


def _web_token_around(text: str, at: int, least: int) -> re.Match[str] | None:
    """Match a token whose header ends at an offset; one of the first places in the run where a header may begin."""
    begin = at
    while begin > least and text[begin - 1] in _TOKEN_CHARACTERS:
        begin -= 1
    for _ in range(4):
        begin = text.find("ey", begin, at)
        match = _JWT.match(text, begin) if begin >= 0 else None
        if match or begin < 0:
            return match
        begin += 1
    return None


def _is_json(part: str) -> bool:
    try:
        return isinstance(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))), dict)
    except (ValueError, RecursionError):
        return False


def _looks_random(value: str, rule: str) -> bool:
    if len(set(value)) < 8 or entropy(value[4:]) < 2.5:
        return False
    if rule == "facebook" and value.isupper():
        return False  # a message's digest in an archive's address
    if any(char.isdigit() for char in value[4:]):
        return True
    return len(set(value)) >= 12 and (rule in _LETTERS_ONLY or is_jumbled(value))


@lru_cache(maxsize=1)
def _shapes() -> dict[str, re.Pattern[str]]:
    return {rule: re.compile(shape, re.ASCII) for rule, shape in _SHAPES.items()}


def _rule_of(value: str) -> str:
    return next((rule for rule, shape in _shapes().items() if shape.fullmatch(value)), "")
