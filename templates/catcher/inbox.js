// The inbox stays current without reloading, and answers to the keyboard. Without this file it is a plain web page.
"use strict";

const body = document.body;
const list = document.getElementById("list");
const live = document.getElementById("live");
let revision = body.dataset.revision;
let events = null;
let timer = 0;

function say(state, text) {
  live.dataset.state = state;
  live.lastElementChild.textContent = text;
}

function showUnread() {
  const count = document.querySelector(".count");
  const unread = count ? Number(count.dataset.unread) : 0;
  document.title = document.title.replace(/^\(\d+\) /, "");
  if (unread) document.title = `(${unread}) ${document.title}`;
}

// One fetch for a burst of mail, not one for each.
function refreshSoon() {
  if (!timer) timer = setTimeout(refresh, 200);
}

async function refresh() {
  timer = 0;
  if (!list) return location.reload();
  const query = new URLSearchParams(location.search);
  query.delete("view");
  if (body.dataset.selected) query.set("selected", body.dataset.selected);
  try {
    const answer = await fetch(`/list?${query}`);
    if (!answer.ok) return;
    const html = await answer.text();
    list.innerHTML = html; // made by our own template, every value in it escaped
  } catch (error) {
    return; // the server is gone; the event stream says so and tries again
  }
  if (!body.dataset.selected && document.querySelector(".count").dataset.total === "0") return location.reload();
  showUnread();
}

function listen() {
  if (events) return;
  events = new EventSource("/events");
  events.onopen = () => say("on", "Live");
  events.onerror = () => say("off", "Not connected");
  events.onmessage = (event) => {
    if (event.data === revision) return;
    revision = event.data;
    refreshSoon();
  };
}

// A hidden tab gives its connection back: browsers allow six to one server.
function listenWhenSeen() {
  if (!document.hidden) return listen();
  if (events) events.close();
  events = null;
  say("off", "Paused");
}

function step(by) {
  const rows = [...document.querySelectorAll("a.row")];
  const at = rows.findIndex((row) => row.getAttribute("aria-current"));
  const next = at < 0 ? rows[by > 0 ? 0 : rows.length - 1] : rows[at + by];
  if (!next) return;
  const view = new URLSearchParams(location.search).get("view");
  const target = new URL(next.href);
  if (view) target.searchParams.set("view", view);
  location.assign(target);
}

async function copy(button) {
  const text = button.dataset.copy || document.getElementById(button.dataset.copyFrom).textContent;
  await navigator.clipboard.writeText(text);
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1200);
}

async function empty() {
  if (!confirm("Forget all caught mail?")) return;
  const answer = await fetch("/api/messages", { method: "DELETE" });
  if (answer.ok) location.assign("/");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "empty") empty();
  else if (button.dataset.copy || button.dataset.copyFrom) copy(button);
});

document.addEventListener("keydown", (event) => {
  const find = document.getElementById("find");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === find && event.key === "Escape") find.blur();
  if (event.target.tagName === "INPUT") return; // there the keys write, or move between the switches
  if (event.key === "j" || event.key === "ArrowDown") step(1);
  else if (event.key === "k" || event.key === "ArrowUp") step(-1);
  else if (event.key === "/" && find) find.focus();
  else if (event.key === "Escape" && body.dataset.selected) location.assign(document.querySelector("a.back").href);
  else return;
  event.preventDefault();
});

// The list and the switches stay as they were from one message to the next.
const pane = document.querySelector(".inbox");
if (pane) {
  pane.scrollTop = Number(sessionStorage.getItem("scroll") || 0);
  const current = pane.querySelector("[aria-current]");
  if (current) current.scrollIntoView({ block: "nearest" });
  addEventListener("pagehide", () => sessionStorage.setItem("scroll", pane.scrollTop));
}
for (const choice of document.querySelectorAll(".switches input")) {
  if (sessionStorage.getItem(choice.name) === choice.id) choice.checked = true;
  choice.addEventListener("change", () => sessionStorage.setItem(choice.name, choice.id));
}

document.addEventListener("visibilitychange", listenWhenSeen);
listenWhenSeen();
showUnread();
