// What all parts of the page's script use. Text from the rows is only ever set as text, never as markup.
function all(selector, within) { return Array.from((within || document).querySelectorAll(selector)); }

// An element with these attributes; `on` has its listeners, false leaves an attribute out.
function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  Object.entries(attributes || {}).forEach(function ([name, value]) {
    if (name === "on") {
      Object.entries(value).forEach(([event, listener]) => made.addEventListener(event, listener));
    } else if (value !== false) {
      made.setAttribute(name, value === true ? "" : value);
    }
  });
  made.append(...children);
  return made;
}

function button(text, attributes, listener) {
  return make("button", Object.assign({ type: "button", on: { click: listener } }, attributes), text);
}

function plural(count, noun) { return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`; }

// Says to those who cannot see it what just changed.
const region = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
document.body.append(region);
function say(text) { region.textContent = text; }

// Puts a button into the head of a column, which sorts by it; where it is sorted already, the other way round.
function sortable(head, listener) {
  const [title, ...rest] = Array.from(head.childNodes), made = button("", { class: "sort" }, listener);
  made.append(title, make("span", { class: "arrow" }), ...rest);
  head.append(made);
  return made;
}

// Marks the head by which a table is sorted: 1 upwards, -1 downwards.
function mark(heads, sorted, direction) {
  heads.forEach(function (head) {
    if (head !== sorted) { head.removeAttribute("aria-sort"); }
  });
  if (sorted) { sorted.setAttribute("aria-sort", direction < 0 ? "descending" : "ascending"); }
}

// Puts rows in order: `value(row)` is a number, a text, or null for what is unknown, which comes last either way.
// Equal ones stand as they stood in `rows`.
function order(rows, value, direction) {
  const keyed = rows.map((row, place) => ({ row, place, key: value(row) }));
  keyed.sort(function (a, b) {
    if (a.key === null || b.key === null) { return (a.key === null) - (b.key === null) || a.place - b.place; }
    const found = typeof a.key === "number" && typeof b.key === "number" ? a.key - b.key
      : String(a.key).localeCompare(String(b.key), "en", { numeric: true });
    return direction * found || a.place - b.place;
  });
  return keyed.map((each) => each.row);
}
