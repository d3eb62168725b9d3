// The official examples of CommonMark: nothing but an empty list in; number, section, markdown and html of each out.
import { readFileSync } from "node:fs";
import spec from "commonmark-spec";

JSON.parse(readFileSync(0, "utf8"));
// The specification prints tabs as arrows.
const tab = (text) => text.replaceAll("→", "\t");
process.stdout.write(
  JSON.stringify(spec.tests.map(({ number, section, markdown, html }) => ({ number, section, markdown: tab(markdown), html: tab(html) }))),
);
