// Goes to another question of the same list, without leaving the page where there is a list to change.

/** Show what another address shows; the address bar and the way back are as after a link. */
export function go(path) {
  if (document.getElementById("list")) htmx.ajax("GET", path, { source: "#list" });
  else location.assign(path);
}
