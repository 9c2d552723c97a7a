// Says when a rebuild has come to its next phase: the figures that change every two seconds are not read out.
import { tell } from "./app.js";

const live = () => document.getElementById("live");
let phase = live().dataset.rebuild;

document.addEventListener("htmx:afterSettle", () => {
  const { rebuild, told } = live().dataset;
  if (rebuild !== phase) {
    phase = rebuild;
    tell(`${told}.`);
  }
});
