// Replaces the still pictures by live charts when they come near the screen, in the colours of the page.
(function () {
  "use strict";
  var specs = JSON.parse(document.getElementById("specs").textContent);
  var dark = window.matchMedia("(prefers-color-scheme: dark)");

  function colours() {
    var style = getComputedStyle(document.documentElement);
    var read = function (name) { return style.getPropertyValue(name).trim(); };
    var text = read("--text"), soft = read("--soft"), line = read("--line");
    return {
      background: "transparent",
      axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line,
              titleFontWeight: "normal" },
      legend: { labelColor: text },
      title: { color: text },
      style: { "guide-label": { font: "sans-serif" }, "guide-title": { font: "sans-serif" } }
    };
  }

  // One or two views side by side, each as wide as the box allows.
  function fitted(spec, width) {
    var copy = JSON.parse(JSON.stringify(spec)), extra = colours();
    // A bar chart names its contenders on the left, a curve only has numbers there.
    var layer = copy.concat[0].layer, names = copy.config.axis.labelLimit;
    var bars = layer && layer[0].encoding.y.field === "contender" ? layer[0].encoding.color.scale.domain : [];
    var margin = bars.reduce(function (most, name) { return Math.max(most, Math.min(names, 7 * name.length) + 30); }, 75);
    var columns = width < 640 || copy.concat.length < 2 || width / 2 - margin < 160 ? 1 : 2;
    copy.columns = columns;
    copy.padding = 5;  // these letters are the ones that it is laid out with
    copy.concat.forEach(function (view) {
      view.width = Math.max(120, Math.min(560, Math.floor(width / columns) - margin));
    });
    Object.keys(extra).forEach(function (key) {
      copy.config[key] = key === "background" ? extra[key] : Object.assign({}, copy.config[key], extra[key]);
    });
    copy.config.legend.columns = Math.max(1, Math.floor(width / 190));
    return copy;
  }

  function draw(figure) {
    var box = figure.querySelector(".live"), width = figure.clientWidth;
    if (!width) { return; }
    figure.dataset.width = width;
    var options = { actions: { export: true, source: false, compiled: false, editor: false }, renderer: "svg",
                    ast: true, tooltip: { theme: dark.matches ? "dark" : "light" } };
    window.vegaEmbed(box, fitted(specs[figure.dataset.chart], width), options)
      .then(function () {
        figure.classList.add("drawn");
        var menu = box.querySelector("summary");  // its three dots say nothing to those who cannot see them
        if (menu) { menu.setAttribute("aria-label", "Save this chart"); }
      })
      .catch(function (error) { console.error(error); });
  }

  var figures = Array.prototype.slice.call(document.querySelectorAll("figure[data-chart]"));
  var seen = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
    });
  }, { rootMargin: "600px" });
  figures.forEach(function (figure) { seen.observe(figure); });

  function again() {
    figures.forEach(function (figure) { if (figure.dataset.width) { draw(figure); } });
  }
  // Paper cannot unfold the rest of the findings.
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("#findings details").forEach(function (rest) { rest.open = true; });
  });
  var timer;
  dark.addEventListener("change", again);
  window.addEventListener("resize", function () {
    clearTimeout(timer);
    timer = setTimeout(function () {
      if (figures.some(function (f) { return f.dataset.width && +f.dataset.width !== f.clientWidth; })) { again(); }
    }, 150);
  });
})();
