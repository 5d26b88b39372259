// What the page knows: the newest records, the connections, and which of them are to be seen. Bounded.

export const MOST_RECORDS = 5000;
export const KINDS = ["request", "message", "event", "connection", "group", "frame", "fault"];

const MOST_NAMES = 20_000;

const haystacks = new WeakMap();

function haystack(record) {
  let text = haystacks.get(record);
  if (text === undefined) {
    text = Object.values(record).join("\n").toLowerCase();
    haystacks.set(record, text);
  }
  return text;
}

/** Read what is searched for: every word must be there, and no word that has a minus before it. */
export function matcher(query) {
  const words = query.toLowerCase().split(/\s+/).filter(word => word !== "" && word !== "-");
  return item => words.every(word => word[0] === "-" ? !haystack(item).includes(word.slice(1)) : haystack(item).includes(word));
}

export class Store extends EventTarget {
  records = [];
  shown = [];
  dropped = 0;
  skipped = 0;
  held = [];
  paused = false;
  connections = new Map();
  hubs = new Map();
  names = new Map();
  ahead = 0;
  faults = 0;
  billing = {messages: 0};
  filter = {query: "", hub: "", connection: "", kinds: new Set(KINDS)};
  #last = 0;
  #fits = () => true;

  /** Take records; `beginning` tells that they are the first ones. */
  add(records, skipped) {
    this.skipped += skipped;
    const fresh = records.filter(record => record.number > this.#last);
    if (fresh.length > 0) this.#last = fresh.at(-1).number;
    for (const {hub, connection, user} of fresh) {
      this.#see(hub);
      this.#name(connection, user);
    }
    if (this.paused) {
      this.held = this.held.concat(fresh).slice(-MOST_RECORDS);
      this.#tell("held");
    } else {
      this.#append(fresh);
    }
  }

  /** Replace or change what is known about connections. */
  connect(changed, gone, everything = false) {
    if (everything) this.connections.clear();
    gone.forEach(id => this.connections.delete(id));
    for (const connection of changed) {
      this.connections.set(connection.id, connection);
      this.#see(connection.hub);
      this.#name(connection.id, connection.user);
    }
    this.#tell("connections");
  }

  stand({ahead, faults}) {
    if (ahead === this.ahead && faults === this.faults) return;
    Object.assign(this, {ahead, faults});
    this.#tell("facts");
  }

  bill(billing) {
    this.billing = billing;
    this.#tell("billing");
  }

  narrow(change) {
    Object.assign(this.filter, change);
    const {query, hub, connection, kinds} = this.filter;
    const matches = matcher(query);
    this.#fits = record =>
      kinds.has(record.kind) &&
      (hub === "" || record.hub.toLowerCase() === hub) &&
      (connection === "" || record.connection === connection) &&
      matches(record);
    this.shown = this.records.filter(this.#fits);
    this.#tell("filtered");
  }

  pause(paused) {
    this.paused = paused;
    if (!paused) {
      const held = this.held;
      this.held = [];
      this.#append(held);
    }
    this.#tell("held");
  }

  clear() {
    this.records = [];
    this.shown = [];
    this.held = [];
    this.skipped = 0;
    this.#tell("filtered");
  }

  #append(fresh) {
    this.records.push(...fresh);
    this.shown.push(...fresh.filter(this.#fits));
    const surplus = this.records.length - MOST_RECORDS;
    let cut = 0;
    if (surplus > 0) {
      const first = this.records[surplus].number;
      this.records.splice(0, surplus);
      while (cut < this.shown.length && this.shown[cut].number < first) cut += 1;
      this.shown.splice(0, cut);
    }
    this.#tell("appended", {cut, count: fresh.length});
  }

  /** Remember whose a connection is, for as long as its frames may be seen. */
  #name(connection, user) {
    if (connection === "" || user === null) return;
    this.names.set(connection, user);
    if (this.names.size > MOST_NAMES) this.names.delete(this.names.keys().next().value);
  }

  #see(hub) {
    if (hub !== "" && !this.hubs.has(hub.toLowerCase()) && this.hubs.size < 500) {
      this.hubs.set(hub.toLowerCase(), hub);
      this.#tell("hubs");
    }
  }

  #tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}
