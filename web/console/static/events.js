// Follows the events of the log: goes on where it was, however often the connection is lost.
// By a WebSocket: of other connections a browser keeps six to a server, and each tab that follows would take one.
import { linkState } from "./app.js";

const SLOWEST = 15000;

/** Hand every event behind a position to `heard`, in order, once each; returns what ends it. */
export function follow(path, after, heard) {
  let position = after, socket, timer, since, wait = 500, isOver = false;

  function open() {
    const url = new URL(path, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("after", position);
    socket = new WebSocket(url);
    socket.addEventListener("open", () => {
      since = Date.now();
      // A server that can't go on opens too, and closes at once.
      timer = setTimeout(() => linkState(""), 300);
    });
    socket.addEventListener("message", ({ data }) => {
      const event = JSON.parse(data);
      position = event.position;
      heard(event);
    });
    socket.addEventListener("close", lost);
  }

  async function lost({ code, reason }) {
    clearTimeout(timer);
    if (isOver) return;
    linkState(code === 1011 && reason ? `Not live: ${reason}.` : "Not live: the connection is lost, and tried again.");
    if (await isSignedOut()) {
      linkState("Not live: you are signed out. Reload to sign in.");
      return;
    }
    if (isOver) return;
    wait = since && Date.now() - since > 5000 ? 500 : Math.min(SLOWEST, wait * 2);
    since = 0;
    timer = setTimeout(open, wait * (1 + Math.random()));
  }

  open();
  return () => {
    isOver = true;
    clearTimeout(timer);
    socket.close();
    linkState("");
  };
}

async function isSignedOut() {
  try {
    return (await fetch(location.href, { method: "HEAD", headers: { "HX-Request": "true" } })).status === 401;
  } catch {
    return false;
  }
}
