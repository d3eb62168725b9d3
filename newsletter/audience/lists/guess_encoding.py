"""Guess the encoding of a list that is not UTF-8, from its non-ASCII cells.

charset-normalizer lists the encodings that give readable text; the one whose text is most like names of one language
wins. Control characters, private-use characters and unassigned code points refute an encoding.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise

from newsletter.frozen import frozen

_SPACES = re.compile(r"[\s,;|]+")


@frozen
class _Language:
    """The letters in names of a language: `letters` beyond ASCII, in lower case; `others` are rarer ones.

    `name` documents this table.
    """

    name: str
    letters: frozenset[str]
    others: frozenset[str] = frozenset()


def _language(name: str, letters: str, others: str = "") -> _Language:
    return _Language(name, frozenset(letters), frozenset(others))


_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
_GREEK = "αβγδεζηθικλμνξοπρςστυφχψωάέήίόύώ"
_HEBREW = "אבגדהוזחטיךכלםמןנסעףפץצקרשת"
_ARABIC = "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي"
_THAI = "".join(chr(code) for code in (*range(0x0E01, 0x0E3B), *range(0x0E40, 0x0E4F)) if chr(code) not in "ฯๅํ๊๋")
_VIETNAMESE = "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"

_ALPHABETS: Mapping[str, tuple[_Language, ...]] = {
    "western": (
        _language("German", "äöüß", "éèáà"),
        _language("French", "éèêëàâçîïôûù", "üÿœæöäñ"),
        _language("Spanish", "áéíóúñü", "ªºç"),
        _language("Portuguese", "ãõáâàçéêíóôú", "üªº"),
        _language("Italian", "àèéìòù", "óíáú"),
        _language("Dutch", "ëïéöü", "èáóäç"),
        _language("Swedish, Finnish", "åäöé", "üèá"),
        _language("Danish, Norwegian", "æøåé", "öäüòóô"),
        _language("Icelandic", "áðéíóúýþæö"),
        _language("Irish", "áéíóú"),
        _language("Catalan", "àçèéíïòóúü", "·ñ"),
    ),
    "central": (
        _language("Polish", "ąćęłńóśźż"),
        _language("Czech", "áčďéěíňóřšťúůýž", "üöä"),
        _language("Slovak", "áäčďéíĺľňóôŕšťúýž"),
        _language("Hungarian", "áéíóöőúüű"),
        _language("Romanian", "ăâîşţșț"),
        _language("Croatian, Slovenian", "čćđšž"),
        _language("Albanian", "çë"),
    ),
    "turkish": (_language("Turkish", "çğıöşüi̇", "âîû"),),
    "baltic": (
        _language("Lithuanian", "ąčęėįšųūž"),
        _language("Latvian", "āčēģīķļņšūž"),
        _language("Estonian", "äöõüšž"),
    ),
    "cyrillic": (
        _language("Russian", _CYRILLIC, "ё"),
        _language("Ukrainian", "абвгдежзийклмнопрстуфхцчшщьюяіїє", "ґ'’"),
        _language("Serbian, Macedonian", "абвгдежзиклмнопрстуфхцчшђјљњћџ", "ѓѕќ"),
        _language("Belarusian", "абвгдежзйклмнопрстуфхцчшыьэюяіў", "ё"),
    ),
    "greek": (_language("Greek", _GREEK, "ϊϋΐΰ"),),
    "hebrew": (_language("Hebrew", _HEBREW, "׳״"),),
    "arabic": (
        _language("Arabic", _ARABIC, "ًٌٍَُِّْـ"),
        _language("Persian", "ءآأابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی", "ةئيك"),
    ),
    "thai": (_language("Thai", _THAI, "๊๋ฯ"),),
    "vietnamese": (_language("Vietnamese", _VIETNAMESE),),
}

# The most frequent characters in names of people and towns.
_SIMPLIFIED = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金"
    "石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤小明伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛超"
    "平刚桂华建国志文玉红梅兰霞燕云飞鹏宇浩天雨欣怡思佳子涵梓轩博晨雪琳婷慧颖洁莉琴凤玲珍晓东海波鑫龙飞凯旋新春生成光辉亮"
    "北京上海广州深圳杭州南京成都武汉西安重庆天津苏州长沙青岛大连厦门宁波无锡福州济南合肥昆明哈尔滨郑州沈阳石家庄长春南昌贵阳"
    "太原兰州南宁海口省市区县镇省老师先生女士公司姓名邮箱电话地址备注称呼昵称手机注册时间状态"
)
_TRADITIONAL = frozenset(
    "陳林黃張李王吳劉蔡楊許鄭謝郭洪曾邱廖賴徐周葉蘇莊呂江何蕭羅高潘簡朱鍾彭游詹胡施沈余盧梁趙顏柯翁魏孫戴范方宋鄧杜傅侯曹薛丁"
    "卓阮馬董溫唐藍石蔣古紀姚連馮歐程湯田康姜白尤巫鐘黎涂龔嚴韓袁金童陸夏柳凃邵錢伍倪溫于譚駱熊任甘秦志明家豪俊傑建宏文雄淑芬"
    "美玲雅婷怡君麗華秀英惠雯欣宜佳穎詩涵冠宇承恩品妤雨婕子軒大小曉國強偉銘哲瑋育賢信義仁德福壽春生慧敏貞珍珠鳳玉蘭梅月雲霞"
    "臺北台中高雄南新竹桃園基隆嘉義彰化屏東宜蘭花蓮苗栗投澎湖市縣區鄉鎮香港九龍尖沙咀澳門先生小姐姓名郵箱電話地址備註稱呼手機狀態"
)
_JAPANESE = frozenset(
    "佐藤鈴木高橋田中伊渡辺山本村小林加吉斎井松清水口森池阿部石崎橋前後岡長谷川近坂遠青西福太三浦原野上島和今河竹内金子藤大"
    "菅宮谷市千葉岩桜佐々久保平新荒原安達服部樋杉丸増古沢柴工酒土屋関星内堀荻矢東黒川北横尾望月秋永片桐早乙女郎次男雄一二夫美"
    "子恵花香奈由真理沙優愛結衣陽菜葵蓮翔太健誠浩隆修進博豊茂実勇清正明和義昭弘幸光春夏秋冬智学哲也直樹裕介拓海悠斗颯京都大阪"
    "神戸名古屋横浜札幌仙広福岡県府市区町村崎熊鹿児沖縄埼玉静新潟奈良滋賀岐阜愛媛知徳島栃群馬茨城様殿株式会社氏名住所電話番号備考登録日状態"
)
_KOREAN = frozenset(
    "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민진나지엄채원천방공현함변염여추도소석선설마길연"
    "위표명기반라왕금옥육인맹제모탁국어은편용철수영희준호빈늘경미숙자순혜아름다운동건재상태훈규찬혁승환욱식일광병덕종만두복춘란"
    "예솔슬보람가을봄별달해바울부산대구광역시인천울세종수원성남고창포제주특별자치도읍면리님회사이름전화번호주소메일등록일상태"
)


@frozen
class Candidate:
    """An encoding that lists are found in: its display name, Python's codec, and its script.

    Of two that decode a list alike, the earlier in the table wins.
    """

    name: str
    codec: str
    writing: str


CANDIDATES = (
    Candidate("ISO-2022-JP", "iso2022_jp", "escaped"),
    Candidate("ISO-2022-KR", "iso2022_kr", "escaped"),
    Candidate("HZ-GB-2312", "hz", "escaped"),
    Candidate("Windows-1252", "cp1252", "western"),
    Candidate("Windows-1250", "cp1250", "central"),
    Candidate("Windows-1251", "cp1251", "cyrillic"),
    Candidate("Windows-1253", "cp1253", "greek"),
    Candidate("Windows-1254", "cp1254", "turkish"),
    Candidate("Windows-1255", "cp1255", "hebrew"),
    Candidate("Windows-1256", "cp1256", "arabic"),
    Candidate("Windows-1257", "cp1257", "baltic"),
    Candidate("Windows-1258", "cp1258", "vietnamese"),
    Candidate("Windows-874", "cp874", "thai"),
    Candidate("GB18030", "gb18030", "chinese"),
    Candidate("Big5", "cp950", "traditional"),
    Candidate("Big5-HKSCS", "big5hkscs", "traditional"),
    Candidate("Shift_JIS", "cp932", "japanese"),
    Candidate("EUC-JP", "euc_jp", "japanese"),
    Candidate("EUC-KR", "cp949", "korean"),
    Candidate("Latin-1", "latin-1", "western"),
    Candidate("ISO-8859-2", "iso8859_2", "central"),
    Candidate("ISO-8859-5", "iso8859_5", "cyrillic"),
    Candidate("ISO-8859-6", "iso8859_6", "arabic"),
    Candidate("ISO-8859-7", "iso8859_7", "greek"),
    Candidate("ISO-8859-8", "iso8859_8", "hebrew"),
    Candidate("ISO-8859-9", "iso8859_9", "turkish"),
    Candidate("ISO-8859-13", "iso8859_13", "baltic"),
    Candidate("ISO-8859-15", "iso8859_15", "western"),
    Candidate("ISO-8859-16", "iso8859_16", "central"),
    Candidate("KOI8-R", "koi8_r", "cyrillic"),
    Candidate("KOI8-U", "koi8_u", "cyrillic"),
    Candidate("IBM866", "cp866", "cyrillic"),
    Candidate("Mac Cyrillic", "mac_cyrillic", "cyrillic"),
    Candidate("Mac Roman", "mac_roman", "western"),
    Candidate("Mac Central European", "mac_latin2", "central"),
    Candidate("Mac Greek", "mac_greek", "greek"),
    Candidate("Mac Turkish", "mac_turkish", "turkish"),
    Candidate("IBM850", "cp850", "western"),
    Candidate("IBM852", "cp852", "central"),
    Candidate("IBM437", "cp437", "western"),
    Candidate("IBM857", "cp857", "turkish"),
    Candidate("IBM737", "cp737", "greek"),
    Candidate("IBM775", "cp775", "baltic"),
    Candidate("IBM862", "cp862", "hebrew"),
)

_NEVER_FIRST = ("–", "—", "’", "·", "°", "´", "¨")
_SYMBOLS = frozenset(("Sm", "So", "Sk", "Sc", "Po"))
_WIDE = ("chinese", "traditional", "japanese", "korean")
_PUNCTUATION = frozenset("’‘“”„«»–—…·°€£§®™©´`¨ªº№、。，．・（）！？「」『』～：；【】《》　ー々〇")


ESCAPES = (b"\x1b$", b"\x1b(", b"\x0e", b"~{")
"""The escape sequences of 7-bit encodings."""

_READABLE = 0.3
"""A text below this score is unlike any known names; then charset-normalizer's own answer is used."""


def rank_encodings(cells: Sequence[bytes]) -> list[Candidate]:
    """The possible encodings of non-ASCII cells, the likeliest first; none if all are refuted."""
    from charset_normalizer import from_bytes  # takes 50 ms, which only a guess needs
    from charset_normalizer.md import mess_ratio

    scored = []
    for place, candidate in enumerate(CANDIDATES):
        if candidate.writing != "escaped" and (text := _decoded(cells, candidate.codec)) is not None:
            score = _likeness(text, candidate.writing) - mess_ratio(" ".join(text), 1.0) / 8
            scored.append((-round(score, 3), place, candidate))
    scored.sort(key=lambda each: each[:2])
    if scored and -scored[0][0] >= _READABLE:
        return [candidate for _, _, candidate in scored]
    best = from_bytes(b"\n".join(cells)).best()
    likely = [candidate for _, _, candidate in scored]
    if best is not None and best.encoding not in ("ascii", "utf_8") and _decoded(cells, best.encoding) is not None:
        named = next((each for each in CANDIDATES if each.codec == best.encoding), None)
        likely.insert(0, named or Candidate(best.encoding.replace("_", "-"), best.encoding, ""))
    return list(dict.fromkeys(likely))


def rank_escaped(lines: Sequence[bytes]) -> list[Candidate]:
    """The 7-bit encodings whose escape sequences the lines contain, and that are not refuted."""
    found = []
    for each in CANDIDATES:
        text = _decoded(lines, each.codec) if each.writing == "escaped" else None
        if text is not None and not all(line.isascii() for line in text):
            found.append(each)
    return found


def _decoded(cells: Iterable[bytes], codec: str) -> tuple[str, ...] | None:
    try:
        text = tuple(cell.decode(codec) for cell in cells)
    except (UnicodeDecodeError, ValueError):
        return None
    return None if any(map(refutes, text)) else text


def refutes(text: str) -> bool:
    """Whether the text has private-use, control or unassigned characters: lists have none, a wrong guess does."""
    return any(unicodedata.category(char) in ("Co", "Cc", "Cn") and char not in "\t\r\n" for char in text)


def _likeness(cells: Sequence[str], writing: str) -> float:
    """How much the cells are like names: 1 if every non-ASCII character is a usual one of one language, else less."""
    if writing in _WIDE:
        return _wide_likeness(cells, writing)
    text = [unicodedata.normalize("NFC", cell) for cell in cells]
    oddness = _oddness(text)
    return max(_covered(text, language) for language in _ALPHABETS[writing]) - oddness


def _covered(cells: Sequence[str], language: _Language) -> float:
    total = points = 0.0
    for cell in cells:
        for char in cell:
            if char.isascii():
                continue
            total += 1
            small = char.lower()
            if small in language.letters or (small[:1] in language.letters and len(small) > 1):
                points += 1
            elif small in language.others or unicodedata.combining(char):
                points += 0.5
            elif char in _PUNCTUATION:
                total -= 0.9  # it is weak evidence for a language
            else:
                points -= 1 if char.isalpha() else 2
    return points / max(total, 1)


def _oddness(cells: Sequence[str]) -> float:
    """Capitals inside words, and words of two scripts: how many of these per non-ASCII character."""
    odd, foreign = 0.0, 0
    for cell in cells:
        foreign += sum(1 for char in cell if not char.isascii())
        for word in _SPACES.split(cell):
            letters = [char for char in word if char.isalpha()]
            for before, after in pairwise(letters):
                odd += before.islower() and after.isupper()
            if letters and not word.isupper():
                odd += sum(1 for char in letters[1:] if char.isupper() and not char.isascii())
            if letters and letters[0].islower() and not letters[0].isascii() and not word.isascii():
                odd += 0.6  # names begin with capitals
            if (letters and unicodedata.category(letters[0]) == "Mn") or (word[:1] and unicodedata.combining(word[0])):
                odd += 1
            odd += word.startswith(_NEVER_FIRST)
            scripts = {_script(char) for char in letters}
            odd += 3 * (len(scripts) > 1)
            odd += any(_is_odd_sign(char) for char in word)
    return odd / max(foreign, 1)


def _is_odd_sign(char: str) -> bool:
    return not char.isascii() and char not in _PUNCTUATION and unicodedata.category(char) in _SYMBOLS


@cache
def _script(char: str) -> str:
    return unicodedata.name(char, "?").partition(" ")[0]


def _wide_likeness(cells: Sequence[str], writing: str) -> float:
    total = points = 0.0
    for cell in cells:
        before = ""
        for char in cell:
            if not char.isascii():
                total += 1
                points += _wide_points(char, writing)
                if before.isascii() and before.isalpha():
                    # an umlaut and the letter after it often decode to a CJK character, but one in a Latin word
                    points -= 1.5
            elif before and not before.isascii() and char.isalpha():
                points -= 1.5
            before = char
    return points / max(total, 1) + 0.05


def _wide_points(char: str, writing: str) -> float:
    if char in _PUNCTUATION:
        return 0.4
    if writing == "korean":
        if "가" <= char <= "힣":
            return 1.0 if char in _KOREAN else 0.55
        return 0.0 if "\u4e00" <= char <= "\u9fff" else -1.0
    if writing == "japanese":
        if "\u3041" <= char <= "\u30fe":
            return 0.95
        if "\uff61" <= char <= "\uff9f":
            return -0.2
        if char in _JAPANESE:
            return 1.0
        return (0.35 if _fits(char, "shift_jis") and _is_common_kanji(char) else 0.0) if _is_hanzi(char) else -1.0
    if "\u3041" <= char <= "\u30fe":
        return -0.2
    if not _is_hanzi(char):
        return -1.0
    if writing == "chinese":
        if char in _SIMPLIFIED:
            return 1.0
        if char in _TRADITIONAL:
            return 0.7
        return 0.35 if _is_common_gb(char) else -0.1
    if char in _TRADITIONAL:
        return 1.0
    return 0.35 if _is_common_big5(char) else -0.1


def _is_hanzi(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff" or char >= "\U00020000"


def _fits(char: str, codec: str) -> bool:
    try:
        char.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _is_common_gb(char: str) -> bool:
    """The first level of GB 2312: 3,755 characters."""
    try:
        return 0xB0 <= char.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False


def _is_common_big5(char: str) -> bool:
    """The first level of Big5: 5,401 characters."""
    try:
        return 0xA4 <= char.encode("big5")[0] <= 0xC6
    except UnicodeEncodeError:
        return False


def _is_common_kanji(char: str) -> bool:
    """The first level of JIS X 0208: 2,965 characters."""
    try:
        return 0xB0 <= char.encode("euc_jp")[0] <= 0xCF
    except UnicodeEncodeError:
        return False
