// The controls above the first screen's table. Each is { box, update }: an element, and what makes it show the view.

// Hidden contenders that are named; of more it is said how many they are.
const MOST_NAMED = 6;

function baseline() {
  const names = Array.from(page.contenders, ([key, row]) => [key, row.name]);
  const options = [["", "the fastest of each model"], ...names].map(([key, name]) => make("option", { value: key }, name));
  const select = make("select", { on: { change: () => change({ base: select.value }) } }, ...options);
  return { box: make("label", { class: "group" }, "Compared with ", select), update: () => { select.value = view.base; } };
}

function units() {
  const boxes = UNITS.map((unit) => make("input", { type: "radio", name: "unit", value: unit,
    on: { change: () => change({ unit: unit }) } }));
  const time = document.querySelector("table.answer[data-time=ms]") ? "milliseconds" : "seconds";
  const labels = boxes.map((box) => make("label", {}, box, make("span", {}, box.value === "seconds" ? time : box.value)));
  return { box: make("span", { class: "group choice", role: "radiogroup", "aria-label": "Figures as" }, ...labels),
           update: () => boxes.forEach((box) => { box.checked = box.value === view.unit; }) };
}

// Where the window is too narrow for plots there is no axis to choose.
function axis() {
  if (!page.log) { return null; }
  const check = make("input", { type: "checkbox", on: { change: () => change({ log: check.checked }) } });
  const box = make("label", { class: "group axis" }, check, " log axis");
  const update = function () {
    check.checked = view.log;
    box.hidden = !tables.some((found) => found.axis && found.axis.svg.getClientRects().length);
  };
  window.addEventListener("resize", update);
  return { box: box, update: update };
}

// A button for each year or backend, which hides or shows all of its contenders; `of(row)` names that of a contender.
function groups(noun, of) {
  const found = new Map();
  page.contenders.forEach(function (row, key) {
    const name = of(row) || "unknown";
    found.set(name, (found.get(name) || []).concat(key));
  });
  if (found.size < 2) { return null; }
  const made = Array.from(found.keys()).sort().map((name) => groupButton(name, found.get(name)));
  const box = make("span", { class: "group choice", role: "group", "aria-label": `Show by ${noun}` });
  box.append(...made.map((each) => each.box));
  return { box: box, update: () => made.forEach((each) => each.update()) };
}

function groupButton(name, keys) {
  const shown = () => keys.filter((key) => !view.hide.includes(key)).length;
  const box = button(name, {}, () => hide(keys, shown() === keys.length));
  const update = function () {
    box.setAttribute("aria-pressed", shown() === keys.length ? "true" : shown() ? "mixed" : "false");
  };
  return { box: box, update: update };
}

function contenderBox(row) {
  const check = make("input", { type: "checkbox", on: { change: () => hide([row.key], !check.checked) } });
  return { box: make("label", {}, check, ` ${row.name}`), update: () => { check.checked = !view.hide.includes(row.key); } };
}

function chooser() {
  const boxes = Array.from(page.contenders.values(), contenderBox), backends = groups("backend", (row) => row.backend);
  const title = make("summary"), inside = make("div", {}, ...(backends ? [backends.box] : []));
  inside.append(make("fieldset", {}, make("legend", {}, "Contenders"), ...boxes.map((each) => each.box)));
  const update = function () {
    const all = page.contenders.size, away = view.hide.length;
    title.textContent = away ? `${all - away} of ${plural(all, "contender")}` : plural(all, "contender");
    boxes.concat(backends || []).forEach((each) => each.update());
  };
  return { box: make("details", { class: "chooser" }, title, inside), update: update };
}

function reset() {
  const box = button("Reset", {}, () => change(plainView(page)));
  // Not `disabled`: the keys would be nowhere after it was pressed.
  return { box: box, update: () => box.setAttribute("aria-disabled", differences(plainView(page), view).length === 0) };
}

function files() {
  const made = downloads();
  const box = make("span", { class: "group", role: "group", "aria-label": "Download the rows of all jobs" }, "Download ");
  box.append(...made);
  return made.length ? { box: box, update: () => {} } : null;
}

// One line that says in which way the table is not the one that the page has by itself: on the screen and on paper.
function note() {
  const box = make("p", { class: "view" });
  const update = function () {
    const said = differences(plainView(page), view), names = view.hide.map((key) => page.contenders.get(key).name);
    const more = names.splice(MOST_NAMED).length;
    if (more) { names.push(`${more} more`); }
    box.textContent = said.length ? `Here: ${said.join("; ")}${names.length ? ` (${names.join(", ")})` : ""}.` : "";
    box.hidden = !said.length;
  };
  return { box: box, update: update };
}

function controls(into) {
  const several = page.contenders.size > 1, years = groups("year", (row) => row.year);
  const comparing = several ? [baseline(), units(), axis(), years] : [units()], line = note();
  const bar = [...comparing, reset(), files(), several ? chooser() : null].filter(Boolean);
  into.append(make("div", { class: "bar" }, ...bar.map((part) => part.box)), line.box);
  into.hidden = false;
  followers.push(...bar.map((part) => part.update), line.update);
  tables.forEach((found) => found.heads.forEach(function (head) {
    const key = columnOf(head);
    sortable(head, () => change({ sort: key, down: view.sort === key && !view.down }));
  }));
}

const place = document.getElementById("controls");
if (place && tables.length) {
  controls(place);
  show(view);
  window.addEventListener("hashchange", follow);
}
