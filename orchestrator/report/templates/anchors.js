// A link beside every heading and chart, and in every cell of the first screen's tables, to be sent to others.
function anchor(place, name, attributes) {
  return make("a", Object.assign({ class: "anchor", href: `#${encodeURIComponent(place.id)}`, "aria-label": `Link to ${name}` }, attributes), "#");
}

function anchored(place, title) {
  if (title) { title.append(anchor(place, `“${title.textContent.trim()}”`)); }
}

all("section[id]").forEach((section) => anchored(section, section.querySelector("h2")));
all("figure[id]").forEach((figure) => anchored(figure, figure.querySelector("figcaption b")));
// Those of cells are for pointers: keys would stop at each of them.
tables.forEach((found) => found.rows.forEach((row) => row.cells.forEach(function (cell) {
  cell.cell.id = `${found.table.id}.${row.key}.${cell.task}`;
  cell.cell.append(anchor(cell.cell, `${page.columns.get(cell.task)} on ${row.name}`, { tabindex: "-1" }));
})));
if (tables.length) { follow(); }
