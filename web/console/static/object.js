// An object while it is looked at: its lane and the rows that are shown follow; what is new is announced, not put in.
import { follow } from "./events.js";
import { replace } from "./replacing.js";
import { elapse } from "./since.js";

// Between two questions to the server, in milliseconds: while somebody looks, and while nobody does.
const PACE = 500, PACE_HIDDEN = 15_000;

const page = document.getElementById("object");
const total = Number(page.dataset.total);
let timer, isAsking = false;

function heard(event) {
  if (event.type === "action") timer ??= setTimeout(ask, document.hidden ? PACE_HIDDEN : PACE);
}

async function ask() {
  timer = undefined;
  if (isAsking) { timer = setTimeout(ask, PACE); return; }
  isAsking = true;
  try {
    const answer = await fetch(location.href, { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(answer.status);
    const now = new DOMParser().parseFromString(await answer.text(), "text/html");
    update(document.getElementById("lane"), now.getElementById("lane"));
    for (const row of document.querySelectorAll("[data-rows] tr")) update(row, now.getElementById(row.id));
    announce(Number(now.getElementById("object").dataset.total) - total);
  } catch {
    timer ??= setTimeout(ask, 5000);
  } finally {
    isAsking = false;
  }
}

/** Put a part in the place of what it was before, unless it is the same. */
function update(old, part) {
  if (!part || old.dataset.seen === part.outerHTML) return;
  replace(old, part).dataset.seen = part.outerHTML;
  elapse();
}

function announce(count) {
  const news = document.getElementById("news");
  if (count <= 0 || news.dataset.count === String(count)) return;
  news.dataset.count = count;
  const link = document.createElement("a");
  const url = new URL(location.href);
  url.searchParams.delete("cursor");
  link.className = "button";
  link.href = url.href;
  link.dataset.key = ".";
  link.textContent = `${count.toLocaleString("en")} new`;
  news.replaceChildren(link);
}

follow(page.dataset.events, Number(page.dataset.after), heard);
elapse();
setInterval(elapse, 1000);
