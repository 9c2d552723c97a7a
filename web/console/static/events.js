// Follows the events of the log: goes on where it was, however often the connection is lost.
import { linkState } from "./app.js";
import * as feed from "./feed.js";

/** Hand every event behind a position to `heard`, in order, once each; returns what ends it. */
export function follow(path, after, heard) {
  let position = after;
  const { stop } = feed.follow({
    url() {
      const { pathname, searchParams } = new URL(path, location.href);
      searchParams.set("after", position);
      return `${pathname}?${searchParams}`;
    },
    take(event) {
      position = event.position;
      heard(event);
    },
    say(word) {
      if (word === "signed-out") linkState("Not live: you are signed out. Reload to sign in.");
    },
  });
  return stop;
}
