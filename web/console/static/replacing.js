// Puts what has changed in the place of what it was, while somebody reads.
import { localize } from "./app.js";

/** Put a part of a page in the place of an old one, and return it; the focus stays where it was in it. */
export function replace(old, part) {
  const fresh = document.importNode(part, true);
  localize(fresh);
  for (const button of fresh.querySelectorAll(".copy")) button.hidden = false;
  fresh.classList.toggle("chosen", old.classList.contains("chosen"));
  const at = [...old.querySelectorAll("a, button")].indexOf(document.activeElement);
  old.replaceWith(fresh);
  if (at >= 0) (fresh.querySelectorAll("a, button")[at] ?? fresh.querySelector("a"))?.focus({ preventScroll: true });
  return fresh;
}
