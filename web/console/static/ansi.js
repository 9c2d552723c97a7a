// A line of output as nodes: colours and weights as a terminal has them (ECMA-48, SGR), all else that a terminal would
// obey, or that nobody would see, by its name. Every line begins without colours, so that it looks the same from
// wherever one comes to it.

const SGR = /\x1b\[([0-9;:]*)m/g;

// The same as in visible.py.
const SIGN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

const PALETTE = [
  [0, 0, 0], [205, 49, 49], [13, 150, 95], [170, 140, 0], [36, 114, 200], [188, 63, 188], [17, 140, 175], [200, 200, 200],
  [102, 102, 102], [241, 76, 76], [35, 180, 115], [200, 165, 20], [59, 142, 234], [214, 112, 214], [41, 165, 195], [255, 255, 255],
];
const PAPERS = [[255, 255, 255], [20, 24, 27]];
// Of all grounds that a line can have (--paper, --hover, --chosen, --warning-ground) the one that is hardest to read on.
const GROUNDS = [[226, 239, 237], [28, 51, 49]];
const INKS = [[26, 33, 32], [230, 234, 232]];
const WEIGHTS = { 1: "bold", 3: "italic", 4: "underline", 21: "underline", 9: "strike", 53: "overline" };
const ENDS = { 22: ["bold", "faint"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 28: ["conceal"], 29: ["strike"], 55: ["overline"] };

/** How a terminal has it: 16 named colours, a cube of 6 × 6 × 6, 24 greys. */
function indexed(n) {
  if (n < 16) return PALETTE[n];
  if (n > 231) return Array(3).fill(8 + (n - 232) * 10);
  const step = (part) => (part ? 55 + part * 40 : 0);
  return [step(Math.floor((n - 16) / 36)), step(Math.floor((n - 16) / 6) % 6), step((n - 16) % 6)];
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((part) => { const s = part / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** The colour, drawn as far towards black or white as it takes to be read on a ground (WCAG 2.2, 1.4.3). */
export function readable(rgb, ground) {
  const target = luminance(ground) > 0.18 ? 0 : 255;
  for (let part = 0; part < 1; part += 0.1) {
    const mixed = rgb.map((value) => Math.round(value + (target - value) * part));
    if (contrast(mixed, ground) >= 4.55) return mixed;
  }
  return Array(3).fill(target);
}

const css = (rgb) => `rgb(${rgb.join(" ")})`;
const both = (pair) => `light-dark(${css(pair[0])}, ${css(pair[1])})`;

const looks = new Map();

/** What a state of the terminal looks like: classes, and colours for both themes. */
function look(state) {
  const key = JSON.stringify(state);
  let found = looks.get(key);
  if (!found) {
    if (looks.size > 2000) looks.clear();
    const { fg, bg, inverse, ...weights } = state;
    let ink = fg && [fg, fg], ground = bg && [bg, bg];
    if (inverse) [ink, ground] = [ground ?? PAPERS, ink ?? INKS];
    if (ink || ground) {
      const grounds = ground ?? GROUNDS, inks = ink ?? grounds.map((one, theme) => INKS[theme]);
      ink = inks.map((one, theme) => readable(one, grounds[theme]));
    }
    found = { classes: Object.keys(weights).join(" "), ink: ink && both(ink), ground: ground && both(ground) };
    looks.set(key, found);
  }
  return found;
}

function colour(codes, at) {
  const kind = codes[at + 1];
  if (kind === 5) return [codes[at + 2] <= 255 ? indexed(codes[at + 2]) : undefined, at + 2];
  const rgb = codes.slice(at + 2, at + 5);
  return [kind === 2 && rgb.length === 3 && rgb.every((part) => part <= 255) ? rgb : undefined, at + (kind === 2 ? 4 : 1)];
}

/** The codes between two semicolons may have parts of their own: 4:3 is an underline, 38:2::1:2:3 a colour. */
function parts(text) {
  return (text || "0").split(";").flatMap((group) => {
    const [code, ...more] = group.split(":").map(Number);
    if (code !== 38 && code !== 48) return more.length && more[0] === 0 && code === 4 ? [24] : [code];
    return [code, ...(more[0] === 2 && more.length > 4 ? [2, ...more.slice(-3)] : more)];
  });
}

/** The state of a terminal behind an escape sequence. */
export function after(state, text) {
  let next = { ...state };
  const codes = parts(text);
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at];
    if (code === 0) next = {};
    else if (WEIGHTS[code]) next[WEIGHTS[code]] = true;
    else if (code === 2) next.faint = true;
    else if (code === 7) next.inverse = true;
    else if (code === 8) next.conceal = true;
    else if (ENDS[code]) for (const name of ENDS[code]) delete next[name];
    else if (code === 38 || code === 48) {
      let found;
      [found, at] = colour(codes, at);
      if (found) next[code === 38 ? "fg" : "bg"] = found;
    } else if (code === 39) delete next.fg;
    else if (code === 49) delete next.bg;
    else if (code >= 30 && code <= 37) next.fg = PALETTE[code - 30];
    else if (code >= 40 && code <= 47) next.bg = PALETTE[code - 40];
    else if (code >= 90 && code <= 97) next.fg = PALETTE[code - 82];
    else if (code >= 100 && code <= 107) next.bg = PALETTE[code - 92];
  }
  return next;
}

const CONTROLS = "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");

/** What stands for a sign that can't be seen. */
export function nameOf(sign) {
  const code = sign.codePointAt(0);
  return CONTROLS[code] ?? (code === 127 ? "DEL" : `U+${code.toString(16).toUpperCase().padStart(4, "0")}`);
}

function writeText(node, text) {
  let end = 0;
  for (const found of text.matchAll(SIGN)) {
    if (found.index > end) node.append(text.slice(end, found.index));
    const sign = document.createElement("span");
    sign.className = "sign";
    sign.textContent = nameOf(found[0]);
    node.append(sign);
    end = found.index + found[0].length;
  }
  if (end < text.length) node.append(text.slice(end));
}

/** Write a line into a node: text only, whatever it holds. */
export function write(node, text) {
  let state = {}, end = 0;
  const put = (piece) => {
    if (!piece) return;
    const { classes, ink, ground } = look(state);
    let into = node;
    if (classes || ink || ground) {
      into = document.createElement("span");
      if (classes) into.className = classes;
      if (ink) into.style.color = ink;
      if (ground) into.style.backgroundColor = ground;
      node.append(into);
    }
    writeText(into, piece);
  };
  for (const found of text.matchAll(SGR)) {
    put(text.slice(end, found.index));
    state = after(state, found[1]);
    end = found.index + found[0].length;
  }
  put(text.slice(end));
}

/** A line as it is looked for: without what colours it. */
export function plain(text) {
  return text.replace(SGR, "");
}
