"""Vocabulary of status values: what a cell says of a subscriber, in many languages.

Values are compared after `fold`: lower case, no accents, one space for any punctuation between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
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
    """The same for a column's name, which may be CamelCase: IsUnsubscribed."""
    return fold(_HUMP.sub(" ", text))


def phrases(text: str) -> frozenset[str]:
    """A vocabulary from its comma-separated phrases."""
    return frozenset(filter(None, (fold(phrase) for phrase in text.replace("\n", ",").split(","))))


def reasons_by_phrase(table: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({phrase: reason for reason, text in table.items() for phrase in phrases(text)})


_GONE_WORDS = {
    "unsubscribed": """
            left, quit, gone, out
            unsubscribed, unsubscribe, unsub, unsubbed, unsubscriber, opted out, opt out, optout, optedout, opts out
            unsubscribed from all, unsubscribe all, globally unsubscribed, global unsubscribe, master unsubscribed
            unsubscribed by user, unsubscribed by admin, not subscribed, no longer subscribed, former subscriber
            unsubscribed user, list unsubscribe, opt out admin, opt out manual, unsubscribed opt out manual
            on hold opt out, do not allow, not allowed, do not send, list unsubscribed, group unsubscribe
            email unsubscribed, unsubscribed email
            donotcontact, do not contact me
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
            on hold bounce, previous bounce, held, undeliverable held, confirmed bounce, confirmed hard bounce
            address error
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
            reports spam, previous spam complaint, provide feedback, provided feedback, spammed
            isp complained, ispcomplained, isp complaint, spam complainer, marked email as spam, feedback loop
            reported as spam, spam report, spam reported, spam, junk, spammy, abuse, abused, complainer
            beschwerde, spam beschwerde, plainte, marqué comme spam, queja, reclamado, reclamação, marcado como spam
            segnalato come spam, жалоба, пожаловался, klacht, skarga, şikayet, klagomål
            投诉, 已投诉, 垃圾邮件投诉, 标记为垃圾邮件, 举报, 投訴, 已投訴, 檢舉, 苦情, 迷惑メール, 迷惑メール報告
            스팸신고, 신고
            """,
    "blocked": """
            lockdown, blocked, blocklisted, block listed, blocklist, blacklisted, black listed, blacklist, suppressed
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
            nonmarketable, non marketable, transactional, non marketing contact, no permissions set, no permission
            no consent, not consented
            nie abonniert, keine einwilligung, jamais abonné, nunca suscrito, 从未订阅, 從未訂閱, 未購読
            """,
    "inactive": """
            tidak aktif, nonaktif, không hoạt động, ไม่ใช้งาน
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
GONE = reasons_by_phrase(_GONE_WORDS)
"""Statuses of rows that must not be mailed -> the reason."""

ACTIVE = phrases(
    """
    normal, member in good standing, in good standing
    active, subscribed, subscriber, subscribe, enabled, confirmed, opted in, opt in, optin, optedin, double opt in
    single opt in, confirmed opt in, ok, valid, verified, activated, validated, deliverable, allowed, approved
    accepted, mailable, sendable, express, implied, explicit, implicit, permitted, marketing contact, current, live
    resubscribed, email subscriber, clean, engaged, active subscriber, registered, imported, good, enrolled
    unconfirmed single opt in, confirmed double opt in, marketable, unengaged marketable, engaged marketable
    soft bounce, soft bounced, allow, send, new subscriber, subscribed user, consented, granted, given
    aktiv, aktive, abonniert, angemeldet, bestätigt, eingetragen, registriert, freigegeben, abonnent, gültig
    actif, active, abonné, abonnée, inscrit, inscrite, confirmé, confirmée, validé, valide
    activo, activa, suscrito, suscrita, confirmado, confirmada, alta, dado de alta, válido, ativo, ativa, inscrito
    inscrita, attivo, attiva, iscritto, iscritta, confermato, confermata, valido
    активен, активный, активна, подписан, подписана, подписчик, подтвержден, подтверждён, действителен
    actief, ingeschreven, aangemeld, bevestigd, geabonneerd, geldig, aktywny, aktywna, zapisany, zapisana
    potwierdzony
    aktif, abone, onaylandı, onaylı, kayıtlı, prenumererar, bekräftad, bekreftet, bekræftet, aktivní, aktívny, aktív
    přihlášen, přihlášený, přihlášena, prihlásený, prihlásená, odebírá, potvrzeno, tilmeldt, påmeldt, εγγεγραμμένος
    feliratkozott, activ, abonat, tilaaja, vahvistettu, aktiivinen, مشترك, نشط, פעיל, đã đăng ký, aktif
    订阅, 已订阅, 订阅中, 使用中, 活跃, 正常, 有效, 已确认, 已激活, 已验证, 启用, 已启用, 在订, 已关注
    訂閱中
    訂閱, 已訂閱, 活躍, 已確認, 已啟用, 已驗證, 啟用, 購読中, 購読, 配信中, 登録済み, 登録, 有効, 確認済み, 本登録
    アクティブ
    구독, 구독중, 구독 중, 활성, 활성화, 정상, 확인됨, 인증됨, 수신동의, 수신 동의, 동의
    """
)

# Statuses that do not say whether the subscriber gets mail.
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

# Statuses of orders, deals and biographies: columns called Status that are about something else.
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
NEVER = phrases(
    """
    never, no emails, no email, no mail, no mails, no messages, off, stop, paused, no newsletter, do not send
    not at all, nomail
    nie, niemals, keine e mails, jamais, nunca, mai, nooit, никогда, nigdy, asla, hiç, aldrig, ei koskaan, ποτέ, أبدا
    אף פעם, 从不, 不接收, 不发送, 不要, 停止, 永不, 從不, 不發送, 配信しない, 受け取らない, 받지 않음, 안 받음
    """
)
"""How often a subscriber wants mail who wants none."""

NONE = phrases(
    "none, nothing, disabled, zero, 0, no, false, keine, aucun, aucune, nenhum, ninguno, nessuno, geen, żadne, 无"
)
"""In the same place: none, or no wish."""

BLANK = phrases("none, null, nil, n a, na, nan, undefined, empty, never, unknown, not set, keine, aucun, 无")
"""Words for an empty value, folded; a value of punctuation only, such as `-` or `[]`, folds to an empty text."""

# Values that can only mean unsubscribed, anywhere on a list.
_OTHERWISE_USED = phrases(
    """
    do not allow, not allowed, do not send, left, quit, gone, out
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
    """The strong words as cells spell them: with their accents, in lower case, capitalised and in capitals."""
    found: set[str] = set()
    for text in _GONE_WORDS.values():
        for phrase in text.replace("\n", ",").split(","):
            if fold(phrase) in STRONG:
                word = phrase.strip()
                joined = (word, word.replace(" ", "_"), word.replace(" ", "-"), word.replace(" ", ""))
                found.update(*({each, each.capitalize(), each.title(), each.upper()} for each in joined))
    return frozenset(found | STRONG)


STRONG_SPELLINGS = _spellings()
