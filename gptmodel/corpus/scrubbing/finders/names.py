"""Names of persons where a label or a title announces them; nothing is guessed from the name alone.

Labelled fields (`Name: ...`, `姓名：...`), titles (`Dr. ...`, `...先生`), salutations and closings of letters.
Precision first: what stands in running text without such a mark is out of scope, and `scope()` says so.
"""

import re
from collections.abc import Iterator

from gptmodel.corpus.scrubbing.finders.passage import Passage
from gptmodel.corpus.scrubbing.finders.sieve import linear
from gptmodel.corpus.scrubbing.finding import RANK_NAME, Finding

_UP, _LOW = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪĮİĶĻŁŃŅŇŌŐŒŘŚŞŠŢŤŪŮŰŲŹŻŽ", "a-zß-öø-ÿāăąćčďđēėęěğģīįıķļłńņňōőœřśşšţťūůűųźżž"
_WORD = rf"(?:(?:[DOdo]['’]|Mc|Mac)?[{_UP}][{_LOW}]+(?:['’-][{_UP}][{_LOW}]+)*)"
_MIDDLE = rf"(?: (?:[{_UP}]\.?|van|von|de|da|del|der|den|di|la|le|bin|al|ben)(?= ))"
_FULL = rf"{_WORD}(?:{_MIDDLE}{{0,2}} {_WORD}){{0,3}}"
_AFTER_LABEL = re.compile(rf"[ \t\"'*]{{0,4}}({_FULL})(?![{_UP}{_LOW}])")
_AFTER_TITLE = re.compile(rf"[ \t]?({_FULL})(?![{_UP}{_LOW}])")
_SIGNED = re.compile(rf"[ \t]*\n\s{{0,3}}({_FULL})[ \t]*(?=\n|$|,)")

_LABELS = (
    r"(?:full |first |last |given |family |user |patient |customer |client |employee |contact |maiden |applicant )?name"
    r"|patient|attendees?|contact(?: person)?|applicant|insured|signed(?: by)?|cardholder|account holder|beneficiary"
)
_TITLES = r"Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Herr|Frau|Mme|Monsieur|Madame|Sr|Sra|Señor|Señora"
_CLOSINGS = (
    r"[Rr]egards|[Ss]incerely(?: yours)?|[Yy]ours (?:truly|faithfully|sincerely)|[Cc]heers|[Bb]est wishes|[Ww]ith love|"
    r"\n(?:[Mm]any )?[Tt]hanks|\n[Bb]est"
)

_ASCII_TITLES = "|".join(title for title in _TITLES.split("|") if title.isascii())
_MARKS = (
    rf"((?i:\b(?:{_LABELS}))[\"'*]{{0,3}}\s?:)|\b((?:Dear(?: (?:{_ASCII_TITLES})\.?)?|(?:{_ASCII_TITLES})\.?)) |"
    rf"((?:{_CLOSINGS}),)|\b([Mm]y (?:full )?name is |[Ii]ch hei.e |[Mm]e llamo |[Jj]e m.appelle )|"
    r"(?:^|\n)((?:Hi|Hello|Hey|Good (?:morning|afternoon|evening)) )"
)

_GREETED = re.compile(rf"({_FULL})(?=[,!:]|[ \t]*\n)")
# What may stand after each group of _MARKS, and the rule's name.
_FORMS = {
    1: (_AFTER_LABEL, "label"),
    2: (_AFTER_TITLE, "title"),
    3: (_SIGNED, "title"),
    4: (_AFTER_TITLE, "self"),
    5: (_GREETED, "title"),
}

# Words that begin with a capital after a label or title and are no names.
_NO_NAMES = frozenset(
    "The This That These Those There Please Sir Madam Sirs All Team Customer Customers Colleague Colleagues Friend "
    "Friends Reader Readers Support None Unknown Anonymous Name Address Phone Email Date First Last Full User Company "
    "Department Project File Type String Value Number Key Yes No Not Home Office Internet World God Lord Lady And Or "
    "But For With From Your My Our Their Hiring Manager Editor President Committee Members Parents Sales Service Chair "
    "Doctor Nurse Professor Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May "
    "June July August September October November December Diary Santa".split()
)

# The hundred most common surnames and the compound ones (Ministry of Public Security, 2020).
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金"
    "韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔文牛施洪"
)
_COMPOUND = "欧阳|上官|司马|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|司徒|夏侯"
_HAN_NAME = rf"(?:{_COMPOUND}|[{_SURNAMES}])[\u4e00-\u9fff]{{1,2}}"
_HAN_LABELLED = re.compile(
    rf"(?:姓名|患者|病人|联系人|收件人|收货人|寄件人|申请人|当事人|户主|负责人|经办人|签名|签字|持卡人|开户名|户名|"
    rf"投保人|受益人|家长|学生|员工|客户|记录人|主持人|出席人?|与会者|甲方|乙方|丙方|法定代表人|法人|原告|被告|监护人|委托人|"
    rf"代理人|发件人|会员|租客|房东|借款人|担保人|报案人|证人)"
    rf"(?:姓名)?[ \t]{{0,2}}[:：][ \t]{{0,2}}"
    rf"({_HAN_NAME}(?:[、，, ]{_HAN_NAME}(?![\u4e00-\u9fff])){{0,12}})(?![\u4e00-\u9fff])"
)
_HAN_TITLED = re.compile(
    rf"(?<![\u4e00-\u9fff])((?:{_COMPOUND}|[{_SURNAMES}])[\u4e00-\u9fff]{{0,2}}?)"
    rf"(?=先生|女士|小姐|大夫|医生|医师|教授|老师|经理|主任|师傅|同学|护士|律师)"
)
_HAN_SALUTED = re.compile(
    rf"(?:尊敬的|亲爱的|敬爱的)((?:{_COMPOUND}|[{_SURNAMES}])[\u4e00-\u9fff]{{0,2}}?)"
    rf"(?=先生|女士|小姐|教授|老师|[:：，,])"
)
_HAN_SELF = re.compile(
    rf"(?:我叫|我的名字是|本人姓名为?)({_HAN_NAME})(?=[，。,.！!；;\s]|$)|(?:寄至|寄给|交给|转交)({_HAN_NAME}?)(?=收(?![\u4e00-\u9fff]))"
)
_HAN_NO_NAMES = frozenset(
    "王国 高大 马上 金融 白天 方面 常务 高级 田地 石油 文学 万一 于是 任何 何时 何人 林业 江南 江北 康复 任课 何老 "
    "易经 向上 严重 安全".split()
)


def find_names(passage: Passage) -> Iterator[Finding]:
    """Find names after labels, titles, salutations and closings."""
    for match in linear(_MARKS).finditer(passage.ascii):
        pattern, rule = _FORMS[match.lastindex or 1]
        yield from _latin(passage.text, pattern, match.end(), rule)
    yield from _han(passage)


def _latin(text: str, pattern: re.Pattern[str], at: int, rule: str) -> Iterator[Finding]:
    match = pattern.match(text, at, min(len(text), at + 120))
    if match is None:
        return
    words = match.group(1).split(" ")
    kept = list(words)
    for index, word in enumerate(words):
        if word in _NO_NAMES:
            kept = words[:index]
            break
    name = " ".join(kept)
    if kept and len(name) > 1:
        yield Finding(match.start(1), match.start(1) + len(name), "PERSON", f"name.{rule}", RANK_NAME)


def _han(passage: Passage) -> Iterator[Finding]:
    for pattern, rule in (
        (_HAN_LABELLED, "label"),
        (_HAN_TITLED, "title"),
        (_HAN_SALUTED, "title"),
        (_HAN_SELF, "self"),
    ):
        for match in passage.matches(pattern, passage.named):
            group = match.lastindex or 1
            for part in re.finditer(r"[\u4e00-\u9fff]+", match.group(group)):
                if part.group() not in _HAN_NO_NAMES:
                    start = match.start(group) + part.start()
                    yield Finding(start, start + len(part.group()), "PERSON", f"name.{rule}", RANK_NAME)
