// What one phone, request, application and test look like.

import { day, h, moment, plain } from "./element.js";
import { BEHAVIOUR, LANGUAGES, TEXT, WEEKDAYS } from "./text.js";

let lang = "ru";
// The service's own words, and who is in the sandbox.
let words = { reasons: {}, checks: {}, faults: {}, stages: {} };
let world = { peers: [], subjects: [] };

export function speak(code) {
  lang = code;
}

export function learn(told) {
  ({ words, world } = told);
}

export function t(key, ...values) {
  const text = TEXT[key][LANGUAGES.indexOf(lang)];
  return values.reduce((line, value, place) => line.replace(`$${place + 1}`, value), text);
}

export function behaviour(key) {
  return BEHAVIOUR[key]?.[LANGUAGES.indexOf(lang)] ?? key;
}

// What a code of the service means.
export function meaning(code) {
  return (words.reasons[code] ?? words.faults[code])?.text[lang] ?? code;
}

export function remedy(code) {
  return (words.reasons[code] ?? words.faults[code])?.remedy[lang] ?? "";
}

function organisation(test) {
  return world.peers.find(test)?.organisation ?? "";
}

function person(iin) {
  return world.subjects.find((one) => one.iin === iin)?.name ?? "";
}

function badge(text, kind) {
  return h("span", { class: kind ? `badge ${kind}` : "badge" }, text);
}

function deed(text, part, does, first = false) {
  return h("button", { type: "button", class: first ? "first" : null, "data-part": part, click: does }, text);
}

// Where something is told that a person asked for. The page may renew what stands around it meanwhile: it is found by name.
function output(name) {
  return h("p", { role: "status", id: `told-${name}`, class: "told" });
}

function tell(name, ...said) {
  document.getElementById(`told-${name}`)?.replaceChildren(...said);
}

function facts(pairs) {
  return h("dl", {}, pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

// --- phones ---------------------------------------------------------------------------------------------------------

export function phone({ msisdn, owners, sms }, deeds) {
  const text = h("input", { "data-part": "text", "aria-label": `${t("ownText")}, ${msisdn}`, placeholder: t("ownText") });
  const say = async (what) => {
    const failed = await deeds.reply(msisdn, what);
    tell(msisdn, failed || `${t("sent")}: ${what}`);
  };
  const own = (event) => {
    event.preventDefault();
    if (text.value.trim()) say(text.value.trim()).then(() => (text.value = ""));
  };
  return h("article", { "data-msisdn": msisdn },
    h("h3", {}, `+${msisdn}`),
    h("p", { class: "note" }, owners.map((one) => `${one.name} (${behaviour(one.behaviour)})`).join(", ")),
    sms.length
      ? h("ul", { class: "sms", "aria-label": `SMS +${msisdn}`, tabindex: "0" },
          sms.map((one) => h("li", {}, moment(one.at), one.text)).reverse())
      : h("p", {}, t("noSms")),
    h("div", { class: "row" },
      deed(t("yes"), "yes", () => say(t("yes")), true),
      deed(t("no"), "no", () => say(t("no"))),
      deed(t("fraud"), "fraud", () => say(t("fraud")))),
    h("form", { class: "row", submit: own }, text, h("button", { "data-part": "reply" }, t("reply"))),
    output(msisdn));
}

// --- requests -------------------------------------------------------------------------------------------------------

const STATES = { seeking: "seeking", sending: "sendingSms", waiting: "waiting", agreed: "agreed" };

// What became of a request, and whether that is good.
function outcome(one) {
  const consent = one.request?.consent;
  if (one.kind === "fault") return [`${t("refusedMessage")}: ${meaning(one.outcome)}`, "no"];
  // Nothing failed, and still there is no request: it was a trial (dry_run).
  if (!consent) return [meaning(one.outcome), one.checks.every((check) => check.passed) ? null : "no"];
  if (consent.state === "granted") return consent.lapses ? [t("contested"), "yes"] : [t("granted"), "yes"];
  if (consent.state === "closed") return [meaning(consent.reason), "no"];
  return [t(STATES[consent.state]), null];
}

export function request(one, deeds) {
  const [text, kind] = outcome(one);
  const { request } = one;
  const code = request ? request.consent.reason : one.outcome;
  const passed = one.checks.filter((check) => check.passed).length;
  const allPassed = passed === one.checks.length;
  return h("article", { "data-request": request?.request_id, "data-state": request?.consent.state, "data-reason": code },
    h("div", { class: "head" }, badge(text, kind), h("h3", {}, organisation((peer) => peer.sender_id === one.sender) || one.sender), moment(one.at)),
    request && facts([
      [t("subject"), `${person(request.iin)}, ${request.iin}`],
      [t("method"), String(request.method)],
      [t("service"), request.services.join(", ")],
      ["request_id", request.request_id],
    ]),
    one.fault && h("p", {}, one.fault),
    code && kind === "no" && remedy(code) && h("p", {}, `${t("what")}: ${remedy(code)}`),
    one.checks.length > 0 && h("details", { "data-part": "checks", open: !allPassed },
      h("summary", {}, t("checksOf", passed, one.checks.length)),
      h("ul", { class: "checks" }, one.checks.map(check))),
    one.steps.length > 1 && h("details", { "data-part": "steps" },
      h("summary", {}, t("steps")),
      h("ul", { class: "steps" }, one.steps.map((step) => h("li", {}, moment(step.at), step.what)))),
    request && open(request, deeds),
    request?.token && token(request, deeds));
}

function check(one) {
  const known = words.checks[one.check];
  return h("li", { class: one.passed ? "yes" : "no", "data-check": one.check },
    h("span", { class: "mark", "aria-hidden": "true" }, one.passed ? "✓" : "✗"),
    h("span", {},
      h("strong", {}, known?.text[lang] ?? one.check), " ",
      h("span", { class: "unseen" }, `(${one.passed ? t("passed") : t("failed")}) `),
      h("small", {}, `${known?.paragraph ?? ""}; ${t("found")}: ${one.found}; ${t("expected")}: ${one.expected || "—"}`)));
}

// What can be done while a request waits.
function open(request, deeds) {
  if (!STATES[request.consent.state]) return null;
  const name = `repeat-${request.request_id}`;
  const code = h("input", { "data-part": "code", "aria-label": t("code"), placeholder: t("code"), autocomplete: "off", inputmode: "numeric" });
  const repeat = async (event) => {
    event.preventDefault();
    tell(name, t("sending"));
    tell(name, await deeds.repeat(request, code.value.trim()));
  };
  return h("form", { class: "row", submit: repeat },
    request.method === 5 && code,
    h("button", { "data-part": "repeat" }, t("collect")), output(name));
}

// --- tokens ---------------------------------------------------------------------------------------------------------

function token(request, deeds) {
  const { token, consent } = request;
  const [header, payload] = token.code.split(".").slice(0, 2).map(decode);
  const name = `token-${request.request_id}`;
  const look = async () => {
    const status = await deeds.check(request);
    tell(name, `${t("checked")}: `, h("span", { class: status === "active" ? "badge yes" : "badge no", "data-status": status }, TEXT[status] ? t(status) : meaning(status)));
  };
  const take = async () => tell(name, await deeds.revoke(request));
  const json = (value) => h("pre", {}, JSON.stringify(value, null, 2));
  return h("div", { class: "token" },
    h("h4", {}, t("token")),
    facts([[t("issued"), moment(token.issued_at)], [t("expires"), moment(token.expires_at)]]),
    h("details", { "data-part": "token" },
      h("summary", {}, t("decoded")),
      facts(claims(payload)),
      h("h4", {}, t("tokenHeader")), json(header),
      h("h4", {}, t("tokenPayload")), json(payload),
      h("h4", {}, t("raw")), h("pre", {}, token.code)),
    h("div", { class: "row" },
      deed(t("check"), "look", look),
      consent.state === "granted" && !consent.lapses && deed(t("revoke"), "revoke", take)),
    output(name));
}

// A part of a JWT; nothing is believed of it here, it is only shown.
function decode(part) {
  const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function claims(payload) {
  const date = (seconds) => plain(new Date((seconds + 5 * 3600) * 1000).toISOString());
  const dated = ["iat", "nbf", "exp"].filter((name) => name in payload).map((name) => [name, date(payload[name])]);
  const named = ["uin", "cbin", "services", "method"].filter((name) => name in payload).map((name) => [name, String(payload[name])]);
  return [...named, ...dated];
}

// --- applications for revocation ----------------------------------------------------------------------------------------

export function application(one, deeds, today) {
  const kind = { open: null, refused: "yes" }[one.state];
  const act = (does) => async () => tell(one.application_id, await does(one));
  return h("article", { "data-application": one.application_id, "data-about": one.request_id, "data-state": one.state },
    h("div", { class: "head" }, badge(t(one.state), kind === undefined ? "no" : kind),
      h("h3", {}, organisation((peer) => peer.bin === one.bin)), moment(one.filed_at)),
    facts([
      [t("subject"), `${person(one.iin)}, ${one.iin}`],
      [t("deadline"), h("time", { datetime: one.deadline, class: "deadline" }, day(one.deadline))],
      ["application_id", one.application_id],
      ["request_id", one.request_id],
    ]),
    h("details", { "data-part": "calendar", open: one.state === "open" },
      h("summary", {}, t("calendar")), calendar(one, today)),
    one.state === "open" && h("div", { class: "row" },
      deed(t("approve"), "approve", act(deeds.approve)),
      deed(t("refuse"), "refuse", act(deeds.refuse)),
      deed(t("waitOut"), "wait", act(deeds.waitOut))),
    output(one.application_id));
}

// Monday is 0.
function weekday(date) {
  return (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
}

function calendar(one, today) {
  if (!one.days?.length) return null;
  const last = one.days.length - 1;
  const cells = one.days.map(({ date, working, why }, place) => {
    const kind = place === last ? "last" : why ? "off" : working ? "counted" : null;
    const short = date.slice(8) + "." + date.slice(5, 7);
    return h("td", { class: kind, title: why?.[lang], "aria-current": date === today ? "date" : null },
      short, working ? h("b", {}, String(working)) : why && h("span", { class: "unseen" }, why[lang]));
  });
  const empty = (count) => Array.from({ length: count }, () => h("td"));
  const all = [...empty(weekday(one.days[0].date)), ...cells];
  all.push(...empty((7 - (all.length % 7)) % 7));
  const rows = [];
  for (let place = 0; place < all.length; place += 7) rows.push(h("tr", {}, all.slice(place, place + 7)));
  // Days of the week explain themselves.
  const holidays = one.days.filter(({ date, why }) => why && weekday(date) < 5);
  return h("div", {},
    h("table", {},
      h("caption", {}, `${t("filed")}: ${day(one.days[0].date)}. ${t("deadline")}: ${day(one.deadline)}`),
      h("thead", {}, h("tr", {}, WEEKDAYS[lang].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows)),
    holidays.length > 0 && h("p", {}, `${t("holidays")}: ${holidays.map(({ date, why }) => `${day(date)} ${why[lang]}`).join("; ")}`));
}

// --- the ten answers ---------------------------------------------------------------------------------------------------------

export function test(one) {
  const name = lang === "kk" ? one.name.kk : one.name.ru;
  const slots = Array.from({ length: one.needed }, (_, place) => one.counted[place]);
  return h("article", { "data-test": one.id, "data-counted": String(one.counted.length) },
    h("div", { class: "head" }, badge(one.title[lang], one.counted.length >= one.needed ? "yes" : null), h("h3", {}, name)),
    h("p", {}, t("of10", one.counted.length, one.needed)),
    h("ol", { class: "slots" }, slots.map((answer, place) =>
      h("li", { class: answer ? "yes" : null, title: answer ? `${plain(answer.at)}, ${t("method")} ${answer.method}` : null }, String(place + 1)))),
    one.not_counted.length > 0 && h("details", { "data-part": "not" },
      h("summary", {}, `${t("notCounted")}: ${one.not_counted.length}`),
      h("ul", { class: "steps" }, one.not_counted.map(({ answer, why }) => h("li", {}, moment(answer.at), why[lang])))));
}
