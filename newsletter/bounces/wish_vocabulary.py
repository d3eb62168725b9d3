"""Vocabularies of unsubscribe requests: ten languages of central and northern Europe, and of the Middle and Far East.

Those of further languages are beside the rules that read them, in `wish_words`.
"""

from __future__ import annotations

from newsletter.frozen import frozen


@frozen
class Vocabulary:
    """Each field is words separated by blanks. `other` are the neutral words.

    A word may stand in several: Czech's "nechci" is "not" and "want".
    """

    leave: str
    drop: str
    end: str
    never: str
    want: str
    send: str
    other: str


_CZECH_AND_SLOVAK = Vocabulary(
    "odhlas* odhlás* odhlaš* odhláš*",
    "vyřaď* vyřad* vyraď* odstraň* odstráň* smaž* vymaž* zmaž* zruš* vyškrtn* přeškrtn*",
    "přestaň* prestaň* zastav* ukonč*",
    "ne nechci nechceme nechcem nepřeji neprajem neposílejte neposielajte nezasílejte nezasielajte",
    "nechci nechceme nechcem nepřeji neprajem zájem",
    "neposílejte neposielajte nezasílejte nezasielajte posílat posielať zasílat zasielať",
    "prosím prosim prosíme děkuji děkuju dekuji díky ďakujem mě mne mi mňa můj moji moje moju mou si se sa z ze zo"
    " seznamu zoznamu odběru odběr odberu odber novinek noviniek newsletteru newsletter e mail maily mailů emaily"
    " emailů emailu mailu emailovou adresu adresy adresa listu databáze databázy už víc více viac další ďalšie"
    " žádné žiadne vaše vašich vám vaší vašej vašeho dostávat dostávať přijímat prijímať od na o a tento tyto"
    " tieto dobrý den deň zdravím s pozdravem pozdravom ahoj ihned hned",
)
_HUNGARIAN = Vocabulary(
    "leiratkoz*",
    "töröl* törlés* törlöm vegyen vegyenek vegye vegyék vegyél vegyetek távolítsa távolítsák távolíts",
    "hagyja hagyják hagyjátok szüntess* szüntesse* állítsák",
    "ne nem",
    "kérem akarok akarom szeretnék szeretném kívánok kérek",
    "küldjenek küldjön küldjetek küldjék küldeni küldj küldést",
    "a az engem nekem címemet címem emailemet e mail email emailt emailek emaileket leveleket levelet hírlevél"
    " hírlevelet hírlevelüket hírlevélről hírleveleket hírlevelükről listáról listájukról listából adatbázisból"
    " adatbázisukból több többet többé további tovább köszönöm köszönettel köszi üdvözlettel tisztelettel tisztelt"
    " jó napot üdv le el ki kapni és azonnal önök önöktől címemre szépen",
)
_ROMANIAN = Vocabulary(
    "dezabon*",
    "șterg* sterg* elimin* scoate* scoateți anul* renunț* renunt* retrag*",
    "opriți opriti încetați incetati stop",
    "nu niciun nicio",
    "vreau doresc interesează interesat",
    "trimiteți trimiteti trimite trimiteţi trimis",
    "vă va rog să sa mă ma pe mine meu mea mele de la din lista listă dvs dumneavoastră dumneavoastra e mail emailul"
    " emailuri mailuri mailurile adresa adresei newsletter newsletterul newslettere abonamentul abonament mesaje"
    " mesajele baza date mai îmi imi primesc primi a al ale acest acestea aceste mulțumesc multumesc bună buna"
    " ziua salut cu stimă stima și si voastră voi voastre",
)
_GREEK = Vocabulary(
    "απεγγραφ* απεγγράψ* απεγγραφή",
    "διαγράψτε διαγραψτε διαγράψετε διαγραφή διαγραφη αφαιρέστε αφαιρεστε βγάλτε βγαλτε ακυρώστε ακυρωστε ακύρωση",
    "σταματήστε σταματηστε σταματήσετε",
    "δεν μην",
    "θέλω θελω επιθυμώ επιθυμω ενδιαφέρομαι",
    "στέλνετε στελνετε στείλετε στέλνεις",
    "παρακαλώ παρακαλω με μου εμένα από απο τη την τις το τα τον της των λίστα λιστα σας ενημερωτικό ενημερωτικά"
    " δελτίο δελτία newsletter email e mail mails emails διεύθυνση διευθυνση διεύθυνσή να άλλα άλλο πια πλέον"
    " λαμβάνω λαμβανω μηνύματα μηνυματα ευχαριστώ ευχαριστω καλημέρα γεια χαιρετισμούς και αποστολής αυτή αυτά"
    " εγγραφή εγγραφής συνδρομή",
)
_UKRAINIAN = Vocabulary(
    "відпис* відпиш*",
    "видал* прибер* виключ* вилуч* скасу* викресл*",
    "припин* перестан*",
    "не ніяких",
    "хочу бажаю потрібні потрібна цікаво цікавить",
    "надсила* присила* шліть відправля* слати розсила* надішл*",
    "я мене мені мій моє моєї мою адресу адреса імейл пошту email e mail від з із зі вашої вашу ваші ваших цієї цю ці"
    " розсилки розсилку розсилка списку бази листи листів лист повідомлення підписку підписки будь ласка прошу"
    " дякую добрий день вітаю отримувати більше на і та повагою",
)
_FINNISH = Vocabulary(
    "",
    "poista poistakaa poistaa poistattehan peru perukaa perua peruuta peruuttakaa peruuttaa irtisanon",
    "lopeta lopettakaa lopettaa",
    "en ei älkää älä",
    "halua tahdo kiinnosta",
    "lähettäkö lähettäkää lähetä lähettää lähettämästä",
    "minut minulle minun haluan haluaisin listalta listaltanne listoilta postituslistalta postituslistaltanne"
    " sähköpostilistalta sähköpostiosoitteeni osoitteeni tilaus tilaukseni tilauksen uutiskirje uutiskirjeen"
    " uutiskirjeenne uutiskirjettä uutiskirjeitä sähköpostia sähköposteja viestejä viestejänne kiitos kiitän"
    " ystävällisin terveisin terv hei moi enää lisää teidän teiltä tätä näitä saada vastaanottaa pois ja",
)
_INDONESIAN = Vocabulary(
    "unsubscribe unsub",
    "hapus hapuskan keluarkan batalkan",
    "berhenti stop henti hentikan",
    "jangan tidak tak tdk",
    "mau ingin tertarik berminat mahu",
    "mengirim kirim kirimi mengirimkan mengirimi kirimkan hantar menghantar berlangganan langganan melanggan",
    "tolong mohon sila saya aku dari daripada daftar senarai milis email e mail surel ini itu anda kalian newsletter"
    " buletin alamat terima kasih makasih lagi ke kepada untuk pada selamat pagi siang sore halo hai tim nama dan"
    " segera menerima",
)
_VIETNAMESE = Vocabulary(
    "",
    "hủy huỷ xóa xoá gỡ loại",
    "ngừng dừng thôi",
    "không đừng",
    "muốn",
    "gửi",
    "vui lòng xin hãy tôi mình em giúp cho khỏi ra từ danh sách nhận thư email mail bản tin này nữa đăng ký địa chỉ"
    " của đến các thêm cảm ơn cám kính chào bạn được đi nhé ạ bỏ tên",
)
_ARABIC = Vocabulary(
    "",
    "إلغاء الغاء ألغ ألغوا الغوا ألغي الغ احذف احذفوا احذفني احذفوني حذف أزل أزيلوا إزالة ازالة إزالتي",
    "أوقف أوقفوا توقف توقفوا إيقاف ايقاف",
    "لا لن",
    "أريد اريد أرغب ارغب",
    "ترسل ترسلوا إرسال ارسال مراسلتي",
    "من فضلك فضلكم أرجو ارجو الرجاء رجاء يرجى اشتراكي الاشتراك اشتراك في عن القائمة قائمة قائمتكم البريدية النشرة"
    " نشرتكم بريدي عنواني البريد الإلكتروني الالكتروني اسمي إلي الي لي رسائل الرسائل رسائلكم أي المزيد بعد الآن"
    " الان شكرا جزيلا مرحبا السلام عليكم هذه هذا تلقي استلام",
)
_HEBREW = Vocabulary(
    "",
    "להסיר הסר הסירו תסירו תוציאו להוציא למחוק מחקו תמחקו לבטל בטלו תבטלו ביטול הסרה",
    "תפסיקו להפסיק הפסיקו",
    "לא אל",
    "רוצה מעוניין מעוניינת מעונין מעונינת צריך צריכה",
    "לשלוח תשלחו",
    "נא אנא בבקשה אותי לי שלי את של מרשימת הרשימה מהרשימה מרשימה התפוצה תפוצה הדיוור דיוור מנוי המנוי הרשמה"
    " ההרשמה המייל מייל מיילים אימייל כתובת הכתובת מכם יותר עוד לקבל תודה רבה שלום אני ניוזלטר הניוזלטר"
    " מהניוזלטר בברכה",
)

FURTHER = (
    _CZECH_AND_SLOVAK,
    _HUNGARIAN,
    _ROMANIAN,
    _GREEK,
    _UKRAINIAN,
    _FINNISH,
    _INDONESIAN,
    _VIETNAMESE,
    _ARABIC,
    _HEBREW,
)
