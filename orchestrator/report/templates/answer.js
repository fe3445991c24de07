// The tables of the first screen, read from their marks: rows are contenders, columns are tasks. Hiding, sorting and
// another unit change what is shown, never a figure: the fastest stays the fastest of all contenders.
function known(text) { return text === undefined || text === "" || !isFinite(text) ? null : Number(text); }

function readTable(table) {
  const heads = all("thead th", table).filter((head) => columnOf(head)), rows = all("tr[data-contender]", table).map(readRow);
  const fastest = new Map();
  rows.forEach((row) => row.cells.forEach(function (cell) {
    if (cell.verdict === "best") { fastest.set(cell.task, cell.seconds); }
  }));
  return { table: table, heads: heads, rows: rows, fastest: fastest, axis: readPlot(table.tHead) };
}

function readRow(row) {
  // Its name begins with the title of its backend; small print below it tells it from others of that name.
  const name = ownText(row.cells[0]), small = row.cells[0].querySelector("small");
  return { row: row, key: row.dataset.contender, name: name, details: small ? small.textContent.trim() : "",
           year: row.dataset.year, backend: name.split(" ")[0], cells: all("td[data-task]", row).map(readCell),
           overall: known(row.dataset.overall), total: readCell(row.querySelector("td[data-column=overall]")),
           plot: readPlot(row) };
}

// The text of an element without that of the elements in it.
function ownText(element) {
  const texts = Array.from(element.childNodes).filter((node) => node.nodeType === Node.TEXT_NODE);
  return texts.map((node) => node.textContent).join(" ").trim();
}

function readPlot(within) {
  const svg = within.querySelector(".plot svg");
  if (!svg) { return null; }
  const title = svg.parentNode.firstChild;
  return { svg: svg, saved: Array.from(svg.childNodes), title: title, words: title.textContent };
}

function readCell(cell) {
  const large = cell.querySelector("b"), small = cell.querySelector("small");
  return { task: cell.dataset.task, verdict: cell.dataset.verdict, seconds: known(cell.dataset.seconds),
           samples: known(cell.dataset.samples), low: known(cell.dataset.low), high: known(cell.dataset.high), cell: cell, large: large, small: small,
           saved: [large, small].map((part) => (part ? Array.from(part.childNodes) : [])) };
}

// As words.py writes figures: three digits, never with an exponent.
function figure(value) {
  if (value === 0) { return "0"; }
  const exponent = Number(value.toExponential(2).split("e")[1]), decimals = Math.min(Math.max(2 - exponent, 0), 6);
  return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}
function ratio(value) { return `${value < 9.995 ? value.toFixed(2) : figure(value)}×`; }
function seconds(value, table) { return table.dataset.time === "ms" ? `${figure(value * 1000)} ms` : `${figure(value)} s`; }

function restore(cell) {
  [cell.large, cell.small].forEach(function (part, i) { if (part) { part.replaceChildren(...cell.saved[i]); } });
}

function write(cell, large, small) {
  cell.large.textContent = large;
  cell.small.textContent = small;
}

// What a cell shows in a unit, seen from the seconds of the baseline (null: it has none here).
function showCell(cell, unit, base, plain) {
  if (plain || cell.seconds === null || cell.verdict === "none") { restore(cell); return; }
  const times = base ? ratio(cell.seconds / base) : ABSENT, time = seconds(cell.seconds, cell.cell.closest("table"));
  if (unit === "seconds") {
    write(cell, time, times);
  } else if (unit === "throughput") {
    write(cell, cell.samples ? `${figure(cell.samples / cell.seconds)}/s` : ABSENT, time);
  } else {
    write(cell, times, time);
  }
}

function showFigures(found, view) {
  const base = found.rows.find((row) => row.key === view.base), plain = !base && view.unit === "ratio";
  const its = base ? new Map(base.cells.map((cell) => [cell.task, cell.verdict === "none" ? null : cell.seconds])) : found.fastest;
  found.rows.forEach(function (row) {
    row.cells.forEach((cell) => showCell(cell, view.unit, its.get(cell.task), plain));
    restore(row.total);
    if (base && row.overall !== null) { row.total.large.textContent = base.overall ? ratio(row.overall / base.overall) : ABSENT; }
  });
  showPlots(found, view, base, its);
  found.table.classList.toggle("rebased", Boolean(base));
}

function showOrder(found, view) {
  const value = function (row) {
    if (view.sort === "overall") { return row.overall; }
    if (view.sort === "contender") { return row.name; }
    const cell = row.cells.find((each) => each.task === view.sort);
    return cell && cell.verdict !== "none" ? cell.seconds : null;
  };
  const rows = order(found.rows, value, view.down ? -1 : 1);
  const body = found.rows[0].row.parentNode, moved = rows.some((row, i) => body.rows[i] !== row.row);
  if (moved) { body.append(...rows.map((row) => row.row)); }
  // Rates are the other way round: the fastest has the largest.
  const rising = view.down !== (view.unit === "throughput" && !["overall", "contender"].includes(view.sort));
  mark(found.heads, found.heads.find((head) => columnOf(head) === view.sort), rising ? -1 : 1);
}

// The key of a column, "" for one that nobody sorts by.
function columnOf(head) { return head.dataset.task || head.dataset.column || (head.cellIndex === 0 && head.scope === "col" ? "contender" : ""); }

function showTable(found, view) {
  showFigures(found, view);
  showOrder(found, view);
  found.rows.forEach(function (row) { row.row.hidden = view.hide.includes(row.key); });
}
