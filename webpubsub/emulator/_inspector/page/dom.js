// Elements, made so that every value from outside is text.

/** Make an element. Strings among the children become text; functions among the properties listen to events. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

export const byId = id => document.getElementById(id);

/** A labelled control of a form. */
export const field = (label, control, hint = null) =>
  element("label", {class: "field"}, element("span", {}, label), control, hint && element("small", {}, hint));

/** A select with these options, each a value or [value, label]. */
export const select = (name, options) =>
  element("select", {name}, ...options.map(option => {
    const [value, label] = Array.isArray(option) ? option : [option, option];
    return element("option", {value}, label);
  }));

/** Facts as a description list; those without a value are left out. */
export const facts = pairs =>
  element("dl", {}, ...pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined)
    .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
