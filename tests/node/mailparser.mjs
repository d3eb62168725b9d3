// Messages as mailparser reads them. In: {"messages": [base64, ...]} or {"mbox": base64}. Out: one object per message,
// with headers as [name, raw value] pairs in order, the decoded parts, attachments by content id, and warnings: what a
// tolerant reader passes over in silence.
import { readFileSync } from "node:fs";
import { simpleParser } from "mailparser";

const input = JSON.parse(readFileSync(0, "utf8"));

// mboxrd: a line `From ` behind an empty line begins a message; one `>` before `From ` is quoting.
function split(mbox) {
  return mbox
    .toString("latin1")
    .split(/(?:^|(?<=\n\r?\n))From [^\n]*\n/)
    .filter((part) => part.trim())
    .map((part) => Buffer.from(part.replace(/^>(>*From )/gm, "$1").replace(/\r?\n$/, ""), "latin1"));
}

function warningsOf(raw, mail) {
  const warnings = [];
  const source = raw.toString("latin1");
  const end = source.search(/\r?\n\r?\n/);
  const head = end < 0 ? source : source.slice(0, end);
  if (end < 0) warnings.push("no empty line after the headers");
  if (/[^\t\r\n\x20-\x7e]/.test(head)) warnings.push("a header holds a byte beyond printable ASCII");
  if (source.split("\n").some((line) => line.length > 999)) warnings.push("a line is longer than 998 octets");
  for (const { key, line } of mail.headerLines) {
    if (!/^[!-9;-~]+:/.test(line)) warnings.push(`the header line of ${key} is malformed`);
  }
  for (const name of ["date", "from", "message-id", "to", "subject"]) {
    const count = mail.headerLines.filter((entry) => entry.key === name).length;
    if (count !== 1) warnings.push(`${count} headers named ${name}`);
  }
  if (mail.date && Number.isNaN(mail.date.getTime())) warnings.push("the date cannot be read");
  for (const part of [mail.text, mail.html, mail.subject]) {
    if (part && part.includes("\ufffd")) warnings.push("a part does not decode");
  }
  return warnings;
}

const raws = input.mbox ? split(Buffer.from(input.mbox, "base64")) : input.messages.map((each) => Buffer.from(each, "base64"));
const answers = [];
for (const raw of raws) {
  const mail = await simpleParser(raw, { skipImageLinks: true, skipTextToHtml: true, skipHtmlToText: true, skipTextLinks: true });
  answers.push({
    headers: mail.headerLines.map(({ line }) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).replace(/\r?\n(?=[ \t])/g, "").trim()];
    }),
    subject: mail.subject ?? "",
    from: mail.from?.value ?? [],
    to: mail.to?.value ?? [],
    date: mail.date?.toISOString?.() ?? "",
    message_id: mail.messageId ?? "",
    text: mail.text ?? "",
    html: mail.html || "",
    attachments: mail.attachments.map(({ cid, contentType, filename, size, related, checksum }) => ({
      cid: cid ?? "",
      content_type: contentType,
      filename: filename ?? "",
      size,
      related: Boolean(related),
      checksum,
    })),
    warnings: warningsOf(raw, mail),
  });
}
process.stdout.write(JSON.stringify(answers));
