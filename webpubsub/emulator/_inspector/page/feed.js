// What the emulator tells, over Server-Sent Events: they reconnect by themselves, from the last number that was seen.

import {MOST_RECORDS} from "./store.js";

/** Follow the feed; what comes is put into the store once for each frame of the screen. */
export function follow(store, tell) {
  const source = new EventSource("feed");
  let records = [], skipped = 0, changes = [], waiting = false;

  const flush = () => {
    waiting = false;
    const [came, missed, differences] = [records, skipped, changes];
    [records, skipped, changes] = [[], 0, []];
    for (const {changed, gone, everything, billing, ...facts} of differences) {
      if (everything || changed.length > 0 || gone.length > 0) store.connect(changed, gone, everything);
      store.stand(facts);
      store.bill(billing);
    }
    if (came.length > 0 || missed > 0) store.add(came, missed);
  };
  const soon = () => {
    if (waiting) return;
    waiting = true;
    if (document.hidden) setTimeout(flush, 250);
    else requestAnimationFrame(flush);
  };
  const take = data => {
    records = records.concat(data.records).slice(-MOST_RECORDS);
    skipped += data.skipped;
    soon();
  };

  source.addEventListener("snapshot", event => {
    const {connections, records: first, skipped: missed, ...facts} = JSON.parse(event.data);
    changes = [{changed: connections, gone: [], everything: true, ...facts}];
    take({records: first, skipped: missed});
    tell("live", "live");
  });
  source.addEventListener("records", event => take(JSON.parse(event.data)));
  source.addEventListener("state", event => {
    changes.push(JSON.parse(event.data));
    soon();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) tell("ended", "ended: the emulator has another address now");
    else tell("reconnecting", "reconnecting");
  });
}
