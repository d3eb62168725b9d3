// The page follows the files: a new rendering takes the place of the old one without a flash and where it was scrolled
// to. What is looked at is in the address, so that a reload or a link shows the same.

const $ = (id) => document.getElementById(id);
const body = document.body;
const BASE = body.dataset.base; // where the page is, under a home
const stage = $("stage");
const sheet = $("sheet");
const FRAMED = ["email", "clipped", "plain", "word"];
const VIEWS = [...document.querySelectorAll("[data-view]")].map((tab) => tab.dataset.view);
const WIDTHS = ["320", "390", "640", "full"];
const SCHEMES = ["light", "dark", "forced"];
const DEFAULTS = { view: "email", width: "640", scheme: "light", images: "on", reader: "1", answers: "", line: "" };
const KNOWN = { view: VIEWS, width: WIDTHS, scheme: SCHEMES, images: ["on", "off"] };
const PICTURES_MS = 300; // how long a new frame waits for its own pictures before it is shown without them

let state = { ...DEFAULTS };
let news = { revision: -1, error: null, rendered: false, inspected: false };
let facts = null;
let frame = null; // the one that is seen
let coming = null; // the one that is loading behind it
let factsWait = false; // the facts are asked for once the frame that is loading has been seen

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// A sentence with what stands in backticks as code.
function prose(text) {
  const pieces = text.split("`");
  if (pieces.length % 2 === 0) return [text];
  return pieces.map((piece, index) => (index % 2 ? make("code", { textContent: piece }) : piece));
}

// --- what is looked at ---------------------------------------------------------------------------------------------

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const read = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) {
    const value = asked.get(name);
    if (value !== null && (!KNOWN[name] || KNOWN[name].includes(value))) read[name] = value;
  }
  return read;
}

function addressOf(changes = {}) {
  const wanted = { ...state, ...changes };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(wanted)) if (value !== DEFAULTS[name]) query.set(name, value);
  return `#${query}`;
}

function change(changes) {
  const hash = addressOf({ line: "", ...changes });
  history.replaceState(null, "", hash === "#" ? location.pathname : hash);
  follow();
}

function follow() {
  const before = state;
  state = readAddress();
  const differs = (...names) => names.some((name) => before[name] !== state[name]);
  showControls();
  const isForced = (each) => each.scheme === "forced";
  if (differs("view", "images", "reader", "answers") || isForced(before) !== isForced(state)) showView(!differs("view", "reader"));
  else if (differs("line")) showLine();
  if (differs("reader", "answers")) refreshFacts();
}

function showControls() {
  for (const tab of document.querySelectorAll("[data-view]")) {
    const chosen = tab.dataset.view === state.view;
    tab.setAttribute("aria-selected", chosen);
    if (chosen) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  for (const name of ["width", "scheme"])
    for (const choice of document.getElementsByName(name)) choice.checked = choice.value === state[name];
  $("images").checked = state.images === "on";
  $("switches").hidden = !FRAMED.includes(state.view);
  stage.dataset.width = state.width;
  stage.dataset.scheme = state.scheme;
  stage.setAttribute("aria-labelledby", `tab-${state.view}`);
  $("own-tab").href = frameAddress();
}

function question() {
  const query = new URLSearchParams({ reader: state.reader });
  if (state.answers) query.set("answers", state.answers);
  return query;
}

function frameAddress() {
  const query = question();
  if (state.images === "off") query.set("images", "off");
  if (state.scheme === "forced") query.set("colours", "forced");
  const view = FRAMED.includes(state.view) ? state.view : "email";
  return `${BASE}/frame/${view}?${query}`;
}

// --- the frame and the sheets --------------------------------------------------------------------------------------

function showView(keepPlace) {
  const framed = FRAMED.includes(state.view);
  $("blank").hidden = news.rendered || state.view === "post";
  $("device").hidden = !framed || !news.rendered;
  sheet.hidden = framed || (!news.rendered && state.view !== "post");
  if (!news.rendered && state.view !== "post") return;
  if (framed) loadFrame(keepPlace);
  else loadSheet(keepPlace);
  showNote();
}

function loadFrame(keepPlace) {
  if (coming) coming.remove();
  const next = make("iframe", { className: "coming", title: "The email", referrerPolicy: "no-referrer" });
  // Security: no allow-scripts, whatever the email holds; with the same origin alone we may read where it is scrolled.
  next.setAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
  next.dataset.address = frameAddress();
  next.src = `${frameAddress()}&revision=${news.revision}`;
  coming = next;
  const started = performance.now();
  const look = () => {
    if (coming !== next) return;
    if (isDrawable(next, started)) swap(next, keepPlace);
    else if (!document.hidden) requestAnimationFrame(look);
  };
  next.addEventListener("load", () => {
    if (coming === next) swap(next, keepPlace);
    else if (frame === next) keepScroll(next, next.wanted);
    showNote();
  });
  $("device").append(next);
  requestAnimationFrame(look);
}

// Parsed, and its own pictures decoded or given up on; those from the web come when they come.
function isDrawable(next, started) {
  const page = next.contentDocument;
  if (!page || page.URL === "about:blank" || page.readyState === "loading") return false;
  if (performance.now() - started > PICTURES_MS) return true;
  const own = [...page.images].filter((image) => image.src.startsWith(`${location.origin}/`));
  return own.every((image) => image.complete);
}

function swap(next, keepPlace) {
  const page = next.contentDocument;
  coming = null;
  if (factsWait) {
    factsWait = false;
    afterPaint(refreshFacts);
  }
  if (!page) {
    next.remove(); // the server refused, and the facts will say why
    return;
  }
  const old = frame;
  const focused = old && document.activeElement === old;
  next.wanted = keepPlace && old && old.contentWindow ? old.contentWindow.scrollY : 0;
  keepScroll(next, next.wanted);
  page.addEventListener("keydown", onKey);
  next.className = "";
  next.dataset.revision = news.revision;
  frame = next;
  measureWith(next);
  if (old) old.remove();
  if (focused) next.focus();
  body.dataset.shown = `${news.revision} ${state.view}`;
}

// The new rendering of what the frame shows: only what differs is drawn again, and nothing moves or is loaded anew.
function redraw({ address, html }) {
  const page = frame?.contentDocument;
  // Only the document that we loaded: elsewhere another policy may hold.
  if (!page || coming || !FRAMED.includes(state.view) || address !== frameAddress()) return false;
  if (frame.dataset.address !== address || page.URL !== frame.src || page.readyState === "loading") return false;
  const next = new frame.contentWindow.DOMParser().parseFromString(html, "text/html"); // under the frame's own policy
  const seen = new Set(ownPictures(page));
  if (next.compatMode !== page.compatMode || !ownPictures(next).every((picture) => seen.has(picture))) return false;
  patch(page.documentElement, next.documentElement);
  frame.dataset.revision = news.revision;
  body.dataset.shown = `${news.revision} ${state.view}`;
  return true;
}

const ownPictures = (page) => [...page.images].map((image) => image.getAttribute("src") ?? "").filter((place) => place.startsWith(`${BASE}/pictures/`));

// Makes an element like another one of its name.
function patch(old, next) {
  for (const each of [...old.attributes]) if (!next.hasAttributeNS(each.namespaceURI, each.localName)) old.removeAttributeNode(each);
  for (const each of next.attributes) {
    if (old.getAttributeNS(each.namespaceURI, each.localName) !== each.value) old.setAttributeNode(each.cloneNode());
  }
  const before = [...old.childNodes];
  const after = [...next.childNodes];
  while (before.length && after.length && before[0].isEqualNode(after[0])) before.shift(), after.shift();
  let end = null;
  while (before.length && after.length && before.at(-1).isEqualNode(after.at(-1))) end = [before.pop(), after.pop()][0];
  for (const each of after) {
    const place = before.shift();
    if (!place) old.insertBefore(each, end);
    else if (place.nodeType === Node.ELEMENT_NODE && place.nodeName === each.nodeName) patch(place, each);
    else place.replaceWith(each);
  }
  for (const each of before) each.remove();
}

const afterPaint = (work) => requestAnimationFrame(() => setTimeout(work));

// Pictures from the web may still change its length; a reader who scrolled in the meantime keeps their own place.
function keepScroll(shown, wanted) {
  const inside = shown.contentWindow;
  if (inside && wanted && (inside.scrollY === 0 || inside.scrollY < wanted)) inside.scrollTo(0, wanted);
}

async function loadSheet(keepPlace) {
  const view = state.view;
  const asked = `${view} ${question()} ${news.revision}`;
  sheet.dataset.asked = asked;
  const answer = await fetch(`${BASE}/sheet/${view}?${question()}`).catch(() => null);
  if (sheet.dataset.asked !== asked || !answer) return;
  const text = await answer.text();
  if (sheet.dataset.asked !== asked) return;
  const place = keepPlace ? sheet.scrollTop : 0;
  if (answer.ok) sheet.innerHTML = text; // made by our own templates, every value in it escaped
  else sheet.replaceChildren(make("p", { className: "calm", textContent: text }));
  sheet.classList.toggle("live-source", view === "post");
  sheet.scrollTop = place;
  body.dataset.shown = `${news.revision} ${view}`;
  if (!keepPlace || state.line) showLine();
}

function showLine() {
  for (const line of sheet.querySelectorAll(".here")) line.classList.remove("here");
  const line = state.view === "post" && /^\d+$/.test(state.line) && $(`L${state.line}`);
  if (!line) return;
  line.classList.add("here");
  line.scrollIntoView({ block: "center" });
}

// --- the facts -----------------------------------------------------------------------------------------------------

let factsAsked = 0;

async function refreshFacts() {
  const asked = ++factsAsked;
  const answer = await fetch(`${BASE}/facts?${question()}`).catch(() => null);
  if (!answer || asked !== factsAsked) return;
  if (!answer.ok) {
    showTrouble({ text: await answer.text(), line: null });
    return;
  }
  facts = await answer.json();
  showFindings();
  showRelay();
  if (facts.rendered) {
    showEnvelope();
    showSizes();
    showReader();
    showConditions();
    showNote();
  }
  body.dataset.facts = facts.revision + (facts.inspected ? " inspected" : "");
}

const kilobytes = (count) => `${(count / 1000).toFixed(count < 100000 ? 1 : 0)}\u00a0KB`;

function showEnvelope() {
  const { from, reader } = facts;
  const name = from.name || from.address;
  $("avatar").textContent = [...name.trim()][0]?.toUpperCase() || "?";
  $("from-name").textContent = name;
  $("from-address").textContent = from.name ? `<${from.address}>` : "";
  $("to").textContent = `to ${reader.name || reader.email}`;
  $("subject").textContent = facts.subject;
  $("preheader").textContent = facts.preheader || "No preheader: clients show the first words instead.";
  for (const row of document.querySelectorAll(".inbox dd")) {
    const [who, what, more] = row.children;
    who.textContent = name;
    what.textContent = facts.subject;
    more.textContent = facts.preheader;
  }
}

function showSizes() {
  const { decoded, encoded, message, limit, pictures, sections } = facts.sizes;
  const scale = Math.max(limit * 1.15, decoded, encoded);
  for (const [name, value] of [["decoded", decoded], ["encoded", encoded]]) {
    const bar = $(`bar-${name}`);
    bar.style.width = `${(100 * value) / scale}%`;
    bar.nextElementSibling.style.left = `${(100 * limit) / scale}%`;
    bar.closest(".meter").classList.toggle("over", value > limit);
    $(`size-${name}`).textContent = kilobytes(value);
  }
  $("size-limit").textContent = `Gmail clips at ${kilobytes(limit)}`;
  const inside = pictures ? `, ${pictures} picture${pictures === 1 ? "" : "s"} inside` : "";
  $("size-message").textContent = `${kilobytes(message)} as a message${inside}`;
  const heaviest = Math.max(1, ...sections.map((section) => section.bytes));
  $("section-list").replaceChildren(
    ...sections.map((section) => {
      const bar = make("i");
      bar.style.width = `${(100 * section.bytes) / heaviest}%`;
      const title = section.title || "Frame and opening";
      return make("li", {}, bar, make("span", { textContent: title, title }), make("b", { textContent: kilobytes(section.bytes) }));
    }),
  );
}

const SEVERITIES = [["error", "Errors"], ["warning", "Warnings"], ["hint", "Hints"]];

function showFindings() {
  const chips = $("chips");
  const panel = $("findings");
  const all = facts.findings;
  $("side-count").hidden = true;
  if (!all) return;
  // What some mail programs lack, and do without: the theme's affair, and the same every day.
  const lacked = all.filter((each) => each.severity === "hint" && each.code.startsWith("client-"));
  const found = all.filter((each) => !lacked.includes(each));
  $("side-count").hidden = !found.length;
  $("side-count").textContent = found.length;
  const groups = SEVERITIES.map(([severity, title]) => [severity, title, found.filter((each) => each.severity === severity)]);
  const filled = groups.filter(([, , each]) => each.length);
  chips.replaceChildren(
    ...filled.map(([severity, title, each]) => make("span", { className: severity, textContent: each.length, title })),
  );
  const mendable = all.filter((each) => each.fixable).length;
  $("fix").hidden = !mendable;
  $("fix").disabled = Boolean(news.error);
  $("fix").textContent = `Fix ${mendable}`;
  const opened = new Set([...panel.querySelectorAll("details[open][data-rule]")].map((each) => each.dataset.rule));
  const parts = filled.flatMap(([, title, each]) => [make("h3", { textContent: title }), ...byRule(each, opened)]);
  if (!filled.length) {
    const calm = facts.rendered ? ["fine", "✓ Nothing to mend."] : ["calm", "They come with the first rendering."];
    parts.push(make("p", { className: calm[0], textContent: calm[1] }));
  }
  if (lacked.length) {
    const open = Boolean(panel.querySelector("details[open]:not([data-rule])"));
    const summary = make("summary", { textContent: `${lacked.length} things some mail programs lack` });
    parts.push(make("details", { open }, summary, findingList(lacked)));
  }
  panel.replaceChildren(...parts);
}

const ALIKE = 3; // findings of one rule that are seen at once

// Each rule once, with what to do said once where it is the same for all.
function byRule(findings, opened) {
  const rules = new Map();
  for (const each of findings) rules.set(each.code, [...(rules.get(each.code) ?? []), each]);
  return [...rules].flatMap(([code, found]) => {
    const common = found.length > 1 && found.every((each) => each.remedy === found[0].remedy) ? found[0].remedy : "";
    const shown = common ? found.map((each) => ({ ...each, remedy: "" })) : found;
    const head = make("h4", { textContent: code }, ...(found.length > 1 ? [make("span", { textContent: found.length })] : []));
    const parts = [head, findingList(shown.slice(0, ALIKE))];
    if (shown.length > ALIKE) {
      const summary = make("summary", { textContent: `${shown.length - ALIKE} more` });
      const rest = make("details", { open: opened.has(code) }, summary, findingList(shown.slice(ALIKE)));
      rest.dataset.rule = code;
      parts.push(rest);
    }
    if (common) parts.push(make("p", { className: "remedy" }, make("em", {}, ...prose(common))));
    return parts;
  });
}

async function fixFindings() {
  const outcome = $("fixed");
  $("fix").disabled = true;
  outcome.className = "outcome";
  outcome.textContent = "";
  let text = "The preview does not answer; is it still running?";
  let good = false;
  try {
    const reply = await fetch(`${BASE}/fix`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ revision: `${facts.revision}` }),
    });
    good = reply.ok;
    const said = good ? await reply.json() : await reply.text();
    text = good ? `${said.fixed} mended in the file${said.backup ? `; as it was, it is in ${said.backup}` : ""}.` : said;
  } catch {
    // the sentence above says it
  }
  outcome.className = `outcome ${good ? "good" : "bad"}`;
  outcome.textContent = text;
  $("fix").disabled = false;
}

function findingList(findings) {
  return make("ol", {}, ...findings.map((finding) => findingItem(finding, finding.severity)));
}

function findingItem(finding, severity) {
  const item = make("li", { className: severity, title: finding.code }, ...prose(finding.what));
  if (finding.line) item.append(" ", lineLink(finding.line));
  if (finding.remedy) item.append(make("em", {}, ...prose(finding.remedy)));
  return item;
}

function lineLink(line) {
  return make("a", { href: addressOf({ view: "post", line: `${line}` }), className: "place", textContent: `line ${line}` });
}

function showTrouble(error) {
  $("trouble").hidden = !error;
  stage.classList.toggle("stale", Boolean(error) && news.rendered);
  if (error) {
    $("trouble-text").textContent = error.text;
    $("trouble-link").hidden = !error.line;
    $("trouble-link").href = addressOf({ view: "post", line: `${error.line}` });
    $("trouble").querySelector(".after span").hidden = !news.rendered;
  }
  say(error ? "bad" : "on", error ? "Not rendered" : "Live");
}

const MAX_PROBED = 400; // elements that are looked at; in a wide table every cell ends beyond the window

// What is wider than the frame, measured where it is shown: of all that ends beyond it, the one that cannot be narrower.
function tooWide() {
  const page = frame?.contentDocument;
  const root = page?.documentElement;
  // Word’s branch is for a desktop, whatever the width.
  if (!FRAMED.includes(state.view) || state.view === "word" || !page?.body || root.scrollWidth <= root.clientWidth + 1) return "";
  const edge = root.clientWidth + 1;
  const said = `The email is ${root.scrollWidth} pixels wide in a window of ${root.clientWidth}`;
  const beyond = [...page.body.querySelectorAll("*")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && (box.right > edge || box.left < -1);
  });
  const outer = new Set(beyond.map((element) => element.parentElement));
  const inner = beyond.filter((element) => !outer.has(element)).slice(0, MAX_PROBED);
  const [width, widest] = inner.reduce((most, each) => (leastWidth(each) > most[0] ? [leastWidth(each), each] : most), [0, null]);
  if (!widest || !width) return `${said}.`;
  const words = (widest.textContent.trim() || widest.getAttribute("alt") || "").replace(/\s+/g, " ");
  const shown = words.length > 40 ? `${words.slice(0, 39)}…` : words;
  return `${said}: <${widest.tagName.toLowerCase()}>${shown ? ` “${shown}”` : ""} cannot be narrower than ${width}.`;
}

// How wide an element is where there is no room at all.
function leastWidth(element) {
  const probe = element.ownerDocument.createElement("div");
  probe.style.cssText = "position:absolute;visibility:hidden;width:0;left:0";
  const isCell = ["TD", "TH"].includes(element.tagName);
  probe.append(...(isCell ? [...element.cloneNode(true).childNodes] : [element.cloneNode(true)]));
  (isCell ? element : element.parentElement).append(probe);
  const width = Math.round(Math.max(probe.scrollWidth, probe.firstElementChild?.getBoundingClientRect().width ?? 0));
  probe.remove();
  return width;
}

// The width changes with the switch and the window, the content with its pictures.
let measuring = null;

function measureWith(shown) {
  measuring?.disconnect();
  measuring = new ResizeObserver(() => requestAnimationFrame(showNote));
  measuring.observe(shown);
  measuring.observe(shown.contentDocument.documentElement);
}

function showNote() {
  const clipped = facts?.sizes?.clipped;
  const notes = {
    clipped: clipped ? "" : "Gmail shows this email whole: it stays below the limit.",
    forced: "An approximation: Gmail’s app turns the colours over by itself and asks no dark styles.",
    word: "An approximation: Word’s branch of the email, without the CSS that Word ignores. Fonts and spacing differ a little.",
  };
  const noted = state.scheme === "forced" && FRAMED.includes(state.view) ? "forced" : state.view;
  const known = (facts && news.rendered && notes[noted]) || "";
  const wide = tooWide();
  const text = [wide, known].filter(Boolean).join(" ");
  $("note").classList.toggle("bad", Boolean(wide));
  $("note").textContent = text;
  $("note").hidden = !text;
}

// --- the reader ----------------------------------------------------------------------------------------------------

const isListed = body.dataset.listed === "yes";

function showReader() {
  const { reader } = facts;
  $("reader-name").textContent = reader.name;
  $("reader-email").textContent = reader.email;
  $("reader-columns").replaceChildren(
    ...reader.columns.map(([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value, title: value }))),
  );
  if (!isListed) return;
  if (document.activeElement !== $("reader-number")) $("reader-number").value = reader.number;
  $("reader-total").textContent = `of ${reader.total.toLocaleString("en")}`;
  $("reader-back").disabled = reader.number <= 1;
  $("reader-next").disabled = reader.number >= reader.total;
}

function stepReader(by) {
  const reader = facts?.reader;
  if (!isListed || !reader) return;
  const number = Math.min(Math.max(reader.number + by, 1), reader.total);
  reader.number = number; // pressed twice before the answer came, it steps twice
  change({ reader: `${number}`, answers: "" });
}

let searching = 0;
let typing = 0;

async function search() {
  const asked = ++searching;
  const found = $("found");
  const answer = await fetch(`${BASE}/readers?${new URLSearchParams({ q: $("find").value })}`).catch(() => null);
  if (asked !== searching || !answer?.ok) return;
  const { people } = await answer.json();
  found.replaceChildren(
    ...people.map((person) => {
      const button = make("button", { type: "button" }, person.name || person.email, make("small", { textContent: person.name ? person.email : "" }));
      button.addEventListener("click", () => {
        closeSearch();
        change({ reader: `${person.number}`, answers: "" });
      });
      return make("li", {}, button);
    }),
  );
  if (!people.length) found.append(make("p", { className: "calm", textContent: "Nobody has these words." }));
  found.hidden = false;
}

function closeSearch() {
  searching += 1;
  clearTimeout(typing);
  $("found").hidden = true;
  $("find").value = "";
}

function showConditions() {
  const { conditions, answers } = facts;
  $("conditions").hidden = !conditions.length;
  $("own-answers").hidden = !answers;
  const list = $("condition-list");
  const same = list.dataset.sources === JSON.stringify(conditions.map(({ source, line }) => [source, line]));
  if (!same) {
    list.dataset.sources = JSON.stringify(conditions.map(({ source, line }) => [source, line]));
    list.replaceChildren(
      ...conditions.map((condition) => {
        const box = make("input", { type: "checkbox" });
        box.setAttribute("role", "switch");
        box.addEventListener("change", answer);
        const label = make("label", { className: "switch" }, box, make("i"), make("code", { textContent: condition.source }));
        return make("li", {}, label, lineLink(condition.line));
      }),
    );
  }
  list.querySelectorAll("input").forEach((box, index) => (box.checked = conditions[index].holds));
}

function answer() {
  const boxes = [...$("condition-list").querySelectorAll("input")];
  change({ answers: boxes.map((box) => (box.checked ? "1" : "0")).join("") });
}

// --- a test --------------------------------------------------------------------------------------------------------

function showRelay() {
  const { relay } = facts;
  $("relay").textContent = relay.ready ? `What is shown, through ${relay.text}` : relay.text;
  $("send").disabled = !relay.ready || Boolean(news.error) || body.dataset.sending === "yes";
}

async function sendTest(event) {
  event.preventDefault();
  const address = $("address").value.trim();
  localStorage.setItem("address", address);
  const outcome = $("outcome");
  body.dataset.sending = "yes";
  $("send").disabled = true;
  outcome.className = "outcome";
  outcome.textContent = "Sending…";
  let result = { sent: false, text: "The preview does not answer; is it still running?" };
  try {
    const reply = await fetch(`${BASE}/test`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ address, reader: state.reader, answers: state.answers }),
    });
    result = reply.ok ? await reply.json() : { sent: false, text: await reply.text() };
  } catch {
    // the sentence above says it
  }
  delete body.dataset.sending;
  outcome.className = `outcome ${result.sent ? "good" : "bad"}`;
  outcome.textContent = result.text;
  if (facts) showRelay();
}

// --- live ----------------------------------------------------------------------------------------------------------

let events = null;

function say(kind, text) {
  $("live").dataset.state = kind;
  $("live").lastElementChild.textContent = text;
}

function listen() {
  if (events) return;
  events = new EventSource(`${BASE}/events`);
  events.onmessage = (event) => hear(JSON.parse(event.data));
  events.onerror = () => say("off", "Not connected");
}

// The picture first: whatever else is new waits until it is on its way.
function hear(told) {
  const isNew = told.revision !== news.revision;
  const first = news.revision < 0 || told.rendered !== news.rendered;
  news = told;
  showTrouble(told.error);
  if (isNew && told.frame && !first && redraw(told.frame)) return afterPaint(refreshFacts);
  if (isNew && (!told.error || first || state.view === "post")) showView(!first);
  else if (!isNew && state.view === "post") loadSheet(true);
  factsWait = Boolean(coming);
  if (!factsWait) refreshFacts();
}

// A hidden tab gives its connection back: browsers allow six to one server.
function listenWhenSeen() {
  if (!document.hidden) return listen();
  if (events) events.close();
  events = null;
  say("off", "Paused");
}

// --- controls and keys ---------------------------------------------------------------------------------------------

function toggleSide(open) {
  const opens = open ?? !body.classList.contains("side-open");
  body.classList.toggle("side-open", opens);
  $("side-button").setAttribute("aria-expanded", opens);
}

function reveal(element) {
  toggleSide(true);
  element.scrollIntoView({ block: "nearest" });
  element.focus();
}

const KEYS = {
  w: () => change({ width: WIDTHS[(WIDTHS.indexOf(state.width) + 1) % WIDTHS.length] }),
  d: () => change({ scheme: SCHEMES[(SCHEMES.indexOf(state.scheme) + 1) % SCHEMES.length] }),
  i: () => change({ images: state.images === "on" ? "off" : "on" }),
  f: () => reveal($("findings").querySelector("a") || $("findings")),
  s: () => {
    $("sections").open = !$("sections").open;
    reveal($("sections").querySelector("summary"));
  },
  j: () => stepReader(1),
  k: () => stepReader(-1),
  "/": () => isListed && reveal($("find")),
  t: () => reveal($("address")),
  "?": () => $("keys").showModal(),
  Escape: () => toggleSide(false),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const field = event.target.closest?.("input:not([type=checkbox], [type=radio])");
  if (field) {
    if (event.key !== "Escape") return; // there the keys write
    if (field.id === "find") closeSearch();
    field.blur();
    event.preventDefault();
    return;
  }
  const view = /^[1-9]$/.test(event.key) && VIEWS[Number(event.key) - 1];
  if (view) change({ view });
  else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key]();
  else return;
  event.preventDefault();
}

// Arrow keys move between the tabs, as in every tab list.
function onTabKey(event) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const tabs = [...document.querySelectorAll("[data-view]")];
  const tab = tabs[(tabs.indexOf(event.target) + by + tabs.length) % tabs.length];
  tab.focus();
  tab.click();
}

for (const tab of document.querySelectorAll("[data-view]"))
  tab.addEventListener("click", () => change({ view: tab.dataset.view }));
document.querySelector(".tabs").addEventListener("keydown", onTabKey);
for (const choice of document.querySelectorAll("#switches [type=radio]"))
  choice.addEventListener("change", () => change({ [choice.name]: choice.value }));
$("images").addEventListener("change", () => change({ images: $("images").checked ? "on" : "off" }));
$("own-answers").addEventListener("click", () => change({ answers: "" }));
$("side-button").addEventListener("click", () => toggleSide());
$("keys-button").addEventListener("click", () => $("keys").showModal());
$("keys-close").addEventListener("click", () => $("keys").close());
$("test").addEventListener("submit", sendTest);
$("fix").addEventListener("click", fixFindings);
$("address").value = localStorage.getItem("address") || "";
if (isListed) {
  $("reader-back").addEventListener("click", () => stepReader(-1));
  $("reader-next").addEventListener("click", () => stepReader(1));
  $("reader-number").addEventListener("change", () => change({ reader: $("reader-number").value.trim(), answers: "" }));
  $("find").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(search, 120); // a list of a million is read whole for each search
  });
  $("find").addEventListener("focus", search);
  document.addEventListener("pointerdown", (event) => event.target.closest(".find") || closeSearch());
}
document.querySelector(".viewer").addEventListener("pointerdown", () => toggleSide(false));
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", listenWhenSeen);
addEventListener("hashchange", follow);

state = readAddress();
showControls();
listenWhenSeen();
