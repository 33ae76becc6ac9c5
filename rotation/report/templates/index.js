"use strict";
// The table of claims: search, filters, order, and an address for each view of it.
{
  const all = (css, from = document) => [...from.querySelectorAll(css)];
  const one = (css, from = document) => from.querySelector(css);
  const target = () => document.getElementById(decodeURIComponent(location.hash.slice(1)));

  const table = one("#claims"), form = one("#filters");
  const body = one("tbody", table), heads = all("thead th", table), fields = [...form.elements].filter((f) => f.name);
  const number = (text) => parseFloat((text.replace(/−/g, "-").replace(/,(?=\d{3})/g, "").match(/-?\d+(\.\d+)?/) || [])[0]);
  const named = (css, row) => one(css, row).dataset.v || one(css, row).textContent;
  const rows = all("tr", body).map((row, place) => ({
    row, place, text: row.textContent.toLowerCase(), cells: [...row.cells].map((cell) => cell.dataset.v || cell.textContent),
    article: named(".a", row), family: named(".f", row), fidelity: named(".y", row),
    outcome: one("td:last-child b", row).lastChild.textContent.trim(),
  }));
  const outcomes = [...form.elements.outcome.options].map((option) => option.value);
  let sort = { column: -1, down: false };

  const compare = (a, b) => {
    const [left, right] = [a.cells[sort.column], b.cells[sort.column]];
    if (sort.column === 4) return outcomes.indexOf(a.outcome) - outcomes.indexOf(b.outcome);
    if (!heads[sort.column].dataset.sort) return left.localeCompare(right, "en", { numeric: true });
    const [x, y] = [number(left), number(right)];
    if (isNaN(x) || isNaN(y)) return (isNaN(x) - isNaN(y)) * (sort.down ? -1 : 1);
    return x - y;
  };
  const order = () => {
    const sorted = [...rows];
    if (sort.column >= 0) sorted.sort((a, b) => compare(a, b) * (sort.down ? -1 : 1) || a.place - b.place);
    body.append(...sorted.map((item) => item.row));
    heads.forEach((head, column) => head.setAttribute("aria-sort",
      column !== sort.column ? "none" : sort.down ? "descending" : "ascending"));
  };
  const filter = () => {
    const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of rows) {
      const fits = words.every((word) => item.text.includes(word)) &&
        fields.every((field) => field.name === "q" || !field.value || item[field.name] === field.value);
      item.row.hidden = !fits;
      shown += fits;
    }
    one("#shown").textContent = `${shown} of ${rows.length} claims shown`;
  };
  const save = () => {
    const state = new URLSearchParams(fields.filter((field) => field.value).map((field) => [field.name, field.value]));
    if (sort.column >= 0) state.set("sort", `${sort.column + 1}${sort.down ? "-" : ""}`);
    history.replaceState(null, "", `#${state}`);
  };
  // The address holds either the id of a claim or a view: filters and order.
  const load = () => {
    const found = target();
    if (!found && location.hash.length > 1 && !location.hash.includes("=")) return;
    if (!found) {
      const state = new URLSearchParams(location.hash.slice(1)), wanted = state.get("sort") || "";
      for (const field of fields) {
        field.value = state.get(field.name) || "";
        if (field.selectedIndex < 0) field.value = "";
      }
      const column = parseInt(wanted, 10) - 1;
      sort = heads[column] ? { column, down: wanted.endsWith("-") } : { column: -1, down: false };
    } else if (body.contains(found) && found.hidden) {
      for (const field of fields) field.value = "";
    }
    order();
    filter();
    if (found) found.scrollIntoView();
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const again = sort.column === column;
      sort = again && sort.down ? { column: -1, down: false } : { column, down: again };
      order();
      save();
    });
  });
  form.addEventListener("input", () => { filter(); save(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { filter(); save(); }));
  form.hidden = false;
  load();
  addEventListener("hashchange", load);

  // What the reader's clock says: forecasts whose day has passed, data that have grown old.
  const passed = (day) => Math.floor((Date.now() - Date.parse(`${day}T21:00Z`)) / 864e5);
  for (const due of all("[data-due]")) {
    if (passed(due.dataset.due) >= 0) due.insertAdjacentHTML("afterend", ' <b class="overdue">due by now: run again</b>');
  }
  const last = one("[data-last]");
  if (last && passed(last.dataset.last) > 14) last.append(`, ${passed(last.dataset.last)} days ago`);

  addEventListener("beforeprint", () => all("footer details").forEach((one) => { one.open = true; }));
}
