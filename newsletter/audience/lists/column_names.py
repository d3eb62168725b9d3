"""Vocabulary of column names: which columns say that a subscriber left, agreed or lives somewhere, in many languages.

Names are compared as `fold_name` gives them: small letters, no accents, one space for any mark between words.
"""

from __future__ import annotations

from collections.abc import Iterable

from newsletter.audience.lists.vocabulary import fold, phrases, reasons_by_phrase

# Substrings of a folded name without its spaces. A true value or a date in such a column is unambiguous: unsubscribed.
LEFT_NAMES = reasons_by_phrase(
    {
        "unsubscribed": """
            unsub, optout, optedout, optsout, donotmail, donotemail, donotallow, donotsend, donotcontact, nomail
            noemail, emailoptedout
            removedfromlist, leftlist, abgemeldet, abmeld, abbestell, austragung, ausgetragen, desabonn, desinscri
            desuscri, dadodebaja, fechadebaja, bajadellist, descadastr, disiscri, отпис, uitgeschreven, uitschrijf
            afgemeld, afmeld, wypisan, wypis, abonelikten, avregistr, avmeld, avprenum, odhlas, leiratkoz, dezabon
            不接收, 不再接收, 停止接收, 免打扰, 免打擾
            退订, 退訂, 取消订阅, 取消訂閱, 拒收, 拒绝接收, 拒絕接收, 配信停止, 購読解除, 登録解除, オプトアウト
            退会
            配信不要, 수신거부, 구독취소, 구독해지
            """,
        "bounced": """
            bounced, hardbounce, undeliverab, isbad, bademail, cleaned, cleantime, unzustellbar, 退信, 硬退, 반송, 不達
            """,
        "complained": """
            complain, markedspam, asspam, spamreport, reportedspam, beschwerde, 投诉, 投訴, 苦情, 스팸신고
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
# Columns that may mean that, or not: the send asks the author.
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
"""Whole words of a name, in addition to the substrings above."""

# Inverted columns: a false value is unambiguous, the row gets no mail. Complete names, without affixes such as `is_` or
# `_at`.
WHOLE_LEFT_NAMES = reasons_by_phrase(
    {
        "blocked": "blocked, banned, excluded",
        "deleted": "deleted, removed",
        "inactive": "disabled, inactive, archived, suspended, suspend, suspendedtill, suspendeduntil, deceased",
        "bounced": "invalid, invalidemail",
    }
)
JOINED_NAMES = reasons_by_phrase(
    {
        "bounced": "valid, deliverable",
        "unsubscribed": """
            subscribed, issubscriber, optin, optedin, optsin, acceptsmarketing, acceptsemail, acceptemail
            acceptmarketing
            marketingconsent, emailconsent, mailconsent, consent, permission, emailmarketing, canemail, canmail
            maymail, mailable
            emailallowed, allowemail, wantsemail, receiveemail, receivesemail, receivenews, receivesnews, sendemail
            getsemail, getsmail, cancontact, maycontact, contactable, contactallowed, allowcontact, oktoemail, oktomail
            sendmarketing, sendmarketingmaterials, oktocontact, emailok, emailable, canbeemailed, maybeemailed
            newsletter, subscription, subscriber, signedup, 配信, 受信, 메일수신
            mailing, agreed, gdpr, dsgvo, rgpd, newsletteroptin
            einwilligung, zustimmung, angemeldet, abonniert, eingetragen, consentement, abonne, inscrit
            consentimiento
            suscrit, consentimento, inscrito, consenso, iscritt, подписан, согласие, рассылк, toestemming
            ingeschreven
            zgoda, zapisan, onay, abone, samtykke, samtycke, prenumer, souhlas, hozzajarul
            接收, 允许联系, 可联系, 可发送
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
# Of these, the columns whose every value must be understood.
CONSENT_NAMES = phrases(
    """
    subscribed, issubscriber, optin, optedin, optsin, acceptsmarketing, acceptsemail, acceptmarketing, acceptemail
    marketingconsent, emailconsent, mailconsent, emailmarketing, einwilligung, consentement, consentimiento
    consentimento
    согласие, toestemming, 수신동의, 配信希望
    """
)
# A date, a place or a text about consent, whose presence says nothing.
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

FREQUENCY_NAMES = phrases(
    """
    reception, frequency, mailfrequency, emailfrequency, e mail frequency, newsletterfrequency, sendfrequency
    deliveryfrequency
    howoften, digestfrequency, häufigkeit, frequenz, versandfrequenz, fréquence, frecuencia, frequência, frequenza
    frequentie, частота, częstotliwość, sıklık, 频率, 頻率, 发送频率, 發送頻率
    推送频率, 邮件频率, 配信頻度, 頻度, 빈도, 수신빈도
    """
)
"""How often a subscriber wants mail, blanks left out."""

STATUS_NAMES = phrases(
    """
    status, state, standing, statut, estado, estatus, situação, situacion, stato, статус, состояние, durum
    statuscode
    zustand, tila, stav, állapot, stan, κατάσταση, الحالة, סטטוס, trạng thái, สถานะ
    状态, 狀態, 订阅状态, 訂閱狀態, 状況, ステータス, 状態, 配信状況, 상태, 구독상태, 수신상태
    """
)
# Words beside them that say that the status is about something else.
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
"""States and provinces of countries that use them in addresses, by name and by code."""
