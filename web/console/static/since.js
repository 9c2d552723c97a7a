// How long what runs has run so far: [data-since] holds when it began.

// As the server tells spans.
function span(seconds) {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** Show every span up to now. */
export function elapse() {
  for (const running of document.querySelectorAll("[data-since]:not(a)")) {
    running.textContent = span(Math.max(0, (Date.now() - new Date(running.dataset.since)) / 1000));
    running.title = "So far";
  }
}
