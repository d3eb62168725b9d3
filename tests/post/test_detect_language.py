"""Which language a text is in: by script, by common words, and no claim where neither tells."""

from __future__ import annotations

import pytest

from newsletter.post.detect_language import UNKNOWN, detect_language

SAMPLES = {
    "en": "The boats of the harbour are in for the night, and we have this to say: it was not as you would have it, "
    "for the tide is in.",
    "de": "Die Boote im Hafen sind für die Nacht da, und wir haben nicht viel zu sagen: Es ist auch ein Tag mit Wind, "
    "der von der See kommt.",
    "fr": "Les bateaux du port sont là pour la nuit, et nous avons peu de choses à dire sur le vent qui vient de la "
    "mer dans une semaine.",
    "es": "Los barcos del puerto están para la noche, y no hay más que decir de un viento que viene del mar con la "
    "marea como siempre.",
    "pt": "Os barcos do porto são para a noite, e não há mais que dizer do vento que vem do mar com uma maré como "
    "sempre, ao fim da tarde.",
    "it": "Le barche del porto sono qui per la notte, e non c'è di più da dire del vento che viene dal mare con la "
    "marea come sempre.",
    "pl": "Łodzie są w porcie na noc i nie ma nic do dodania o wietrze, który jest od morza, bo to się zdarza przez "
    "cały rok oraz dla nas.",
    "tr": "Limandaki tekneler gece için burada ve bu konuda çok şey yok: rüzgar denizden gelen gibi ne var ne yok, "
    "daha sonra bir de yağmur.",
    "vi": "Các con thuyền của cảng đã về cho đêm nay, và không có gì để nói với người đi biển trong những "
    "ngày được nghỉ.",
    "id": "Kapal yang ada di pelabuhan ini untuk malam, dan kami tidak bisa bilang apa itu angin dari laut dengan "
    "ombak pada hari ini.",
    "ru": "Лодки в гавани на ночь, и это всё, что мы можем сказать.",
    "uk": "Човни в гавані на ніч, і це все, що ми можемо сказати.",
    "bg": "Лодките са в пристанището за през нощта и това е всичко, което можем да кажем, защото вятърът е към брега.",
    "ar": "القوارب في المرفأ الليلة، وهذا كل ما نستطيع قوله.",
    "fa": "قایق‌ها امشب در بندر هستند و این همه چیزی است که می‌توانیم بگوییم.",
    "ur": "کشتیاں آج رات بندرگاہ میں ہیں اور ہم بس یہی کہہ سکتے ہیں۔",
    "he": "הסירות בנמל הלילה, וזה כל מה שאפשר לומר.",
    "el": "Οι βάρκες είναι στο λιμάνι απόψε.",
    "th": "เรืออยู่ในท่าเรือคืนนี้",
    "zh": "港口的船今晚都在，这就是我们能说的。",
    "zh-Hant": "港口的船今晚都在，這就是我們能說的。",
    "ja": "港の船は今夜そこにあります。",
    "ko": "항구의 배들은 오늘 밤 그곳에 있습니다.",
}


@pytest.mark.parametrize("language", SAMPLES)
def test_a_sentence_tells_its_language(language: str) -> None:
    assert detect_language(SAMPLES[language]) == language


@pytest.mark.parametrize("language", ["ru", "he", "ar", "zh"])
def test_foreign_names_in_a_text_do_not_change_it(language: str) -> None:
    assert detect_language(SAMPLES[language] + " React, Vue 3.") == language


def test_latin_text_of_no_language_we_know_claims_none() -> None:
    assert detect_language("lorem ipsum dolor sit amet consectetur " * 10) == UNKNOWN
    assert detect_language("Hello.") == "en"
    assert detect_language("") == "en"


def test_an_english_text_with_a_foreign_name_stays_english() -> None:
    assert detect_language(SAMPLES["en"] + " Die Zeit and La Repubblica.") == "en"


@pytest.mark.parametrize("language", ["ja", "ko", "zh"])
def test_english_titles_in_a_list_leave_the_language_of_the_words_beside_them(language: str) -> None:
    titles = " ".join(f"7.3.{number}: lantern crashes when harbour gate {number} is zero" for number in range(10))
    assert detect_language(f"{SAMPLES[language]} {titles}") == language
    sentences = "The harbour is one of the oldest in the world, and it was built in a year. " * 5
    assert detect_language(f"{SAMPLES[language]} {sentences}") == "en"
