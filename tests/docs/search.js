// What the search of the documentation shows: node search.js SITE LANGUAGE WORDS prints the addresses, or what is said
// when there is none, as JSON. The page is as little of one as the search needs.
"use strict";
const fs = require("fs");
const vm = require("vm");
const [site, language, words] = process.argv.slice(2);

class Element {
  children = [];
  listeners = {};
  dataset = { nothing: "nothing is found" };
  value = "";
  hidden = true;
  addEventListener(name, listener) { this.listeners[name] = listener; }
  append(...children) { this.children.push(...children); }
  replaceChildren() { this.children = []; }
}

const elements = { "search-form": new Element(), "search-words": new Element(), "search-found": new Element() };
const document = {
  getElementById: (id) => elements[id],
  createElement: () => new Element(),
  addEventListener() {},
};
const context = vm.createContext({ window: {}, document });
for (const script of [`${language}/search-index.js`, "search.js"]) {
  vm.runInContext(fs.readFileSync(`${site}/${script}`, "utf8"), context);
}
elements["search-words"].value = words;
elements["search-words"].listeners.input();
const [shown] = elements["search-found"].children;
const lines = shown.textContent ?? shown.children.map((item) => item.children[0].href);
console.log(JSON.stringify({ offered: !elements["search-form"].hidden, lines }));
