// The page follows the files and the ledger: what it shows is taken anew from the server, and what was folded stays so.

const $ = (id) => document.getElementById(id);

function say(state, words) {
  if (!$("live")) return;
  $("live").dataset.state = state;
  $("live").querySelector("span").textContent = words;
}

// --- the posts by words of their titles ------------------------------------------------------------------------------

function filterPosts() {
  const field = $("filter");
  if (!field) return;
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const month of document.querySelectorAll(".month")) {
    let here = 0;
    for (const post of month.querySelectorAll(".post")) {
      post.hidden = !words.every((word) => post.dataset.words.includes(word));
      here += !post.hidden;
    }
    month.hidden = !here;
    if (words.length && here) {
      if (!("was" in month.dataset)) month.dataset.was = month.open ? "open" : "closed";
      month.open = true;
    } else if (!words.length && "was" in month.dataset) {
      month.open = month.dataset.was === "open";
      delete month.dataset.was;
    }
    found += here;
  }
  $("none").hidden = found > 0;
}

// --- news ------------------------------------------------------------------------------------------------------------

let asked = 0;

async function refresh() {
  const mine = ++asked;
  const answer = await fetch("/").catch(() => null);
  if (!answer || !answer.ok || mine !== asked) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("home");
  const now = $("home");
  if (!next || mine !== asked || next.isEqualNode(now)) return;
  const folded = new Map([...document.querySelectorAll(".month")].map((month) => [month.id, month.open]));
  const words = $("filter") ? $("filter").value : "";
  const focused = document.activeElement;
  const place = focused && now.contains(focused) ? focused.id || focused.getAttribute("href") : "";
  now.replaceWith(document.adoptNode(next));
  for (const month of document.querySelectorAll(".month")) if (folded.has(month.id)) month.open = folded.get(month.id);
  if ($("filter")) {
    $("filter").value = words;
    listenToFilter();
    if (words) filterPosts();
  }
  if (place) {
    const same = $(place) || document.querySelector(`#home a[href="${CSS.escape(place).replaceAll("\\/", "/")}"]`);
    if (same) same.focus({ preventScroll: true });
  }
  document.body.dataset.revision = mine;
}

function follow() {
  const events = new EventSource("/events");
  let first = true;
  events.addEventListener("message", () => {
    say("on", "Live");
    if (!first || Number($("home").dataset.unread)) refresh();
    first = false;
  });
  events.addEventListener("error", () => say("bad", "Stopped"));
}

function listenToFilter() {
  $("filter").addEventListener("input", filterPosts);
}

if ($("home")) {
  if ($("filter")) listenToFilter();
  follow();
}

// --- a send ----------------------------------------------------------------------------------------------------------

const number = (count) => count.toLocaleString("en-US");

function watchSend() {
  const shown = $("sending").dataset.phase;
  const events = new EventSource("/sending/events");
  events.addEventListener("message", (event) => {
    const news = JSON.parse(event.data);
    if (news.phase !== shown) {
      events.close();
      location.reload();
      return;
    }
    $("bar").max = news.total || 1;
    $("bar").value = news.done;
    for (const name of ["done", "total", "sent", "deferred", "refused"]) $(name).textContent = number(news[name]);
    $("rate").textContent = news.done && news.rate ? `${number(news.rate)} a second` : "";
    const at = new Date(news.wait_until * 1000);
    const until = at - Date.now() < 72e6 ? at.toLocaleTimeString() : at.toLocaleString();
    $("wait").textContent = news.wait ? `Waiting: ${news.wait}, until ${until}` : "";
    $("wait").hidden = !news.wait;
    document.title = news.total ? `${Math.floor((100 * news.done) / news.total)} % sent` : "Sending";
  });
}

if ($("bar")) watchSend();

// A test is of the lists that are ticked now.
if ($("test")) {
  $("test").addEventListener("submit", () => {
    for (const old of $("test").querySelectorAll(".kept")) old.remove();
    for (const [name, value] of new FormData($("plan"))) {
      if (name !== "token") $("test").append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
  });
}

// A second click on “Send” sends the form once; the server starts it once whatever happens.
if ($("ask") instanceof HTMLFormElement) {
  $("ask").addEventListener("submit", () => setTimeout(() => ($("ask").querySelector("button").disabled = true)));
}

addEventListener("keydown", (event) => {
  const field = $("filter");
  if (!field || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && document.activeElement !== field) {
    event.preventDefault();
    field.focus();
  } else if (event.key === "Escape" && document.activeElement === field) {
    field.value = "";
    filterPosts();
    field.blur();
  }
});
