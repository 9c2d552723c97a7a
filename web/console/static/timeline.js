// Actions over time: numbers where one points, and a range that is drawn over the bars, by pointer or by keys.
import { go } from "./go.js";

const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const year = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const second = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hour12: false });

function short(date, seconds) {
  if (seconds >= 2_000_000) return year.format(date);
  if (seconds >= 86400) return day.format(date);
  return seconds >= 600 ? `${day.format(date)} ${clock.format(date)}` : seconds >= 60 ? clock.format(date) : second.format(date);
}

/** Bring the timeline on the page to life. */
export function draw() {
  document.getElementById("timeline")?.setAttribute("aria-busy", "false");
  const plot = document.getElementById("plot");
  if (!plot || plot.tabIndex === 0) return;
  const seconds = Number(plot.dataset.seconds), svg = plot.querySelector("svg");
  const bars = [...plot.querySelectorAll(".bar")], marked = plot.querySelector("#chosen");
  const readout = document.getElementById("readout");
  for (const [number, tick] of plot.querySelectorAll("[data-at]").entries()) {
    const date = new Date(tick.dataset.at), text = short(date, seconds);
    tick.textContent = number || seconds >= 600 ? text : `${day.format(date)} ${text}`;
  }
  for (const title of plot.querySelectorAll(".bar title")) title.remove();
  let from = null, to = null, isDragging = false;

  function at(event) {
    const box = svg.getBoundingClientRect();
    return Math.max(0, Math.min(bars.length - 1, Math.floor(((event.clientX - box.left) / box.width) * bars.length)));
  }

  function range(one, other) {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    return { first, last, since: bars[first].dataset.since, until: bars[last].dataset.until };
  }

  function say(one, other) {
    const { first, last, since, until } = range(one, other);
    const total = bars.slice(first, last + 1).reduce((sum, bar) => sum + Number(bar.dataset.total), 0);
    const what = first === last ? bars[first].dataset.told : `${total.toLocaleString("en")} in all`;
    readout.textContent = `${full.format(new Date(since))} – ${full.format(new Date(until))}: ${what}`;
  }

  function mark() {
    marked.setAttribute("visibility", from === null ? "hidden" : "visible");
    if (from === null) { readout.textContent = readout.dataset.hint; return; }
    const { first, last } = range(from, to);
    marked.setAttribute("x", `${(100 * first) / bars.length}%`);
    marked.setAttribute("width", `${(100 * (last - first + 1)) / bars.length}%`);
    say(from, to);
  }

  function zoom() {
    const { since, until } = range(from, to);
    const url = new URL(plot.dataset.zoom, location.href);
    url.searchParams.set("start_date__gte", since);
    url.searchParams.set("start_date__lte", until);
    go(url.pathname + url.search);
  }

  function clear() {
    from = to = null;
    isDragging = false;
    mark();
  }

  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey) return;
    from = to = at(event);
    isDragging = true;
    svg.setPointerCapture(event.pointerId);
    mark();
  });
  svg.addEventListener("pointermove", (event) => {
    if (isDragging) { to = at(event); mark(); } else if (from === null) say(at(event), at(event));
  });
  svg.addEventListener("pointerup", () => {
    if (!isDragging) return;
    isDragging = false;
    zoom();
  });
  svg.addEventListener("pointercancel", clear);
  svg.addEventListener("pointerleave", () => { if (!isDragging && from === null) mark(); });
  // A press on a bar is a range of one, told above; its link is for where no script runs, and for a new tab.
  plot.parentElement.addEventListener("click", (event) => {
    const link = event.target.closest?.("a:not([hx-get])");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!plot.contains(link)) go(link.getAttribute("href"));
  });
  svg.addEventListener("dragstart", (event) => event.preventDefault());

  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", "Timeline: arrows go from bar to bar, with Shift over several; Enter zooms in");
  plot.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -bars.length, End: bars.length };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) {
      const start = event.key === "ArrowLeft" || event.key === "PageUp" ? bars.length : -1;
      const next = Math.max(0, Math.min(bars.length - 1, (to ?? start) + steps[event.key]));
      from = event.shiftKey && from !== null ? from : next;
      to = next;
      mark();
    } else if (event.key === "Enter" && from !== null) zoom();
    else if (event.key === "Escape") clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  mark();
}

draw();
