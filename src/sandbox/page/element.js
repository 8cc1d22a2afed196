// Elements, made without markup: what the service tells becomes text, and nothing else.

// An element with attributes (true: present; null, false: absent; functions: listeners) and children: elements or texts.
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== null && value !== false && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Lets `list` hold one element for each item, in order. What did not change stays as it is: what is focused, open or half
// typed in it too.
export function keep(list, items, keyOf, build, more = "") {
  const known = new Map([...list.children].map((element) => [element.dataset.key, element]));
  const wanted = items.map((item) => {
    const key = keyOf(item);
    const signature = JSON.stringify(item) + more;
    const before = known.get(key);
    if (before && before.signature === signature) return before;
    const element = build(item);
    element.dataset.key = key;
    element.signature = signature;
    if (before) carry(before, element);
    return element;
  });
  const stays = new Set(wanted);
  for (const element of [...list.children]) if (!stays.has(element)) element.remove();
  wanted.forEach((element, place) => {
    if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null);
  });
}

// What a person did to the element before goes over to the one that takes its place.
function carry(before, after) {
  for (const details of before.querySelectorAll("details[data-part]")) {
    const same = after.querySelector(`details[data-part="${details.dataset.part}"]`);
    if (same) same.open = details.open;
  }
  for (const input of before.querySelectorAll("input[data-part]")) {
    const same = after.querySelector(`input[data-part="${input.dataset.part}"]`);
    if (same) same.value = input.value;
  }
  for (const told of before.dataset.state === after.dataset.state ? before.querySelectorAll(".told") : []) {
    after.querySelector(`[id="${told.id}"]`)?.replaceChildren(...told.childNodes);
  }
  const focused = before.contains(document.activeElement) ? document.activeElement.dataset.part : null;
  if (focused) {
    before.replaceWith(after);
    after.querySelector(`[data-part="${focused}"]`)?.focus();
  }
}

// Fills a choice, keeping what was chosen; options are pairs of value and text.
export function choose(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

// "2026-11-22T23:49:08.123+05:00" as a person reads it: the time of Astana, as the service writes it.
export function moment(text) {
  return h("time", { datetime: text }, plain(text));
}

export function plain(text) {
  const [date, time] = text.split("T");
  return `${day(date)} ${time.slice(0, 8)}`;
}

// "2026-11-22" as 22.11.2026.
export function day(text) {
  return text.split("-").reverse().join(".");
}
