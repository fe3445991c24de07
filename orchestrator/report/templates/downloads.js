// The rows of all jobs lie in the page, compressed, so that one file that was mailed is enough: as CSV and as JSON.
async function embedded() {
  const packed = Uint8Array.from(atob(document.getElementById("rows").textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// The text of a cell that is only text: `cell` of orchestrator/text.py, and the tests hold the two together.
function spreadsheetText(text) {
  const plain = text.replace(/\r\n?/g, "\n").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => (c === "\n" || c === "\t" ? c : " "));
  const first = /^[\t\n]/.test(plain) ? `'${plain}` : plain;
  return first.replace(/(^|[;\t\n])(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g, "$1'");
}

function csvCell(value) {
  if (value === null) { return ""; }
  if (typeof value === "boolean") { return value ? "True" : "False"; }
  const text = typeof value === "string" ? spreadsheetText(value) : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

function asCsv(data) {
  const names = Object.keys(data.columns), count = data.columns[names[0]].length, lines = [names.join(",")];
  for (let i = 0; i < count; i += 1) { lines.push(names.map((name) => csvCell(data.columns[name][i])).join(",")); }
  return lines.join("\n") + "\n";
}

// As results.json: what is JSON in a cell of a table is an object here. Letters beyond ASCII are codes.
function asJson(data) {
  const names = Object.keys(data.columns), count = data.columns[names[0]].length, results = [];
  const value = function (name, i) {
    const found = data.columns[name][i];
    try { return data.packed.includes(name) && found !== null ? JSON.parse(found) : found; } catch (error) { return found; }
  };
  for (let i = 0; i < count; i += 1) {
    results.push(Object.fromEntries(names.map((name) => [name, value(name, i)])));
  }
  const text = JSON.stringify({ results: results }, null, 1);
  return text.replace(/[^\n -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`) + "\n";
}

async function download(kind) {
  const data = await embedded();
  const blob = kind === "csv" ? new Blob([asCsv(data)], { type: "text/csv" }) : new Blob([asJson(data)], { type: "application/json" });
  const link = make("a", { href: URL.createObjectURL(blob), download: `${data.name}.${kind}` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  say(`${data.name}.${kind} is saved`);
}

function downloads() {
  if (!document.getElementById("rows") || typeof DecompressionStream === "undefined") { return []; }
  return ["csv", "json"].map(function (kind) {
    const name = kind.toUpperCase();
    return button(name, { "aria-label": `Download the rows of all jobs as ${name}` }, () => download(kind));
  });
}
