// A client in the page, connected to the emulator as any other. It stays connected while the panel shows something else.

import * as api from "./api.js";
import {element, field, select} from "./dom.js";
import {form} from "./forms.js";
import {openPanel} from "./panel.js";

const JSON_PROTOCOL = "json.webpubsub.azure.v1";
const MOST_LINES = 200;
const FRAMES = {
  join: {type: "joinGroup", group: "room", ackId: 1},
  send: {type: "sendToGroup", group: "room", dataType: "text", data: "Hello", ackId: 2},
  event: {type: "event", event: "order", dataType: "json", data: {id: 1}, ackId: 3},
};

const words = text => text.split(",").map(word => word.trim()).filter(word => word !== "");

function build(store) {
  let socket = null;
  const log = element("ol", {class: "frames", tabindex: 0, "aria-label": "frames of the test client"});
  const state = element("p", {class: "muted", role: "status"}, "not connected");
  const write = (direction, text) => {
    log.append(element("li", {"data-direction": direction}, text));
    while (log.children.length > MOST_LINES) log.firstChild.remove();
    log.scrollTop = log.scrollHeight;
  };
  const text = element("textarea", {name: "frame", rows: 4, spellcheck: "false", required: true, "aria-label": "frame to send"}, JSON.stringify(FRAMES.send));
  const template = (name, label) => element("button", {type: "button", class: "small", click: () => { text.value = JSON.stringify(FRAMES[name]); }}, label);

  const connect = async ({hub, user, groups, may, protocol}) => {
    socket?.close();
    const roles = may === undefined ? [] : ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];
    const token = await api.clientToken(hub, user, words(groups), roles);
    const scheme = location.protocol.replace("http", "ws");
    const url = `${scheme}//${location.host}/client/hubs/${encodeURIComponent(hub)}?access_token=${token}`;
    const opened = protocol === "" ? new WebSocket(url) : new WebSocket(url, protocol);
    opened.binaryType = "arraybuffer";
    socket = opened;
    opened.addEventListener("message", ({data}) => write("in", typeof data === "string" ? data : `${data.byteLength} bytes`));
    return new Promise((resolve, reject) => {
      opened.addEventListener("open", () => {
        state.textContent = `connected to ${hub} as ${user || "anonymous"}`;
        resolve("Connected.");
      });
      opened.addEventListener("close", ({code, reason}) => {
        write("end", `closed: ${code} ${reason}`.trim());
        if (socket === opened) state.textContent = "not connected";
        reject(new Error(`closed: ${code} ${reason}`));
      });
    });
  };

  const hub = element("input", {name: "hub", required: true, spellcheck: "false", value: [...store.hubs.values()][0] ?? "chat"});
  const connecting = form("Test client", [
    field("hub", hub),
    field("user", element("input", {name: "user", spellcheck: "false", value: "inspector"})),
    field("groups", element("input", {name: "groups", spellcheck: "false", value: "room"}), "with commas between them"),
    field("subprotocol", select("protocol", [[JSON_PROTOCOL, JSON_PROTOCOL], ["", "none: a simple client"]])),
    element("label", {class: "check"}, element("input", {type: "checkbox", name: "may", checked: true}), "may join and send to every group"),
  ], [["connect", "Connect", "primary"], ["close", "Disconnect", "", {formnovalidate: true}]], async (values, button) => {
    if (button === "connect") return connect(values);
    socket?.close();
    return "";
  });
  const sending = form("Send as the test client", [
    element("div", {class: "buttons"}, template("join", "Join"), template("send", "Send to group"), template("event", "Event")),
    text,
  ], [["send", "Send"]], async values => {
    if (socket?.readyState !== WebSocket.OPEN) throw new Error("Connect first.");
    socket.send(values.frame);
    write("out", values.frame);
    return "";
  });
  return [state, connecting, log, sending];
}

let parts = null;

export function openClient(store) {
  parts ??= build(store);
  openPanel("Test client", ...parts);
}
