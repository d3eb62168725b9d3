// The search of the archive: an index of plain script files, so that it works from a disk, too. Nothing is sent anywhere.
// Words are made as newsletter/archive/search_index.py makes them.
(() => {
  "use strict";
  const place = document.getElementById("search");
  const form = place.querySelector("form");
  const field = place.querySelector("input");
  const state = place.querySelector(".state");
  const list = place.querySelector(".found");
  const words = JSON.parse(place.dataset.words);
  const years = JSON.parse(place.dataset.years); // [year, version] from the newest on
  const MOST = 50;
  const MANY = "[\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\u{20000}-\\u{3134f}]";
  const RUNS = new RegExp(`(${MANY}+)|((?:(?!${MANY})[\\p{L}\\p{N}])+)`, "gu");
  const MARKS = /(?![\u3099\u309a])\p{M}/gu;

  const fold = (text) => text.normalize("NFKD").toLowerCase().replace(MARKS, "").normalize("NFC");

  // A query as terms: [term, whether it may go on].
  const termsOf = (query) => {
    const terms = [];
    for (const [, run, word] of fold(query).matchAll(RUNS)) {
      if (word) {
        const letters = [...word].slice(0, 24);
        if (letters.length > 1) terms.push([letters.join(""), true]);
        continue;
      }
      const letters = [...run];
      if (letters.length === 1) terms.push([run, false]);
      for (let at = 0; at + 1 < letters.length; at += 1) terms.push([letters[at] + letters[at + 1], false]);
    }
    return terms;
  };

  const bucketOf = (term, buckets) => {
    let sum = 0;
    for (const letter of [...term].slice(0, 2)) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
    return sum % buckets;
  };

  // --- the index, a script file at a time

  const loaded = new Map();
  const waiting = new Map();
  window.newsletterSearch = (name, data) => waiting.get(name)(data);
  const load = (name, version) => {
    if (!loaded.has(name)) {
      loaded.set(name, new Promise((resolve, reject) => {
        waiting.set(name, resolve);
        const script = document.createElement("script");
        script.src = `search/${name}.js?v=${version}`;
        script.onerror = () => { loaded.delete(name); reject(new Error(name)); };
        document.head.append(script);
      }));
    }
    return loaded.get(name);
  };

  const docsOf = (gaps) => {
    let at = -1;
    return gaps.map((gap) => (at += gap));
  };

  const matches = async ([year, version], terms) => {
    const { issues, buckets } = await load(year, version);
    let found = null;
    for (const [term, open] of terms) {
      const postings = buckets ? await load(`${year}-${bucketOf(term, buckets)}`, version) : {};
      const docs = new Set();
      if (!open) for (const doc of docsOf(postings[term] || [])) docs.add(doc);
      else for (const known in postings) if (known.startsWith(term)) for (const doc of docsOf(postings[known])) docs.add(doc);
      found = found === null ? docs : new Set([...found].filter((doc) => docs.has(doc)));
      if (!found.size) break;
    }
    return [...found].sort((a, b) => b - a).map((doc) => issues[doc]);
  };

  // --- what is shown

  const element = (name, content, attributes = {}) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...[].concat(content));
    return made;
  };

  // The text with what was looked for marked; text nodes alone, so that no word of an issue is markup.
  const marked = (text, query) => {
    const parts = query.trim().split(/\s+/).filter((part) => [...part].length > 1)
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    if (!parts.length) return [text];
    return text.split(new RegExp(`(${parts.join("|")})`, "giu")).filter(Boolean)
      .map((piece, at, all) => (new RegExp(`^(?:${parts.join("|")})$`, "iu").test(piece) ? element("mark", piece) : piece));
  };

  const shown = ([path, title, day, written, lang, direction, about], query) =>
    element("li", [
      element("p", element("time", written, { datetime: day }), { class: "when" }),
      element("h3", element("a", marked(title, query), { href: path })),
      ...(about ? [element("p", marked(about, query), { class: "about" })] : []),
    ], { lang, dir: direction });

  let run = 0;
  const search = async () => {
    const mine = (run += 1);
    const query = field.value.trim();
    const terms = termsOf(query);
    try { history.replaceState(null, "", query ? `?q=${encodeURIComponent(query)}` : location.pathname); } catch { /* a browser that may not */ }
    if (!terms.length) {
      list.replaceChildren();
      state.textContent = "";
      return;
    }
    state.textContent = words.searching;
    const found = [];
    let lost = false;
    for (const year of years) {
      try { found.push(...await matches(year, terms)); } catch { lost = true; }
      if (mine !== run) return; // somebody has typed on
    }
    const folded = terms.map(([term]) => term);
    const named = (issue) => { const title = fold(issue[1]); return folded.every((term) => title.includes(term)); };
    const best = [...found.filter(named), ...found.filter((issue) => !named(issue))];
    list.replaceChildren(...best.slice(0, MOST).map((issue) => shown(issue, query)));
    state.textContent = found.length ? words.found.replace("{count}", found.length) : lost ? "…" : words.found_none;
  };

  // --- keys

  const links = () => [...list.querySelectorAll("a")];
  const typing = (target) => /^(?:input|textarea|select)$/i.test(target.tagName) || target.isContentEditable;
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "/" && !typing(event.target)) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && place.contains(event.target)) {
      field.value = "";
      field.focus();
      search();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && place.contains(event.target)) {
      const all = [field, ...links()];
      const next = all[all.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next && all.includes(event.target)) {
        event.preventDefault();
        next.focus();
      }
    }
  });

  let timer = 0;
  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 120); });
  form.addEventListener("submit", (event) => { event.preventDefault(); search(); });
  form.hidden = false;
  field.value = new URLSearchParams(location.search).get("q") || "";
  if (field.value) search();
  if (location.hash === "#search") field.focus();
})();
