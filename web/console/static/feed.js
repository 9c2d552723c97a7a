// A WebSocket of the API that is kept open: it comes back where it was, and says when it is away.

import { linkState } from "./app.js";

const away = new Set();

/**
 * Follow a stream. `url()` is where to go on, each time that it opens; `take` gets each message; `say` a word for each
 * change: live, away, ended (1000, all was sent), signed-out, gone.
 */
export function follow({ url, take, say }) {
  const feed = {};
  let socket, timer, isOver = false, wait = 500;

  function tell(word) {
    away[word === "away" ? "add" : "delete"](feed);
    linkState(away.size ? "Not live: the server can't be reached. It is tried again." : "");
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
    socket.onopen = () => { wait = 500; tell("live"); };
    socket.onmessage = ({ data }) => take(JSON.parse(data));
    socket.onclose = async ({ code, target }) => {
      if (isOver || target !== socket) return;
      if (code === 1000) return over("ended");
      if (code === 1008) return over("signed-out");
      tell("away");
      const word = await refusal(path);
      if (isOver || target !== socket) return;
      if (word) return over(word);
      timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, 15_000);
    };
  }

  function again() {
    if (isOver || !socket || socket.readyState < 2 || document.hidden) return;
    wait = 500;
    open();
  }

  addEventListener("online", again);
  document.addEventListener("visibilitychange", again);
  addEventListener("pagehide", () => { isOver = true; socket?.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) { isOver = false; open(); } });
  open();
  return { stop() { isOver = true; clearTimeout(timer); socket.close(); away.delete(feed); } };
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
