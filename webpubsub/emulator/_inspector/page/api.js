// What the page asks of the emulator: operations of the service, its own addresses, records. All of it relative.

const encode = encodeURIComponent;

async function ask(path, method, body = null, type = null) {
  const response = await fetch(path, {method, body, headers: type === null ? {} : {"Content-Type": type}});
  const text = await response.text();
  if (response.ok) return {status: response.status, text};
  let message = text;
  try {
    message = JSON.parse(text).message ?? text;
  } catch {
    // it is not JSON: said as it is
  }
  throw new Error(`${response.status} ${message}`.trim());
}

const service = (hub, rest, method, body, type) => ask(`service/api/hubs/${encode(hub)}${rest}`, method, body, type);
const json = value => JSON.stringify(value);

export const targets = {
  everyone: () => "",
  group: name => `/groups/${encode(name)}`,
  user: name => `/users/${encode(name)}`,
  connection: name => `/connections/${encode(name)}`,
};

export const send = (hub, target, name, body, type) => service(hub, `${targets[target](name)}/:send`, "POST", body, type);
export const close = (hub, id, reason) =>
  service(hub, `/connections/${encode(id)}${reason === "" ? "" : `?reason=${encode(reason)}`}`, "DELETE");
export const join = (hub, group, id) => service(hub, `/groups/${encode(group)}/connections/${encode(id)}`, "PUT");
export const leave = (hub, group, id) => service(hub, `/groups/${encode(group)}/connections/${encode(id)}`, "DELETE");
export const permit = (hub, id, permission, group, allowed) =>
  service(hub, `/permissions/${permission}/connections/${encode(id)}?targetName=${encode(group)}`, allowed ? "PUT" : "DELETE");

export async function clientToken(hub, user, groups, roles) {
  const query = new URLSearchParams(user === "" ? {} : {userId: user});
  groups.forEach(group => query.append("group", group));
  roles.forEach(role => query.append("role", role));
  return JSON.parse((await service(hub, `/:generateToken?${query}`, "POST")).text).token;
}

export const faults = async () => JSON.parse((await ask("emulator/faults", "GET")).text);
export const addFault = fault => ask("emulator/faults", "POST", json(fault), "application/json");
export const clearFaults = () => ask("emulator/faults", "DELETE");
export const advance = seconds => ask("emulator/clock", "POST", json({advance_seconds: seconds}), "application/json");
export const goAway = () => ask("emulator/go-away", "POST");
export const record = async number => JSON.parse((await ask(`records/${number}`, "GET")).text);
