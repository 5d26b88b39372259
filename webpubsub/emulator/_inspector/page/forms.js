// Forms that do something and say what came of it, next to the button that was pressed.

import {element} from "./dom.js";

/** Make a form; `act` gets its values and the pressed button's, and returns what to say. */
export function form(label, controls, buttons, act) {
  const said = element("output", {});
  const made = element("form", {"aria-label": label, autocomplete: "off", submit: event => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(made));
    run(said, () => act(values, event.submitter?.value ?? buttons[0][0]));
  }}, ...controls, element("div", {class: "buttons"},
    ...buttons.map(([value, text, kind = "", more = {}]) => element("button", {value, class: kind, ...more}, text)), said));
  return made;
}

/** Do something, and say what came of it. */
export async function run(said, act) {
  said.className = "";
  said.textContent = "…";
  try {
    said.textContent = (await act()) ?? "";
    said.className = "good";
  } catch (error) {
    said.textContent = error.message;
    said.className = "bad";
  }
}
