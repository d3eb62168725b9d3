"""Requests to leave in languages of their own vocabularies, with the signatures of telephones; and what is none."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from newsletter.bounces.message_kind import read_message
from newsletter.bounces.results import Unsubscribe

WISHES = [
    "I do not want these anymore, please remove my address",
    "Bonjour,\nMerci de me désinscrire de votre liste.\nCordialement,\nAda\n\nEnvoyé de mon iPhone",
    "Stop, je ne veux plus recevoir vos mails\n\nEnvoyé depuis mon téléphone Orange",
    "Retirez-moi de cette liste de diffusion svp",
    "Graag uitschrijven voor de nieuwsbrief.\n\nVerstuurd vanaf mijn iPhone",
    "Ik wil geen mails meer ontvangen. Groetjes, Ada",
    "Jag vill inte ha fler mejl från er\n\nSkickat från min iPhone",
    "Vänligen ta bort mig från listan. Mvh Ada",
    "Poistakaa minut listalta, kiitos.\n\nLähetetty iPhonesta",
    "Prosím, odhlaste mě z odběru novinek.\n\nOdesláno z iPhonu",
    "Nechci už dostávat vaše e-maily",
    "Kérem, töröljenek a listáról.\n\nKüldve az iPhone-omról",
    "Vă rog să mă dezabonați.\n\nTrimis de pe iPhone-ul meu",
    "Lütfen beni listeden çıkarın.\n\niPhone’umdan gönderildi",
    "Artık bu e-postaları almak istemiyorum",
    "Будь ласка, відпишіть мене від розсилки",
    "Παρακαλώ διαγράψτε με από τη λίστα.\n\nΣτάλθηκε από το iPhone μου",
    "من فضلك ألغِ اشتراكي\n\nأُرسلت من الـ iPhone",
    "נא להסיר אותי מרשימת התפוצה\n\nנשלח מה-iPhone שלי",
    "请把我从邮件列表中移除，谢谢\n\n发自我的iPhone",
    "不想再收到了，请退订\n\n发自我的小米手机",
    "請取消訂閱，謝謝\n\n從我的 iPhone 傳送",
    "配信を停止してください。よろしくお願いします。\n\niPhoneから送信",
    "メルマガの解除をお願いします",
    "구독을 취소해 주세요. 감사합니다.\n\n나의 iPhone에서 보냄",
    "Vui lòng hủy đăng ký cho tôi",
    "Tolong berhenti mengirim email ke saya",
    "Mohon hapus saya dari daftar email ini, terima kasih",
    "Zrušte mi prosím odběr newsletteru. Děkuji",
    "Odhlásit",
    "Neposílejte mi už další e-maily, prosím.",
    "Prosím o odhlásenie z odberu noviniek.\n\nOdoslané z iPhonu",
    "Nem kérek több hírlevelet, köszönöm.",
    "Szeretnék leiratkozni a hírlevélről.\n\nÜdvözlettel,\nAda",
    "Nu mai vreau să primesc mesaje de la voi. Mulțumesc",
    "Dezabonare",
    "Δεν θέλω να λαμβάνω άλλα email.\n\nΕυχαριστώ",
    "Διαγραφή από τη λίστα παρακαλώ",
    "Не надсилайте мені більше листів",
    "Прошу видалити мою адресу з вашої розсилки. Дякую",
    "En halua enää saada uutiskirjeitä.",
    "Peruuta tilaus",
    "Saya tidak mau menerima email lagi",
    "Jangan kirim email lagi ke saya",
    "Tôi không muốn nhận email này nữa",
    "Hãy xóa tôi khỏi danh sách, cảm ơn.\n\nGửi từ iPhone của tôi",
    "أرجو حذف بريدي من القائمة البريدية، شكرا",
    "لا أريد تلقي رسائلكم",
    "תסירו אותי מהרשימה בבקשה",
    "אני לא רוצה לקבל יותר מיילים",
    "Beni listenizden silin lütfen",
    "Bana artık mail göndermeyin",
    "Enough. Please remove me from this list.",
    "もうメールは不要です。配信を止めてください。",
    "你好，我不想再收到你们的邮件了，请把我删除。",
    "더 이상 메일을 받고 싶지 않습니다. 구독 해지 부탁드립니다.",
]

NONE = [
    "Comment puis-je me désabonner ?",
    "Surtout ne me désabonnez pas !",
    "Schrijf mij niet uit alstublieft",
    "请不要退订我",
    "怎么退订旧邮箱？",
    "我不想退订，只想换邮箱",
    "配信を停止しないでください",
    "配信停止の方法を教えてください",
    "구독을 취소하지 마세요",
    "Beni listeden çıkarmayın lütfen",
    "Ta inte bort mig från listan",
    "Neodhlašujte mě prosím",
    "Nezrušte mi odběr, prosím",
    "Jak se odhlásím?",
    "Ne töröljenek a listáról",
    "Hogyan tudok leiratkozni?",
    "Nu mă dezabonați, vă rog",
    "Nu am primit newsletterul de azi",
    "Μην με διαγράψετε από τη λίστα",
    "Δεν λαμβάνω τα email",
    "Не видаляйте мене зі списку",
    "Я не отримала листа",
    "Älkää poistako minua listalta",
    "En saanut uutiskirjettä",
    "Jangan hapus saya dari daftar",
    "Saya tidak menerima email",
    "Đừng hủy đăng ký của tôi",
    "Tôi không nhận được bản tin",
    "لا تحذفوني من القائمة",
    "لم أستلم النشرة",
    "אל תסירו אותי מהרשימה",
    "לא קיבלתי את המייל",
    "Aboneliğimi iptal etmeyin lütfen",
    "Beni listeden silmeyin",
    "Bülteni alamıyorum",
    "I do not get the mails. Please stop.",
    "Stop. I love this list, keep me.",
    "Do not stop. Send me everything.",
    "Please do not remove me. I want this newsletter.",
    "不要取消，我喜欢。",
    "我没收到邮件，请发送。",
    "メールが届きません。配信をお願いします。",
    "Je ne reçois plus la newsletter",
    "Not now, thanks. Please send me the mail again.",
]


def reply(text: str) -> bytes:
    mail = EmailMessage()
    mail["Return-Path"] = "<ada@example.net>"
    mail["From"] = "Ada Nováková <ada@example.net>"
    mail["To"] = "news@example.com"
    mail["Subject"] = "Re: The news"
    mail.set_content(f"{text}\n\n> The news of today\n> Unsubscribe: https://example.com/u\n")
    return mail.as_bytes()


@pytest.mark.parametrize("text", WISHES)
def test_a_reply_that_says_only_the_wish_is_one(text: str) -> None:
    assert read_message(reply(text)) == Unsubscribe("", "ada@example.net")


@pytest.mark.parametrize("text", NONE)
def test_a_question_a_refusal_and_a_letter_are_none(text: str) -> None:
    assert not isinstance(read_message(reply(text)), Unsubscribe)
