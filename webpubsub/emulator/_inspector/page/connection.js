// One connection, opened: who it is and what it may do, and what a server can do with it.

import * as api from "./api.js";
import {element, facts, field, select} from "./dom.js";
import {form} from "./forms.js";
import {isShown, openPanel} from "./panel.js";
import {openSend} from "./send.js";

const protocolOf = connection => connection.protocol ?? "simple client";

export const whoIs = connection => connection.user ?? "anonymous";

export function queueOf({attached, waiting, unacknowledged}) {
  const parts = [waiting > 0 && `${waiting} waiting`, unacknowledged > 0 && `${unacknowledged} unacknowledged`, !attached && "no socket"];
  return parts.filter(Boolean).join(", ");
}

export function openConnection(store, connection) {
  const {hub, id} = connection;
  const seen = element("div", {});
  const show = () => {
    const now = store.connections.get(id);
    seen.replaceChildren(now === undefined ? element("p", {class: "note"}, "This connection is closed.") : facts([
      ["connection", id], ["hub", now.hub], ["user", whoIs(now)], ["subprotocol", protocolOf(now)],
      ["groups", now.groups.join(", ") || "none"], ["roles", now.roles.join("\n") || "none"], ["queue", queueOf(now) || "empty"],
      ["says", now.states.map(([group, state]) => `${group}: ${state}`).join("\n")], ["follows", now.follows.join(", ")],
    ]));
    for (const button of panel.querySelectorAll("button")) button.disabled = now === undefined;
  };
  const group = name => field("group", element("input", {name: "group", required: true, spellcheck: "false", value: name}));
  const panel = element("div", {},
    seen,
    element("div", {class: "buttons"},
      element("button", {type: "button", click: () => openSend(store, {hub, target: "connection", name: id})}, "Send to it"),
      element("button", {type: "button", click: () => store.narrow({connection: id})}, "Only its records")),
    element("h3", {}, "Groups"),
    form("Groups", [group(connection.groups[0] ?? "")], [["join", "Add"], ["leave", "Remove"]], async (values, button) => {
      await api[button](hub, values.group, id);
      return button === "join" ? "It is in the group." : "It is not in the group.";
    }),
    element("h3", {}, "Permissions"),
    form("Permissions", [field("to", select("permission", ["sendToGroup", "joinLeaveGroup"])), group(connection.groups[0] ?? "")],
      [["grant", "Grant"], ["revoke", "Revoke"]], async (values, button) => {
        await api.permit(hub, id, values.permission, values.group, button === "grant");
        return button === "grant" ? "Granted." : "Revoked.";
      }),
    element("h3", {}, "End"),
    form("End", [field("reason", element("input", {name: "reason", spellcheck: "false"}))], [["close", "Close the connection", "danger"]],
      async values => {
        await api.close(hub, id, values.reason);
        return "Closed.";
      }));
  openPanel(`${whoIs(connection)} in ${hub}`, panel);
  show();
  const update = () => isShown(panel) ? show() : store.removeEventListener("connections", update);
  store.addEventListener("connections", update);
}
