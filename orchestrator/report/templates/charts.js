// What a mark of a chart stands for, beside it at once: its <title> alone comes late, and never under a finger.
(function () {
  "use strict";
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);

  // The text of the mark under the pointer. It is taken out of the mark, or the browser shows it as well.
  function said(mark) {
    const title = mark.querySelector(":scope > title");
    if (title) {
      mark.dataset.tip = title.textContent;
      title.remove();
    }
    return mark.dataset.tip;
  }

  function show(event) {
    const mark = event.target instanceof Element ? event.target.closest(".chart [data-tip], .chart :has(> title)") : null;
    tip.hidden = !mark;
    if (!mark) { return; }
    tip.textContent = said(mark);
    const right = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, right))}px`;
    tip.style.top = `${event.clientY + (event.clientY > innerHeight - 80 ? -12 - tip.offsetHeight : 16)}px`;
  }

  document.addEventListener("pointermove", show);
  document.addEventListener("pointerdown", show);
  document.addEventListener("scroll", () => { tip.hidden = true; }, true);
  // Paper cannot unfold the rest of the findings.
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("#findings details").forEach(function (rest) { rest.open = true; });
  });
})();
