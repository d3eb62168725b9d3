"""Words of the wish to leave, in some thirty languages other than English.

`WISHES` are texts that are the wish and nothing else; `SPEAKS_OF_LEAVING` finds letters that a person has to read. Both
are compared without regard to case; each pattern takes bounded time on the few hundred characters of a wish.
"""

from __future__ import annotations

import re

WISHES = (
    # German
    r"(?:ich (?:möchte|will|moechte) (?:mich )?|bitte )?(?:mich |meine (?:e-?mail-?)?adresse )?(?:(?:vom|von"
    r"|aus) (?:dem |der |diesem |ihrem |eurem )?(?:newsletter|verteiler|liste) )?(?:bitte )?"
    r"(?:abmelden|abmeldung|abbestellen|abbestellung|austragen|austragung|kündigen|kuendigen|entfernen"
    r"|löschen|streichen)"
    r"|(?:den |ihren |diesen )?newsletter (?:bitte )?(?:abbestellen|kündigen|abmelden)"
    r"|(?:bitte )?keine (?:weiteren )?(?:e-?mails?|mails|newsletter)(?: mehr)?(?: senden| schicken)?",
    # French
    r"(?:merci de |veuillez |je (?:souhaite|veux|voudrais) |svp )?(?:me |m['’])?(?:d[ée]s(?:abonner"
    r"|abonnement|abonnez(?:-moi)?|inscription|inscrire|inscrivez(?:-moi)?)|retirer|supprimer)(?: de (?:la"
    r"|cette|votre) (?:liste|newsletter|lettre))?(?: svp| s['’]il vous pla[îi]t)?"
    r"|retirez-moi(?: de (?:la|cette|votre) liste)?|me d[ée]sabonner",
    # Spanish, Portuguese, Italian
    r"(?:por favor )?(?:quiero |deseo |solicito )?(?:cancelar (?:la |mi )?suscripci[óo]n|dar(?:me"
    r"|se)?(?: de)? baja|dame de baja|denme de baja|desuscribir(?:me|se)?|desuscripci[óo]n|baja|anular (?:la "
    r"|mi )?suscripci[óo]n|eliminar(?:me)?(?: de la lista)?)(?: por favor)?",
    r"(?:por favor )?(?:quero )?(?:cancelar (?:a |minha |a minha )?(?:inscri[çc][ãa]o|assinatura"
    r"|subscri[çc][ãa]o)|descadastrar|descadastre-me|remover(?: meu e-?mail)?(?: da lista)?"
    r"|sair da lista)(?: por favor)?",
    r"(?:per favore |vorrei |voglio )?(?:disiscriv\w*|disiscrizione|cancellami|cancellatemi|cancellazione"
    r"|annulla(?:re)?(?: la mia| l['’])? ?iscrizione|rimuov\w*(?: dalla lista)?)(?: dalla (?:lista"
    r"|newsletter))?(?: per favore| grazie)?",
    # Dutch, Swedish, Norwegian, Danish, Finnish
    r"(?:ik wil (?:me |mij )?|graag |gelieve )?(?:(?:mij |me )?(?:uitschrijven|afmelden|uitschrijving"
    r"|afmelding)|schrijf mij uit|meld mij af)(?: a\.?u\.?b\.?)?",
    r"(?:jag vill |jeg vil (?:gjerne |gerne )?|vänligen )?(?:avprenumerera|avregistrera(?: mig)?"
    r"|avsluta prenumerationen?|avmeld(?:e|ing)?(?: meg| mig)?|meld meg av|afmeld(?:e|ing)?(?: mig)?"
    r"|frameld\w*|peruuta tilaus)",
    # Russian, Polish, Czech, Turkish
    r"(?:пожалуйста |прошу )?(?:(?:отпишите|отпис)(?:аться|ка|ать|ите|ать меня|ите меня)?"
    r"|отменить подписку|удалите меня"
    r"|удалить меня)(?: (?:меня|от рассылки|из рассылки))*(?: пожалуйста)?",
    r"(?:proszę (?:mnie |o )?)?(?:wypis(?:ać|anie|z|uję)(?: mnie)?|wypisz mnie|rezygnuję"
    r"|anulować subskrypcję)(?: z (?:listy|newslettera))?|(?:prosím )?odhlásit(?: se)?(?: odběr)?|odhlášení",
    r"(?:lütfen )?(?:abonelikten çık(?:mak istiyorum|ar|arın)?|aboneli(?:k|ğ)(?:i|imi)? iptal(?: et| edin)?"
    r"|listeden çıkar(?:ın)?)",
    # Chinese, Japanese, Korean: no blanks between words
    r"(?:请|請|麻烦|麻煩|我)?(?:您|你)?(?:帮|幫|给|給|将|將|把)?(?:我)?(?:想|要|想要|需要|希望)?(?:从.{0,12})?(?:退订|退訂|取消订阅|取消訂閱|退阅|退閱"
    r"|停止订阅|停止訂閱|解除订阅|移除我?|别再发(?:了|邮件)?|不要再发(?:了|邮件)?|不再接收|取消关注)(?:此|这|這|该|本|您的|你们的)?(?:邮件|郵件|订阅|訂閱|列表|电子报"
    r"|電子報|简报|日报|早报)?(?:吧|了|谢谢|謝謝|，谢谢)?",
    r"(?:この|こちらの|当)?(?:メルマガ|メールマガジン|ニュースレター|メール|購読)?(?:の|を)?(?:購読|配信|登録)?(?:の|を)?(?:解除|停止|中止|取り?消し|退会|不要|やめ"
    r"|止め)(?:を)?(?:希望|お願い|依頼|して|て|したい|たい)?(?:します|いたします|致します|しました|ください|下さい|です)?"
    r"|(?:配信|購読|登録|メール)(?:を)?(?:停止|解除|中止|不要)(?:希望|依頼|お願いします|してください)?",
    r"(?:이 |제 )?(?:메일 |뉴스레터 )?(?:구독|수신)\s*(?:을 |를 )?\s*(?:취소|해지|거부|중지|중단)"
    r"(?:합니다|해\s?주세요|해 주십시오|하고 싶습니다|부탁드립니다|신청)?",
    # Whole sentences: "take me off the list", "I no longer want it". What is refused is always said, so that a wish to
    # get the newsletter is none to leave it. German, French:
    r"(?:bitte )?(?:nehmen sie|nehmt|nimm|streichen sie|streicht|löschen sie|entfernen sie|tragen sie) "
    r"(?:mich|meine (?:e-?mail-?)?adresse) (?:bitte )?(?:aus|von) (?:(?:dem|der|ihrem|ihrer|eurem|eurer|diesem"
    r"|dieser) )?"
    r"(?:e-?mail-?)?(?:verteiler|liste|mailingliste|newsletter)(?: heraus| raus| aus)?"
    r"|ich (?:möchte|will|moechte) (?:(?:den|diesen|ihren|euren|die|diese) \w{1,20} nicht (?:mehr|länger)|keine "
    r"(?:weiteren )?\w{1,20}(?: mehr)?(?: von ihnen)?) (?:mehr )?(?:erhalten|bekommen|empfangen)",
    r"(?:merci de |veuillez |pourriez-vous |je vous prie de |je (?:souhaite|voudrais) )?(?:bien vouloir )?me "
    r"(?:retirer|supprimer|enlever|rayer|d[ée]sinscrire|d[ée]sabonner) de (?:la|cette|votre|vos) "
    r"(?:listes?|lettre|newsletter)(?: de diffusion| d['’]envoi| d['’]information)?"
    r"|je ne (?:souhaite|veux|d[ée]sire) plus (?:recevoir|avoir) (?:\w{1,10} ){0,3}(?:messages?|mails?"
    r"|e-?mails?|courriels?"
    r"|lettres?|newsletters?)(?: d['’]information)?",
    # Spanish, Portuguese, Italian
    r"(?:por favor )?(?:elim[ií]nen?me|qu[ií]t(?:en|e)me|b[óo]rr(?:en|e)me|s[áa]quenme|ret[ií]renme) de (?:la"
    r"|su|esta) "
    r"(?:lista|base)(?: de \w{1,20})?"
    r"|(?:ya )?no (?:quiero|deseo) (?:recibir|que me (?:env[ií]en|manden)) (?:\w{1,10} ){0,2}(?:correos?|e-?mails?"
    r"|mensajes?|bolet[ií]n(?:es)?|newsletters?)(?: electr[óo]nicos?)?",
    r"(?:por favor )?(?:remova|retire|tire|exclua|remover|retirar)(?:-me)?(?: me| meu e-?mail)? (?:da|desta|de"
    r" sua|da sua) "
    r"lista(?: de \w{1,20})?"
    r"|n[ãa]o (?:quero|desejo) (?:mais )?receber (?:mais )?(?:\w{1,10} ){0,2}(?:e-?mails?|mensagens|boletins?"
    r"|newsletters?)",
    r"(?:(?:vi|la|ti) prego di |per favore |si prega di |vorrei |chiedo di )?(?:(?:cancella|rimuove|toglie"
    r"|elimina)r(?:mi|e)"
    r"|(?:cancella|rimuove|toglie)temi|essere (?:cancellat[oa]|rimoss[oa]))(?: il mio (?:indirizzo|nominativo))? "
    r"(?:dalla|da questa|dalle) (?:vostr[ae] )?(?:list[ae]|mailing list|newsletter)"
    r"|non (?:desidero|voglio|vorrei) pi[ùu] ricevere (?:\w{1,10} ){0,2}(?:newsletter|e-?mail|mail|messaggi"
    r"|comunicazioni)",
    # Dutch, Swedish, Norwegian, Danish, Finnish
    r"(?:gelieve |wilt u |kunt u |graag )?(?:mij|me) (?:van|uit) (?:de|deze|uw|jullie) (?:\w{0,12}lijst|nieuwsbrief) "
    r"(?:te )?(?:verwijderen|halen|schrappen)"
    r"|ik wil (?:(?:de|deze|uw|jullie) \w{1,20} niet (?:meer|langer)|geen \w{1,20} meer) ontvangen",
    r"(?:vänligen |snälla |vennligst |venligst )?(?:ta bort|fjern|slett?) (?:mig|meg) (?:från|fra) (?:\w{1,12} ){0,2}"
    r"(?:\w{0,12}list(?:an?|en?)|nyhets?brevet|nyhedsbrevet|utskicket)"
    r"|(?:jag vill inte|jeg (?:vil|ønsker) ikke) (?:\w{1,12} ){0,4}(?:mejl|mail|e-?post|nyhetsbrev\w{0,4}"
    r"|nyhedsbrev\w{0,4})(?: längre| lenger| længere)?",
    r"(?:haluan )?(?:peruuttaa|perua|peru|lopettaa)(?: uutiskirjeen)? tilau\w{1,8}|poistakaa minut"
    r" (?:postitus)?listalta",
    # Russian, Ukrainian, Polish, Czech, Hungarian, Romanian, Greek, Turkish
    r"(?:пожалуйста )?(?:больше )?не (?:присылайте|отправляйте|шлите)(?: мне)?(?: больше)?(?: ваши| ваших| эти|"
    r" никаких)?"
    r"(?: писем| письма| рассылку| сообщений)"
    r"|(?:я )?(?:больше )?не хочу (?:больше )?получать (?:ваши |вашу |эту |эти )?(?:письма|рассылку|новости)"
    r"|(?:прошу )?(?:исключ\w{1,6}|удал\w{1,6}) меня из (?:вашей )?(?:рассылки|списка)(?: рассылки)?",
    r"(?:прошу |будь ласка )?відпис\w{1,8}(?: мене)?(?: від розсилки)?",
    r"proszę (?:o usunięcie|(?:mnie )?(?:usunąć|wypisać|skreślić))(?: mnie| mojego adresu)? z (?:listy|bazy"
    r"|newslettera"
    r"|subskrypcji)(?: \w{1,20})?"
    r"|nie (?:chcę|życzę sobie) (?:już |więcej )*(?:otrzymywać|dostawać)(?: więcej)?(?: waszych| tych| takich)? "
    r"(?:maili|wiadomości|newslettera|e-?maili)",
    r"(?:prosím )?(?:vyřaďte|odstraňte|odhlaste) mě z[e]? (?:seznamu|odběru|newsletteru)(?: \w{1,20})?",
    r"(?:kérem )?(?:a )?leiratkoz(?:ás(?:t|omat)?|om|ni szeretnék)(?: a hírlevélről)?|szeretnék leiratkozni(?:"
    r" a hírlevélről)?",
    r"(?:vă rog |doresc )?(?:să mă )?dezabon\w{1,8}(?:-mă)?(?: de la newsletter)?",
    r"(?:παρακαλώ )?(?:διαγραφή|διαγράψτε με)(?: από τη[ν]? λίστα)?|κατάργηση εγγραφής",
    r"(?:lütfen )?(?:beni )?(?:e-?posta )?(?:listeden|listenizden|bültenden) (?:çık(?:mak istiyorum|arın|ar)|silin)"
    r"|(?:artık )?(?:e-?posta|mail|bülten) almak istemiyorum",
    # Chinese, Japanese, Korean
    r"(?:请|請)?(?:你们|您)?(?:不要|别|別)再(?:给|給|向|往)我(?:发送?|發送?|寄)(?:任何)?(?:邮件|郵件|信|广告|廣告)?了?"
    r"|(?:请|請|麻烦|麻煩)?(?:将|將|把)我(?:的(?:邮箱|郵箱|地址))?(?:从|從).{0,12}(?:移除|删除|刪除|去掉|移出)"
    r"|我?不(?:想|要|希望|愿意|願意)再(?:收到|接收).{0,6}(?:邮件|郵件|订阅|訂閱)了?",
    r"(?:もう|今後)?(?:は|、)?メールを?(?:送らないで|送信しないで)(?:ください|下さい)"
    r"|(?:配信)?リストから(?:外|削除|除外)して(?:ください|下さい)",
    r"(?:더 ?이상 |이제 )?(?:이?메일|뉴스레터)(?:을|를)? ?(?:보내지 ?마(?:세요|십시오)|받고 ?싶지 ?않(?:습니다|아요))",
    # Arabic, Hebrew, Vietnamese, Indonesian, Thai, Hindi
    r"(?:أرجو |الرجاء |أريد )?(?:إلغاء|الغاء) (?:الاشتراك|اشتراكي)(?: من فضلك)?",
    r"(?:אנא |נא |בבקשה )?(?:הסירו|הסר|להסיר|תסירו) אותי מ\S{1,20}(?: ה?תפוצה)?|הסרה מרשימת ה?תפוצה|ביטול"
    r" (?:מנוי|הרשמה)",
    r"(?:vui lòng |xin |tôi muốn )?(?:hủy|huỷ|ngừng) (?:đăng ký|nhận (?:thư|email|bản tin))(?: (?:thư|email|bản"
    r" tin))?",
    r"(?:tolong |mohon |saya ingin )?berhenti (?:berlangganan|langganan)|ยกเลิกการ(?:สมัคร|รับ)\S{0,20}"
    r"|सदस्यता (?:समाप्त|रद्द)(?: करें)?",
)

SPEAKS_OF_LEAVING = re.compile(
    r"unsubscri\w*|opt(?:ing)?[ -]?out|(?:remove|take) (?:me|my)\b|stop (?:sending|mailing|e-?mailing)"
    r"|no more (?:e-?mails?|mails?|newsletters?)|cancel my"
    r"|abmeld\w*|abbestell\w*|austragen|keine (?:weiteren )?(?:e-?mails|mails|newsletter)|d[ée]sabonn\w*"
    r"|d[ée]sinscri\w*|desuscri\w*|(?:de|la) baja|cancelar (?:la |mi |a )?(?:suscri|inscri|assin)"
    r"|descadastr\w*|disiscri\w*|uitschrijv\w*|afmeld\w*|avprenumerer\w*|avregistrer\w*|avmeld\w*|отпис\w*"
    r"|рассылк\w*|wypis\w*|odhl[áa]s\w*|abonelik\w*|退订|退訂|取消订阅|取消訂閱|退阅|退閱|别再发|不要再发"
    r"|購読(?:解除|停止)|配信(?:停止|解除|不要)|メルマガ|解除して|구독\s*(?:취소|해지)|수신\s*거부"
    r"|nicht (?:mehr|länger) (?:erhalten|bekommen)|aus (?:dem|ihrem|eurem|der) (?:\w{0,8}verteiler|\w{0,8}liste)"
    r"|plus recevoir|(?:retirer|supprimer|rayer) de (?:la|votre|vos)|(?:quiero|deseo) recibir|de (?:la|su) lista"
    r"|(?:quero|desejo) (?:mais )?receber|da (?:sua )?lista|pi[ùu] ricevere|dall[ae] (?:vostr[ae] )?(?:list"
    r"|mailing|newsl)"
    r"|(?:van|uit) (?:de|uw) \w{0,12}lijst|niet meer ontvangen|(?:från|fra) \w{0,12} ?\w{0,12}list(?:an?|en?)\b"
    r"|usunię\w{1,4} z|nie chcę (?:już )?(?:otrzym|dosta)|не (?:присыл|шлите|хочу получать)|відпис\w*"
    r"|leiratkoz\w*|dezabon\w*"
    r"|διαγρα\w*|istemiyorum|(?:不要|别|別)再|不想再"
    r"|送らないで|から(?:外|削除)して|보내지 ?마|받고 ?싶지|(?:إ|ا)لغاء|הסירו|להסיר אותי"
    r"|(?:hủy|huỷ) đăng ký|berhenti (?:ber)?langganan|ยกเลิก"
    r"|(?:jeg (?:vil|ønsker) ikke|jag vill inte) (?:\w{1,10} ){0,4}(?:nyhe|mail|mejl|e-?post)"
    r"|(?:fjern|slett?|ta bort) m[ei]g\b"
    r"|per\w{1,6} (?:\w{1,15} )?tilau|vyřaďte|ze seznamu|liste(?:den|nizden) çık"
    r"|(?:从|從).{0,12}(?:移除|删除|刪除|移出)"
    r"|सदस्यता"
    # Whoever says so does not want it, whatever else they say.
    r"|never (?:subscribed|signed up|asked)|(?:this is|das ist|c['’]est du|esto es|questo è|isto é|to jest|это) spam"
    r"|nie (?:angemeldet|abonniert|bestellt)|jamais (?:inscrit|abonn|demand)|nunca me (?:suscrib|inscrib|he suscrito)"
    r"|mai iscritt|垃圾邮件|垃圾郵件|迷惑メール|스팸|не подписывал\w*",
    re.IGNORECASE,
)
