"""Public mailbox providers: their domains and relays.

All of them publish an SPF record of their own servers, sign with their own key, and most publish a DMARC policy of
`quarantine` or `reject`: mail with their domain in From from elsewhere fails DMARC. Gmail also asks senders not to
impersonate gmail.com (support.google.com/a/answer/81126), and Yahoo publishes `p=reject` for all of its domains.
"""

from __future__ import annotations

import re
from functools import cache

from newsletter.frozen import frozen


@frozen
class Provider:
    """`domains` and `servers` are regular expressions of whole names; a server may also be a subdomain of a match.

    With `bridge`, its mail is sent by a program on the sender's own machine.
    """

    name: str
    domains: str
    servers: str
    bridge: bool = False

    def has(self, domain: str) -> bool:
        return _pattern(self.domains).fullmatch(domain.lower().rstrip(".")) is not None

    def sends_from(self, host: str) -> bool:
        servers = _pattern(rf"(?:[^@\s]+\.)?(?:{self.servers})")
        return servers.fullmatch(host.lower().rstrip(".")) is not None


@cache
def _pattern(expression: str) -> re.Pattern[str]:
    """Compiled where it is asked for: most commands load these tables with the configuration and ask for none."""
    return re.compile(expression)


_CC = r"[a-z]{2,3}(?:\.[a-z]{2})?"
"""The suffixes of a name registered in many countries: com, de, co.uk, com.br."""

PROVIDERS = (
    Provider("Gmail", r"gmail\.com|googlemail\.com", r"gmail\.com|googlemail\.com|google\.com"),
    Provider(
        "Outlook.com",
        rf"(?:outlook|hotmail|live|msn|windowslive)\.{_CC}|passport\.com",
        r"outlook\.com|office365\.com|hotmail\.com|live\.com",
    ),
    Provider(
        "Yahoo",
        rf"yahoo\.{_CC}|ymail\.com|rocketmail\.com|myyahoo\.com|aol\.{_CC}|aim\.com|verizon\.net|netscape\.net",
        rf"yahoo\.{_CC}|aol\.com|yahoodns\.net",
    ),
    Provider("iCloud", r"icloud\.com|me\.com|mac\.com", r"me\.com|icloud\.com|apple\.com"),
    Provider("QQ Mail", r"(?:vip\.)?qq\.com|foxmail\.com", r"qq\.com|foxmail\.com"),
    Provider(
        "NetEase",
        r"(?:vip\.)?(?:163|126|188)\.(?:com|net)|yeah\.net",
        r"163\.com|126\.com|126\.net|188\.com|yeah\.net|netease\.com",
    ),
    Provider("Sina", r"(?:vip\.)?sina\.(?:com|cn|com\.cn)", r"sina\.com|sina\.cn|sina\.com\.cn"),
    Provider("Sohu", r"(?:vip\.)?sohu\.com", r"sohu\.com"),
    Provider("Aliyun Mail", r"aliyun\.com", r"aliyun\.com"),
    Provider("China Mobile 139", r"139\.com", r"139\.com"),
    Provider("China Telecom 189", r"189\.cn", r"189\.cn"),
    Provider("China Unicom", r"wo\.cn", r"wo\.cn"),
    Provider("21CN", r"21cn\.(?:com|net)", r"21cn\.(?:com|net)"),
    Provider("TOM", r"tom\.com", r"tom\.com"),
    Provider("GMX", rf"gmx\.{_CC}|caramail\.com", rf"gmx\.{_CC}"),
    Provider("WEB.DE", r"web\.de", r"web\.de"),
    Provider("mail.com", r"mail\.com|email\.com|usa\.com|post\.com", r"mail\.com"),
    Provider("T-Online", r"t-online\.de|magenta\.de", r"t-online\.de"),
    Provider("freenet", r"freenet\.de", r"freenet\.de"),
    Provider("Proton", r"proton\.me|protonmail\.com|protonmail\.ch|pm\.me", r"protonmail\.ch|proton\.me", bridge=True),
    Provider("Tuta", r"tuta\.(?:com|io)|tutanota\.(?:com|de)|tutamail\.com|keemail\.me", r"tutanota\.de|tuta\.com"),
    Provider("Zoho", r"zoho\.(?:com|eu|in)|zohomail\.(?:com|eu|in)", rf"zoho\.{_CC}|zohomail\.(?:com|eu|in)"),
    Provider("Fastmail", r"fastmail\.(?:com|fm|net|org)|sent\.com", r"fastmail\.com|messagingengine\.com"),
    Provider("Mail.ru", r"(?:mail|inbox|list|bk|internet)\.ru", r"mail\.ru"),
    Provider("Yandex", rf"yandex\.{_CC}|ya\.ru|narod\.ru", rf"yandex\.{_CC}|yandex\.net"),
    Provider("Rambler", r"(?:rambler|lenta|autorambler|myrambler|ro)\.ru", r"rambler\.ru"),
    Provider("Naver", r"naver\.com", r"naver\.com"),
    Provider("Daum and Kakao", r"daum\.net|hanmail\.net|kakao\.com", r"daum\.net|kakao\.com"),
    Provider("Orange", r"orange\.fr|wanadoo\.fr", r"orange\.fr|wanadoo\.fr"),
    Provider("SFR", r"sfr\.fr|neuf\.fr", r"sfr\.fr"),
    Provider("Free", r"free\.fr", r"free\.fr"),
    Provider("La Poste", r"laposte\.net", r"laposte\.net"),
    Provider("Libero", r"libero\.it|virgilio\.it|iol\.it|inwind\.it", r"libero\.it|virgilio\.it"),
    Provider("Seznam", r"seznam\.cz|email\.cz|post\.cz", r"seznam\.cz"),
    Provider("WP", r"wp\.pl|o2\.pl", r"wp\.pl|o2\.pl"),
    Provider("Onet", r"onet\.(?:pl|eu)|op\.pl|vp\.pl", r"onet\.pl"),
    Provider("Interia", r"interia\.(?:pl|eu)", r"interia\.pl"),
    Provider("UOL", r"uol\.com\.br|bol\.com\.br", r"uol\.com\.br|bol\.com\.br"),
    Provider("Comcast", r"comcast\.net|xfinity\.com", r"comcast\.net"),
    Provider("AT&T", r"(?:att|sbcglobal|bellsouth|pacbell)\.net", r"att\.net|yahoo\.com"),
    Provider("Rediff", r"rediffmail\.com", r"rediff(?:mail)?\.com"),
)


def provider_of(domain: str) -> Provider | None:
    """The provider of this public mailbox domain; None for any other domain."""
    return next((provider for provider in PROVIDERS if provider.has(domain)), None)
