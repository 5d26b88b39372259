// Puts the page together: what the store tells goes into the two lists, and what people press opens a panel.

import {openBilling} from "./billing.js";
import {openClient} from "./client.js";
import {openConnection, queueOf, whoIs} from "./connection.js";
import {openRecord} from "./details.js";
import {byId, element} from "./dom.js";
import {openClock, openFaults} from "./faults.js";
import {follow} from "./feed.js";
import {VirtualList} from "./list.js";
import {openSend} from "./send.js";
import {KINDS, Store, matcher} from "./store.js";

const store = new Store();
const NUMBER = new Intl.NumberFormat("en");
const ANNOUNCE_MILLISECONDS = 10_000;

const pad = (number, digits) => String(number).padStart(digits, "0");

function timeOf(seconds) {
  const time = new Date(seconds * 1000);
  return `${pad(time.getHours(), 2)}:${pad(time.getMinutes(), 2)}:${pad(time.getSeconds(), 2)}.${pad(time.getMilliseconds(), 3)}`;
}

const nameOf = record => record.user ?? store.names.get(record.connection) ?? record.connection.slice(0, 8);

// The time line

const timeline = new VirtualList(byId("timeline-list"), {
  label: "Time line",
  columns: ["time", "kind", "hub", "who", "what", "data", "result"],
  draw: record => ({
    cells: [timeOf(record.time), record.kind, record.hub, nameOf(record), record.title, record.text, record.result],
    kind: record.kind,
    level: record.level,
  }),
  open: openRecord,
  follow: true,
});

function tally() {
  const {shown, records, skipped, held} = store;
  const parts = [shown.length === records.length ? NUMBER.format(shown.length) : `${NUMBER.format(shown.length)} of ${NUMBER.format(records.length)}`];
  if (skipped > 0) parts.push(`${NUMBER.format(skipped)} skipped`);
  if (held.length > 0) parts.push(`${NUMBER.format(held.length)} waiting`);
  byId("tally").textContent = parts.join(", ");
  byId("nothing").hidden = records.length > 0;
}

let unannounced = 0;

store.addEventListener("appended", ({detail}) => {
  timeline.show(store.shown, {cut: detail.cut});
  unannounced += detail.count;
  tally();
});
store.addEventListener("filtered", () => {
  timeline.show(store.shown, {reset: true});
  const {connection} = store.filter;
  byId("only").hidden = connection === "";
  byId("only").textContent = `only ${connection.slice(0, 8)} ×`;
  tally();
});
store.addEventListener("held", tally);
setInterval(() => {
  if (unannounced === 0) return;
  byId("announcement").textContent = `${NUMBER.format(unannounced)} new records`;
  unannounced = 0;
}, ANNOUNCE_MILLISECONDS);

byId("timeline-list").addEventListener("follow", () => { byId("newest").hidden = timeline.follows; });
byId("newest").addEventListener("click", () => timeline.toEnd());
byId("search").addEventListener("input", event => store.narrow({query: event.target.value}));
byId("hub").addEventListener("change", event => store.narrow({hub: event.target.value}));
byId("only").addEventListener("click", () => store.narrow({connection: ""}));
byId("clear").addEventListener("click", () => store.clear());
byId("pause").addEventListener("click", event => {
  store.pause(!store.paused);
  event.target.setAttribute("aria-pressed", String(store.paused));
});
for (const kind of KINDS) {
  const box = element("input", {type: "checkbox", checked: true, change: () => {
    const kinds = new Set(store.filter.kinds);
    if (box.checked) kinds.add(kind);
    else kinds.delete(kind);
    store.narrow({kinds});
  }});
  byId("kinds").append(element("label", {class: "chip", "data-kind": kind}, box, kind));
}
store.addEventListener("hubs", () => {
  const chosen = byId("hub").value;
  const hubs = [...store.hubs].sort(([one], [other]) => one < other ? -1 : 1);
  byId("hub").replaceChildren(element("option", {value: ""}, "all hubs"), ...hubs.map(([key, name]) => element("option", {value: key}, name)));
  byId("hub").value = chosen;
});

// The connections

const connections = new VirtualList(byId("connections-list"), {
  label: "Connections",
  columns: ["user", "hub", "groups", "queue"],
  draw: connection => ({
    cells: [whoIs(connection), connection.hub, connection.groups.join(", "), queueOf(connection)],
    level: connection.attached ? "" : "warn",
  }),
  open: connection => openConnection(store, connection),
});

function showConnections() {
  const matches = matcher(byId("connection-search").value);
  const {hub} = store.filter;
  const all = [...store.connections.values()];
  const shown = all.filter(connection => (hub === "" || connection.hub.toLowerCase() === hub) && matches(connection));
  connections.show(shown, {reset: true});
  byId("connection-count").textContent = shown.length === all.length ? NUMBER.format(all.length) : `${NUMBER.format(shown.length)} of ${NUMBER.format(all.length)}`;
  byId("no-connections").hidden = shown.length > 0;
}

store.addEventListener("connections", showConnections);
store.addEventListener("filtered", showConnections);
byId("connection-search").addEventListener("input", showConnections);

// What can be done

byId("open-send").addEventListener("click", () => openSend(store));
byId("open-client").addEventListener("click", () => openClient(store));
byId("open-faults").addEventListener("click", () => openFaults(store));
byId("open-clock").addEventListener("click", () => openClock(store));
byId("open-billing").addEventListener("click", () => openBilling(store));
store.addEventListener("billing", () => { byId("billed").textContent = NUMBER.format(store.billing.messages); });
store.addEventListener("facts", () => {
  byId("fault-count").hidden = store.faults === 0;
  byId("fault-count").textContent = store.faults;
  byId("clock-ahead").hidden = store.ahead === 0;
  byId("clock-ahead").textContent = `+${Math.round(store.ahead)} s`;
});

for (const view of ["timeline", "connections"]) {
  byId(`view-${view}`).addEventListener("click", () => {
    document.body.dataset.view = view;
    for (const other of ["timeline", "connections"]) byId(`view-${other}`).setAttribute("aria-pressed", String(other === view));
  });
}
document.addEventListener("keydown", event => {
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    byId("search").select();
    byId("search").focus();
  } else if (event.key === "Escape" && event.target.id === "search") {
    event.preventDefault();
    timeline.focus();
  }
});

follow(store, (state, words) => {
  byId("status").dataset.state = state;
  byId("status").textContent = words;
});
