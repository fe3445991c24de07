// The view of the first screen that is shown now: changed by its controls, written to the address, and followed from
// there, so that a view can be sent and the buttons of the browser go back and forward through views.
const tables = all("table.answer").map(readTable).filter((found) => found.rows.length);
const page = readPage();
let view = plainView(page);
// What follows the view: functions without arguments.
const followers = [];

// The contenders and columns of all tables by their keys, and whether the page draws log axes by itself.
function readPage() {
  const contenders = new Map(), columns = new Map([["contender", "contender"], ["overall", "overall"]]);
  tables.forEach(function (found) {
    found.rows.forEach((row) => { if (!contenders.has(row.key)) { contenders.set(row.key, row); } });
    found.heads.forEach((head) => columns.set(columnOf(head), ownText(head)));
  });
  const names = Array.from(contenders.values(), (row) => row.name);
  contenders.forEach(function (row) {
    if (names.filter((name) => name === row.name).length > 1 && row.details) { row.name = `${row.name} (${row.details})`; }
  });
  return { contenders: contenders, columns: columns, log: tables.some((found) => found.axis) };
}

function change(fields) {
  const next = Object.assign({}, view, { at: "" }, fields), address = writeView(next, page);
  if (address === writeView(view, page)) { return; }
  history.pushState(null, "", address || "#");
  show(next);
}

function show(next) {
  const said = differences(view, next).join(", ");
  view = next;
  tables.forEach((found) => showTable(found, view));
  all("figure [data-contender]").forEach(function (part) {
    part.toggleAttribute("hidden", part.dataset.contender.split(" ").every((key) => view.hide.includes(key)));
  });
  followers.forEach((follower) => follower());
  if (said) { say(said); }
}

function hide(keys, away) {
  const hidden = new Set(view.hide);
  keys.forEach((key) => (away ? hidden.add(key) : hidden.delete(key)));
  change({ hide: Array.from(page.contenders.keys()).filter((key) => hidden.has(key)) });
}

// What of `after` is other than in `before`, in words.
function differences(before, after) {
  const said = [], calls = Boolean(document.querySelector("table.answer[data-time=ms]"));
  const units = { ratio: "ratios", seconds: calls ? "milliseconds" : "seconds per epoch", throughput: calls ? "calls per second" : "samples per second" };
  const base = after.base ? page.contenders.get(after.base).name : "the fastest of each model";
  const hidden = `${after.hide.length} of ${plural(page.contenders.size, "contender")} hidden`;
  if (before.base !== after.base) { said.push(`compared with ${base}`); }
  if (before.unit !== after.unit) { said.push(units[after.unit]); }
  if (before.log !== after.log) { said.push(after.log ? "logarithmic axis" : "linear axis"); }
  if (before.sort !== after.sort || before.down !== after.down) {
    said.push(`sorted by ${page.columns.get(after.sort)}${after.down ? ", the other way round" : ""}`);
  }
  if (before.hide.join() !== after.hide.join()) { said.push(after.hide.length ? hidden : "all contenders shown"); }
  return said;
}

// Takes the view from the address. A link to a place of the page leaves it as it is, and stands in the address with it.
function follow() {
  const next = readView(location.hash, page);
  if (next) {
    show(next);
    reveal(next.at);
    return;
  }
  const place = decoded(location.hash.slice(1));
  reveal(place);
  if (writeView(view, page)) {
    view = Object.assign({}, view, { at: place });
    history.replaceState(null, "", writeView(view, page));
  }
}

// Brings a place into sight, with whatever is folded around it opened, and marks it.
function reveal(id) {
  const place = id && document.getElementById(id);
  all(".aimed").forEach((other) => other.classList.remove("aimed"));
  if (!place) { return; }
  for (let fold = place.closest("details"); fold; fold = fold.parentElement.closest("details")) { fold.open = true; }
  place.classList.add("aimed");
  place.scrollIntoView({ behavior: "instant", block: place.matches("td") ? "center" : "start", inline: "nearest" });
}
