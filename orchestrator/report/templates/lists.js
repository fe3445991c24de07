// Every list of the page can be sorted by its columns; the list of all jobs can be searched.
const ABSENT = "–";
// Of figures whose unit goes with their size.
const SIZES = { ms: 1e-3, KiB: 1 / 1024, GiB: 1024, TiB: 1024 * 1024 };
// Fewer rows need no order.
const FEWEST_ROWS = 4;

// What a cell sorts by: null where nothing was measured, a number, or its text.
function cellValue(cell) {
  const text = cell ? cell.textContent.trim() : "";
  if (text === "" || text === ABSENT) { return null; }
  const found = /^[≈<>]?\s*([-−]?[\d,]*\.?\d+)(?:\s*(\S+))?(?:\s|$)/.exec(text);
  if (!found || /^\d{4}-\d\d/.test(text)) { return text; }
  return Number(found[1].replace(/,/g, "").replace("−", "-")) * (SIZES[found[2]] || 1);
}

function sortList(table) {
  const body = table.tBodies[0], heads = all("thead th", table), rows = Array.from(body.rows);
  if (rows.length < FEWEST_ROWS) { return; }
  heads.forEach(function (head, column) {
    const title = head.textContent.trim();
    sortable(head, function () {
      const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      body.append(...order(rows, (row) => cellValue(row.cells[column]), direction));
      mark(heads, head, direction);
      say(`sorted by ${title}, ${direction < 0 ? "descending" : "ascending"}`);
    });
  });
}

// A field that keeps the rows which have all of its words, and says how many these are.
function searchList(table) {
  const rows = Array.from(table.tBodies[0].rows), texts = rows.map((row) => row.textContent.toLowerCase());
  const count = make("output", { class: "count", for: "find" }), scroll = table.closest(".scroll");
  const field = make("input", { type: "search", id: "find", autocomplete: "off", spellcheck: "false",
    on: { input: find } });
  const bar = make("p", { class: "find" }, make("label", { for: "find" }, "Find jobs "), field, " ", count);
  scroll.before(bar);

  function find() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    rows.forEach(function (row, i) {
      row.hidden = !words.every((word) => texts[i].includes(word));
      found += row.hidden ? 0 : 1;
    });
    count.textContent = words.length ? `${found.toLocaleString("en")} of ${plural(rows.length, "job")}` : plural(rows.length, "job");
  }
  find();
}

all("table.list").forEach(sortList);
all("#jobs table.list").forEach(searchList);
