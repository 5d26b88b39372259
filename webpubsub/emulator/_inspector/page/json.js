// Indents JSON without reading it: numbers, escapes and repeated names stay as they were written.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Indent a text if it is JSON; return null otherwise. */
export function indented(text) {
  try {
    if (typeof JSON.parse(text) !== "object") return null;
  } catch {
    return null;
  }
  let written = "", depth = 0, before = "";
  for (const [token] of text.matchAll(TOKEN)) {
    const closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    const opened = before === "{" || before === "[";
    if (before === "," || (opened && !closes) || (closes && !opened)) written += "\n" + "  ".repeat(depth);
    written += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth += 1;
    before = token;
  }
  return written;
}
