// The dot plots in the rows of the first screen's table. As they come they are logarithmic and seen from the fastest.
// On a linear axis the same marks stand elsewhere. Seen from another contender they are drawn anew, without intervals:
// those of the page are of comparisons with the fastest.
const SVG = "http://www.w3.org/2000/svg", PAD = 14, MOST_TICKS = 5;

function drawnPart(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  if (text) {
    const inside = name === "text" ? made : document.createElementNS(SVG, "title");
    inside.textContent = text;
    if (inside !== made) { made.append(inside); }
  }
  return made;
}

// Where a ratio stands on an axis from `low` to `high`, and the ratios that get a tick.
function plotAxis(ratios, log, width) {
  const low = Math.min(1, ...ratios) / (log ? 1.04 : 1), high = Math.max(1.25, 1.04 * Math.max(...ratios)), scale = log ? Math.log : Number;
  const from = log ? scale(low) : 0, length = scale(high) - from;
  const x = (ratio) => PAD + Math.min(Math.max((scale(ratio) - from) / length, 0), 1) * (width - 2 * PAD);
  const kept = [];
  roundRatios(low, high, log).forEach(function (ratio) {
    if (kept.every((other) => Math.abs(x(ratio) - x(other)) >= (width - 2 * PAD) / MOST_TICKS)) { kept.push(ratio); }
  });
  return { x: x, ticks: kept };
}

// Round ratios between two, 1 first, as no axis is without it.
function roundRatios(low, high, log) {
  const found = [1];
  if (log) {
    [1, 5, 2, 3, 1.5, 7, 1.2].forEach(function (step) {
      for (let power = -4; power < 7; power += 1) { found.push(Number((step * 10 ** power).toPrecision(2))); }
    });
    return found.filter((ratio) => ratio >= low && ratio <= high);
  }
  const step = [1, 2, 5].map((each) => each * 10 ** Math.floor(Math.log10(high / 4))).find((each) => high / each <= 8) || high;
  for (let ratio = 0; ratio <= high; ratio += step) { found.push(Number(ratio.toPrecision(6))); }
  return found;
}

// The ratios of a row to a baseline, and that of its overall figure.
function rowRatios(row, base, times) {
  const dots = row.cells.filter((cell) => cell.verdict !== "none" && cell.seconds !== null && times.get(cell.task));
  return { dots: dots.map((cell) => ({ name: page.columns.get(cell.task), ratio: cell.seconds / times.get(cell.task) })),
           overall: row.overall && base.overall && row.overall / base.overall };
}

function drawRow(plot, ratios, axis) {
  const height = Number(plot.getAttribute("viewBox").split(" ")[3]), parts = gridLines(axis, height);
  const step = (height - 12) / Math.max(ratios.dots.length - 1, 1), top = ratios.dots.length > 1 ? 6 : height / 2;
  ratios.dots.forEach(function (dot, i) {
    const place = { cx: axis.x(dot.ratio).toFixed(1), cy: (top + step * i).toFixed(1), r: 3 };
    parts.push(drawnPart("circle", place, `${dot.name}: ${ratio(dot.ratio)}`));
  });
  if (ratios.overall && ratios.dots.length > 1) {
    const place = { x: (axis.x(ratios.overall) - 4).toFixed(1), y: height / 2 - 7, width: 8, height: 14 };
    parts.push(drawnPart("rect", place, `overall: ${ratio(ratios.overall)}`));
  }
  plot.replaceChildren(...parts);
}

function gridLines(axis, height) {
  return axis.ticks.map((tick) => drawnPart("path", { class: "grid", d: `M${axis.x(tick).toFixed(1)} 0V${height}` }));
}

// The marks of a plot at other places: `x` gives the new one for each.
function moveRow(plot, saved, axis, x) {
  const marks = saved.filter((part) => part.nodeType === Node.ELEMENT_NODE && !part.matches(".grid")).map((part) => part.cloneNode(true));
  marks.forEach(function (mark) {
    const line = /^M([\d.]+) ([\d.]+)H([\d.]+)$/.exec(mark.getAttribute("d") || "");
    if (line) { mark.setAttribute("d", `M${x(Number(line[1])).toFixed(1)} ${line[2]}H${x(Number(line[3])).toFixed(1)}`); }
    if (mark.matches("circle")) { mark.setAttribute("cx", x(Number(mark.getAttribute("cx"))).toFixed(1)); }
    if (mark.matches("rect")) { mark.setAttribute("x", (x(Number(mark.getAttribute("x")) + 4) - 4).toFixed(1)); }
  });
  plot.replaceChildren(...gridLines(axis, Number(plot.getAttribute("viewBox").split(" ")[3])), ...marks);
}

// What ratio stands at a place of the page's own axis, which its ticks tell.
function ownRatio(head) {
  const ticks = head.saved.filter((part) => part.nodeType === Node.ELEMENT_NODE), last = ticks[ticks.length - 1];
  const per = Math.log(parseFloat(last.textContent.replace(/,/g, ""))) / (Number(last.getAttribute("x")) - PAD);
  return (place) => Math.exp((place - PAD) * per);
}

function showPlots(found, view, base, times) {
  const rows = found.rows.filter((row) => row.plot), head = found.axis;
  if (!head || !rows.length) { return; }
  head.title.textContent = base ? `times ${base.name}` : head.words;
  if (!base && view.log) {
    [head].concat(rows.map((row) => row.plot)).forEach((plot) => plot.svg.replaceChildren(...plot.saved));
    return;
  }
  const ratios = base ? rows.map((row) => rowRatios(row, base, times)) : null, width = Number(head.svg.getAttribute("viewBox").split(" ")[2]);
  const own = ownRatio(head), known = base ? ratios.flatMap((each) => each.dots.map((dot) => dot.ratio).concat(each.overall || []))
    : [own(width - PAD) / 1.04];
  const axis = plotAxis(known, view.log, width);
  head.svg.replaceChildren(...axis.ticks.map((tick) => drawnPart("text", { x: axis.x(tick).toFixed(1), y: 11 }, `${tick.toLocaleString("en")}×`)));
  rows.forEach(function (row, i) {
    if (base) { drawRow(row.plot.svg, ratios[i], axis); } else { moveRow(row.plot.svg, row.plot.saved, axis, (place) => axis.x(own(place))); }
  });
}
