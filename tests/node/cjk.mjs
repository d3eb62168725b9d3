// Inline Markdown by the reference implementation of CJK-friendly emphasis: a list of strings in, their HTML out.
import { readFileSync } from "node:fs";
import MarkdownIt from "markdown-it";
import cjkFriendly from "markdown-it-cjk-friendly";

const sources = JSON.parse(readFileSync(0, "utf8"));
const plain = MarkdownIt("commonmark").enable("strikethrough");
const friendly = MarkdownIt("commonmark").enable("strikethrough").use(cjkFriendly);
process.stdout.write(
  JSON.stringify(sources.map((source) => ({ friendly: friendly.renderInline(source), plain: plain.renderInline(source) }))),
);
