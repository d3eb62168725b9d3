// MJML documents by the official compiler in strict mode: a list of them in, the errors of each and its HTML out.
import { readFileSync } from "node:fs";
import mjml2html from "mjml";

const answers = [];
for (const source of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    const { html, errors } = await mjml2html(source, { validationLevel: "strict", fonts: {} });
    answers.push({ html, errors: errors.map((error) => error.formattedMessage) });
  } catch (error) {
    answers.push({ html: "", errors: error.errors?.map((each) => each.formattedMessage) ?? [String(error)] });
  }
}
process.stdout.write(JSON.stringify(answers));
