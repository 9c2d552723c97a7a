// Where the lines of an output come from: those at hand, and the API for the others. Of a long output only a part is held.

/** Lines are fetched and shown by so many at once. */
export const SIZE = 100;

/** So many signs of lines are held at the most, but for what was asked for last. */
const HELD = 4_000_000;

/** What a line costs beside its signs. */
const COST = 64;

export class Lines {
  /** `path` is where the output is; `count` how many lines there are known to be. */
  constructor(path, count) {
    this.path = path;
    this.count = count;
    this.pages = new Map();
    this.size = 0;
  }

  /** Take a line of the stream: told false where it is no news. Lines come in order, so a gap is a fault of the way here. */
  add(line, timestamp, text) {
    if (line !== this.count + 1) return false;
    this.count = line;
    this.keep(Math.floor((line - 1) / SIZE), (line - 1) % SIZE, timestamp, text);
    return true;
  }

  /** The lines of a page that there are, in order, `from` on: undefined where one of them is not at hand. */
  held(page, from, to) {
    const entries = this.pages.get(page)?.entries ?? [];
    const found = entries.slice(from, to);
    return found.length === to - from && !found.includes(undefined) ? found : undefined;
  }

  /** Fetch a page. Throws where that is not possible now. */
  async fetch(page) {
    const most = Math.min(SIZE, this.count - page * SIZE);
    for await (const { line, timestamp, log } of this.ask({ after: page * SIZE, limit: most })) {
      this.keep(page, (line - 1) % SIZE, timestamp, log);
    }
  }

  /** The lines that the API answers, one by one. */
  async *ask(query, signal) {
    const answer = await fetch(`${this.path}?${new URLSearchParams(query)}`, { headers: { Accept: "application/x-ndjson" }, signal });
    if (!answer.ok) throw new Error((await answer.json()).error);
    const decoder = new TextDecoder();
    let rest = "";
    for (const reader = answer.body.getReader(); ;) {
      const { value, done } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
      rest = lines.pop();
      for (const line of lines) yield JSON.parse(line);
      if (done) return;
    }
  }

  keep(page, place, timestamp, text) {
    const found = this.pages.get(page) ?? { entries: [], size: 0 };
    const known = found.entries[place], grown = text.length - (known ? known.text.length : -COST);
    found.entries[place] = { timestamp, text };
    found.size += grown;
    this.size += grown;
    // The one that was used last is the last to go.
    this.pages.delete(page);
    this.pages.set(page, found);
    for (const [oldest, { size }] of this.pages) {
      if (this.size <= HELD || oldest === page) break;
      this.pages.delete(oldest);
      this.size -= size;
    }
  }
}
