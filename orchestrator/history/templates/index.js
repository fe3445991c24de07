// Filters the rows of the page by host, device, scale and text; what is chosen stands in the address.
(function () {
  "use strict";
  var rows = Array.prototype.slice.call(document.querySelectorAll("#runs tbody tr"));
  var box = document.getElementById("controls"), shown = document.getElementById("shown");
  var names = ["host", "device", "scale"], controls = {};
  if (!rows.length) { return; }

  function values(row, name) { return JSON.parse(row.getAttribute("data-" + name)); }

  function labelled(name, control) {
    var label = document.createElement("label");
    label.appendChild(document.createTextNode(name + " "));
    label.appendChild(control);
    box.appendChild(label);
    controls[name] = control;
    control.addEventListener("input", changed);
  }

  function option(select, value, text) {
    var found = document.createElement("option");
    found.value = value;
    found.textContent = text;
    select.appendChild(found);
  }

  function all(name) {
    var found = [];
    rows.forEach(function (row) {
      values(row, name).forEach(function (value) { if (found.indexOf(value) < 0) { found.push(value); } });
    });
    return found.sort();
  }

  function show() {
    var text = controls.text.value.toLowerCase(), count = 0;
    rows.forEach(function (row) {
      var fits = names.every(function (name) {
        return !controls[name].value || values(row, name).indexOf(controls[name].value) >= 0;
      }) && row.textContent.toLowerCase().indexOf(text) >= 0;
      row.hidden = !fits;
      count += fits;
    });
    shown.textContent = count === rows.length ? "" : count + " of them shown.";
  }

  function changed() {
    var state = new URLSearchParams();
    Object.keys(controls).forEach(function (name) {
      if (controls[name].value) { state.set(name, controls[name].value); }
    });
    history.replaceState(null, "", "#" + state.toString());
    show();
  }

  function fromAddress() {
    var state = new URLSearchParams(location.hash.slice(1));
    Object.keys(controls).forEach(function (name) { controls[name].value = state.get(name) || ""; });
    show();
  }

  names.forEach(function (name) {
    var select = document.createElement("select"), found = all(name);
    option(select, "", "any");
    found.forEach(function (value) { option(select, value, value); });
    labelled(name, select);
    select.parentNode.hidden = found.length < 2;
  });
  var text = document.createElement("input");
  text.type = "search";
  text.placeholder = "id, Keras, command";
  labelled("text", text);
  box.hidden = false;
  window.addEventListener("hashchange", fromAddress);
  fromAddress();
})();
