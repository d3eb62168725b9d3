"""Vocabularies of unsubscribe requests: a text of these words alone, one of them about leaving, is a request.

A language has words for leaving, dropping, ending, not, wanting, sending, and neutral words: `me`, `list`, `please`. A
text is a request if it has no other word, and it leaves, or drops a list or an address, or ends the sending, or does
not want what is sent. "I do not want to unsubscribe" is none; nor is "I did not get it", which wants nothing. A `*`
matches the rest of a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from newsletter.bounces.wish_vocabulary import FURTHER, Vocabulary

MAX_WORDS = 40


_ENGLISH = Vocabulary(
    "unsubscrib* unsub opt optout deregister unregister delist",
    "remove* removing delete* off cancel*",
    "stop* cease discontinue* quit",
    "no not don dont never none",
    "want wish interested care",
    "send sending mail mailing email emailing contact contacting",
    "i me my mine myself us our we d m t s am is be have has it would could can will to from of out the this"
    " that these those"
    " your you all any anything more anymore longer further future list lists mailings e address name account"
    " subscription"
    " subscriptions database system please kindly pls plz thanks thank thx regards best kind hi hello hey dear"
    " team sir madam"
    " everyone just now immediately asap at once again for and a an on with so enough receive receiving get getting"
    " take do"
    " like need everything tks cheers yours sincerely emails mails newsletter newsletters messages updates",
)
_GERMAN = Vocabulary(
    "abmeld* abzumelden abbestell* abzubestellen austrag* auszutragen",
    "entfern* lösch* loesch* streich* kündig* kuendig* nehmen nehmt nimm widerruf*",
    "aufhören stopp* stop einstellen beenden",
    "nicht kein keine keinen keinerlei nie",
    "will möchte moechte wünsche brauche interessiert interesse",
    "senden sendet schicken schickt schick zusenden zuschicken mailen",
    "ich mich mir mein meine meinen meiner adresse e mail email emails mails newsletter newsletters verteiler"
    " mailverteiler"
    " liste mailingliste rundbrief bitte aus von vom an dem der den die das diesen diese dieser ihrem ihrer"
    " ihren ihre eurem"
    " eurer euren eure sie ihr ihnen uns hiermit sofort umgehend mehr weiteren weitere länger heraus raus danke"
    " vielen dank gruß"
    " grüße gruss gruesse freundlichen mit viele beste liebe hallo guten tag sehr geehrte damen und herren team"
    " zum zur für"
    " künftig zukünftig ab jetzt erhalten bekommen empfangen haben abo abonnement des einwilligung werden",
)
_FRENCH = Vocabulary(
    "désabonn* desabonn* désinscri* desinscri* désincri*",
    "retir* supprim* enlev* rayer rayez ôter ôtez",
    "cess* arrêt* arret* stop",
    "plus pas aucun aucune jamais",
    "veux souhaite désire desire voudrais intéresse",
    "envoy* adresser",
    "je j me m moi mon ma mes ne n de d du des la le les l un une cette ce ces votre vos liste listes diffusion"
    " newsletter"
    " newsletters lettre lettres information e email emails mail mails courriel courriels message messages"
    " adresse nom"
    " bonjour merci svp s il vous te plaît plait cordialement bien à pour par avance y en et être veuillez"
    " recevoir avoir"
    " suis vouloir prie informations publicité tout toute désormais monsieur madame",
)
_SPANISH = Vocabulary(
    "baja bajas desuscri*",
    "elimin* elimín* borr* bórr* quit* quít* cancel* anul* saq* sáq* retir* retír* remov* remuév*",
    "par* dej* ces*",
    "no ningún ningun ninguna nunca",
    "quiero deseo quisiera interesa",
    "envíen envien envíe envie envíes enviar enviarme envíenme manden mande mandes mandar mandarme enviando",
    "por favor me mi mis yo de del la el los las su sus tu esta este estos ese lista listas correo correos"
    " electrónico"
    " electrónicos e mail email emails mails mensaje mensajes boletín boletin boletines newsletter suscripción"
    " suscripcion más"
    " mas ya que dar darme darse den denme dé dame deme solicito hola buenos días dias gracias saludos"
    " atentamente cordialmente un una a"
    " al en y"
    " dirección datos cuenta distribución recibir información publicidad nombre base se le les gustaría cordial",
)
_PORTUGUESE = Vocabulary(
    "descadastr* desinscr*",
    "cancel* remov* retir* exclu* sair apag* tirar tirem tire",
    "par* deix*",
    "não nao nenhum nenhuma nunca",
    "quero desejo gostaria interesse queria",
    "enviem envie enviar mandem mande mandar enviando",
    "por favor me meu meus minha eu o a os as do da dos das de desta deste sua seu suas seus vossa esta este"
    " lista listas"
    " e mail email emails mails mensagem mensagens boletim newsletter newsletters inscrição subscrição"
    " assinatura mais já que"
    " olá ola bom dia obrigado obrigada cumprimentos um uma em na no endereço endereco conta receber"
    " distribuição nome",
)
_ITALIAN = Vocabulary(
    "disiscri* cancellami cancellatemi cancellarmi",
    "cancell* rimuov* rimoss* togli* elimin* disdir* disdett* annull* revoc*",
    "smett* bast* stop",
    "non nessuna nessun mai",
    "desidero voglio vorrei interessa gradisco",
    "inviare inviate inviarmi inviatemi mandare mandate mandarmi mandatemi spedire",
    "per favore piacere mi me mio mia miei io il la lo le i gli l un una di dei da dal dalla dalle del della"
    " questa questo"
    " vostra vostre vostri tua lista liste mailing list newsletter e mail email messaggi comunicazioni"
    " iscrizione indirizzo"
    " nominativo più piu ricevere avere essere chiedo prego vi ti si prega grazie saluti cordiali buongiorno"
    " salve ciao"
    " distribuzione a al alla voler in che",
)
_DUTCH = Vocabulary(
    "uitschrijv* uitgeschreven afmeld*",
    "verwijder* schrap* schrijf meld haal halen opzeg*",
    "stop* ophouden",
    "niet geen nooit",
    "wil wens interesse",
    "sturen stuur mailen mail toesturen verzenden",
    "ik mij me mijn graag gelieve wilt u je jullie kunt van uit voor de het deze dit uw dien lijst mailinglijst"
    " maillijst"
    " verzendlijst nieuwsbrief nieuwsbrieven mailing e email emails mails berichten adres te meer langer"
    " ontvangen hebben"
    " aub alstublieft alsjeblieft bedankt dank met vriendelijke groet groeten groetjes hallo beste goedendag a b dat af"
    " uit",
)
_NORDIC = Vocabulary(
    "avprenumerer* avregistrer* avanmäl* avmeld* afmeld* frameld*",
    "avslut* bort fjern* slet* stryk* avboka* opsig* uppsäg*",
    "sluta slutt stopp* stop",
    "inte ikke ej ingen inga",
    "vill vil ønsker önskar ønsker",
    "skicka skickar sende send sendes maila",
    "jag jeg mig meg mej min mitt mina mine från fra av på den det denna dette listan lista listen liste"
    " mejllista e post"
    " epost mejl mail mails nyhetsbrev nyhetsbrevet nyhedsbrev nyhedsbrevet nyhedsbreve utskick utskicket"
    " prenumeration"
    " prenumerationen abonnement adress adresse namn navn"
    " vänligen snälla vennligst venligst tack takk tak hej hei mvh hälsningar hilsen"
    " få fler"
    " flere mer mere längre lenger længere ha ta tar ett et en era er deres ert gärna gerne gjerne till til",
)
_RUSSIAN = Vocabulary(
    "отпис* отпиш*",
    "удали* удаля* исключи* исключа* убери* убрать отмени* отказ* вычеркн*",
    "прекрати* прекраща* хватит перестань*",
    "не никаких больше",
    "хочу желаю нужна нужны интересно",
    "присыла* шлите отправля* высыла* слать рассыла*",
    "я меня мне мой моего адрес имейл email e mail почту из от с вашей ваших ваши вашу вашего этой эту эти"
    " рассылки рассылку"
    " рассылка списка базы письма писем письмо сообщения сообщений новости подписку подписки подписка прошу"
    " пожалуйста спасибо"
    " здравствуйте добрый день получать уважением заранее на и в более",
)
_POLISH = Vocabulary(
    "wypis*",
    "wykreśl* usuń usun* rezygn* zrezygn* anul* skreśl* cofam",
    "przesta*",
    "nie żadnych",
    "chcę chce życzę chciałbym chciałabym",
    "wysyłać przysyłać wysyłajcie przysyłajcie przysyłanie wysyłanie",
    "proszę prosze mnie mój mojego mojej o z ze listy lista bazy newslettera newsletter subskrypcji subskrypcję"
    " adres adresu e"
    " mail maile maili email emaili wiadomości tych takich waszych państwa już więcej się sobie otrzymywać dostawać"
    " mailingowej dziękuję dziekuje dzień dobry pozdrawiam do zgodę być",
)
_TURKISH = Vocabulary(
    "",
    # No stems: "çıkarın" is "take off", and "çıkarmayın" "do not take off".
    "çık çıkar çıkarın çıkarınız çıkart çıkartın çıkmak çıkarılmak çıkarılmasını çıkarmanızı iptal sil silin siliniz"
    " silinmek silinmesini silmenizi kaldır kaldırın kaldırınız kaldırılmasını ayrılmak ayrılıyorum istemiyorum"
    " istemiyoruz göndermeyin göndermeyiniz gönderme yollamayın yollamayınız yollama",
    "durdur durdurun durdurunuz kes kesin kesiniz",
    "",
    "",
    "gönderme göndermeyi yollama yollamayı",
    "lütfen beni bana benim listeden listenizden listesinden bültenden bülteni bülteninizden abonelikten"
    " aboneliğimi aboneliği"
    " üyeliğimi e posta mail maillerinizi maillerini postalarınızı adresimi almak istiyorum edin et edilsin"
    " teşekkürler teşekkür ederim"
    " bir bana artık epostaları postaları postalar mailler mailleri bülten"
    " merhaba selamlar posta bültenlerinizi daha fazla bu mailleri artık",
)
_CHINESE = Vocabulary(
    "退订 退訂 取消订阅 取消訂閱 取消关注 退阅 退閱",
    "移除 删除 刪除 删掉 刪掉 移出 去掉 剔除 取消",
    "停止 别再 別再 不要再 不再 请勿 請勿 勿再",
    "不想 不要 不愿 不希望 不需要 不用 别 別 无需",
    "收到 接收 收 看到 要",
    "发送 發送 发 發 寄送 寄 推送 打扰 打擾",
    "请 請 麻烦 麻煩 帮 幫 给 給 将 將 把 我 我的 您 您的 你 你们 你们的 贵司 从 從 里 裡 中 出 此 这 這 这个"
    " 這個 这些 這些 该 本 封 份 个"
    " 邮件 郵件 邮箱 郵箱 信 列表 名单 名單 清单 订阅 訂閱 电子报 電子報 简报 日报 早报 广告 廣告 推广 任何 了"
    " 吧 啦 谢谢 謝謝 感谢 您好 你好 一下"
    " 向 往 来 过来 想 要 需要 希望 以后 今后 再 地址 的 都 所有 类 此类",
)
_JAPANESE = Vocabulary(
    "退会 オプトアウト",
    "解除 停止 中止 削除 取り消し 取消 外し 外して 除外 やめ 止め 不要 いりません 要りません 必要ありません",
    "",
    "ないで 希望しません",
    "送信 送ら 配信",
    "受け取り 受信",
    "メルマガ メールマガジン ニュースレター メール 購読 登録 配信 リスト アドレス この こちら こちらの 貴社 御社"
    " 今後 もう は を の が に て から も、 も で し"
    " して する したい した します しました です ます たい ほしい 欲しい 希望 お願い いたします 致します します"
    " ください 下さい 依頼 手続き 申し込み 申請"
    " 私 私の すべて 全て よろしく こんにちは ご いただけますか ありがとう ございます",
)
_KOREAN = Vocabulary(
    "탈퇴 수신거부",
    "취소 해지 거부 삭제 제외 빼",
    "그만 중지 중단",
    "원하지 싶지 마세요 마십시오 말아",
    "않습니다 않아요 않는",
    "보내 보내지",
    "이메일 메일 뉴스레터 구독 을 를 이 은 는 의 더 이상 이제 제 저 저를 목록 명단 리스트 에서 주세요 주십시오"
    " 줘 해 하고 해주세요 합니다 부탁"
    " 드립니다 부탁드립니다 부탁드려요 싶습니다 싶어요 받고 신청 요청 원합니다 감사합니다 안녕하세요 수신 주소",
)

_WORDED = (
    _ENGLISH,
    _GERMAN,
    _FRENCH,
    _SPANISH,
    _PORTUGUESE,
    _ITALIAN,
    _DUTCH,
    _NORDIC,
    _RUSSIAN,
    _POLISH,
    _TURKISH,
    *FURTHER,
)
_UNSPACED = (_CHINESE, _JAPANESE, _KOREAN)
_WORD = re.compile(r"[^\W_]+")
_POINTS = re.compile("[\u0591-\u05c7\u064b-\u0652\u0670\u0640]")
"""Vowel signs of Hebrew and Arabic, which few write."""

# A comma ends one only between Chinese or Japanese words, before "please", and after a first word that is a request.
_SENTENCES = re.compile(
    r"[.!;\n。！；，、]+|,(?= ?(?:so |and )?(?:please|pls|plz|kindly|bitte|merci de|veuillez|svp|por favor|per favore"
    r"|graag|gelieve|proszę|prosím|пожалуйста|прошу|lütfen|tack|thanks?|thx|danke|gracias|grazie|obrigad[oa]|merci)\b)"
    r"|(?<=^stop),|(?<=^unsubscribe),"
)
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


# Objects of dropping: oneself, an address, a list, a subscription.
_WHAT = re.compile(
    r"\b(?:me|my|myself|us|this|these|mich|mir|meine[nr]?|moi|m|mon|mes|mi|mis|mij|mijn|mig|meg|mej|mina?|meu"
    r"|minha|mnie|mojego"
    r"|mój|меня|мой|моего|мне|beni|benim|everything"
    r"|list\w*|\w*verteiler|\w*lijst|lista\w*|\w*(?:brief|brev|brevet|brevene?)|newsletter\w*|e?mail\w*|posta\w*"
    r"|mailing\w*|messages?|updates"
    r"|ad?dres\w*|adress\w*|endere[çc]o|indirizzo|direcci[óo]n|courriels?|correos?|mensajes?|bolet[ií]n\w*"
    r"|einwilligung|abo\w*"
    r"|subscri\w*|suscri\w*|inscri\w*|iscrizione|assinatura|prenumeration\w*|рассыл\w*|письм\w*|подписк\w*"
    r"|спис\w*|subskryp\w*"
    r"|bülten\w*|üyelik\w*|üyeliğ\w*|mě|mne|mňa|seznam\w*|zoznam\w*|odb[ěe]r\w*|engem|címem\w*|hírlev\w*|listá\w*"
    r"|mine|abonament\w*|με|μου|εμένα|λίστα|λιστα|συνδρομή|εγγραφή\w*|мене|моє|мою|розсил\w*|підписк\w*|minut"
    r"|\w*listalta\w*|tilau\w*|uutiskir\w*|osoitteeni|saya|daftar|senarai|milis|tôi|mình|đăng|thư|اشتراك\w*|الاشتراك"
    r"|القائمة|قائم\w*|بريدي|رسائل\w*|אותי|\w*רשימ\w*|ה?מנוי|ה?הרשמה|ה?דיוור)\b|我|邮件|郵件|订阅|訂閱|列表|名单|名單|メール|メルマガ|購読|登録|配信"
    r"|リスト|アドレス|ニュースレター"
    r"|메일|구독|목록|명단|수신|뉴스레터"
)
_BARE = ("stop", "unsubscribe")
_KINDS = ("leave", "drop", "end", "never", "want", "send", "other")


def _pattern(words: str) -> str:
    longest_first = sorted(set(words.casefold().split()), key=lambda each: (-len(each), each))
    return "|".join(re.escape(word).replace(r"\*", r"\w*") for word in longest_first)


def _patterns(vocabulary: Vocabulary) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(_pattern(words))) for kind in _KINDS if (words := getattr(vocabulary, kind)))


_OF_WORDS = tuple(_patterns(each) for each in _WORDED)
_OF_PIECES = tuple(
    re.compile("|".join(f"(?P<{kind}>{_pattern(words)})" for kind in _KINDS if (words := getattr(each, kind))))
    for each in _UNSPACED
)


def is_wish(text: str) -> bool:
    """Whether the text is an unsubscribe request and nothing else, in the words of one language."""
    plain = _POINTS.sub("", text.casefold())
    words = _WORD.findall(plain)
    if not words or len(words) > MAX_WORDS:
        return False
    about = _WHAT.search(plain) is not None
    sentences = [each for each in _SENTENCES.split(plain) if _WORD.search(each)]
    if _EAST_ASIAN.search(plain):
        readers = [partial(_kinds_of_pieces, pieces=each) for each in _OF_PIECES]
        return any(_all_leave(sentences, reader, about=about) for reader in readers)
    return any(_all_leave(sentences, partial(_kinds_of_words, patterns=each), about=about) for each in _OF_WORDS)


def _all_leave(sentences: Sequence[str], kinds_of: Callable[[Sequence[str]], set[str]], *, about: bool) -> bool:
    """Whether at least one sentence is a request, and the others are that or neutral."""
    found = False
    for sentence in sentences:
        kinds = kinds_of(_WORD.findall(sentence))
        if sentence.strip() in _BARE or _leaves(kinds, about=about):
            found = True
        elif kinds != {"other"}:
            return False
    return found


def _kinds_of_words(words: Iterable[str], patterns: tuple[tuple[str, re.Pattern[str]], ...]) -> set[str]:
    """The kinds of its words; none if one is unknown."""
    found: set[str] = set()
    for word in words:
        kinds = [kind for kind, pattern in patterns if pattern.fullmatch(word)]
        if not kinds:
            return set()
        found.update(kinds)
    return found


def _kinds_of_pieces(words: Sequence[str], pieces: re.Pattern[str]) -> set[str]:
    """The same for a text without blanks; the longest piece first if several of one kind match."""
    text = "".join(words)
    found: set[str] = set()
    at = 0
    while at < len(text):
        piece = pieces.match(text, at)
        if piece is None:
            return set()
        found.add(str(piece.lastgroup))
        at = piece.end()
    return found


def _leaves(kinds: set[str], *, about: bool) -> bool:
    if "never" in kinds:
        return kinds.isdisjoint(("leave", "drop", "end")) and not kinds.isdisjoint(("want", "send"))
    return (
        "leave" in kinds or ("drop" in kinds and about) or ("end" in kinds and not kinds.isdisjoint(("want", "send")))
    )
