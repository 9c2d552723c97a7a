// What every page does where scripts run: dates in the reader's zone, copying, keys, words from the server.

const full = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});

/** Show every date below a node in the reader's zone; UTC stays on hover. */
export function localize(node) {
  for (const time of node.querySelectorAll("time[datetime]:not([data-local])")) {
    const date = new Date(time.dateTime);
    if (!Number.isNaN(date.getTime())) {
      time.textContent = full.format(date);
      time.dataset.local = "";
    }
  }
}

// How long ago, in the largest unit that is full.
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["year", 31556952], ["month", 2629746], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function since(date) {
  const seconds = (date - Date.now()) / 1000;
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return ago.format(Math.trunc(seconds / length), unit);
}

// On hover a date is told in UTC, and how long ago that is by then.
document.addEventListener("pointerover", ({ target }) => {
  const time = target.closest?.("time[data-local]");
  if (time) time.title = `${time.title.split(" · ")[0]} · ${since(new Date(time.dateTime))}`;
});

let telling;

/** Say a sentence for some seconds, to who reads it and to who hears it. */
export function tell(sentence) {
  const told = document.getElementById("told");
  told.textContent = sentence;
  clearTimeout(telling);
  telling = setTimeout(() => { told.textContent = ""; }, 6000);
}

/** What a form or a request of a script must carry. */
export function token() {
  return document.querySelector('meta[name="csrf"]')?.content ?? "";
}

/** Show in the bar that what is live is not, and why; an empty sentence when it is again. */
export function linkState(sentence) {
  const state = document.getElementById("link-state");
  if (state) {
    state.textContent = sentence;
    state.hidden = !sentence;
  }
}

function ready(node) {
  localize(node);
  for (const button of node.querySelectorAll(".copy[hidden]")) button.hidden = false;
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    tell("Copied.");
  } catch {
    tell("The browser does not allow copying here; select the text instead.");
  }
}

// The keys. A page gives its own by data-key="x" on a link or button.
const PLACES = { a: "/", u: "/users", h: "/system" };
let isGoing = false;

function rows() {
  return [...document.querySelectorAll("[data-rows] [data-href]")];
}

function move(by) {
  const all = rows();
  const at = all.findIndex((row) => row.classList.contains("chosen"));
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))];
  if (!next) return;
  all[at]?.classList.remove("chosen");
  next.classList.add("chosen");
  (next.querySelector("a") ?? next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const field = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "Escape") {
    field?.blur();
    for (const open of document.querySelectorAll("details.menu[open]")) {
      open.open = false;
      open.querySelector("summary").focus();
    }
    return;
  }
  if (field || document.querySelector("dialog[open]")) return;
  if (isGoing && PLACES[event.key]) {
    isGoing = false;
    const link = [...document.querySelectorAll(".places a")].find((a) => new URL(a.href).pathname === PLACES[event.key]);
    link?.click();
    return;
  }
  isGoing = event.key === "g";
  const chosen = document.querySelector("[data-rows] .chosen[data-href]");
  switch (event.key) {
    case "/": document.querySelector("[data-filter]")?.focus(); break;
    case "j": move(1); break;
    case "k": move(-1); break;
    case "Enter":
      if (!chosen || event.target.closest("button, summary") || (event.target.closest("a") && !chosen.contains(event.target))) return;
      location.assign(chosen.dataset.href);
      break;
    case "?": document.getElementById("shortcuts")?.showModal(); break;
    default: {
      const own = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (!own) return;
      own.click();
    }
  }
  event.preventDefault();
}

document.addEventListener("keydown", pressed);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".copy");
  if (button) copy(button);
  for (const open of document.querySelectorAll("details.menu[open]")) if (!open.contains(event.target)) open.open = false;
});
document.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-CSRF-Token"] = token(); });
document.addEventListener("htmx:afterSwap", (event) => ready(event.detail.elt.isConnected ? event.detail.elt : document));
document.addEventListener("htmx:oobAfterSwap", (event) => ready(event.detail.target));
document.addEventListener("htmx:responseError", (event) => {
  const part = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  tell(part.querySelector("[data-error]")?.textContent ?? "That did not work; reload the page.");
});
// What asks again by itself (data-polls) says in the bar that it can't, and goes on trying.
document.addEventListener("htmx:sendError", (event) => {
  if (event.target.closest?.("[data-polls]")) linkState("Not connected; trying again");
  else tell("The server can't be reached; it is tried again with your next step.");
});
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.target.closest?.("[data-polls]")) linkState("");
});

const help = document.getElementById("keys-help");
if (help) {
  help.hidden = false;
  help.addEventListener("click", () => document.getElementById("shortcuts").showModal());
}
ready(document);
