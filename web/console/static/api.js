// The reference: finds operations while somebody types, and tries GETs with the session.

const SHOWN = 100_000;

const find = document.getElementById("find");
const found = document.getElementById("found");
document.querySelector(".finder").hidden = false;

find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const one of document.querySelectorAll(".operation")) {
    const text = one.dataset.words.toLowerCase();
    one.hidden = !words.every((word) => text.includes(word));
    count += one.hidden ? 0 : 1;
    document.querySelector(`[data-to="${CSS.escape(one.id)}"]`).hidden = one.hidden;
  }
  for (const group of document.querySelectorAll("[data-group]")) {
    group.hidden = !group.querySelector(".operation:not([hidden]), [data-to]:not([hidden])");
  }
  found.textContent = words.length ? `${count} found` : "";
});

/** Return where a form asks: its fields in the path, the others that hold something in the query. */
function target(form) {
  let path = form.dataset.try;
  const query = new URLSearchParams();
  for (const field of form.elements) {
    if (!field.name || field.value === "") continue;
    if ("inPath" in field.dataset) path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    else query.append(field.name, field.value);
  }
  return query.size ? `${path}?${query}` : path;
}

function pretty(text, type) {
  if (!type?.startsWith("application/json")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function attempt(form) {
  const outcome = form.parentElement.querySelector("[data-outcome]");
  const part = (name) => outcome.querySelector(`[data-${name}]`);
  const url = target(form);
  outcome.hidden = false;
  part("status").textContent = `GET ${url} …`;
  part("headers").textContent = part("body").textContent = "";
  try {
    const began = performance.now();
    const answer = await fetch(url);
    const text = pretty(await answer.text(), answer.headers.get("content-type"));
    const took = Math.round(performance.now() - began);
    const cut = text.length > SHOWN ? `; the first ${SHOWN.toLocaleString()} of ${text.length.toLocaleString()} characters are shown` : "";
    part("status").textContent = `GET ${url}: ${answer.status} ${answer.statusText} in ${took} ms${cut}`;
    part("headers").textContent = [...answer.headers].map((pair) => pair.join(": ")).join("\n");
    part("body").textContent = text.slice(0, SHOWN);
  } catch {
    part("status").textContent = `GET ${url}: the server can't be reached; try again.`;
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.dataset.try) return;
  event.preventDefault();
  attempt(event.target);
});
