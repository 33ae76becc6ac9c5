"use strict";
// What a report can do beyond reading: code, figures, tables, print.
{
  const all = (css, from = document) => [...from.querySelectorAll(css)];
  const one = (css, from = document) => from.querySelector(css);
  const target = () => document.getElementById(decodeURIComponent(location.hash.slice(1)));

  // One switch for the code of all cells, beside those of each.
  const codes = all("details.code"), every = one("#all-code");
  if (every && codes.length) {
    const say = () => every.setAttribute("aria-pressed", codes.every((code) => code.open));
    every.hidden = false;
    every.addEventListener("click", () => {
      const open = every.getAttribute("aria-pressed") !== "true";
      for (const code of codes) code.open = open;
    });
    for (const code of codes) code.addEventListener("toggle", say);
  }

  // Boxes that hold all of their table need neither a hint nor a stop of the tab key.
  const fit = () => {
    for (const box of all(".scroll")) {
      const fits = box.scrollWidth <= box.clientWidth, hint = one(".hint", box.nextElementSibling || box);
      box.tabIndex = fits ? -1 : 0;
      if (hint) hint.hidden = fits;
    }
  };
  fit();
  addEventListener("resize", fit);

  // A figure can be taken away: its source is drawn inside, its finding and alt text are in the file.
  const page = location.pathname.split("/").pop().replace(/\.html$/, "");
  for (const figure of all("figure[id]")) {
    const link = document.createElement("a");
    Object.assign(link, { className: "take", textContent: "PNG", download: `${page}-${figure.id}.png`, href: one("img", figure).src });
    link.setAttribute("aria-label", `PNG of the figure: ${one("img", figure).alt.slice(0, 60)}`);
    figure.append(link);
  }

  // A figure in full size is closed by Escape too.
  addEventListener("keydown", (event) => {
    const close = event.key === "Escape" && target() && one(":target > .close");
    if (close) location.hash = close.hash;
  });

  // Print what is folded away.
  const folded = all("details.how, details.row, footer details");
  addEventListener("beforeprint", () => folded.forEach((one) => { one.dataset.open = one.open; one.open = true; }));
  addEventListener("afterprint", () => folded.forEach((one) => { one.open = one.dataset.open === "true"; }));

  // Who comes for a claim wants its card, who comes for a cell its code.
  const arrive = () => {
    const found = target();
    if (!found) return;
    const row = found.closest("details.row"), code = found.matches(".cell") && one("details.code", found);
    if (code) code.open = true;
    if (row) row.open = true;
    if (row) found.scrollIntoView();
  };
  addEventListener("hashchange", arrive);
  arrive();
}
