"""The vocabulary of leaving: what values and names of columns say of a subscriber, in many languages.

Everything is compared as `fold` gives it: small letters, no accents, one space for any mark between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

_MARKS = re.compile(r"[\s_\-‐-―.:：/\\*'\"“”‘’`´()\[\]{}<>?？!！,;|]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=10_000)
def fold(text: str) -> str:
    """`Opt-Out`, `opt_out` and `OPT OUT` as `opt out`; `Désabonné` as `desabonne`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char) and char.isprintable())
    return _MARKS.sub(" ", bare).strip()


def fold_name(text: str) -> str:
    """The same for a column's name, which may be written IsUnsubscribed."""
    return fold(_HUMP.sub(" ", text))


def phrases(text: str) -> frozenset[str]:
    """A vocabulary, written with a comma between its phrases."""
    return frozenset(filter(None, (fold(phrase) for phrase in text.replace("\n", ",").split(","))))


def _reasons(table: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({phrase: reason for reason, text in table.items() for phrase in phrases(text)})


# --- values ---------------------------------------------------------------------------------------------------------

_GONE_WORDS = {
    "unsubscribed": """
            left, quit, gone, out
            unsubscribed, unsubscribe, unsub, unsubbed, unsubscriber, opted out, opt out, optout, optedout, opts out
            unsubscribed from all, unsubscribe all, globally unsubscribed, global unsubscribe, master unsubscribed
            unsubscribed by user, unsubscribed by admin, not subscribed, no longer subscribed, former subscriber
            unsubscribed user, list unsubscribed, group unsubscribe, email unsubscribed, unsubscribed email
            cancelled, canceled, cancelled by subscriber, removed, do not contact, do not mail, do not email, dnc
            dne
            abgemeldet, abbestellt, ausgetragen, gekündigt, abgemeldete, nicht abonniert, widerrufen
            désabonné, désabonnée, désinscrit, désinscrite, désinscription, désabonnement, non abonné
            dado de baja, de baja, baja, desuscrito, desuscrita, no suscrito, cancelado, cancelada, dada de baja
            descadastrado, descadastrada, descadastro, cancelou, cancelou a inscrição, não inscrito, desinscrito
            disiscritto, disiscritta, disiscrizione, cancellato, cancellata, non iscritto, annullato
            отписан, отписался, отписалась, отписка, отписанный, не подписан, отказался
            uitgeschreven, afgemeld, uitschrijving, niet ingeschreven, opgezegd
            wypisany, wypisana, wypisano, zrezygnował, rezygnacja, niesubskrybowany
            abonelikten çıktı, abonelikten ayrıldı, aboneliği iptal, iptal, iptal edildi, çıktı, ayrıldı
            avregistrerad, avmeldt, frameldt, afmeldt, avprenumererad, peruutettu, peruttu
            odhlášen, odhlásený, odhlášeno, leiratkozott, leiratkozva, dezabonat, απεγγραφή, απεγγεγραμμένος
            ملغى, غير مشترك, إلغاء الاشتراك, ألغى الاشتراك, הוסר, ביטל הרשמה, huỷ đăng ký, đã hủy đăng ký
            berhenti berlangganan, ยกเลิกการสมัคร, ยกเลิก
            退订, 已退订, 取消订阅, 已取消订阅, 已取消, 未订阅, 不再订阅, 退出订阅, 拒绝接收, 拒收, 取关
            退訂, 已退訂, 取消訂閱, 已取消訂閱, 未訂閱, 不再訂閱, 拒絕接收
            配信停止, 配信停止済み, 配信停止中, 停止中, 購読解除, 購読解除済み, 登録解除, 登録解除済み, 解除
            解除済み
            退会, 退会済み, オプトアウト, 解約, 配信不要
            구독취소, 구독 취소, 구독취소됨, 구독 취소됨, 구독해지, 구독 해지, 수신거부, 수신 거부, 해지, 탈퇴
            수신거부됨
            """,
    "bounced": """
            bounced, bounce, hard bounce, hard bounced, hardbounce, hardbounced, bouncing, undeliverable
            undelivered
            cleaned, not deliverable, unreachable, nonexistent, does not exist, mailbox not found, invalid
            invalid email, invalid email address, email invalid, dead, permanent bounce, permanently bounced
            unzustellbar, nicht zustellbar, ungültig, hartbounce, zurückgewiesen
            non délivrable, invalide, rebond, en erreur, rejeté
            rebotado, rebotada, rebote, inválido, inválida, no entregable, devolvido, retornado
            respinto, rimbalzato, non valido, non recapitabile, недоставлен, не доставлено, недействителен
            ongeldig, onbestelbaar, odbity, odbite, nieprawidłowy, geçersiz, geri döndü, studsat, ugyldig
            退信, 硬退信, 已退信, 被退回, 无效, 無效, 无效邮箱, 地址无效, 投递失败, 退回
            無効, エラー, 不達, 配信エラー, 宛先不明, 반송, 반송됨, 무효, 수신불가
            """,
    "complained": """
            complained, complaint, spam complaint, spam complained, marked as spam, marked spam, reported spam
            reported as spam, spam report, spam reported, spam, junk, spammy, abuse, abused, complainer
            beschwerde, spam beschwerde, plainte, marqué comme spam, queja, reclamado, reclamação, marcado como spam
            segnalato come spam, жалоба, пожаловался, klacht, skarga, şikayet, klagomål
            投诉, 已投诉, 垃圾邮件投诉, 标记为垃圾邮件, 举报, 投訴, 已投訴, 檢舉, 苦情, 迷惑メール, 迷惑メール報告
            스팸신고, 신고
            """,
    "blocked": """
            blocked, blocklisted, block listed, blocklist, blacklisted, black listed, blacklist, suppressed
            suppression, banned, excluded, on suppression list, globally suppressed, denylisted, denied
            gesperrt, blockiert, blacklist, ausgeschlossen, bloqué, bloquée, exclu, exclue, bloqueado, bloqueada
            excluido, excluído, bloccato, bloccata, escluso, заблокирован, заблокирована, в черном списке
            geblokkeerd, zablokowany, zablokowana, engellendi, engelli, blockerad, blokeret
            黑名单, 已屏蔽, 屏蔽, 已拉黑, 拉黑, 已封禁, 封禁, 已禁用, 黑名單, 已封鎖, 封鎖, 停用, 禁用
            ブロック, ブロック済み, 配信拒否, 受信拒否, 차단, 차단됨, 수신차단, 블랙리스트
            """,
    "not confirmed": """
            unactivated, unconfirmed, not confirmed, non confirmed, pending, pending confirmation, pending opt in
            confirmation pending, awaiting confirmation, awaiting confirm, waiting for confirmation, opt in pending
            pending activation, validating, unverified, not verified, not validated, needs attention, needsattention
            not activated, not opted in, no opt in, waiting confirmation, unvalidated
            unbestätigt, nicht bestätigt, ausstehend, wartet auf bestätigung, opt in ausstehend
            non confirmé, non confirmée, en attente, en attente de confirmation, à confirmer
            sin confirmar, no confirmado, pendiente, pendiente de confirmación, não confirmado, pendente
            non confermato, in attesa, в ожидании, не подтвержден, ожидает подтверждения, неподтвержден
            niet bevestigd, in afwachting, niepotwierdzony, oczekujący, onaylanmadı, beklemede, onay bekliyor
            未确认, 待确认, 未激活, 未验证, 待验证, 未確認, 待確認, 未啟用, 未驗證, 確認待ち, 仮登録, 未承認, 미확인
            확인대기, 인증대기, 미인증
            """,
    "never subscribed": """
            never subscribed, neversubscribed, non subscribed, nonsubscribed, nonsubscriber, non subscriber
            transactional, non marketing contact, no permissions set, no permission, no consent, not consented
            nie abonniert, keine einwilligung, jamais abonné, nunca suscrito, 从未订阅, 從未訂閱, 未購読
            """,
    "inactive": """
            inactive, deactivated, disabled, suspended, not active, deleted, archived, closed account, deceased
            inaktiv, deaktiviert, gelöscht, inactif, inactive, désactivé, désactivée, supprimé, supprimée
            inactivo, inactiva, desactivado, eliminado, eliminada, borrado, inativo, inativa, desativado, excluido
            inattivo, inattiva, disattivato, disattivo, eliminato, неактивен, неактивный, неактивна, отключен
            удален
            inactief, gedeactiveerd, verwijderd, nieaktywny, nieaktywna, usunięty, pasif, aktif değil, silindi
            inaktiv, deaktiverad, raderad, slettet, neaktivní, neaktívny, inaktív, törölt
            未激活用户, 不活跃, 非活跃, 已停用, 已删除, 失效, 已失效, 已注销, 不活躍, 非活躍, 已刪除, 已停用, 已註銷
            已冻结
            停止, 休止, 無効化, 削除済み, 削除, 非アクティブ, 비활성, 비활성화, 삭제됨, 휴면, 정지
            """,
    "paused": """
            paused, pause, snoozed, on pause, pausiert, en pause, en pausa, pausado
            暂停, 已暂停, 暫停, 一時停止, 일시정지
            """,
}
GONE = _reasons(_GONE_WORDS)
"""What a status says of who is to be left alone -> the reason."""

ACTIVE = phrases(
    """
    active, subscribed, subscriber, subscribe, enabled, confirmed, opted in, opt in, optin, optedin, double opt in
    single opt in, confirmed opt in, ok, valid, verified, activated, validated, deliverable, allowed, approved
    accepted, mailable, sendable, express, implied, explicit, implicit, permitted, marketing contact, current, live
    resubscribed, email subscriber, clean, engaged, active subscriber, registered, imported, good, enrolled
    new subscriber, subscribed user, consented, granted, given
    aktiv, aktive, abonniert, angemeldet, bestätigt, eingetragen, registriert, freigegeben, abonnent, gültig
    actif, active, abonné, abonnée, inscrit, inscrite, confirmé, confirmée, validé, valide
    activo, activa, suscrito, suscrita, confirmado, confirmada, alta, dado de alta, válido, ativo, ativa, inscrito
    inscrita, attivo, attiva, iscritto, iscritta, confermato, confermata, valido
    активен, активный, активна, подписан, подписана, подписчик, подтвержден, подтверждён, действителен
    actief, ingeschreven, aangemeld, bevestigd, geabonneerd, geldig, aktywny, aktywna, zapisany, zapisana
    potwierdzony
    aktif, abone, onaylandı, onaylı, kayıtlı, prenumererar, bekräftad, bekreftet, bekræftet, aktivní, aktívny, aktív
    feliratkozott, activ, abonat, tilaaja, vahvistettu, aktiivinen, مشترك, نشط, פעיל, đã đăng ký, aktif
    订阅, 已订阅, 活跃, 正常, 有效, 已确认, 已激活, 已验证, 启用, 已启用, 在订, 已关注
    訂閱, 已訂閱, 活躍, 已確認, 已啟用, 已驗證, 啟用, 購読中, 購読, 配信中, 登録済み, 登録, 有効, 確認済み, 本登録
    アクティブ
    구독, 구독중, 구독 중, 활성, 활성화, 정상, 확인됨, 인증됨, 수신동의, 수신 동의, 동의
    """
)

# What is said of people without saying whether they get mail.
KINDS = phrases(
    """
    opened, clicked, sent, replied
    vip, free, paid, paying, premium, pro, plus, basic, standard, regular, trial, trialing, trialed, gift, gifted
    comp
    comped, complimentary, founding, founder, member, members, student, teacher, staff, employee, guest, customer
    client, lead, prospect, contact, partner, supplier, vendor, press, friend, family, donor, volunteer, patron
    alumni
    gold, silver, bronze, platinum, diamond, beginner, advanced, returning, new, author, editor, admin, owner
    kunde, interessent, mitglied, gast, prospekt, cliente, socio, membre, invité, клиент, 会员, 普通会员, 客户, 付费
    免费, 會員
    一般, 会員, 회원, 일반
    """
)

# Statuses of orders, deals and people's lives: columns called Status that are about something else.
OTHER_STATUSES = phrases(
    """
    unpaid, shipped, delivered, processing, completed, complete, fulfilled, unfulfilled, partially fulfilled
    refunded
    partially refunded, returned, on hold, in progress, in transit, dispatched, backordered, awaiting payment
    payment pending, pending payment, authorized, captured, voided, overdue, invoiced, draft, ordered, placed
    packed
    partially paid, chargeback, success, successful, failed payment, out for delivery, ready for pickup, pre order
    open, closed, won, lost, closed won, closed lost, qualified, unqualified, attempted, connected, contacted
    working
    nurturing, nurture, converted, mql, sql, opportunity, evangelist, todo, done, resolved, waitlisted, attended
    attending, checked in, no show, single, married, divorced, widowed, engaged to be married, employed, unemployed
    self employed, retired, bezahlt, unbezahlt, versendet, geliefert, abgeschlossen, offen, storniert, verheiratet
    ledig
    payé, expédié, livré, terminé, remboursé, pagado, enviado, entregado, completado, pago, enviado, spedito
    consegnato
    оплачен, отправлен, доставлен, завершен, betaald, verzonden, opłacone, wysłane, ödendi, kargoda, teslim edildi
    已支付, 已付款, 未付款, 已发货, 已完成, 已退款, 待发货, 待付款, 已签收, 已出貨, 已付款, 已退款
    発送済み, 支払済み, 完了, 入金済み, 배송완료, 결제완료, 배송중
    """
)

TRUE = phrases(
    """
    yes, y, true, t, 1, on, x, ✓, ✔, ☑, ✅, checked, ja, j, wahr, oui, o, vrai, si, sí, s, verdadero, sim
    verdadeiro
    vero, да, истина, д, tak, prawda, evet, doğru, e, igen, ano, da, kyllä, ναι, نعم, כן, có, iya, ya, ใช่, waar
    sand
    希望, 希望する, 配信する, 受信する, 要
    是, 对, 真, 有, 已, 對, はい, 有り, あり, ○, 〇, 예, 네, 참
    """
)
FALSE = phrases(
    """
    no, n, false, f, 0, off, ☐, ✗, ✘, ❌, ×, unchecked, nein, falsch, non, faux, falso, não, нет, ложь, н, nee
    onwaar
    nie, fałsz, hayır, yanlış, h, nem, ne, ei, όχι, لا, לא, không, tidak, ไม่, nej, nei
    希望しない, 配信しない, 受信しない, 不要
    否, 不, 不是, 假, 無, 没有, 沒有, いいえ, なし, 아니오, 아니요, 거짓
    """
)
BLANK = phrases("none, null, nil, n a, na, nan, undefined, empty, never, unknown, not set, keine, aucun, 无")
"""Words for no value, folded; where nothing but marks is written, such as `-` or `[]`, `fold` gives an empty text."""

# A value anywhere on a list that can mean nothing else.
_OTHERWISE_USED = phrases(
    """
    left, quit, gone, out
    cancelled, canceled, removed, baja, de baja, cancelado, cancelada, cancelou, cancellato, cancellata, annullato
    отказался, gekündigt, widerrufen, opgezegd, iptal, iptal edildi, ayrıldı, çıktı, peruttu, peruutettu, ملغى
    ยกเลิก
    已取消, 停止中, 解除, 解除済み, 退会, 解約, 해지, 탈퇴, dne, dnc, rezygnacja, frameldt, unsub, הוסר
    invalid, dead, cleaned, bouncing, bounce, unreachable, inválido, inválida, invalide, ongeldig, geçersiz
    ungültig
    无效, 無效, 無効, エラー, 무효, rejeté, respinto, devolvido, retornado, en erreur, rebote, rebond, ugyldig, 退回
    недействителен, nonexistent, does not exist, 投递失败, zurückgewiesen, nieprawidłowy
    """
)
STRONG = frozenset(
    phrase
    for phrase, reason in GONE.items()
    if reason in ("unsubscribed", "bounced") and phrase not in _OTHERWISE_USED and len(phrase) > 1
) | phrases(
    """
    spam complaint, marked as spam, reported as spam, blacklisted, blocklisted, suppressed, never subscribed
    配信拒否, 受信拒否, 수신차단, 黑名单, 黑名單, в черном списке
    """
)


def _spellings() -> frozenset[str]:
    """The strong words as they are written in cells: with their accents, in small letters, capitals and both."""
    found: set[str] = set()
    for text in _GONE_WORDS.values():
        for phrase in text.replace("\n", ",").split(","):
            if fold(phrase) in STRONG:
                word = phrase.strip()
                joined = (word, word.replace(" ", "_"), word.replace(" ", "-"), word.replace(" ", ""))
                found.update(*({each, each.capitalize(), each.title(), each.upper()} for each in joined))
    return frozenset(found | STRONG)


STRONG_SPELLINGS = _spellings()

# --- names of columns -----------------------------------------------------------------------------------------------

# Parts of a folded name without its spaces. A true value or a date in such a column is plain: they left.
LEFT_NAMES = _reasons(
    {
        "unsubscribed": """
            unsub, optout, optedout, optsout, donotmail, donotemail, donotcontact, nomail, noemail, emailoptedout
            removedfromlist, leftlist, abgemeldet, abmeld, abbestell, austragung, ausgetragen, desabonn, desinscri
            desuscri, dadodebaja, fechadebaja, bajadellist, descadastr, disiscri, отпис, uitgeschreven, uitschrijf
            afgemeld, afmeld, wypisan, wypis, abonelikten, avregistr, avmeld, avprenum, odhlas, leiratkoz, dezabon
            退订, 退訂, 取消订阅, 取消訂閱, 拒收, 拒绝接收, 拒絕接收, 配信停止, 購読解除, 登録解除, オプトアウト
            退会
            配信不要, 수신거부, 구독취소, 구독해지
            """,
        "bounced": """
            bounced, hardbounce, undeliverab, cleaned, cleantime, unzustellbar, 退信, 硬退, 반송, 不達
            """,
        "complained": """
            complain, markedspam, markedasspam, spamreport, reportedspam, beschwerde, 投诉, 投訴, 苦情, 스팸신고
            """,
        "blocked": """
            blacklist, blocklist, denylist, suppress, gesperrt, isblocked, isbanned, excludedfrom, isexcluded
            黑名单, 黑名單
            拉黑, 封禁, 封鎖, 受信拒否, 配信拒否, 차단, bloquead, bloccat, заблок, geblokkeerd, zablokowan, engellen
            """,
        "deleted": "deletedat, isdeleted, deletedon, datedeleted, gelöschtam, 删除时间, 刪除時間, 削除日",
        "inactive": "deactivat, isdisabled, emaildisabled, isinactive, isarchived",
    }
)
# What such a column may mean and may not: the send asks.
UNCLEAR_NAMES = phrases(
    """
    cancel, churn, bounce, blocked, banned, exclud, delet, disabled, inactive, archived, invalid, spam, removed, baja
    cancelad
    cancellat, gelöscht, inaktiv, inactif, inactivo, inativo, supprim, eliminad, elimin, неактив, удален, verwijderd
    nieaktywn
    usuni, pasif, 停止, 解除, 无效, 無效, 無効, 失效, 屏蔽, 禁用, 停用, 删除, 刪除, 削除, 注销, 탈퇴, 해지, 비활성
    エラー
    """
)
UNCLEAR_WORDS = phrases("out, left, gone, quit, stop, stopped, dnc, dne, hold, dead, leave, dnd")
"""Whole words of a name, beside the parts above."""

# Inverted: a false value is plain, they do not get mail.
# Names that say it whole, without what may stand around them, such as `is_` or `_at`.
WHOLE_LEFT_NAMES = _reasons(
    {
        "blocked": "blocked, banned, excluded",
        "deleted": "deleted, removed",
        "inactive": "disabled, inactive, archived",
        "bounced": "invalid, invalidemail",
    }
)
JOINED_NAMES = _reasons(
    {
        "bounced": "valid, deliverable",
        "unsubscribed": """
            subscribed, issubscriber, optin, optedin, optsin, acceptsmarketing, acceptsemail, acceptemail
            acceptmarketing
            marketingconsent, emailconsent, mailconsent, consent, permission, emailmarketing, canemail, canmail
            maymail, mailable
            emailallowed, allowemail, wantsemail, receiveemail, receivesemail, receivenews, receivesnews, sendemail
            getsemail, getsmail,
            newsletter, subscription, subscriber, signedup, 配信, 受信, 메일수신
            mailing, agreed, gdpr, dsgvo, rgpd, newsletteroptin
            einwilligung, zustimmung, angemeldet, abonniert, eingetragen, consentement, abonne, inscrit
            consentimiento
            suscrit, consentimento, inscrito, consenso, iscritt, подписан, согласие, рассылк, toestemming
            ingeschreven
            zgoda, zapisan, onay, abone, samtykke, samtycke, prenumer, souhlas, hozzajarul
            订阅, 同意, 訂閱, 購読, 配信希望, メルマガ, 수신동의, 구독, 동의
            """,
        "not confirmed": """
            confirmed, isverified, emailverified, doubleoptin, activated, bestätigt, confirmé, confirmad, confermat
            подтвержд, bevestigd, potwierdz, onaylan, 已确认, 已確認, 確認済, 已验证, 已驗證, 已激活, 인증, 확인됨
            """,
        "inactive": """
            isactive, active, enabled, aktiv, actif, activo, ativo, attivo, активен, активн, actief, aktywn, aktif
            启用, 啟用, 激活, 有效, 活跃, 有効, アクティブ, 활성
            """,
    }
)
# Among them, those whose values must be understood, whatever stands there.
CONSENT_NAMES = phrases(
    """
    subscribed, issubscriber, optin, optedin, optsin, acceptsmarketing, acceptsemail, acceptmarketing, acceptemail
    marketingconsent, emailconsent, mailconsent, emailmarketing, einwilligung, consentement, consentimiento
    consentimento
    согласие, toestemming, 수신동의, 配信希望
    """
)
# A date, a place or a text about it, which says nothing by being there.
ABOUT_NAMES = phrases(
    """
    date, time, timestamp, at, on, ip, source, url, link, page, text, wording, form, method, campaign, type, count
    since
    version, language, lang, id, by, from, location, day, year, month, datum, zeit, uhrzeit, quelle, fecha, hora
    data, ora
    heure, дата, время, tarih, datum, tijd, dato, 日期, 时间, 時間, 日時, 日, 来源, 來源, 날짜, 일시, 시간, 일
    """
)
ABOUT_PARTS = phrases("时间, 時間, 日期, 日時, 来源, 來源, 일시, 날짜, lastchanged, timestamp")

STATUS_NAMES = phrases(
    """
    status, state, standing, statut, estado, estatus, situação, situacion, stato, статус, состояние, durum
    statuscode
    zustand, tila, stav, állapot, stan, κατάσταση, الحالة, סטטוס, trạng thái, สถานะ
    状态, 狀態, 订阅状态, 訂閱狀態, 状況, ステータス, 状態, 配信状況, 상태, 구독상태, 수신상태
    """
)
# Words beside them, which say that the status is of something else.
OTHER_NAMES = phrases(
    """
    order, lead, payment, marital, employment, ticket, shipping, shipment, fulfillment, fulfilment, financial, deal
    task
    project, invoice, civil, visa, relationship, job, delivery date, billing, refund, stripe, application
    enrollment
    bestell, zahlung, familien, commande, paiement, pedido, pago, pagamento, ordine, civile, заказ, оплат, sipariş
    zamówieni
    订单, 支付, 付款, 婚姻, 訂單, 注文, 支払, 주문, 결제, phone, sms, mobile, push, whatsapp, telefon
    """
)
REGION_NAMES = phrases("state, estado, stato, stan, état, state province, state region, billing state, mailing state")
PLACE_NAMES = phrases(
    """
    city, country, zip, zip code, postcode, postal code, address, street, town, province, region, county
    state province
    stadt, ort, land, plz, straße, ville, pays, code postal, ciudad, pais, codigo postal, cidade, cep, citta, paese
    cap
    город, страна, stad, miasto, kraj, şehir, ülke, 城市, 国家, 地址, 邮编, 國家, 住所, 都道府県, 주소, 도시
    """
)

_REGIONS = """
    alabama al, alaska ak, arizona az, arkansas ar, california ca, colorado co, connecticut ct, delaware de
    florida fl
    georgia ga, hawaii hi, idaho id, illinois il, indiana in, iowa ia, kansas ks, kentucky ky, louisiana la
    maine me
    maryland md, massachusetts ma, michigan mi, minnesota mn, mississippi ms, missouri mo, montana mt, nebraska ne
    nevada nv, new hampshire nh, new jersey nj, new mexico nm, new york ny, north carolina nc, north dakota nd
    ohio oh
    oklahoma ok, oregon or, pennsylvania pa, rhode island ri, south carolina sc, south dakota sd, tennessee tn
    texas tx
    utah ut, vermont vt, virginia va, washington wa, west virginia wv, wisconsin wi, wyoming wy
    district of columbia dc, puerto rico pr, guam gu
    alberta ab, british columbia bc, manitoba mb, new brunswick nb, newfoundland and labrador nl, nova scotia ns
    ontario on, prince edward island pe, quebec qc, saskatchewan sk, yukon yt, nunavut nu, northwest territories nt
    new south wales nsw, victoria vic, queensland qld, south australia sa, western australia wa, tasmania tas
    northern territory nt, australian capital territory act
    baden württemberg bw, bayern by, bavaria by, berlin be, brandenburg bb, bremen hb, hamburg hh, hessen he
    hesse he
    niedersachsen ni, lower saxony ni, nordrhein westfalen nw, nrw nw, rheinland pfalz rp, saarland sl, sachsen sn
    saxony sn
    sachsen anhalt st, schleswig holstein sh, thüringen th, thuringia th, mecklenburg vorpommern mv
    acre ac, alagoas al, amapá ap, amazonas am, bahia ba, ceará ce, distrito federal df, espírito santo es, goiás go
    maranhão ma, mato grosso mt, mato grosso do sul ms, minas gerais mg, pará pa, paraíba pb, paraná pr
    pernambuco pe
    piauí pi, rio de janeiro rj, rio grande do norte rn, rio grande do sul rs, rondônia ro, roraima rr
    santa catarina sc
    são paulo sp, sergipe se, tocantins to
    andhra pradesh ap, assam as, bihar br, chhattisgarh cg, goa ga, gujarat gj, haryana hr, himachal pradesh hp
    jharkhand jh, karnataka ka, kerala kl, madhya pradesh mp, maharashtra mh, odisha od, punjab pb, rajasthan rj
    tamil nadu tn, telangana ts, uttar pradesh up, uttarakhand uk, west bengal wb, delhi dl
    aguascalientes ag, baja california bc, chihuahua ch, coahuila co, colima cl, durango dg, guanajuato gt
    guerrero gr
    hidalgo hg, jalisco ja, michoacán mi, morelos mo, nayarit na, nuevo león nl, oaxaca oa, puebla pu, querétaro qt
    quintana roo qr, sinaloa si, sonora so, tabasco tb, tamaulipas tm, tlaxcala tl, veracruz ve, yucatán yu
    zacatecas za
    """


def _regions(entries: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for entry in entries:
        name, _, code = fold(entry).rpartition(" ")
        found |= {name, code, f"us {code}"}
    return frozenset(found)


REGIONS = _regions(filter(str.strip, _REGIONS.replace("\n", ",").split(",")))
"""States and provinces of the countries that write them into addresses, by name and by code."""
