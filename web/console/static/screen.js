// The lines of an output in a box that scrolls: only those near the part that is seen stand in the page.

import { plain, write } from "./ansi.js";
import { SIZE } from "./lines.js";

/** Pixels above and below what is seen, where lines stand ready. */
const AHEAD = 1000;

/** Of a longer line the beginning is shown, until one asks for all. */
const LONG = 2000;

/** Browsers draw nothing that is higher than some 33 million pixels: of more lines the last are shown. */
const MOST = 1_000_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const times = new Map();

function timeOf(timestamp) {
  let found = times.get(timestamp);
  if (!found) {
    if (times.size > 5000) times.clear();
    const date = new Date(timestamp * 1000);
    found = { short: clock.format(date), full: `${day.format(date)} (${date.toISOString()})`, iso: date.toISOString() };
    times.set(timestamp, found);
  }
  return found;
}

export class Screen {
  /** `box` scrolls; `onScroll(isAtEnd, isByReader)` is told when it did. */
  constructor(box, lines, onScroll) {
    this.box = box;
    this.lines = lines;
    this.all = document.createElement("div");
    this.all.className = "all";
    box.append(this.all);
    this.pages = [];       // the node of each page of lines
    this.shown = new Map(); // of each page that has rows, how many
    this.coming = new Map();
    this.wide = new Set(); // long lines that are shown whole
    this.count = 0;
    this.left = 0;         // the lines before the first that is shown
    this.chosen = 0;
    this.current = 0;
    this.isAtEnd = true;
    this.insists = 0;
    this.rowHeight = this.measure();
    box.addEventListener("scroll", () => this.scrolled(onScroll), { passive: true });
    new ResizeObserver(() => this.resized()).observe(box);
  }

  measure() {
    const probe = this.row(1, { timestamp: 0, text: "x" });
    this.all.append(probe);
    const height = probe.getBoundingClientRect().height;
    probe.remove();
    return height || 20;
  }

  /** Make room for so many lines, and show what is near. */
  grow(count) {
    const before = Math.max(0, Math.ceil(this.count / SIZE) - 1);
    this.count = count;
    const fresh = document.createDocumentFragment();
    for (let page = this.pages.length; page * SIZE < count; page++) {
      const node = document.createElement("div");
      node.className = "page";
      fresh.append(node);
      this.pages.push(node);
    }
    this.all.append(fresh);
    for (; this.left < count - MOST - SIZE; this.left += SIZE) this.pages[this.left / SIZE].hidden = true;
    for (let page = before; page < this.pages.length; page++) if (!this.shown.has(page)) this.estimate(page);
    this.refresh();
  }

  estimate(page) {
    this.pages[page].style.height = `${this.sizeOf(page) * this.rowHeight}px`;
  }

  sizeOf(page) {
    return Math.min(SIZE, this.count - page * SIZE);
  }

  /** The pages that are seen, or nearly. */
  near() {
    const from = this.box.scrollTop - AHEAD, to = this.box.scrollTop + this.box.clientHeight + AHEAD;
    return [this.pageAt(from), this.pageAt(to)];
  }

  pageAt(top) {
    let low = 0, high = this.pages.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.pages[middle].offsetTop <= top) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Show what is near, and let go of what is not. */
  refresh() {
    if (!this.pages.length) return;
    const [first, last] = this.isAtEnd ? [Math.max(0, this.pages.length - 1 - Math.ceil(AHEAD / (SIZE * this.rowHeight))), this.pages.length - 1] : this.near();
    const isPart = (page) => this.shown.get(page) < this.sizeOf(page);
    const gone = [...this.shown.keys()].filter((page) => page < first - !isPart(page) || page > last + !isPart(page));
    const heights = gone.map((page) => (isPart(page) ? this.sizeOf(page) * this.rowHeight : this.pages[page].offsetHeight));
    gone.forEach((page, at) => {
      this.pages[page].replaceChildren();
      this.pages[page].style.height = `${heights[at]}px`;
      this.shown.delete(page);
    });
    for (let page = last; page >= first; page--) this.fill(page);
  }

  /** Show the lines of a page, those that are not at hand once they came. */
  fill(page) {
    const shown = this.shown.get(page) ?? 0, size = this.sizeOf(page);
    if (shown >= size) return Promise.resolve();
    const found = this.lines.held(page, shown, size);
    if (found) {
      const rows = document.createDocumentFragment();
      found.forEach((entry, at) => rows.append(this.row(page * SIZE + shown + at + 1, entry)));
      const node = this.pages[page];
      node.append(rows);
      node.style.height = "";
      node.removeAttribute("aria-busy");
      this.shown.set(page, size);
      this.onRows?.();
      return Promise.resolve();
    }
    let coming = this.coming.get(page);
    if (!coming) {
      this.pages[page].setAttribute("aria-busy", "true");
      coming = this.bring(page);
      this.coming.set(page, coming);
    }
    return coming;
  }

  async bring(page) {
    try {
      await this.lines.fetch(page);
      this.coming.delete(page);
      await this.fill(page);
      if (this.isAtEnd) this.toEnd();
    } catch {
      // Asked again when somebody scrolls, or in a while.
      setTimeout(() => { this.coming.delete(page); this.refresh(); }, 2000);
    }
  }

  row(line, { timestamp, text }) {
    const row = document.createElement("div");
    row.className = line === this.chosen ? "line chosen" : "line";
    if (line === this.current) row.classList.add("current");
    const number = document.createElement("a");
    number.href = `#L${line}`;
    number.className = "no";
    number.textContent = line;
    number.tabIndex = -1;
    const time = document.createElement("time"), { short, full, iso } = timeOf(timestamp);
    time.textContent = short;
    time.title = full;
    time.dateTime = iso;
    time.dataset.local = "";
    const written = document.createElement("span");
    written.className = "text";
    const isCut = text.length > LONG && !this.wide.has(line);
    write(written, isCut ? beginning(text) : text);
    row.append(number, time, written);
    if (isCut) {
      const more = document.createElement("button");
      more.type = "button";
      more.className = "more";
      more.textContent = `… all ${text.length.toLocaleString()} characters`;
      more.addEventListener("click", () => this.widen(line));
      row.append(more);
    }
    return row;
  }

  rowOf(line) {
    return this.pages[Math.floor((line - 1) / SIZE)]?.children[(line - 1) % SIZE];
  }

  /** Show a long line whole. */
  widen(line) {
    this.wide.add(line);
    const page = Math.floor((line - 1) / SIZE), place = (line - 1) % SIZE;
    const [entry] = this.lines.held(page, place, place + 1) ?? [];
    const row = this.rowOf(line);
    if (!row) return;
    if (entry) row.replaceWith(this.row(line, entry));
    else {
      // Its text was let go of: the page comes anew.
      this.pages[page].replaceChildren();
      this.shown.delete(page);
      this.fill(page);
    }
    this.onRows?.();
  }

  /** Bring a line into sight, so many pixels below the upper edge, or into the middle; resolves when it is there. */
  async show(line, below) {
    const page = Math.floor((line - 1) / SIZE), middle = (height) => below ?? (this.box.clientHeight - height) / 2;
    const turn = (this.turn = {});
    this.isAtEnd = false;
    this.box.scrollTop = this.pages[page].offsetTop + ((line - 1) % SIZE) * this.rowHeight - middle(this.rowHeight);
    await this.fill(page);
    const row = this.rowOf(line), place = () => { this.box.scrollTop = this.topOf(line) - middle(row.offsetHeight); };
    // Somebody who went elsewhere meanwhile is not fetched back.
    if (!row || this.turn !== turn) return undefined;
    place();
    this.refresh();
    place();
    return row;
  }

  topOf(line) {
    return this.pages[Math.floor((line - 1) / SIZE)].offsetTop + this.rowOf(line).offsetTop;
  }

  /** What stays where it is when lines get another height: what the reader chose, where it is in sight, else the top. */
  anchor() {
    for (const line of [this.current, this.chosen, this.top]) {
      const below = this.rowOf(line) ? this.topOf(line) - this.box.scrollTop : -1;
      if (below >= 0 && below < this.box.clientHeight) return [line, below];
    }
    return [this.top, 0];
  }

  /** The line at the top of what is seen. */
  get top() {
    const page = this.pageAt(this.box.scrollTop), rows = this.pages[page]?.children ?? [];
    const top = this.box.scrollTop - (this.pages[page]?.offsetTop ?? 0);
    let at = 0;
    while (at < rows.length - 1 && rows[at].offsetTop + rows[at].offsetHeight <= top) at++;
    return page * SIZE + at + 1;
  }

  toEnd() {
    this.turn = undefined;
    this.isAtEnd = true;
    this.refresh();
    this.box.scrollTop = this.box.scrollHeight;
    this.last = this.box.scrollTop;
  }

  scrolled(onScroll) {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    const isUp = scrollTop < (this.last ?? 0) - 1;
    this.last = scrollTop;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 4;
    // A movement that began before, PageUp's, would go on and lead away again.
    if (!isAtEnd && performance.now() < this.insists) {
      this.toEnd();
      return;
    }
    if (isAtEnd || isUp) this.isAtEnd = isAtEnd;
    onScroll(this.isAtEnd);
    this.frame ??= requestAnimationFrame(() => { this.frame = undefined; if (!this.isAtEnd) this.refresh(); });
  }

  resized() {
    const isNew = this.width !== undefined && this.width !== this.box.clientWidth;
    this.width = this.box.clientWidth;
    if (isNew) this.relay(() => {});
  }

  /** Change how high lines are: the height of those that are not shown is guessed anew. */
  relay(change) {
    const [line, below] = this.isAtEnd || !this.count ? [] : this.anchor();
    change();
    for (let page = 0; page < this.pages.length; page++) if (!this.shown.has(page)) this.estimate(page);
    if (line) return this.show(line, below);
    if (this.count) this.toEnd();
    return undefined;
  }

  mark(name, line) {
    this.rowOf(this[name])?.classList.remove(name);
    this[name] = line;
    this.rowOf(line)?.classList.add(name);
  }

  /** Each row that stands in the page: its line and its node. */
  *rows() {
    for (const page of this.shown.keys()) {
      for (const [at, row] of [...this.pages[page].children].entries()) yield [page * SIZE + at + 1, row];
    }
  }
}

/** The beginning of a long line: no sign, and no escape sequence of a colour, is cut in two. */
function beginning(text) {
  const cut = text.slice(0, LONG), escape = cut.lastIndexOf("\x1b");
  if (escape > LONG - 40 && plain(cut.slice(escape)) === cut.slice(escape)) return cut.slice(0, escape);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}
