"""The footer of each issue, from newsletter.toml."""

from __future__ import annotations

from newsletter.config.config import Config
from newsletter.config.footer_section import SERVED
from newsletter.model.rendered_email import Footer
from newsletter.render.source_labels import host_of

SERVICES = {
    "x.com": "X",
    "twitter.com": "X",
    "bsky.app": "Bluesky",
    "mastodon.social": "Mastodon",
    "threads.net": "Threads",
    "linkedin.com": "LinkedIn",
    "github.com": "GitHub",
    "instagram.com": "Instagram",
    "facebook.com": "Facebook",
    "youtube.com": "YouTube",
    "t.me": "Telegram",
    "discord.gg": "Discord",
    "discord.com": "Discord",
    "reddit.com": "Reddit",
    "weibo.com": "微博",
    "bilibili.com": "哔哩哔哩",
    "space.bilibili.com": "哔哩哔哩",
    "zhihu.com": "知乎",
    "xiaohongshu.com": "小红书",
    "okjike.com": "即刻",
    "juejin.cn": "掘金",
}
"""Display names of hosts."""


def footer_of(config: Config) -> Footer:
    keys, server = config.settings.footer, config.settings.serve.url
    feedback = keys.feedback
    if feedback == SERVED:
        feedback = f"{server}/f/{{issue}}/{{answer}}" if server else ""
    elif feedback:
        feedback += "?issue={issue}&answer={answer}"
    return Footer(
        feedback=feedback,
        forward=keys.forward,
        preferences=bool(server),
        archive=keys.archive or (f"{own}/" if (own := config.archive_url) else ""),
        social=tuple((SERVICES.get(host_of(address), host_of(address)), address) for address in keys.social),
        sponsor=keys.sponsor,
        sponsor_url=keys.sponsor_url,
    )
