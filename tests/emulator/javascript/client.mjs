// Microsoft's JavaScript client in its default settings (the reliable protocol) against a running emulator.
// What it saw goes to standard output, as JSON.
import { WebPubSubClient, WebPubSubJsonProtocol } from "@azure/web-pubsub-client";

const [, , url, protocol] = process.argv;
const options = protocol === "plain" ? { protocol: WebPubSubJsonProtocol() } : {};
const client = new WebPubSubClient(url, options);
const seen = { group: [], server: [], stopped: 0, disconnected: 0 };
const waiting = [];

const look = () => waiting.splice(0, waiting.length, ...waiting.filter((done) => !done()));
const arrived = (list, count) =>
  new Promise((resolve) => {
    waiting.push(() => seen[list].length >= count && (resolve(), true));
    look();
  });

const connected = new Promise((resolve) => client.on("connected", resolve));
const stopped = new Promise((resolve) => client.on("stopped", () => resolve(seen.stopped++)));
client.on("disconnected", () => seen.disconnected++);
client.on("group-message", ({ message }) => {
  seen.group.push([message.group, message.dataType, message.data instanceof ArrayBuffer ? "bytes" : message.data]);
  look();
});
client.on("server-message", ({ message }) => {
  seen.server.push([message.dataType, message.data]);
  look();
});

await client.start();
const { connectionId, userId } = await connected;
const results = {};
results.join = (await client.joinGroup("room")).isDuplicated;
results.send = (await client.sendToGroup("room", "text", "text")).isDuplicated;
await client.sendToGroup("room", { n: 1 }, "json", { noEcho: false });
await client.sendToGroup("room", new Uint8Array([1, 2]).buffer, "binary");
await client.sendToGroup("room", "nobody hears", "text", { noEcho: true });
await client.sendToGroup("room", "forgotten", "text", { fireAndForget: true });
results.twice = (await client.sendToGroup("room", "once", "text", { ackId: 99 })).isDuplicated;
results.duplicate = (await client.sendToGroup("room", "once", "text", { ackId: 99 })).isDuplicated;
await client.sendEvent("order", { id: 7 }, "json");
await arrived("group", 5);
await arrived("server", 1);
try {
  await client.sendToGroup("elsewhere", "x", "text");
} catch (error) {
  results.refused = error.errorDetail?.name;
}
await client.leaveGroup("room");
client.stop();
await stopped;
console.log(JSON.stringify({ connectionId, userId, results, ...seen }));
process.exit(0);
