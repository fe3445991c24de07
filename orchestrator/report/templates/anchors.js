// A link beside every heading and chart, to be sent to others.
function anchored(place, title) {
  const name = `Link to “${title.textContent.trim()}”`;
  title.append(make("a", { class: "anchor", href: `#${encodeURIComponent(place.id)}`, "aria-label": name }, "#"));
}

all("section[id]").forEach(function (section) {
  const title = section.querySelector("h2");
  if (title) { anchored(section, title); }
});
all("figure[id]").forEach((figure) => anchored(figure, figure.querySelector("figcaption b")));
