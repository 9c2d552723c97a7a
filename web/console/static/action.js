// The page of an action: it follows the action's life, asks before something is done, and shows the output.

import { localize, tell, token } from "./app.js";
import { follow } from "./feed.js";
import { Output } from "./output.js";
import { elapse } from "./since.js";

const output = new Output(document.getElementById("output"));
const ask = document.getElementById("ask");
const life = () => document.getElementById("life");
const AS_SCRIPT = { "HX-Request": "true" };

// What happens to the action, and to the other attempts at it

let position = life().dataset.position, feed, followed;

function listen() {
  const { actions } = life().dataset;
  if (actions === followed) return;
  followed = actions;
  feed?.stop();
  feed = follow({
    url: () => `/api/audit/v1/events/?object=${encodeURIComponent(actions)}&after=${position}`,
    take: (event) => {
      position = event.position;
      refresh();
    },
    say: () => {},
  });
}

let refreshing, isStale = false;

/** Show the action as it is now: one question at a time, and another one where something happened meanwhile. */
async function refresh() {
  isStale = true;
  if (refreshing) return;
  refreshing = true;
  while (isStale) {
    isStale = false;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: AS_SCRIPT });
      if (answer.headers.get("hx-redirect")) return location.assign(answer.headers.get("hx-redirect"));
      if (answer.ok) swap(await answer.text());
      else isStale = await later();
    } catch {
      isStale = await later();
    }
  }
  refreshing = false;
}

function later() {
  return new Promise((resolve) => { setTimeout(() => resolve(true), 1000); });
}

function swap(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("life");
  if (!fresh) return;
  const old = life(), focused = document.activeElement?.id, before = old.dataset.state;
  for (const details of old.querySelectorAll("details[id]")) {
    const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
    if (same) same.open = details.open;
  }
  old.replaceWith(document.adoptNode(fresh));
  ready();
  if (focused && !document.activeElement?.id) document.getElementById(focused)?.focus({ preventScroll: true });
  if (focused?.startsWith("act-") && !document.getElementById(focused)) document.getElementById("main").focus({ preventScroll: true });
  document.title = `${fresh.dataset.title} · Deedbook`;
  output.became(fresh.dataset.state);
  if (before !== fresh.dataset.state) tell(`The action is now ${fresh.querySelector(".action-head .state").textContent}.`);
  if (ask.open && !document.getElementById(`ask-${ask.dataset.operation}`)) {
    ask.close();
    tell("That is no longer possible: the action changed meanwhile.");
  }
  if (feed) listen();
}

function ready() {
  localize(life());
  for (const button of life().querySelectorAll(".copy[hidden]")) button.hidden = false;
  for (const running of life().querySelectorAll("[data-running]")) running.hidden = false;
  elapse();
}

// What can be done

document.addEventListener("click", (event) => {
  const act = event.target.closest("[data-ask]");
  if (act && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    const { ask: operation } = act.dataset, asking = document.getElementById(`ask-${operation}`);
    if (!asking) return;
    event.preventDefault();
    ask.dataset.operation = operation;
    ask.replaceChildren(asking.content.cloneNode(true));
    const once = ask.querySelector('input[name="once"]');
    if (once) once.value = [...crypto.getRandomValues(new Uint32Array(4))].join("-");
    ask.showModal();
    ask.querySelector("[data-close]").focus();
  }
  if (event.target.closest("[data-close]")) ask.close();
});

ask.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target, button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST", body: new URLSearchParams(new FormData(form)), headers: { ...AS_SCRIPT, "X-CSRF-Token": token() },
    });
    const next = answer.headers.get("hx-redirect");
    if (answer.ok) ask.close();
    if (!answer.ok && !next) {
      const part = new DOMParser().parseFromString(await answer.text(), "text/html");
      ask.close();
      tell(part.querySelector("[data-error]")?.textContent ?? "That did not work; reload the page.");
    } else if (next && new URL(next, location.href).pathname !== location.pathname) {
      location.assign(next);
      return;
    }
    refresh();
  } catch {
    button.disabled = false;
    tell("The server can't be reached; try again. What is done twice counts once.");
  }
});
ask.addEventListener("close", () => document.getElementById(`act-${ask.dataset.operation}`)?.focus());

ready();
setInterval(elapse, 1000);
if (!("asOf" in output.section.dataset)) listen();
