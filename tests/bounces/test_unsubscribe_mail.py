"""Leaving by mail: what is the wish and nothing else, however mail programs wrap it."""

from __future__ import annotations

import pytest
from reports import letter

from newsletter.bounces.message_kind import read_message
from newsletter.bounces.results import AutoReply, Doubtful, Ordinary, Unsubscribe
from newsletter.bounces.unsubscribe_mail import wish_in

ADA = Unsubscribe("", "ada@example.net")

PLAIN = [
    *("unsubscribe", "Unsubscribe, please", "STOP", "Stop.", "opt out", "Opt-out!", "Remove me", "please remove me"),
    *(
        "Please unsubscribe me from this list.",
        "I want to unsubscribe",
        "I would like to unsubscribe from the newsletter",
    ),
    *("Take me off this list", "Please remove my email address from your mailing list", "stop sending me these emails"),
    *("No more emails please", "Kindly unsubscribe me", "Please cancel my subscription", "Delete me from your list"),
    *("Abmelden", "Bitte abmelden", "Ich möchte mich abmelden", "Bitte austragen", "Bitte keine weiteren E-Mails"),
    *("Newsletter abbestellen", "Désabonner", "Me désabonner", "je souhaite me désinscrire", "désinscription"),
    *("Cancelar suscripción", "Quiero darme de baja", "baja", "Cancelar inscrição", "descadastrar", "Disiscrivimi"),
    *(
        "cancellatemi",
        "Uitschrijven",
        "graag uitschrijven",
        "Avprenumerera",
        "avmelding",
        "Отписаться",
        "отпишите меня",
    ),
    *("Прошу удалить меня из рассылки", "wypisz mnie", "odhlásit odběr", "abonelikten çık", "退订", "请帮我退订"),
    *("我要退订", "麻烦取消订阅谢谢", "取消訂閱", "请不要再发了", "配信停止希望", "配信停止をお願いします", "購読解除"),
    *("メルマガの配信を停止してください", "구독 취소", "수신 거부합니다", "구독 취소해 주세요"),
]


SENTENCES = [
    *("Bitte nehmen Sie mich aus dem Verteiler.", "Ich möchte den Newsletter nicht mehr erhalten."),
    *("Ich will keine weiteren Mails von Ihnen bekommen", "Merci de me retirer de votre liste de diffusion."),
    *(
        "Je ne souhaite plus recevoir vos messages",
        "Por favor, elimínenme de la lista",
        "No quiero recibir más correos.",
    ),
    *("Vi prego di cancellarmi dalla lista.", "Non desidero più ricevere la newsletter", "Remova-me da lista"),
    *("Não quero mais receber seus e-mails", "Gelieve mij van de lijst te verwijderen.", "Ta bort mig från listan"),
    *("Ik wil deze nieuwsbrief niet meer ontvangen", "Jeg vil ikke ha flere nyhetsbrev", "Slet mig fra nyhedsbrevet"),
    *("Haluan perua tilauksen", "Не присылайте мне больше писем.", "Я больше не хочу получать вашу рассылку"),
    *("Прошу відписати мене від розсилки", "Proszę o usunięcie z listy.", "Nie chcę już otrzymywać waszych maili"),
    *("Vyřaďte mě ze seznamu", "Leiratkozás", "Szeretnék leiratkozni", "Vă rog să mă dezabonați", "Διαγραφή"),
    *("Listeden çıkmak istiyorum", "Artık bülten almak istemiyorum", "请不要再给我发邮件了", "不想再收到邮件"),
    *("请将我从列表中移除", "請把我從名單中刪除", "もうメールを送らないでください", "リストから外してください"),
    *("더 이상 메일을 보내지 마세요", "الغاء الاشتراك", "הסירו אותי מרשימת התפוצה", "Vui lòng hủy đăng ký"),
    *("Mohon berhenti berlangganan", "ยกเลิกการรับข่าวสาร", "सदस्यता रद्द करें"),
]


OWN_WORDS = {
    "English": (
        "Dear team, please unsubscribe this email address. Thanks",
        "I don't want these emails anymore",
        "pls stop emailing me, just remove my name now",
    ),
    "German": (
        "Guten Tag, bitte streichen Sie meine Adresse sofort aus Ihrer Liste.",
        "Hiermit widerrufe ich meine Einwilligung zum Newsletter",
        "Ich brauche diese Mails nicht mehr",
    ),
    "French": (
        "Bonjour, je voudrais ne plus recevoir vos messages, merci par avance",
        "Supprimez mon adresse e-mail de cette liste svp",
        "désabonnez moi",
    ),
    "Spanish": ("Por favor no me envíen más correos", "Quiten mi dirección de su lista, gracias", "Solicito la baja"),
    "Italian": ("Toglietemi dalla lista per favore", "Non voglio più le vostre mail"),
    "Portuguese": ("Por favor, retirem o meu email da lista", "Não enviem mais mensagens"),
    "Dutch": ("Wil mij niet meer mailen aub", "Haal mijn adres uit de lijst"),
    "Swedish": ("Ta bort min adress från listan tack", "Vill inte ha nyhetsbrevet längre"),
    "Russian": ("Больше не присылайте, пожалуйста", "Уберите мой адрес из вашей рассылки"),
    "Polish": ("Proszę mnie wykreślić z listy", "Nie chcę już tych maili"),
    "Turkish": ("Maillerinizi almak istemiyorum", "Lütfen aboneliğimi iptal edin"),
    "Chinese": ("我不想收这些邮件", "麻烦把我从名单里删掉", "请停止给我发送邮件", "取消訂閱電子報，謝謝"),
    "Japanese": ("メルマガはもう不要です", "メールの登録を解除したいです"),
    "Korean": ("이메일 수신을 원하지 않습니다", "뉴스레터 구독 해지 부탁드려요"),
}


@pytest.mark.parametrize("words", [each for of_language in OWN_WORDS.values() for each in of_language])
def test_a_wish_in_words_of_ones_own(words: str) -> None:
    assert read_message(letter("Re: The news", words)) == ADA


@pytest.mark.parametrize(
    "words",
    [
        "I do not want to unsubscribe",
        "I did not get your emails",
        "I am not getting the newsletter anymore",
        "Please send me the newsletter again",
        "I want this list",
        "Not now, thanks",
        "Ich möchte mich nicht abmelden",
        "Ich habe keine Mails von Ihnen erhalten",
        "Bitte nehmen Sie mich in den Verteiler",
        "Je ne veux pas me désabonner",
        "No quiero cancelar mi suscripción",
        "Não quero cancelar a minha assinatura",
        "Nie chcę rezygnować z newslettera",
        "Не хочу отписываться от рассылки",
        "我不想退订",
        "请不要取消订阅",
        "请给我发邮件",
        "登録をお願いします",
        "구독 신청 합니다",
    ],
)
def test_the_same_words_the_other_way_round_are_no_wish(words: str) -> None:
    assert not isinstance(read_message(letter("Re: The news", words)), Unsubscribe)


def test_the_subject_of_an_answer_is_not_the_writers() -> None:
    """An issue may be called so."""
    assert read_message(letter("Re: I don't want these emails anymore", "Me neither, good read.")) != ADA
    assert read_message(letter("I don't want these emails anymore", "")) == ADA


@pytest.mark.parametrize("words", SENTENCES)
def test_a_wish_in_a_whole_sentence(words: str) -> None:
    assert read_message(letter("Re: The news", words)) == ADA
    assert isinstance(
        read_message(letter("Re: The news", f"{words}\n\nI have written before.")), Doubtful | Unsubscribe
    )


@pytest.mark.parametrize(
    "words",
    [
        *(
            "Ich möchte den Newsletter erhalten.",
            "Ich möchte keine Ausgabe verpassen",
            "Je souhaite recevoir vos messages",
        ),
        *(
            "Quiero estar en la lista",
            "Vorrei ricevere la newsletter",
            "Quero a lista de e-mails",
            "Ik wil de nieuwsbrief",
        ),
        *("Jag vill ha nyhetsbrevet", "Я хочу знать новости", "Chcę otrzymywać newsletter", "Bülten almak istiyorum"),
        *(
            "请给我发邮件",
            "我想收到邮件",
            "メールを送ってください",
            "메일을 보내 주세요",
            "أريد الاشتراك",
            "Tôi muốn đăng ký",
        ),
    ],
)
def test_who_wants_it_does_not_leave(words: str) -> None:
    assert not isinstance(read_message(letter("Re: The news", words)), Unsubscribe)


@pytest.mark.parametrize(
    "words",
    [
        *("I never signed up for this!", "Das ist Spam, hören Sie auf.", "Je ne me suis jamais inscrit chez vous."),
        *(
            "Nunca me suscribí a esto.",
            "Non mi sono mai iscritto.",
            "这是垃圾邮件，请停止",
            "これは迷惑メールです",
            "이건 스팸입니다",
        ),
        *("Я на это не подписывался!", "Nigdy się nie zapisałem, to jest spam"),
    ],
)
def test_who_complains_in_words_is_shown_to_a_person(words: str) -> None:
    assert isinstance(read_message(letter("Re: The news", words)), Doubtful)


@pytest.mark.parametrize("words", PLAIN)
def test_a_wish(words: str) -> None:
    assert wish_in(words) == ""
    assert read_message(letter("Re: The news", words)) == ADA
    assert read_message(letter("Re: The news", f"Hi,\n\n{words}\n\nThanks,\nAda")) == ADA


@pytest.mark.parametrize(
    "words",
    [
        *(
            "",
            "Thank you!",
            "I read it every morning",
            "Do not stop",
            "delete the second picture",
            "stop by for coffee",
        ),
        *(
            "remove the comma in line 3",
            "leave it as it is",
            "退货",
            "配信の時間を教えてください",
            "Ich melde mich morgen",
        ),
        *("Unsubscribe?", "take care", "end of story", "The bus has a stop here", "cancel the meeting on Monday"),
    ],
)
def test_no_wish(words: str) -> None:
    assert wish_in(words) is None
    assert not isinstance(read_message(letter("Re: The news", words)), Unsubscribe)


WRAPPED = {
    "iPhone": "Unsubscribe\n\nSent from my iPhone\n\n> On 1 Mar 2026, at 10:00, News <news@example.com> "
    "wrote:\n> \n> Hi.",
    "Gmail": "Unsubscribe\n\nOn Mon, Mar 2, 2026 at 8:00 AM News <news@example.com> wrote:\n\n> The news of today",
    "Gmail, over two lines": "Unsubscribe\n\nOn Mon, Mar 2, 2026 at 8:00 AM The Long Name of a Newsletter <\n"
    "news@example.com> wrote:\n\n> The news",
    "Outlook": "Unsubscribe\n\n________________________________\nFrom: News <news@example.com>\nSent: "
    "Monday\nTo: Ada\n\nHi",
    "Outlook, old": "Unsubscribe\n\n-----Original Message-----\nFrom: News\nSent: Monday\n\nThe news",
    "Outlook, no rule": "Unsubscribe\n\nFrom: News <news@example.com>\nDate: Monday\nTo: Ada\n\nThe news",
    "Outlook for iOS": "Unsubscribe\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n",
    "Yahoo": "Unsubscribe\n\nYahoo Mail: Search, Organize, Conquer\n\nOn Mon, Mar 2, 2026 at 8:00, "
    "News<n@e.example> wrote:",
    "Android, German": "Bitte abmelden\n\nVon meinem Samsung Galaxy gesendet.\n\nAm 2. März 2026 08:00 schrieb News "
    "<news@example.com>:\n> Hallo",
    "French": "Désinscription\n\nEnvoyé de mon iPhone\n\n> Le 2 mars 2026 à 08:00, News <n@e.example> a écrit :\n> x",
    "Spanish": "Baja\n\nEnviado desde mi iPhone\n\nEl lun, 2 mar 2026 a las 8:00, News (<n@e.example>) escribió:\n> x",
    "Italian": "Cancellatemi\n\nInviato da iPhone\n\n> Il giorno 2 mar 2026, alle ore 08:00, News ha scritto:\n",
    "Dutch": "Uitschrijven\n\nVerstuurd vanaf mijn iPhone\n\n> Op 2 mrt. 2026 om 08:00 heeft News het volgende "
    "geschreven:",
    "Russian": "Отписаться\n\nОтправлено с iPhone\n\n> 2 марта 2026 г., в 08:00, News <n@e.example> написал(а):\n> x",
    "Chinese": "退订\n\n发自我的iPhone\n\n> 在 2026年3月2日，08:00，News <n@e.example> 写道：\n> 早报",
    "QQ": "请帮我退订\n\n------------------ 原始邮件 ------------------\n发件人: News\n主题: 早报",
    "Japanese": "配信停止\n\niPhoneから送信\n\n2026/03/02 8:00、News <n@e.example>のメール:\n\n> ニュース",
    "a signature": "Unsubscribe\n-- \nAda Lovelace\nAnalyst",
    "a name alone": "Please unsubscribe me.\n\nAda",
    "below the quote": "> The news of today\n> is long\n\nUnsubscribe\n",
}


@pytest.mark.parametrize("name", WRAPPED)
def test_a_wish_as_mail_programs_wrap_it(name: str) -> None:
    assert read_message(letter("Re: The news", WRAPPED[name], sender="Ada Lovelace <ada@example.net>")) == ADA


def test_a_wish_in_html() -> None:
    page = (
        "<html><head><title>x</title><style>p{}</style></head><body><div>Unsubscribe</div><br><div>Sent from my iPhone"
    )
    page += "</div><blockquote>On Monday, News &lt;n@e.example&gt; wrote:<p>The news</p></blockquote></body></html>"
    raw = letter("Re: The news", page).replace(b"text/plain", b"text/html")
    assert read_message(raw) == ADA


def test_the_button_of_apple_mail() -> None:
    """It calls its mail an automatic answer."""
    signs = ("Auto-Submitted: auto-replied", "X-Apple-Unsubscribe: true")
    text = "Apple Mail sent this email to unsubscribe from the message “The news”."
    assert read_message(letter("unsubscribe bob@example.net", text, *signs)) == Unsubscribe(
        "bob@example.net", "ada@example.net"
    )
    assert read_message(letter("The news", text, *signs)) == ADA
    assert read_message(letter("unsubscribe", text, signs[0])) == ADA


def test_an_automatic_answer_that_repeats_the_wish_is_an_answer() -> None:
    for header in ("Auto-Submitted: auto-replied", "X-Autoreply: yes", "Precedence: junk"):
        assert isinstance(read_message(letter("Re: unsubscribe", "unsubscribe", header)), AutoReply)


def test_a_subject_of_one_word_above_a_long_letter_is_no_wish() -> None:
    text = "Here is what I think of the list, and it is a long thought. " * 20
    for subject in ("Re: remove", "Stop", "Re: unsubscribe"):
        assert not isinstance(read_message(letter(subject, text)), Unsubscribe)


@pytest.mark.parametrize(
    "text",
    [
        "I clicked unsubscribe last week and still get this. What is wrong with you?",
        "Could you please take me off? My new address is bob@example.net, use that one instead, and opt out the "
        "old one.",
        "请问在哪里可以退订？我找不到链接",
    ],
)
def test_what_may_be_a_wish_is_shown(text: str) -> None:
    reading = read_message(letter("Re: The news", text))
    assert isinstance(reading, Doubtful)
    assert reading.sender == "ada@example.net"


def test_somebody_elses_newsletter_is_no_wish() -> None:
    text = "Our news.\n\nTo unsubscribe from this list, click here."
    assert read_message(letter("Their news", text, "List-Unsubscribe: <mailto:x@example.org>")) == Ordinary()
