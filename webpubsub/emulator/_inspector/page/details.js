// One record, opened: facts, headers, bodies. It is fetched when it is asked for, so that bodies do not travel unasked.

import * as api from "./api.js";
import {element, facts} from "./dom.js";
import {indented} from "./json.js";
import {openPanel} from "./panel.js";

const TIME = new Intl.DateTimeFormat([], {dateStyle: "medium", timeStyle: "medium"});

export async function openRecord(line) {
  let told;
  try {
    told = await api.record(line.number);
  } catch {
    openPanel(`${line.kind} ${line.title}`, element("p", {class: "note"}, "It is not kept any more. The line said:"), facts([["data", line.text], ["result", line.result]]));
    return;
  }
  const all = [["time", TIME.format(new Date(told.time * 1000))], ["hub", told.hub], ...told.facts];
  openPanel(`${told.kind} ${told.title}`, facts(all), ...told.parts.flatMap(part));
}

function part({title, headers, body, size, binary, cut}) {
  if (headers.length === 0 && size === 0) return [];
  const shown = [element("h3", {}, title, element("small", {}, size === 0 ? " no body" : ` ${size} bytes${binary ? ", binary" : ""}`))];
  if (headers.length > 0) shown.push(element("details", {}, element("summary", {}, `${headers.length} headers`), facts(headers)));
  if (size > 0) shown.push(...content(body));
  if (cut) shown.push(element("p", {class: "note"}, "Only the beginning is shown."));
  return shown;
}

function content(body) {
  const pretty = indented(body);
  const text = element("pre", {tabindex: 0, "aria-label": "body"}, pretty ?? body);
  if (pretty === null || pretty === body) return [text];
  const toggle = element("button", {type: "button", class: "small", "aria-pressed": "false", click: () => {
    const raw = toggle.getAttribute("aria-pressed") === "false";
    toggle.setAttribute("aria-pressed", String(raw));
    text.textContent = raw ? body : pretty;
  }}, "As it was sent");
  return [toggle, text];
}
