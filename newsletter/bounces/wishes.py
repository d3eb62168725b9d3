"""Patterns of unsubscribe requests, in some thirty languages other than English.

`WISHES` match texts that are a request and nothing else; `SPEAKS_OF_LEAVING` finds mails for the operator to read. Both
ignore case; each pattern takes bounded time on the few hundred characters of a request.
"""

from __future__ import annotations

import re

FROM_WHAT = (
    r" (?:vom|von der|von (?:ihrem|ihrer|eurem|eurer|diesem|dieser)|aus dem|aus (?:ihrem"
    r"|eurem)) (?:e-?mail-?)?(?:newsletter|verteiler|liste|mailingliste|rundbrief)| des newsletters?| (?:meines"
    r"|des) (?:newsletter-?)?(?:abos|abonnements)"
    r"| (?:de|à) (?:la|cette|votre|vos) (?:liste|newsletter|lettre)(?: de diffusion| d['’]information)?| (?:de"
    r"|del|a|al) (?:la |su |este |esta |tu )?(?:lista|bolet[ií]n|newsletter)(?: de correos?)?"
    r"| (?:da|desta|na) (?:sua |vossa )?(?:lista|newsletter)(?: de e-?mails?)?| (?:dalla|da questa"
    r"|alla)(?: vostra)? (?:lista|mailing list|newsletter)"
    r"| (?:van|uit|voor) (?:de|deze|uw|jullie) (?:nieuwsbrief|\w{0,12}lijst)| nieuwsbrief| nyhedsbrevet"
    r"| nyhetsbrevet| (?:från|fra) (?:\w{1,12} )?(?:\w{0,12}list(?:an?|en?)|nyhets?brevet|nyhedsbrevet|utskicket)"
    r"| (?:от|с|из) (?:вашей |этой |данной )?(?:рассылки|подписки|списка)| від (?:вашої |цієї )?розсилки"
    r"| z (?:listy(?: \w{1,20})?|newslettera|subskrypcji|bazy)| z (?:odběru|newsletteru|listu)| (?:bültenden"
    r"|listeden|bülteninizden)"
)
"""What may follow a request in these languages: the thing to unsubscribe from."""

WISHES = (
    # German
    r"(?:ich (?:möchte|will|moechte) (?:mich )?|bitte )?(?:mich |meine (?:e-?mail-?)?adresse )?(?:(?:vom|von"
    r"|aus) (?:dem |der |diesem |ihrem |eurem )?(?:newsletter|verteiler|liste) )?(?:bitte )?(?:abmelden"
    r"|abmeldung|abbestellen|abbestellung|austragen|austragung|kündigen|kuendigen|kündigung|entfernen|löschen"
    r"|streichen)|(?:bitte )?(?:mich |meine (?:e-?mail-?)?adresse )?aus (?:dem |der |diesem |ihrem "
    r"|eurem )?(?:e-?mail-?)?(?:verteiler|liste|newsletter) (?:heraus|raus)?nehmen"
    r"|(?:hiermit )?(?:widerrufe ich|ich widerrufe)(?: hiermit)? (?:meine|die) (?:einwilligung|zustimmung"
    r"|anmeldung)(?: (?:zum|in den|zu dem|für den)(?: erhalt des| empfang des| bezug des)?)?(?: newsletters?)?"
    r"|(?:den |ihren |diesen )?newsletter (?:bitte )?(?:abbestellen|kündigen|abmelden)"
    r"|(?:bitte )?keine (?:weiteren )?(?:e-?mails?|mails|newsletter)(?: mehr)?(?: senden| schicken)?",
    # French
    r"(?:merci de |veuillez |je (?:souhaite|veux|voudrais) |svp )?(?:me |m['’])?(?:d[ée]s(?:abonner|abonnement"
    r"|abonnez(?:-moi)?|inscription|inscrire|inscrivez(?:-moi)?)|retirer|supprimer)(?: de (?:la|cette"
    r"|votre) (?:liste|newsletter|lettre))?(?: svp| s['’]il vous pla[îi]t)?|(?:retirez|supprimez|enlevez|rayez"
    r"|[ôo]tez)(?:-moi| mon (?:adresse|nom|e-?mail))(?: e-?mail| mail)?|me d[ée]sabonner|(?:veuillez "
    r"|merci de )?(?:ne plus m['’]envoyer|cesser de m['’]envoyer) (?:de |vos |ces )?(?:e-?mails?|mails?"
    r"|messages|newsletters?|courriels?)",
    # Spanish, Portuguese, Italian
    r"(?:por favor |favor de )?(?:quiero |deseo |solicito |quisiera |me gustaría |necesito )?(?:cancelar (?:la "
    r"|mi )?suscripci[óo]n|dar(?:me|se)?(?: de)? baja|dame de baja|denme de baja|desuscribir(?:me|se)?"
    r"|desuscripci[óo]n|baja|anular (?:la |mi )?suscripci[óo]n|eliminar(?:me)?(?: de la lista)?)(?: por favor)?",
    r"(?:por favor )?(?:quero |desejo |gostaria de |queria )?(?:cancel(?:ar|em|e) (?:a |minha "
    r"|a minha )?(?:inscri[çc][ãa]o|assinatura|subscri[çc][ãa]o)|descadastrar|descadastre-me"
    r"|remover(?: meu e-?mail)?(?: da lista)?|sair da lista)(?: por favor)?",
    r"(?:per favore |vorrei |voglio )?(?:disiscriv\w*|disiscrizione|cancellami|cancellatemi|cancellazione"
    r"|annulla(?:re)?(?: la mia| l['’])? ?iscrizione|rimuov\w*(?: dalla lista)?)(?: dalla (?:lista"
    r"|newsletter))?(?: per favore| grazie)?",
    # Dutch, Swedish, Norwegian, Danish, Finnish
    r"(?:ik wil (?:me |mij )?|graag |gelieve )?(?:(?:mij |me )?(?:uitschrijven|afmelden|uitschrijving"
    r"|afmelding)|schrijf mij uit|meld mij af)(?: a\.?u\.?b\.?)?",
    r"(?:jag vill |jeg vil (?:gjerne |gerne )?|vänligen )?(?:avprenumerera|avregistrera(?: mig)?"
    r"|avsluta (?:min )?prenumeration(?:en)?|säg upp prenumerationen|avmeld(?:e|ing)?(?: meg| mig)?|meld meg av"
    r"|afmeld(?:e|ing)?(?: mig)?|frameld\w*|peruuta tilaus)",
    # Russian, Polish, Czech, Turkish
    r"(?:пожалуйста |прошу |хочу )?(?:(?:отпишите|отпис)(?:аться|ка|ать|ите|ать меня|ите меня)?"
    r"|отменить подписку|удалите меня|удалить меня)(?: (?:меня|от рассылки|из рассылки))*(?: пожалуйста)?",
    r"(?:proszę (?:mnie |o )?|chcę (?:się )?|chciał(?:a?bym) (?:się )?)?(?:wypis(?:ać|anie|z|uję)(?: mnie)?"
    r"|wypisz mnie|rezygnuję|anulować subskrypcję)(?: z (?:listy|newslettera))?"
    r"|(?:prosím )?odhlásit(?: se)?(?: odběr)?|odhlášení",
    r"(?:lütfen )?(?:abonelikten çık(?:mak istiyorum|ar|arın)?|aboneli(?:k|ğ)(?:i|imi)? iptal(?: et| edin)?"
    r"|listeden çıkar(?:ın)?)",
    # Chinese, Japanese, Korean: no blanks between words
    r"(?:请|請|麻烦|麻煩|我)?(?:您|你)?(?:帮|幫|给|給|将|將|把)?(?:我)?(?:想|要|想要|需要"
    r"|希望)?(?:从.{0,12})?(?:退订|退訂|取消订阅|取消訂閱|退阅|退閱"
    r"|停止订阅|停止訂閱|解除订阅|移除我?|别再发(?:了|邮件)?|不要再发(?:了|邮件)?|不再接收|取消关注)(?:(?:此"
    r"|这|這|该|本)(?:个|個|封|份)?|您的|你们的)?(?:邮件|郵件"
    r"|订阅|訂閱|列表|电子报|電子報|简报|日报|早报)?(?:吧|了|谢谢|謝謝|，谢谢)?",
    r"(?:この|こちらの|当)?(?:メルマガ|メールマガジン|ニュースレター|メール|購読)?(?:の|を)?(?:購読|配信"
    r"|登録)?(?:の|を)?(?:解除|停止|中止|取り?消し|退会|不要|やめ"
    r"|止め)(?:を)?(?:希望|お願い|依頼|して|て|したい|たい)?(?:します|いたします|致します|しました|ください"
    r"|下さい|です)?|(?:配信|購読|登録|メール)(?:を)?(?:停止|解除"
    r"|中止|不要)(?:希望|依頼|お願いします|してください)?",
    r"(?:이 |제 )?(?:메일 |뉴스레터 )?(?:구독|수신)\s*(?:을 |를 )?\s*(?:취소|해지|거부|중지|중단)(?:를"
    r"|을)?\s?(?:합니다|해\s?주세요|해 주십시오"
    r"|하고 싶습니다|부탁드립니다|부탁드려요|부탁합니다|요청합니다|원합니다|신청)?",
    # Whole sentences: "take me off the list", "I no longer want it". The object of a refusal is always included, so
    # that a request to get the newsletter does not match. German, French:
    r"(?:bitte )?(?:nehmen sie|nehmt|nimm|streichen sie|streicht|löschen sie|entfernen sie|tragen sie) (?:mich"
    r"|meine (?:e-?mail-?)?adresse) (?:bitte )?(?:aus|von) (?:(?:dem|der|ihrem|ihrer|eurem|eurer|diesem"
    r"|dieser) )?(?:e-?mail-?)?(?:verteiler|liste|mailingliste|newsletter)(?: heraus| raus| aus)?|ich (?:möchte"
    r"|will|moechte) (?:(?:den|diesen|ihren|euren|die|diese) \w{1,20} nicht (?:mehr|länger)"
    r"|keine (?:weiteren )?[\w-]{1,20}(?: mehr)?(?: von ihnen)?) (?:mehr )?(?:erhalten|bekommen|empfangen)",
    r"(?:merci de |veuillez |pourriez-vous |je vous prie de |je (?:souhaite"
    r"|voudrais) )?(?:bien vouloir )?me (?:retirer|supprimer|enlever|rayer|d[ée]sinscrire"
    r"|d[ée]sabonner) de (?:la|cette|votre|vos) (?:listes?|lettre|newsletter)(?: de diffusion| d['’]envoi"
    r"| d['’]information)?|je ne (?:souhaite|veux|d[ée]sire) plus (?:recevoir"
    r"|avoir) (?:\w{1,10} ){0,3}(?:messages?|mails?|e-?mails?|courriels?|lettres?"
    r"|newsletters?)(?: d['’]information)?",
    # Spanish, Portuguese, Italian
    r"(?:por favor )?(?:elim[ií]nen?me|qu[ií]t(?:en|e)me|b[óo]rr(?:en|e)me|s[áa]quenme|ret[ií]renme) de (?:la"
    r"|su|esta) (?:lista|base)(?: de \w{1,20})?|(?:ya )?no (?:quiero|deseo) (?:recibir|que me (?:env[ií]en"
    r"|manden)) (?:\w{1,10} ){0,2}(?:correos?|e-?mails?|mensajes?|bolet[ií]n(?:es)?"
    r"|newsletters?)(?: electr[óo]nicos?)?",
    r"(?:por favor )?(?:remova|retire|tire|exclua|remover|retirar)(?:-me)?(?: me| meu e-?mail)? (?:da|desta"
    r"|de sua|da sua) lista(?: de \w{1,20})?|n[ãa]o (?:quero"
    r"|desejo) (?:mais )?receber (?:mais )?(?:\w{1,10} ){0,2}(?:e-?mails?|mensagens|boletins?|newsletters?)",
    r"(?:(?:vi|la|ti) prego di |per favore |si prega di |vorrei |chiedo di )?(?:(?:cancella|rimuove|toglie"
    r"|elimina)r(?:mi|e)|(?:cancella|rimuove|toglie)temi|essere (?:cancellat[oa]"
    r"|rimoss[oa]))(?: il mio (?:indirizzo|nominativo))? (?:dalla|da questa|dalle) (?:vostr[ae] )?(?:list[ae]"
    r"|mailing list|newsletter)|non (?:desidero|voglio|vorrei) pi[ùu] ricevere (?:\w{1,10} ){0,2}(?:newsletter"
    r"|e-?mail|mail|messaggi|comunicazioni)",
    # Dutch, Swedish, Norwegian, Danish, Finnish
    r"(?:gelieve |wilt u |kunt u |graag )?(?:mij|me) (?:van|uit) (?:de|deze|uw|jullie) (?:\w{0,12}lijst"
    r"|nieuwsbrief) (?:te )?(?:verwijderen|halen|schrappen)|ik wil (?:(?:de|deze|uw"
    r"|jullie) \w{1,20} niet (?:meer|langer)|geen \w{1,20} meer) ontvangen",
    r"(?:vänligen |snälla |vennligst |venligst )?(?:ta bort|fjern|slett?) (?:mig|meg) (?:från"
    r"|fra) (?:\w{1,12} ){0,2}(?:\w{0,12}list(?:an?|en?)|nyhets?brevet|nyhedsbrevet|utskicket)"
    r"|(?:(?:jag )?vill inte|(?:jeg )?(?:vil|ønsker) ikke) (?:\w{1,12} ){0,4}(?:mejl|mail|e-?post"
    r"|nyhetsbrev\w{0,4}|nyhedsbrev\w{0,4})(?: längre| lenger| længere)?",
    r"(?:haluan )?(?:peruuttaa|perua|peru|lopettaa)(?: uutiskirjeen)? tilau\w{1,8}"
    r"|poistakaa minut (?:postitus)?listalta",
    # Russian, Ukrainian, Polish, Czech, Hungarian, Romanian, Greek, Turkish
    r"(?:пожалуйста )?(?:больше )?не (?:присылайте|отправляйте|шлите)(?: мне)?(?: больше)?(?: ваши| ваших| эти"
    r"| никаких)?(?: писем| письма| рассылку| сообщений)"
    r"|(?:я )?(?:больше )?не хочу (?:больше )?получать (?:ваши |вашу |эту |эти )?(?:письма|рассылку|новости)"
    r"|(?:прошу )?(?:исключ\w{1,6}|удал\w{1,6}|убер\w{1,6}) (?:меня|мой (?:адрес|e-?mail|имейл)) из (?:вашей "
    r"|вашего )?(?:рассылки|списка|базы)(?: рассылки)?",
    r"(?:прошу |будь ласка )?відпис\w{1,8}(?: мене)?(?: від розсилки)?",
    r"proszę (?:o usunięcie|(?:mnie )?(?:usunąć|wypisać|skreślić))(?: mnie| mojego adresu)? z (?:listy|bazy"
    r"|newslettera|subskrypcji)(?: \w{1,20})?|nie (?:chcę|życzę sobie) (?:już |więcej )*(?:otrzymywać"
    r"|dostawać)(?: więcej)?(?: waszych| tych| takich)? (?:maili|wiadomości|newslettera|e-?maili)",
    r"(?:prosím )?(?:vyřaďte|odstraňte|odhlaste) mě z[e]? (?:seznamu|odběru|newsletteru)(?: \w{1,20})?",
    r"(?:kérem )?(?:a )?leiratkoz(?:ás(?:t|omat)?|om|ni szeretnék)(?: a hírlevélről)?"
    r"|szeretnék leiratkozni(?: a hírlevélről)?",
    r"(?:vă rog |doresc )?(?:să mă )?dezabon\w{1,8}(?:-mă)?(?: de la newsletter)?",
    r"(?:παρακαλώ )?(?:διαγραφή|διαγράψτε με)(?: από τη[ν]? λίστα)?|κατάργηση εγγραφής",
    r"(?:lütfen )?(?:beni )?(?:e-?posta )?(?:listeden|listenizden|bültenden) (?:çık(?:mak istiyorum|arın|ar)"
    r"|silin)|(?:artık )?(?:e-?posta|mail|bülten) almak istemiyorum",
    # Chinese, Japanese, Korean
    r"(?:请|請)?(?:你们|您)?(?:不要|别|別)再(?:给|給|向|往)我(?:发送?|發送?|寄)(?:任何)?(?:邮件|郵件|信|广告"
    r"|廣告)?了?|(?:请|請|麻烦|麻煩)?(?:将|將"
    r"|把)我(?:的(?:邮箱|郵箱|地址))?(?:从|從).{0,12}(?:移除|删除|刪除|去掉|移出)|(?:请|請|麻烦|麻煩)?(?:将"
    r"|將|把)我(?:的(?:邮箱|郵箱|地址))?(?:移除|删除"
    r"|刪除|剔除|移出)(?:出|此|这个|该|你们的|您的)?(?:邮件|郵件)?(?:列表|名单|名單|清单)?|(?:请|請|麻烦"
    r"|麻煩)?停止(?:给|給|向|往)?我?(?:发送|發送|发|寄送|推送"
    r"|寄)(?:任何|这些|此类)?(?:邮件|郵件|广告|订阅|信息)?|我?不(?:想|要|希望|愿意|願意)再(?:收到"
    r"|接收).{0,6}(?:邮件|郵件|订阅|訂閱)了?",
    r"(?:もう|今後)?(?:は|、)?メールを?(?:送らないで|送信しないで)(?:ください|下さい)"
    r"|(?:配信)?リストから(?:外|削除|除外)して(?:ください|下さい)",
    r"(?:더 ?이상 |이제 )?(?:이?메일|뉴스레터)(?:을|를)? ?(?:그만 ?보내 ?(?:주세요|주십시오|줘요?)"
    r"|보내지 ?마(?:세요|십시오)|받고 ?싶지 ?않(?:습니다|아요))",
    # Arabic, Hebrew, Vietnamese, Indonesian, Thai, Hindi
    r"(?:أرجو |الرجاء |أريد )?(?:إلغاء|الغاء) (?:الاشتراك|اشتراكي)(?: من فضلك)?",
    r"(?:אנא |נא |בבקשה )?(?:הסירו|הסר|להסיר|תסירו) אותי מ\S{1,20}(?: ה?תפוצה)?|הסרה מרשימת ה?תפוצה"
    r"|ביטול (?:מנוי|הרשמה)",
    r"(?:vui lòng |xin |tôi muốn )?(?:hủy|huỷ|ngừng) (?:đăng ký|nhận (?:thư|email|bản tin))(?: (?:thư|email"
    r"|bản tin))?",
    r"(?:tolong |mohon |saya ingin )?berhenti (?:berlangganan|langganan)|ยกเลิกการ(?:สมัคร|รับ)\S{0,20}"
    r"|सदस्यता (?:समाप्त|रद्द)(?: करें)?",
)

SPEAKS_OF_LEAVING = re.compile(
    r"unsubscri\w*|opt(?:ing)?[ -]?out|(?:remove|take) (?:me|my)\b|stop (?:sending|mailing|e-?mailing)"
    r"|no more (?:e-?mails?|mails?|newsletters?)|cancel my|abmeld\w*|abbestell\w*|austragen"
    r"|keine (?:weiteren )?(?:e-?mails|mails|newsletter)|d[ée]sabonn\w*|d[ée]sinscri\w*|desuscri\w*|(?:de"
    r"|la) baja|cancelar (?:la |mi |a |minha ){0,2}(?:suscri|inscri|assin|subscri)|descadastr\w*|disiscri\w*"
    r"|uitschrijv\w*|afmeld\w*|avprenumerer\w*|avregistrer\w*|avmeld\w*|отпи[сш]\w*|рассылк\w*|wypis\w*"
    r"|odhl[áa]s\w*|abonelik\w*|退订|退訂|取消订阅|取消訂閱|退阅|退閱|别再发|不要再发|購読(?:解除|停止)"
    r"|配信(?:停止|解除|不要)|メルマガ|解除して|구독\s*(?:취소"
    r"|해지)|수신\s*거부|nicht (?:mehr|länger) (?:erhalten|bekommen)|aus (?:dem|ihrem|eurem|der) (?:\w{0,8}verteiler"
    r"|\w{0,8}liste)|plus recevoir|(?:retirer|supprimer|rayer) de (?:la|votre|vos)|(?:quiero|deseo) recibir"
    r"|de (?:la|su) lista|(?:quero|desejo) (?:mais )?receber|da (?:sua )?lista|pi[ùu] ricevere"
    r"|dall[ae] (?:vostr[ae] )?(?:list|mailing|newsl)|(?:van|uit) (?:de|uw) \w{0,12}lijst|niet meer ontvangen"
    r"|(?:från|fra) \w{0,12} ?\w{0,12}list(?:an?|en?)\b|usunię\w{1,4} z|nie chcę (?:już )?(?:otrzym|dosta)"
    r"|не (?:присыл|шлите|хочу получать)|відпи[сш]\w*|видал\w{1,6} (?:мене|мою)|leiratkoz\w*"
    r"|dezabon\w*|διαγρ[αά]\w*|απεγγρ\w*|töröl(?:je|jenek|ni)|poista(?:kaa)? minut|neposíl\w*|nechci (?:už )?dost"
    r"|hapus(?:kan)? saya|berhenti meng?irim|احذف\w*|أوقف\w*|istemiyorum|(?:不要|别|別)再"
    r"|不想再|送らないで|から(?:外|削除)して|보내지 ?마|받고 ?싶지|(?:إ|ا)لغاء|הסירו|להסיר אותי|(?:hủy|huỷ) đăng ký"
    r"|berhenti (?:ber)?langganan|ยกเลิก|(?:vil|ønsker|vill) (?:ikke|inte) (?:\w{1,10} ){0,4}(?:nyhe|mail|mejl"
    r"|e-?post)|(?:fjern|slett?|ta bort) m[ei]g\b|per\w{1,6} (?:\w{1,15} )?tilau|vyřaďte|ze seznamu|liste(?:den"
    r"|nizden) çık|(?:从|從).{0,12}(?:移除|删除|刪除|移出)|सदस्यता"
    # Verbs of removal: the operator reads what is to be removed.
    r"|discontinu\w*|\b(?:delete|remove) (?:me|my|this)|supprim\w*|retirez|enlev\w*|ne plus m|k[üu]ndig(?:ung"
    r"|en|e)\b|widerruf\w*|l[öo]schen sie|cancel(?:em|e|lat\w*|lar\w*)\b|darme de|avsluta|prenumeration"
    r"|nieuwsbrief|afmeld|移出|停止(?:给|給|向|发|發|寄)|그만|구독|удал\w{1,6} (?:меня|мой)|убер\w{1,6} (?:меня|мой)"
    r"|elim[ií]n\w*|rezygn\w*|usu[nń]\w*"
    # Statements that the newsletter is unwanted, whatever else the text says.
    r"|never (?:subscribed|signed up|asked)|(?:this is|das ist|c['’]est du|esto es|questo è|isto é|to jest"
    r"|это) spam|nie (?:angemeldet|abonniert|bestellt)|jamais (?:inscrit|abonn|demand)|nunca me (?:suscrib"
    r"|inscrib|he suscrito)|mai iscritt|垃圾邮件|垃圾郵件|迷惑メール|스팸|не подписывал\w*",
    re.IGNORECASE,
)
