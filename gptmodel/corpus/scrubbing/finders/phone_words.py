"""Words that say a number is a telephone's, by language.

A noun such as `tel` or `电话` is enough for any plausible number. A verb or a place (`llámame al`, `Büro`) may speak of
much else, so the number after it must be a valid one in a country of that language.
"""

import re
from functools import cache

from gptmodel.corpus.scrubbing.finders.sieve import linear

# What may stand in "my ... number" of a telephone: any other word may name a card, an order, or a person's identifier.
_WHICH = (
    "new|old|other|own|current|private|personal|direct|contact|work|home|business|office|daytime|evening|night|local|"
    "main|primary|second|secondary|alternative|alternate|backup|emergency|temporary|best|correct|right|us|uk|eu|"
    "phone|cell|mobile|international|american|argentinian|australian|austrian|belgian|brazilian|british|"
    "canadian|chinese|"
    "czech|danish|dutch|egyptian|english|finnish|french|german|greek|hungarian|indian|indonesian|irish|israeli|italian|"
    "japanese|kenyan|korean|malaysian|mexican|nigerian|norwegian|pakistani|polish|portuguese|romanian|russian|"
    "singaporean|south african|spanish|swedish|swiss|thai|turkish|ukrainian|vietnamese"
)
_NOUNS = (
    # English
    "(?:tele)?phones?|tel|fax|cell|cellphone|mobile|mob|whatsapp|wechat|emergency contact|telegram|signal|sms|hotline|"
    "pager|landline|dial|call|called|calling|text|ring|reach|desk|office|switchboard|voicemail|ph|phone number|"
    "messages? (?:to|from)|answering at|registered|contact (?:me|us) (?:at|on)|contacts? ?:|reception ?:|"
    rf"(?:my|our|his|her|their|your)(?: (?:{_WHICH})){{0,2}} numbers?(?! of )|"
    # German, Dutch, Scandinavian, Finnish
    "fon|faks|handy|telefon|telefax|handynummer|mobilnummer|telefonnummer|rufnummer|festnetz|durchwahl|erreichbar|"
    "anrufen|tlf|telefoon|telefoonnummer|mobiel|gsm|mobilnr|telefonnr|puh|puhelin|matkapuhelin|"
    # French, Spanish, Portuguese, Italian, Romanian
    "joindre|joignable|appele[rz]|t[ée]l[ée]phone|t[ée]l|portable|télécopie|teléfonos?|telefono|tfno|móvil|celular|"
    "llama[rd]?|telefones?|telemóvel|cellulare|"
    # Slavic, Baltic, Hungarian, Turkish, Greek
    "komórka|infolinia|mobilní|тел|телефоны?|телефону|моб|мобильный|сотовый|факс|telefonszám|cep(?: telefonu)?|"
    "τηλ|τηλέφωνο|κινητό|φαξ|"
    # Vietnamese, Indonesian
    "điện thoại|đt|sđt|telp|telepon"
)
_NOUNS_UNSPACED = (
    "电话|手机|传真|热线|联系方式|致电|座机|来电|拨打|总机|固话|☎|📞|📱|電話|手機|傳真|熱線|總機|携帯|連絡先|ファックス|ファクス|"
    "전화|휴대폰|핸드폰|연락처|팩스|โทร|เบอร์|هاتف|جوال|טלפון|נייד|फ़ोन|फोन|मोबाइल"
)
_NOUN = re.compile(rf"(?<![^\W\d_])(?:{_NOUNS})(?![^\W\d_])|{_NOUNS_UNSPACED}|(?:^|[\s|>])[tmpf]: ?$")

# Countries whose numbers are tried, and what speaks of a call, or of a place that has a telephone.
_CALLS: dict[str, str] = {
    "US CA GB IE AU NZ ZA IN SG": "reception|front desk|helpline|extension|direct line|give (?:me|"
    "us) a (?:ring|call|bell)",
    "DE AT CH LI LU": "mobil|büro|zentrale|sekretariat|praxis|rückruf|ruf|rufe|rufen|ruft|anruf|erreichen|"
    "erreichst|"
    "erreicht|melden|meine nummer|unter|notruf|hotline|privat|dienstlich|geschäftlich",
    "FR BE CH LU MC CA": "standard|accueil|bureau|domicile|fixe|mobile|ligne directe|appel|appelle|appelez|"
    "contactez|"
    "contacter|contact|secrétariat|urgences?|mon numéro|notre numéro|rappele[rz]",
    "ES MX AR CO CL PE UY VE EC": "llámame|llámanos|llámeme|llame|llamen|llámalo|llámala|llamadnos|llamando|"
    "marque|marca|fijo|centralita|"
    "oficina|cel|contacto|recepción|comuníquese|contáctanos|mi número|nuestro número|wasap",
    "PT BR AO MZ": "ligue|ligar|liga|ligue-nos|ligue-me|meu número|fixo|contacto|contato|contacte|recepção|"
    "zap|chame|chama|escritório",
    "IT CH SM": "chiama|il mio numero|chiamami|chiamaci|chiamate|chiamare|chiami|chiamatemi|fisso|centralino|"
    "recapito|recapiti|cell|"
    "ufficio|numero verde|contatti|contattare",
    "NL BE": "bel|bellen|belt|gebeld|terugbellen|vast|kantoor|bereikbaar|app|appen|mijn nummer|receptie",
    "SE NO DK FI": "ring|ringa|ringer|ringe|mobil|växel|växeln|nås|mitt nummer|mit nummer|kontor|mobilen|"
    "opkald|soita|soittakaa|kännykkä",
    "PL CZ SK HU RO HR SI RS BG EE LV LT": "kom|dzwoń|dzwonić|zadzwoń|zadzwonić|dzwońcie|kontakt|mój numer|"
    "sekretariat|volejte|"
    "zavolejte|volat|zavolajte|mobil|hívjon|hívj|sunați|suna|nazovite|zovite|pokličite|обадете",
    "TR": "ara|arayın|arayınız|arayabilirsiniz|santral|whatsapp hattı|numaram|iletişim",
    "RU KZ BY UA": "звоните|позвоните|звонить|позвони|перезвоните|звони|мой номер|наш номер|приёмная|приемная|"
    "офис|дзвоніть|телефонуйте|"
    "подзвоніть|ватсап|вотсап",
    "GR CY": "καλέστε|κάλεσε|καλέσετε|επικοινωνία|γραφείο",
    "VN ID MY": "gọi|liên hệ|hubungi|hp|wa|hubungi kami|panggil",
}
_CALLS_UNSPACED: dict[str, str] = {
    "CN HK TW": "客服|咨询|预约|报名|订票|举报|值班|前台|办公室|打给|联系|諮詢|聯絡|聯繫",
    "JP": "お問い合わせ|お問合せ|代表|直通|受付|予約|連絡|フリーダイヤル|内線",
    "KR": "문의|대표번호|예약|상담|연락",
    "TH": "ติดต่อ",
    "SA AE EG": "اتصل|للتواصل",
    "IL": "התקשרו|להתקשר",
    "IN": "कॉल|संपर्क",
}
_LINK = re.compile(
    r"(?:wa\.me/|(?:whatsapp\.com|whatsapp:/)/send/?\?(?:[\w=&]{0,40}&)?phone=|viber://(?:chat|add)\?number=|"
    r"(?:tel|sms|callto|facetime|whatsapp):/{0,2})(?:%2b|\+)?$"
)


def names_phone(before: str, at: int = 0) -> bool:
    """Tell whether a noun in the text before a number, in lower case and from an offset on, names a telephone."""
    return _may_hold(before) and _NOUN.search(before, at) is not None


def links_phone(before: str) -> bool:
    """Tell whether the text before a number, in lower case, is a link that calls it or writes to it."""
    return _LINK.search(before) is not None


def regions_called(before: str) -> list[str]:
    """Give the countries of the languages in which the text before a number, in lower case, speaks of a call.

    Example:
        >>> regions_called("chiamami al ")
        ['IT', 'CH', 'SM']
    """
    if not _may_hold(before):
        return []
    return [region for regions, words in _calls() if words.search(before) for region in regions.split()]


_ANY = "|".join(
    (_NOUNS.replace("(?! of )", ""), _NOUNS_UNSPACED, "[tmpf]: ?$", *_CALLS.values(), *_CALLS_UNSPACED.values())
)


def _may_hold(before: str) -> bool:
    """Tell in linear time whether any of the words stands in a text, within another word or by itself."""
    return bool(before.strip()) and linear(_ANY).search(before.encode("utf-8", "replace")) is not None


@cache
def _calls() -> list[tuple[str, re.Pattern[str]]]:
    spaced = [(regions, rf"(?<![^\W\d_])(?:{words})(?![^\W\d_])") for regions, words in _CALLS.items()]
    return [(regions, re.compile(words)) for regions, words in (*spaced, *_CALLS_UNSPACED.items())]
