// The dot plots in the rows of the first screen's table, drawn again for another baseline, or on a linear axis. As they
// come they are logarithmic and begin at the fastest; those are kept, and put back.
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
    [1, 5, 2, 3, 1.5].forEach(function (step) {
      for (let power = -4; power < 7; power += 1) { found.push(Number((step * 10 ** power).toPrecision(2))); }
    });
    return found.filter((ratio) => ratio >= low && ratio <= high);
  }
  const step = [1, 2, 5].map((each) => each * 10 ** Math.floor(Math.log10(high / 4))).find((each) => high / each <= 8) || high;
  for (let ratio = 0; ratio <= high; ratio += step) { found.push(Number(ratio.toPrecision(6))); }
  return found;
}

// The ratios of a row to a baseline (null: to the fastest of each task), and of its overall figure.
function rowRatios(row, base, times) {
  const dots = row.cells.filter((cell) => cell.verdict !== "none" && cell.seconds !== null && times.get(cell.task));
  return { dots: dots.map(function (cell) {
             const [middle, low, high] = [cell.seconds, cell.low, cell.high].map((each) => each && each / times.get(cell.task));
             return { name: page.columns.get(cell.task), middle: middle, low: low, high: high };
           }),
           overall: row.overall && (base ? base.overall && row.overall / base.overall : row.overall) };
}

function drawRow(plot, ratios, axis) {
  const [, , width, height] = plot.getAttribute("viewBox").split(" ").map(Number), parts = [];
  const line = (from, to, y, name) => drawnPart("path", { class: name, d: `M${axis.x(from).toFixed(1)} ${y}H${axis.x(to).toFixed(1)}` });
  const step = (height - 12) / Math.max(ratios.dots.length - 1, 1), top = ratios.dots.length > 1 ? 6 : height / 2;
  axis.ticks.forEach((tick) => parts.push(drawnPart("path", { class: "grid", d: `M${axis.x(tick).toFixed(1)} 0V${height}` })));
  ratios.dots.forEach(function (dot, i) {
    const y = (top + step * i).toFixed(1);
    if (dot.low && dot.high) { parts.push(line(dot.low, dot.high, y, "range")); }
    parts.push(drawnPart("circle", { cx: axis.x(dot.middle).toFixed(1), cy: y, r: 3 }, `${dot.name}: ${ratio(dot.middle)}`));
  });
  if (ratios.overall && ratios.dots.length > 1) {
    const place = { x: (axis.x(ratios.overall) - 4).toFixed(1), y: height / 2 - 7, width: 8, height: 14 };
    parts.push(drawnPart("rect", place, `overall: ${ratio(ratios.overall)}`));
  }
  plot.replaceChildren(...parts);
}

function showPlots(found, view, base, times) {
  const rows = found.rows.filter((row) => row.plot), head = found.axis;
  if (!head || !rows.length) { return; }
  if (!base && view.log === page.log) {
    [head].concat(rows.map((row) => row.plot)).forEach((plot) => plot.svg.replaceChildren(...plot.saved));
    return;
  }
  const ratios = rows.map((row) => rowRatios(row, base, times));
  const known = ratios.flatMap((each) => each.dots.map((dot) => dot.middle).concat(each.overall || []));
  const axis = plotAxis(known, view.log, Number(head.svg.getAttribute("viewBox").split(" ")[2]));
  head.svg.replaceChildren(...axis.ticks.map((tick) => drawnPart("text", { x: axis.x(tick).toFixed(1), y: 11 }, `${tick.toLocaleString("en")}×`)));
  rows.forEach((row, i) => drawRow(row.plot.svg, ratios[i], axis));
}
