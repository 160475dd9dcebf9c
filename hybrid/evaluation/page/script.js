
"use strict";
(() => {
  const cards = [...document.querySelectorAll(".question")];
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const filters = [...document.querySelectorAll(".filters input")];
  const texts = new Map();

  const textOf = (card) => {
    if (!texts.has(card)) texts.set(card, card.textContent.toLowerCase());
    return texts.get(card);
  };
  const shown = (card) => getComputedStyle(card).display !== "none";
  const refresh = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const card of cards) card.hidden = !wanted.every((word) => textOf(card).includes(word));
    count.textContent = `${cards.filter(shown).length} of ${cards.length} questions`;
  };
  const reset = () => {
    search.value = "";
    for (const input of filters) input.checked = input.type === "radio" && !input.id;
    refresh();
  };
  // A browser opens what is folded around a target by itself only when it is new enough.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    const card = target && target.closest(".question");
    if (!card) return;
    if (!shown(card) || getComputedStyle(target).display === "none") reset();
    card.open = true;
    target.scrollIntoView({ block: "center" });
  };

  if (search && count) {
    let waiting = 0;
    search.closest("label").hidden = count.hidden = false;
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(refresh, 120);
    });
    for (const input of filters) input.addEventListener("change", refresh);
    refresh();
  }
  addEventListener("hashchange", reveal);
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) reveal();
  });
  reveal();
})();
