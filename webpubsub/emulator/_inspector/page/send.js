// Sending a message as the application's server does.

import * as api from "./api.js";
import {element, field, select} from "./dom.js";
import {form} from "./forms.js";
import {openPanel} from "./panel.js";

const TYPES = {json: "application/json", text: "text/plain", binary: "application/octet-stream"};

export function openSend(store, {hub = [...store.hubs.values()][0] ?? "chat", target = "everyone", name = ""} = {}) {
  const to = select("target", Object.keys(api.targets));
  const whom = element("input", {name: "name", spellcheck: "false", value: name});
  const named = field("name", whom);
  const show = () => {
    named.hidden = to.value === "everyone";
    whom.required = !named.hidden;
  };
  to.value = target;
  to.addEventListener("change", show);
  show();
  const controls = [
    field("hub", element("input", {name: "hub", required: true, spellcheck: "false", value: hub})),
    field("to", to),
    named,
    field("as", select("type", [["json", "JSON"], ["text", "text"], ["binary", "bytes, in hexadecimal"]])),
    field("message", element("textarea", {name: "message", rows: 6, spellcheck: "false"}, '{"text": "Hello"}')),
  ];
  openPanel("Send as a server", form("Send as a server", controls, [["send", "Send", "primary"]], async values => {
    const {status} = await api.send(values.hub, values.target, values.name, body(values), TYPES[values.type]);
    return `${status}: accepted`;
  }));
}

function body({type, message}) {
  if (type === "json") {
    try {
      JSON.parse(message);
    } catch (error) {
      throw new Error(`That is not JSON: ${error.message}`);
    }
  }
  if (type !== "binary") return message;
  const digits = message.replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error("Bytes are pairs of hexadecimal digits, such as 48 69.");
  return Uint8Array.from(digits.match(/../g) ?? [], pair => parseInt(pair, 16));
}
