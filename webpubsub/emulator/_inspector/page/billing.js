// What the service would bill for what has left the emulator since its start.

import {element, facts} from "./dom.js";
import {isShown, openPanel} from "./panel.js";

const NUMBER = new Intl.NumberFormat("en");

export function openBilling(store) {
  const shown = element("div", {});
  const tell = () => {
    const {messages, deliveries, delivered_bytes, events, event_bytes, rounded_up} = store.billing;
    shown.replaceChildren(facts([
      ["messages billed", NUMBER.format(messages)],
      ["to clients", `${NUMBER.format(deliveries)} deliveries, ${NUMBER.format(delivered_bytes)} bytes`],
      ["to event handlers", `${NUMBER.format(events)} requests, ${NUMBER.format(event_bytes)} bytes`],
      ["each by itself", `${NUMBER.format(rounded_up)} messages, in whole pieces of 2 KB`],
    ]));
  };
  openPanel("Billing", shown, element("p", {class: "muted"}, "What the service would count since the start: outbound traffic, 2 KB for each message."));
  tell();
  const update = () => isShown(shown) ? tell() : store.removeEventListener("billing", update);
  store.addEventListener("billing", update);
}
