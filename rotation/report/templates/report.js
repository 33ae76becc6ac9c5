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

  // A figure in full size is closed by Escape too.
  addEventListener("keydown", (event) => {
    const close = event.key === "Escape" && target() && one(":target > .close");
    if (close) location.hash = close.hash;
  });

  // Print what is folded away.
  const folded = all("details.how, footer details");
  addEventListener("beforeprint", () => folded.forEach((one) => { one.dataset.open = one.open; one.open = true; }));
  addEventListener("afterprint", () => folded.forEach((one) => { one.open = one.dataset.open === "true"; }));

  // Who comes for a cell wants to see its code.
  const code = () => target() && target().matches(".cell") && one("details.code", target());
  addEventListener("hashchange", () => { if (code()) code().open = true; });
  if (code()) code().open = true;
}
