"""The families of mail clients for `check`."""

from __future__ import annotations

from collections.abc import Mapping

FAMILIES: Mapping[str, str] = {
    "aol": "AOL",
    "apple-mail": "Apple Mail",
    "fastmail": "Fastmail",
    "free-fr": "Free.fr",
    "gmail": "Gmail",
    "gmx": "GMX",
    "hey": "HEY",
    "ionos-1and1": "1&1",
    "laposte": "LaPoste.net",
    "mail-ru": "Mail.ru",
    "orange": "Orange",
    "outlook": "Outlook",
    "protonmail": "ProtonMail",
    "rainloop": "RainLoop",
    "samsung-email": "Samsung Email",
    "sfr": "SFR",
    "t-online-de": "T-online.de",
    "thunderbird": "Thunderbird",
    "web-de": "WEB.DE",
    "wp-pl": "WP.pl",
    "yahoo": "Yahoo",
}
"""Family -> display name: those of the compatibility table, copied here so that settings need not load it."""
