// What the first screen shows, as the address says it:
// #base=KEY&unit=ratio|seconds|throughput&hide=KEY,KEY&sort=overall|contender|KEY&log=0|1&at=ANCHOR
// Keys are those of contenders and tasks; a minus before the key of `sort` turns the order round. What is not known
// is passed over, as anybody may have written an address.
const UNITS = ["ratio", "seconds", "throughput"];

function plainView(page) {
  return { base: "", unit: "ratio", hide: [], sort: "overall", down: false, log: page.log, at: "" };
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch (error) { return ""; }
}

// `page`: { contenders, columns }, both by key, and `log`, whether its axes are logarithmic by themselves.
// Gives null where the address is no view but the name of a place.
function readView(hash, page) {
  const view = plainView(page), text = hash.replace(/^#/, "");
  if (text && text.indexOf("=") < 0) { return null; }
  text.split("&").forEach(function (field) {
    const at = field.indexOf("="), name = field.slice(0, at), value = field.slice(at + 1), key = decoded(value);
    if (name === "base" && page.contenders.has(key)) { view.base = key; }
    if (name === "unit" && UNITS.includes(key)) { view.unit = key; }
    if (name === "hide") {
      const hidden = new Set(value.split(",").map(decoded));
      view.hide = Array.from(page.contenders.keys()).filter((one) => hidden.has(one));
    }
    if (name === "sort") {
      const down = key.startsWith("-") && !page.columns.has(key), column = down ? key.slice(1) : key;
      if (page.columns.has(column)) { view.sort = column; view.down = down; }
    }
    if (name === "log" && (key === "0" || key === "1")) { view.log = key === "1"; }
    if (name === "at") { view.at = key; }
  });
  return view;
}

// The address of a view; "" for the one that the page has by itself.
function writeView(view, page) {
  const plain = plainView(page), parts = [], key = encodeURIComponent;
  if (view.base) { parts.push(`base=${key(view.base)}`); }
  if (view.unit !== plain.unit) { parts.push(`unit=${view.unit}`); }
  if (view.hide.length) { parts.push(`hide=${view.hide.map(key).join(",")}`); }
  if (view.sort !== plain.sort || view.down) { parts.push(`sort=${view.down ? "-" : ""}${key(view.sort)}`); }
  if (view.log !== plain.log) { parts.push(`log=${view.log ? 1 : 0}`); }
  if (view.at) { parts.push(`at=${key(view.at)}`); }
  return parts.length ? `#${parts.join("&")}` : "";
}
