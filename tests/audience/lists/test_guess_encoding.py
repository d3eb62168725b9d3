"""Encodings of lists, guessed from a few names: the kinds that people have, each with names as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.audience.lists.encoding import detect_encoding
from newsletter.audience.lists.guess_encoding import rank_encodings

NAMES = {
    "German": ("Jürgen Höß,Köln", "Käthe Weiß,Nürnberg", "Björn Schäfer,Düsseldorf"),
    "French": ("Zoé Lefèvre,Besançon", "François Noël,Orléans", "Anaïs Bérenger,Châlons"),
    "Spanish": ("José Núñez,Málaga", "Begoña Muñoz,León", "Íñigo Ibáñez,Cádiz"),
    "Swedish": ("Åsa Öberg,Malmö", "Göran Håkansson,Växjö", "Pär Ekström,Luleå"),
    "Polish": ("Łukasz Wiśniewski,Łódź", "Małgorzata Dąbrowska,Kraków", "Paweł Zieliński,Poznań"),
    "Czech": ("Jiří Dvořák,Plzeň", "Lucie Křížová,Zlín", "Zdeněk Černý,Děčín"),
    "Hungarian": ("László Kovács,Győr", "Tóth Gergő,Nyíregyháza", "Jenő Fűrész,Pécs"),
    "Russian": ("Ольга Кузнецова,Екатеринбург", "Дмитрий Соколов,Новосибирск", "Елена Попова,Самара"),
    "Ukrainian": ("Олександр Шевченко,Київ", "Наталія Їжакевич,Львів", "Ігор Бойко,Харків"),
    "Greek": ("Ελένη Γεωργίου,Ηράκλειο", "Νίκος Παππάς,Λάρισα", "Μαρία Νικολάου,Θεσσαλονίκη"),
    "Turkish": ("Ayşe Yılmaz,İstanbul", "Oğuz Kılıç,Diyarbakır", "Çağla Şahin,Muğla"),
    "Hebrew": ("רחל אברהם,באר שבע", "משה פרץ,נתניה", "דוד כהן,תל אביב"),
    "Arabic": ("خالد عبد الله,دمشق", "فاطمة حسن,بغداد", "ليلى يوسف,بيروت"),
    "Thai": ("ประเสริฐ ใจดี,ขอนแก่น", "สุดา แก้วมณี,นครราชสีมา", "วิชัย ทองคำ,ภูเก็ต"),
    "Baltic": ("Rūta Kazlauskienė,Vilnius", "Eglė Šimkutė,Panevėžys", "Giedrė Čepaitė,Klaipėda"),
    "Simplified": ("王小明,杭州", "陈静,深圳", "欧阳锋,洛阳"),
    "Traditional": ("林美玲,高雄", "黃淑芬,新北市", "歐陽修,嘉義縣"),
    "Japanese": ("中村俊輔,岡山", "斎藤由美子,長野県", "渡辺 けんじ,福岡"),
    "Korean": ("김철수,서울", "한지민,성남시", "최민호,인천광역시"),
}
SAMPLES = [
    *((language, codec) for language in ("German", "French", "Spanish") for codec in ("cp1252", "mac_roman", "cp850")),
    *(("Swedish", codec) for codec in ("latin-1", "mac_roman")),
    *(("Polish", codec) for codec in ("cp1250", "iso8859-2", "cp852", "mac_latin2")),
    *((language, codec) for language in ("Czech", "Hungarian") for codec in ("cp1250", "iso8859-2")),
    *(("Russian", codec) for codec in ("cp1251", "koi8-r", "iso8859-5", "cp866", "mac_cyrillic")),
    *(("Ukrainian", codec) for codec in ("cp1251", "koi8-u")),
    *(("Greek", codec) for codec in ("cp1253", "iso8859-7")),
    *(("Turkish", codec) for codec in ("cp1254", "iso8859-9")),
    *(("Hebrew", codec) for codec in ("cp1255", "iso8859-8")),
    *(("Arabic", codec) for codec in ("cp1256", "iso8859-6")),
    *(("Thai", "cp874"), ("Baltic", "cp1257"), ("French", "iso8859-15")),
    *(("Simplified", codec) for codec in ("gb18030", "gbk", "hz")),
    *(("Traditional", codec) for codec in ("big5", "cp950", "gbk")),
    *(("Japanese", codec) for codec in ("shift_jis", "euc_jp", "iso2022_jp")),
    *(("Korean", codec) for codec in ("euc_kr", "cp949")),
    *((language, codec) for language in NAMES for codec in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")),
]


def write(folder: Path, language: str, codec: str) -> tuple[Path, str]:
    rows = "".join(f"reader{number}@example.com,{row}\n" for number, row in enumerate(NAMES[language]))
    text = f"email,name,city\n{rows}"
    path = folder / "list.csv"
    path.write_bytes(text.encode(codec))
    return path, text


@pytest.mark.parametrize(("language", "codec"), SAMPLES)
def test_a_few_names_tell_the_encoding(tmp_path: Path, language: str, codec: str) -> None:
    path, text = write(tmp_path, language, codec)
    found = detect_encoding(path)
    assert path.read_bytes().decode(found.codec).lstrip("\ufeff") == text
    assert found.guessed == (codec not in ("utf-8", "utf-8-sig", "utf-16"))
    if found.guessed:
        assert (
            found.names
            == tuple(value for row in NAMES[language] for value in row.split(",") if not value.isascii())[:3]
        )


def test_control_and_private_characters_refute_a_guess() -> None:
    cells = ["陳曉雨".encode("big5"), "林志玲".encode("big5")]
    assert rank_encodings(cells)[0].codec == "cp950"
    for candidate in rank_encodings(cells):
        text = b" ".join(cells).decode(candidate.codec)
        assert all(char.isprintable() or char == "\u3000" for char in text), candidate


def test_an_encoding_of_seven_bits_is_seen_far_down(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    plain = "".join(f"reader{number}@example.com,Reader\n" for number in range(20_000))
    path.write_bytes(f"email,name\n{plain}last@example.com,山田太郎\n".encode("iso2022_jp"))
    assert detect_encoding(path).names == ("山田太郎",)


def test_a_list_in_ascii_is_utf_8_whatever_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"email,note\na@example.com,~{ and ~}\nb@example.com,a ~{b\n")
    assert detect_encoding(path).name == "UTF-8"
