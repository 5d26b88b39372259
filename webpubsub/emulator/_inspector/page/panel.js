// The panel on the right: one thing at a time, with a heading that takes the focus; Escape gives it back.

import {byId} from "./dom.js";

const panel = byId("panel");
const title = byId("panel-title");
const content = byId("panel-content");
let opener = null;

/** Show something in the panel. */
export function openPanel(heading, ...children) {
  if (panel.hidden || !panel.contains(document.activeElement)) opener = document.activeElement;
  title.textContent = heading;
  content.replaceChildren(...children);
  content.scrollTop = 0;
  panel.hidden = false;
  document.body.classList.add("with-panel");
  title.focus();
}

/** Whether the panel shows this. */
export const isShown = child => !panel.hidden && content.contains(child);

export function closePanel() {
  if (panel.hidden) return;
  panel.hidden = true;
  document.body.classList.remove("with-panel");
  opener?.focus();
}

byId("panel-close").addEventListener("click", closePanel);
document.addEventListener("keydown", event => {
  if (event.key === "Escape" && !event.defaultPrevented) closePanel();
});
