// The list of actions while it is read: what is new is announced, what changes does so in place, dates are the reader's.
import "./completing.js";
import { follow } from "./events.js";
import { go } from "./go.js";
import { replace } from "./replacing.js";
import { elapse } from "./since.js";
import { draw } from "./timeline.js";

// Between two questions to the server, in milliseconds: while somebody looks, and while nobody does.
const PACE = 500, PACE_HIDDEN = 15000;

let stop = () => {}, timer, isAsking, changed = new Set(), found;

function begin() {
  if (found === document.getElementById("found")) return;
  found = document.getElementById("found");
  stop();
  clearTimeout(timer);
  timer = undefined;
  changed = new Set();
  stop = found.dataset.news ? follow(found.dataset.events, Number(found.dataset.after), heard) : () => {};
}

function heard(event) {
  if (event.type !== "action") return;
  const id = event.resource_uri.split("/").at(-2);
  if (document.getElementById(`action-${id}`)) changed.add(id);
  timer ??= setTimeout(ask, document.hidden ? PACE_HIDDEN : PACE);
}

async function ask() {
  if (isAsking) { timer = setTimeout(ask, PACE); return; }
  timer = undefined;
  const asked = found, rows = [...changed].slice(0, 50);
  for (const row of rows) changed.delete(row);
  const url = new URL(asked.dataset.news, location.href);
  for (const row of rows) url.searchParams.append("row", row);
  isAsking = true;
  try {
    const answer = await fetch(url, { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(answer.status);
    const part = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (asked !== document.getElementById("found")) return;
    announce(Number(part.querySelector("[data-new]").dataset.new));
    for (const row of part.querySelectorAll("tr")) update(row);
  } catch {
    for (const row of rows) changed.add(row);
    timer ??= setTimeout(ask, 5000);
  } finally {
    isAsking = false;
    if (changed.size) timer ??= setTimeout(ask, PACE);
  }
}

function announce(count) {
  const news = document.getElementById("news");
  const title = document.title.replace(/^\(.*?\) /, "");
  document.title = count ? `(${count}) ${title}` : title;
  if (!count) { news.replaceChildren(); return; }
  let button = news.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.dataset.key = ".";
    button.addEventListener("click", () => go(found.dataset.first));
    news.replaceChildren(button);
  }
  button.textContent = `${count >= 10000 ? "10,000 or more" : count.toLocaleString("en")} new`;
}

// How many there are, where the list knew only that there are so many at least: its timeline has counted them.
function tellTotal(timeline) {
  const counted = timeline.querySelector("template[data-counted]");
  if (counted) document.getElementById("total").replaceChildren(counted.content.cloneNode(true));
}

function update(row) {
  const old = document.getElementById(row.id);
  if (!old) return;
  replace(old, row).classList.add("changed");
  elapse();
}

// Dates: fields are in the reader's zone, addresses in UTC.
const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

function localFields() {
  for (const field of document.querySelectorAll("input[data-date]:not([data-local])")) {
    field.dataset.local = "";
    if (field.value) {
      const date = new Date(`${field.value}Z`);
      date.setMinutes(date.getMinutes() - date.getTimezoneOffset());
      field.value = date.toISOString().slice(0, 19);
    }
  }
  for (const label of document.querySelectorAll("[data-zone]")) label.textContent = `(${zone})`;
}

function utc(date) {
  return `${date.toISOString().slice(0, 19)}Z`;
}

document.addEventListener("formdata", ({ target, formData }) => {
  for (const field of target.querySelectorAll("input[data-date]")) {
    if (field.value) formData.set(field.name, utc(new Date(field.value)));
  }
  if (!formData.get("object")) formData.delete("include_related");
  for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
});

// What is typed counts when the form is sent, and a value that was offered when it is chosen.
document.addEventListener("change", (event) => {
  if (event.target.matches("#filter input:not([type=checkbox])")) event.stopPropagation();
}, true);

document.addEventListener("input", ({ target, inputType }) => {
  const isChosen = !inputType || inputType === "insertReplacementText";
  if (isChosen && target.matches("#filter input[list]") && target.value) target.form.requestSubmit();
});

document.addEventListener("click", (event) => {
  const range = event.target.closest?.("[data-range]");
  if (!range || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  const since = new Date();
  if (Number(range.dataset.range)) since.setSeconds(since.getSeconds() - Number(range.dataset.range));
  else since.setHours(0, 0, 0, 0);
  const url = new URL(range.href);
  url.searchParams.set("start_date__gte", utc(since));
  go(url.pathname + url.search);
}, true);

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const part = detail.target;
  if (part.id === "timeline") { draw(); tellTotal(part); }
  localFields();
  elapse();
  begin();
  // What was chosen is gone, a chip or the link to a page: then its reader goes on in the list.
  if (document.activeElement === document.body) document.getElementById("found")?.focus({ preventScroll: true });
});

for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(name, ({ detail }) => {
    if (detail.target?.id !== "timeline") return;
    detail.target.setAttribute("aria-busy", "false");
    const message = detail.target.querySelector(".loading") ?? document.getElementById("readout");
    message.textContent = "The timeline can't be counted now; try again, or ask for less.";
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden || timer === undefined) return;
  clearTimeout(timer);
  ask();
});

setInterval(() => { if (!document.hidden) elapse(); }, 1000);
localFields();
elapse();
begin();
