// A WebSocket of the API that is kept open: it comes back where it was, and says when it is away.
// By WebSockets, not server-sent events: of other connections a browser keeps six to a server, all its tabs together.

import { linkState } from "./app.js";

const SLOWEST = 15_000;

// What the bar says of each that is away.
const away = new Map();

/**
 * Follow a stream. `url()` is where to go on, each time that it opens; `take` gets each message; `say` a word for each
 * change: live, away, ended (1000, all was sent), signed-out, gone.
 */
export function follow({ url, take, say }) {
  const feed = {};
  let socket, timer, settling, since = 0, isOver = false, wait = 500;

  function tell(word, reason) {
    if (word === "away") away.set(feed, `Not live: ${reason || "the server can't be reached. It is tried again"}.`);
    else away.delete(feed);
    linkState([...away.values()].at(-1) ?? "");
    say(word);
  }

  function over(word) {
    isOver = true;
    tell(word);
  }

  function open() {
    clearTimeout(timer);
    const path = url();
    socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    socket.onopen = () => {
      since = Date.now();
      // A server that can't go on opens too, and closes at once.
      settling = setTimeout(tell, 300, "live");
    };
    socket.onmessage = ({ data }) => take(JSON.parse(data));
    socket.onclose = async ({ code, reason, target }) => {
      clearTimeout(settling);
      if (isOver || target !== socket) return;
      if (code === 1000) return over("ended");
      if (code === 1008) return over("signed-out");
      tell("away", code === 1011 && reason);
      const word = await refusal(path);
      if (isOver || target !== socket) return;
      if (word) return over(word);
      if (since && Date.now() - since > 5000) wait = 500;
      since = 0;
      timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, SLOWEST);
    };
  }

  function again() {
    if (isOver || !socket || socket.readyState < 2 || document.hidden) return;
    wait = 500;
    open();
  }

  addEventListener("online", again);
  document.addEventListener("visibilitychange", again);
  /** One that is not open yet is closed when it is: before that a browser calls it a failure. */
  function hangUp() {
    isOver = true;
    const old = socket;
    if (old.readyState) old.close();
    else old.onopen = () => old.close();
  }

  addEventListener("pagehide", hangUp);
  addEventListener("pageshow", (event) => { if (event.persisted) { isOver = false; open(); } });
  open();
  return {
    stop() {
      hangUp();
      clearTimeout(timer);
      clearTimeout(settling);
      away.delete(feed);
      linkState([...away.values()].at(-1) ?? "");
    },
  };
}

/** A browser does not say why a handshake was refused: the same path over HTTP does. */
async function refusal(path) {
  try {
    const { status } = await fetch(path, { method: "HEAD", headers: { Accept: "text/plain, text/event-stream" } });
    return { 401: "signed-out", 404: "gone" }[status];
  } catch {
    return undefined;
  }
}
