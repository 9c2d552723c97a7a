// The output of an action: what comes, what is looked for, where one is.

import { plain } from "./ansi.js";
import { tell } from "./app.js";
import { follow } from "./feed.js";
import { Lines } from "./lines.js";
import { Screen } from "./screen.js";

/** More matches are not counted. */
const MATCHES = 10_000;

const at = (id) => document.getElementById(id);
const grouped = (number) => number.toLocaleString("en");

const WORDS = {
  past: "", live: "Live ·", away: "Disconnected, trying again ·", ended: "Ended ·", gone: "The action can no longer be seen ·",
  "signed-out": "Your session has ended; reload the page to sign in ·",
};

export class Output {
  constructor(section) {
    this.section = section;
    this.isOver = ["success", "failed", "canceled"].includes(section.dataset.state);
    const isPast = "asOf" in section.dataset;
    this.lines = new Lines(section.dataset.logs, Number(section.dataset.lines));
    at("output-plain")?.remove();
    at("output-tools").hidden = false;
    at("output-screen").hidden = false;
    this.screen = new Screen(at("lines"), this.lines, (isAtEnd) => this.followed(isAtEnd));
    this.screen.onRows = () => this.paintSoon();
    this.seen = this.lines.count;
    this.matches = [];
    this.buttons();
    this.remember();
    this.draw();
    this.screen.toEnd();
    this.fromAddress();
    addEventListener("hashchange", () => this.fromAddress());
    if (this.isOver || isPast) this.say(this.isOver ? "ended" : "past");
    else this.listen();
  }

  listen() {
    at("output-follow").hidden = at("output-pause").hidden = false;
    this.feed = follow({
      url: () => `${this.lines.path}?after=${this.lines.count}`,
      take: ({ line, timestamp, log }) => {
        if (!this.lines.add(line, timestamp, log)) return;
        if (this.query && plain(log).toLowerCase().includes(this.query) && this.matches.length < MATCHES) this.matches.push(line);
        this.drawSoon();
      },
      say: (word) => {
        if (word === "ended") this.ended();
        this.say(word);
      },
    });
  }

  say(word) {
    at("output-link").textContent = WORDS[word];
    this.section.dataset.link = word;
  }

  ended() {
    this.isOver = true;
    this.draw();
    at("output-pause").hidden = true;
    if (this.isPaused) this.pause(false);
  }

  /** The action is in another state: what is said where there are no lines. */
  became(state) {
    const [waits, runs, none] = this.section.dataset.empty.split("|");
    at("output-empty").textContent = { pending: waits, running: runs, canceling: runs }[state] ?? none;
  }

  drawSoon() {
    this.drawing ??= requestAnimationFrame(() => { this.drawing = undefined; this.draw(); });
  }

  /** Show what came: all of a frame at once, and nothing while it is paused. */
  draw() {
    const { count } = this.lines;
    at("output-empty").hidden = count > 0;
    at("output-screen").hidden = at("output-tools").hidden = at("output-text").hidden = count === 0;
    const { left } = this.screen;
    at("output-count").textContent = `${grouped(count)} ${count === 1 ? "line" : "lines"}${left ? `, shown from ${grouped(left + 1)} on` : ""}`;
    if (!this.isPaused && count > this.screen.count) {
      const isFirst = this.screen.count === 0;
      if (isFirst) this.screen.rowHeight = this.screen.measure();
      this.screen.grow(count);
      if (this.screen.isAtEnd && !this.isHeld) this.screen.toEnd();
    }
    this.news();
    if (this.query) this.counted();
  }

  /** Say how much came that is not seen. */
  news() {
    const isBehind = this.isPaused || !this.screen.isAtEnd;
    if (!isBehind) this.seen = this.lines.count;
    const button = at("output-news"), count = this.lines.count - this.seen;
    button.hidden = !isBehind || count <= 0;
    if (!button.hidden) button.textContent = `${grouped(count)} new ${count === 1 ? "line" : "lines"}`;
  }

  followed(isAtEnd) {
    at("output-follow").setAttribute("aria-pressed", String(isAtEnd && !this.isPaused));
    this.news();
  }

  follow(is) {
    if (is && this.isPaused) this.pause(false);
    this.screen.isAtEnd = is;
    this.screen.insists = is ? performance.now() + 400 : 0;
    if (is) this.screen.toEnd();
    this.followed(is);
  }

  pause(is) {
    this.isPaused = is;
    at("output-pause").setAttribute("aria-pressed", String(is));
    this.draw();
    this.followed(this.screen.isAtEnd);
  }

  buttons() {
    const { box } = this.screen;
    at("output-follow").addEventListener("click", () => this.follow(!this.screen.isAtEnd || this.isPaused));
    at("output-news").addEventListener("click", () => { this.follow(true); box.focus(); });
    at("output-pause").addEventListener("click", () => this.pause(!this.isPaused));
    for (const name of ["wrap", "times"]) at(`output-${name}`).addEventListener("click", () => this.toggle(name));
    at("output-link-copy").addEventListener("click", () => this.copy());
    // Whoever reaches for an earlier line is let go at once: new lines would pull them back within a frame.
    box.addEventListener("wheel", ({ deltaY }) => { if (deltaY < 0 && box.scrollTop > 0) this.follow(false); }, { passive: true });
    box.addEventListener("keydown", ({ key }) => { if (["ArrowUp", "PageUp", "Home"].includes(key) && box.scrollTop > 0) this.follow(false); });
    box.addEventListener("pointerdown", () => { this.isHeld = true; this.screen.insists = 0; });
    addEventListener("pointerup", () => { this.isHeld = false; });
    addEventListener("pointercancel", () => { this.isHeld = false; });
    box.addEventListener("click", (event) => {
      const number = event.target.closest("a.no");
      if (!number) return;
      event.preventDefault();
      this.choose(Number(number.textContent));
    });
    at("find").addEventListener("submit", (event) => { event.preventDefault(); this.step(1); });
    at("find-previous").addEventListener("click", () => this.step(-1));
    const text = at("find-text");
    text.addEventListener("input", () => { clearTimeout(this.typing); this.typing = setTimeout(() => this.find(text.value), 250); });
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (text.value.toLowerCase() !== (this.query ?? "")) this.find(text.value);
      else this.step(event.shiftKey ? -1 : 1);
    });
    at("jump").addEventListener("submit", (event) => { event.preventDefault(); this.jump(at("jump-to").value.trim()); });
  }

  remember() {
    for (const name of ["wrap", "times"]) if (stored(name) === "yes") this.toggle(name, false);
  }

  toggle(name, keeps = true) {
    let is;
    this.screen.relay(() => { is = this.screen.box.classList.toggle(name); });
    at(`output-${name}`).setAttribute("aria-pressed", String(is));
    if (keeps) store(name, is ? "yes" : "no");
  }

  // Lines that one goes to

  async go(line) {
    if (this.isPaused && line > this.screen.count) this.pause(false);
    if (line <= this.screen.left) {
      tell(`Line ${grouped(line)} is too far back to be shown here: it is in the text, behind “As text”.`);
      return undefined;
    }
    const row = await this.screen.show(Math.min(Math.max(line, 1), this.screen.count));
    this.screen.box.scrollIntoView({ block: "nearest" });
    this.followed(this.screen.isAtEnd);
    return row;
  }

  choose(line) {
    this.screen.mark("chosen", line);
    history.replaceState(history.state, "", `#L${line}`);
    const button = at("output-link-copy");
    button.hidden = false;
    button.querySelector("span").textContent = `Copy link to line ${line}`;
  }

  async fromAddress() {
    const line = Number(/^#L(\d+)$/.exec(location.hash)?.[1] ?? 0);
    if (!line) return;
    if (line > this.lines.count) {
      tell(`There is no line ${line} so far; the last is ${this.lines.count}.`);
      return;
    }
    this.choose(line);
    await this.go(line);
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(location.href);
      tell(`The link to line ${this.screen.chosen} is copied.`);
    } catch {
      tell("The browser does not allow copying here; the link is in its address bar.");
    }
  }

  async jump(text) {
    const line = /^\d+$/.test(text) ? Number(text) : await this.lineAt(text);
    if (!line) return;
    if (line > this.lines.count) tell(`There is no line ${grouped(line)} so far; the last is ${grouped(this.lines.count)}.`);
    const target = Math.min(line, this.lines.count);
    this.choose(target);
    const row = await this.go(target);
    row?.querySelector("a").focus({ preventScroll: true });
  }

  /** The first line of a moment or later: told undefined, and the reader why, where there is none. */
  async lineAt(text) {
    const date = moment(text, Number(this.section.dataset.began || Date.now() / 1000) * 1000);
    if (!date) {
      tell("Write a line, like 1234, or a time, like 14:05:30 or 2026-07-14 14:05.");
      return undefined;
    }
    try {
      for await (const { line } of this.lines.ask({ timestamp__gte: date.toISOString(), limit: 1 })) return line;
      tell("All lines were written before then.");
    } catch {
      tell("The lines can't be reached now; try again in a while.");
    }
    return undefined;
  }

  // Text that is looked for

  async find(text) {
    this.finding?.abort();
    this.query = text.toLowerCase() || undefined;
    this.matches = [];
    this.screen.mark("current", 0);
    this.paint();
    if (!this.query) return this.counted();
    const { signal } = (this.finding = new AbortController());
    const from = this.screen.top, until = this.lines.count;
    at("find-count").textContent = "…";
    try {
      const found = [];
      for await (const { line } of this.lines.ask({ q: text, limit: MATCHES }, signal)) if (line <= until) found.push(line);
      // What came meanwhile is there already.
      this.matches = [...found, ...this.matches].slice(0, MATCHES);
    } catch {
      if (signal.aborted) return undefined;
      at("find-count").textContent = "can't be reached";
      return undefined;
    }
    const next = this.matches.find((line) => line >= from) ?? this.matches[0];
    this.counted();
    return next && this.match(next);
  }

  step(by) {
    if (!this.matches.length) return;
    const here = this.matches.indexOf(this.screen.current);
    const next = (here < 0 ? (by > 0 ? 0 : -1) : here + by + this.matches.length) % this.matches.length;
    this.match(this.matches.at(next));
  }

  async match(line) {
    this.screen.mark("current", line);
    this.counted();
    await this.go(line);
    if (this.screen.rowOf(line)?.querySelector(".more")) this.screen.widen(line);
    this.paint();
    nearest(this.screen.box, this.now);
  }

  counted() {
    const { length } = this.matches, here = this.matches.indexOf(this.screen.current) + 1;
    const all = `${grouped(length)}${length === MATCHES ? "+" : ""}`;
    const words = !this.query ? "" : !length ? "no line has it" : here ? `${grouped(here)} of ${all} lines` : `${all} lines`;
    if (at("find-count").textContent !== words) at("find-count").textContent = words;
    at("find-previous").disabled = at("find-next").disabled = !length;
  }

  paintSoon() {
    if (this.query) this.painting ??= requestAnimationFrame(() => { this.painting = undefined; this.paint(); });
  }

  /** Mark what is looked for, in the lines that are shown. */
  paint() {
    if (!window.Highlight) return;
    const found = new Highlight(), now = new Highlight();
    for (const [line, row] of this.query ? this.screen.rows() : []) {
      for (const range of ranges(row.querySelector(".text"), this.query)) (line === this.screen.current ? now : found).add(range);
    }
    [this.now] = now;
    CSS.highlights.set("found", found);
    CSS.highlights.set("found-now", now);
  }
}

/** Push a box sideways to where a match stands. */
function nearest(box, range) {
  if (!range) return;
  const here = range.getBoundingClientRect(), frame = box.getBoundingClientRect();
  if (here.left < frame.left + 120 || here.right > frame.right) box.scrollLeft += here.left - frame.left - frame.width / 2;
}

/** Where a text stands in a node, whatever the colours within it. */
function ranges(node, text) {
  const nodes = [], walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  let whole = "";
  while (walker.nextNode()) {
    nodes.push([whole.length, walker.currentNode]);
    whole += walker.currentNode.data;
  }
  const lower = whole.toLowerCase(), found = [];
  // Some letters change their number with their case: then places don't fit.
  if (lower.length !== whole.length) return found;
  const place = (offset) => {
    const [begin, one] = nodes.findLast(([start]) => start <= offset);
    return [one, offset - begin];
  };
  for (let from = lower.indexOf(text); from >= 0 && found.length < 500; from = lower.indexOf(text, from + text.length)) {
    const range = new Range();
    range.setStart(...place(from));
    const [last, end] = place(from + text.length - 1);
    range.setEnd(last, end + 1);
    found.push(range);
  }
  return found;
}

/** A moment as one writes it, in the reader's zone; a time alone is of the day that the output began, or the next. */
export function moment(text, began) {
  const found = /^(?:(\d{4})-(\d\d?)-(\d\d?)(?:[T ]+|$))?(?:(\d\d?):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (!found || !text) return undefined;
  const [year, month, day, hour = 0, minute = 0, second = 0] = found.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  const date = year === undefined ? new Date(began) : new Date(year, month - 1, day);
  date.setHours(hour, minute, second, 0);
  if (year === undefined && date.getTime() < Math.floor(began / 1000) * 1000 - 12 * 3_600_000) date.setDate(date.getDate() + 1);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function stored(name) {
  try { return localStorage.getItem(`output-${name}`); } catch { return null; }
}

function store(name, value) {
  try { localStorage.setItem(`output-${name}`, value); } catch { /* The browser keeps nothing: it is so for this page. */ }
}
