// Faults: what goes wrong on purpose, and the time, which can be moved.

import * as api from "./api.js";
import {element, facts, field, select} from "./dom.js";
import {form, run} from "./forms.js";
import {isShown, openPanel} from "./panel.js";

const FAULTS = {
  status: ["REST: refuse with a status", "request"],
  delay: ["REST: wait before it is carried out", "request"],
  before: ["REST: cut before it has its effect", "request"],
  after: ["REST: cut after it had its effect", "request"],
  truncate: ["REST: cut in the middle of the response", "request"],
  refuse: ["clients: refuse the upgrade", "client"],
  drop: ["clients: cut the connection at a message", "client"],
  freeze: ["clients: send nothing any more", "client"],
  "half-close": ["clients: end the sending side alone", "client"],
  duplicate: ["clients: send a message twice", "client"],
  lose: ["clients: do not send a message", "client"],
};
const NUMBERED = {status: ["status", 503], refuse: ["status", 503], delay: ["seconds", 1]};

function faultOf({what, number, hub, times}) {
  const [, kind] = FAULTS[what];
  const common = {kind, times: times === "" ? null : Number(times), ...(hub === "" ? {} : {hub})};
  if (kind === "client") return {...common, action: what, ...(what === "refuse" ? {status: Number(number)} : {})};
  if (what === "status") return {...common, status: Number(number)};
  if (what === "delay") return {...common, delay_seconds: Number(number)};
  return {...common, ...(what === "truncate" ? {truncate: true} : {reset: what})};
}

const UNSAID = [null, false, 0, 1, ""];

function describe({kind, times, ...rest}) {
  const said = Object.entries(rest).filter(([, value]) => !UNSAID.includes(value)).map(([name, value]) => `${name} ${value}`);
  return `${kind}: ${said.join(", ")}, ${times === null ? "always" : `${times} time${times === 1 ? "" : "s"}`}`;
}

export function openFaults(store) {
  const active = element("ul", {class: "plain"});
  const what = select("what", Object.entries(FAULTS).map(([value, [label]]) => [value, label]));
  const number = element("input", {name: "number", type: "number", min: 0, step: "any", required: true});
  const numbered = field("", number);
  const show = () => {
    const wanted = NUMBERED[what.value];
    numbered.hidden = number.disabled = wanted === undefined;
    if (wanted !== undefined) [numbered.firstChild.textContent, number.value] = wanted;
  };
  const list = async () => {
    const faults = await api.faults();
    active.replaceChildren(...faults.map(fault => element("li", {}, describe(fault))));
    if (faults.length === 0) active.append(element("li", {class: "muted"}, "Nothing goes wrong on purpose."));
  };
  what.addEventListener("change", show);
  show();
  const controls = [
    field("what", what),
    numbered,
    field("hub", element("input", {name: "hub", spellcheck: "false"}), "empty for every hub"),
    field("times", element("input", {name: "times", type: "number", min: 1, value: 1}), "empty for always"),
  ];
  const buttons = [["add", "Switch on", "primary"], ["clear", "Switch all off", "", {formnovalidate: true}]];
  openPanel("Faults", active, form("Faults", controls, buttons, async (values, button) => {
    await (button === "clear" ? api.clearFaults() : api.addFault(faultOf(values)));
    await list();
    return button === "clear" ? "All are off." : "It is on.";
  }));
  list();
  const update = () => isShown(active) ? list() : store.removeEventListener("facts", update);
  store.addEventListener("facts", update);
}

export function openClock(store) {
  const shown = element("div", {});
  const said = element("output", {});
  const tell = () => {
    const time = new Date(Date.now() + store.ahead * 1000);
    shown.replaceChildren(facts([["time", time.toLocaleString()], ["ahead", store.ahead === 0 ? "not at all" : `${store.ahead} s`]]));
  };
  const move = seconds => async () => {
    await api.advance(seconds);
    return `${seconds} s have passed.`;
  };
  const step = (label, seconds) => element("button", {type: "button", click: () => run(said, move(seconds))}, label);
  openPanel("Clock", shown,
    element("p", {class: "muted"}, "Let time pass at once: for tokens, recovery, time-outs of messages. It does not go back."),
    element("div", {class: "buttons"}, step("31 s", 31), step("5 min", 300), step("1 h", 3600), said),
    form("Move the clock", [field("seconds", element("input", {name: "seconds", type: "number", min: 0, step: "any", required: true, value: 60}))],
      [["move", "Let pass", "primary"]], values => move(Number(values.seconds))()));
  tell();
  const update = () => isShown(shown) ? tell() : store.removeEventListener("facts", update);
  store.addEventListener("facts", update);
}
