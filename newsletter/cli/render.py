"""`newsletter render`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from newsletter.cli.console import print_json, warn
from newsletter.cli.load_settings import load
from newsletter.cli.options import images_mode
from newsletter.cli.progress import Progress
from newsletter.pipeline import output_files as output
from newsletter.pipeline import render_post as pipeline
from newsletter.pipeline.guard_outputs import RENDERED, require_free
from newsletter.post.publication import held_findings
from newsletter.text import printable


def render(post: str, out: Path | None, images: str | None, config_path: Path | None, as_json: bool) -> None:
    config = load(config_path, post)
    with Progress("Fetching pictures", quiet=as_json) as fetching:
        rendering = pipeline.render_post(post, config, images=images_mode(images), on_fetch=fetching.show)
    held = held_findings(rendering.issue, datetime.now(UTC), pipeline.zone_of(config), rendering.text)
    warnings = [finding.at(rendering.path) for finding in (*rendering.findings, *held)]
    warn(warnings)
    folder = out or Path("out") / rendering.issue.slug
    require_free([folder / name for name in RENDERED], config=config, inputs=[post])
    sender = rendering.sender(config.sample_sender)
    written = output.write_rendering(rendering.issue, rendering.email, sender, pipeline.SAMPLE, folder)
    if as_json:
        files = [{"path": str(file.path), "bytes": file.size} for file in written]
        print_json(
            {
                "issue": rendering.issue.slug,
                "files": files,
                "html": output.html_sizes(rendering.email),
                "warnings": warnings,
            }
        )
        return
    for file in written:
        click.echo(f"{file.size:>9,} bytes  {file.path}")
    sizes = output.html_sizes(rendering.email)
    click.echo(
        f"\nThe email's HTML: {sizes['decoded']:,} bytes, {sizes['encoded']:,} as sent; Gmail clips near 102,000."
    )
    for section in sizes["sections"]:
        click.echo(f"{section['bytes']:>9,} bytes  {printable(section['title'] or '(frame and opening)')}")
