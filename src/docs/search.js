// The search: every word that was typed must occur in a section; those with words in their title come first.
"use strict";
(function () {
  const form = document.getElementById("search-form");
  const input = document.getElementById("search-words");
  const found = document.getElementById("search-found");
  const most = 20;
  const around = 70;
  const index = window.kdpIndex.map((entry) => ({
    ...entry,
    title: fold(entry.t),
    whole: fold([entry.t, entry.p, entry.x].join(" ")),
  }));

  function fold(text) {
    return text.toLowerCase().replaceAll("ё", "е");
  }

  function search(typed) {
    const words = fold(typed).split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const rank = (entry) => words.filter((word) => entry.title.includes(word)).length + (entry.title === words.join(" "));
    return index
      .filter((entry) => words.every((word) => entry.whole.includes(word)))
      .map((entry, at) => ({ entry, at, rank: rank(entry) }))
      .sort((a, b) => b.rank - a.rank || a.at - b.at)
      .slice(0, most)
      .map((hit) => ({ ...hit.entry, said: excerpt(hit.entry.x, words[0]) }));
  }

  function excerpt(text, word) {
    const at = Math.max(0, fold(text).indexOf(word) - around);
    const part = text.slice(at, at + 3 * around);
    return (at ? "…" : "") + part + (at + part.length < text.length ? "…" : "");
  }

  function show() {
    const hits = search(input.value);
    found.replaceChildren();
    found.hidden = !input.value.trim();
    if (found.hidden) return;
    if (!hits.length) {
      const line = document.createElement("p");
      line.textContent = form.dataset.nothing;
      found.append(line);
      return;
    }
    const list = document.createElement("ul");
    for (const hit of hits) {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = hit.u;
      link.textContent = hit.t === hit.p ? hit.t : hit.p + " › " + hit.t;
      link.addEventListener("click", () => { found.hidden = true; });
      item.append(link, document.createElement("br"), hit.said);
      list.append(item);
    }
    found.append(list);
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const first = found.querySelector("a");
    if (first) first.click();
  });
  input.addEventListener("input", show);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { input.value = ""; show(); }
    if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus(); }
  });
})();
