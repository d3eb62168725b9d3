// Standard input: the text of a Dockerfile, as JSON. Standard output: what its validator says of it, as JSON.
import { readFileSync } from "node:fs";
import { validate } from "dockerfile-utils";

const faults = validate(JSON.parse(readFileSync(0, "utf8")));
process.stdout.write(JSON.stringify(faults.map((fault) => `${fault.range.start.line + 1}: ${fault.message}`)));
