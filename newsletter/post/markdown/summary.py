"""Detect the summary: its heading, and the code fence below it."""

from __future__ import annotations

from newsletter.post.markdown.story import normalised

SUMMARY_WORDS = frozenset(
    {
        *("今日摘要", "摘要", "本期摘要", "内容摘要", "概要", "本日の要約", "要約", "まとめ", "요약", "오늘의요약"),
        *("summary", "tldr", "todayssummary", "inbrief"),
    }
)
_WORDS_INSIDE = (
    *("摘要", "要点", "要點", "概要", "要約", "サマリー", "まとめ", "요약"),
    *("summary", "tldr", "highlights", "ataglance", "inbrief", "résumé", "resumen", "resumo", "riepilogo"),
    *("zusammenfassung", "überblick", "samenvatting", "podsumowanie", "итоги", "кратко", "özet", "tómtắt", "ringkasan"),
    *("ملخص", "תקציר", "خلاصه"),
)


def is_summary_heading(words: str) -> bool:
    name = normalised(words)
    return name in SUMMARY_WORDS or any(word in name for word in _WORDS_INSIDE)


def is_prose(text: str) -> bool:
    """Whether the content of a plain fence is prose rather than code: mostly letters."""
    marks = sum(
        char.isascii() and not char.isalnum() and not char.isspace() and char not in ",.:;!?'\"-()" for char in text
    )
    return marks * 12 <= len(text)
