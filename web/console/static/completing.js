// Completes filters while they are typed into the search, `user:le` to `user:lena`: a combobox with a list below it.

const PACE = 120;

let timer, asking;

const field = () => document.getElementById("q");
const list = () => document.getElementById("completions");
const options = () => [...list().children];
const chosen = () => list()?.querySelector("[aria-selected=true]");

function open() {
  const isOpen = options().length > 0;
  list().hidden = !isOpen;
  field().setAttribute("aria-expanded", isOpen);
}

/** Withdraws what the server is asked, or is about to be: no other list comes. */
function withdraw() {
  clearTimeout(timer);
  asking?.abort();
}

function clear() {
  if (!list()) return;
  list().replaceChildren();
  field().removeAttribute("aria-activedescendant");
  open();
}

function close() {
  withdraw();
  clear();
}

/** What is typed up to where the reader is. */
function typed() {
  return field().value.slice(0, field().selectionStart);
}

async function ask() {
  const text = typed();
  asking?.abort();
  if (!/(^|\s)[a-z]{2,}(:\S*|:"[^"]*)?$/i.test(text)) return close();
  asking = new AbortController();
  const url = new URL(field().dataset.completions, location.href);
  url.searchParams.set("text", text);
  try {
    const answer = await fetch(url, { headers: { "HX-Request": "true" }, signal: asking.signal });
    const part = new DOMParser().parseFromString(await answer.text(), "text/html");
    // Of what was typed since, the next question is about to be asked.
    if (typed() !== text) return clear();
    if (!answer.ok || document.activeElement !== field()) return close();
    list().replaceChildren(...[...part.querySelectorAll("li")].map((one) => document.importNode(one, true)));
    field().removeAttribute("aria-activedescendant");
    open();
  } catch {
    // Another question took its place, or the server is away: then there is nothing to offer.
  }
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(ask, PACE);
}

function choose(option) {
  const box = field(), rest = box.value.slice(box.selectionStart).trimStart();
  const { text } = option.dataset;
  close();
  box.value = text + rest;
  box.setSelectionRange(text.length, text.length);
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

function move(by) {
  // The list stands still for who chooses from it: another one would come with nothing chosen.
  withdraw();
  const all = options(), at = all.indexOf(chosen()), next = all.at((at < 0 && by < 0 ? 0 : at) + by) ?? all[0];
  chosen()?.setAttribute("aria-selected", "false");
  next.setAttribute("aria-selected", "true");
  next.scrollIntoView({ block: "nearest" });
  field().setAttribute("aria-activedescendant", next.id);
}

const KEYS = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  Enter: () => choose(chosen()),
  Escape: close,
};

document.addEventListener("keydown", (event) => {
  if (event.target !== field() || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (list().hidden) {
    if (event.key === "ArrowDown") ask();
    return;
  }
  if (event.key === "Tab") close();
  if (!(event.key in KEYS) || (event.key === "Enter" && !chosen())) return;
  event.preventDefault();
  event.stopPropagation();
  KEYS[event.key]();
}, true);

document.addEventListener("input", ({ target }) => { if (target === field()) soon(); });
document.addEventListener("submit", close, true);
document.addEventListener("focusout", ({ target }) => { if (target === field()) close(); });
document.addEventListener("focusin", ({ target }) => {
  if (target !== field() || !list()) return;
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", "completions"], ["aria-expanded", "false"]]) target.setAttribute(name, value);
});
// The field keeps the focus while one is pointed at.
document.addEventListener("pointerdown", (event) => { if (event.target.closest?.("#completions")) event.preventDefault(); });
document.addEventListener("click", ({ target }) => {
  const option = target.closest?.("#completions li");
  if (option) choose(option);
});
