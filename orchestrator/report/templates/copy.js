// A button beside every command that puts it on the clipboard; where that is refused, it selects the command.
function copyButton(code) {
  const row = code.closest("tr"), name = row ? row.cells[0].textContent.trim() : "";
  const made = button("copy", { class: "copy", "aria-label": name ? `Copy the command of ${name}` : "Copy the command" },
    function () { copy(code, made); });
  if (row) { code.before(made); } else { code.after(made); }
}

function copy(code, where) {
  const selected = function () {
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    tell(where, "selected", "The command is selected: copy it with your keys");
  };
  if (!navigator.clipboard || !navigator.clipboard.writeText) { selected(); return; }
  navigator.clipboard.writeText(code.textContent).then(() => tell(where, "copied", "The command is copied"), selected);
}

function tell(where, word, sentence) {
  where.textContent = word;
  say(sentence);
  setTimeout(function () { where.textContent = "copy"; }, 2000);
}

all("code.command").forEach(copyButton);
