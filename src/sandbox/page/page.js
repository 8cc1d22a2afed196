// The page: asks the sandbox every second what there is, shows it, and does what a person says.

import { choose, h, keep, plain } from "./element.js";
import { LANGUAGES } from "./text.js";
import * as view from "./view.js";

const { t } = view;
const of = (id) => document.getElementById(id);

let world = null;
let words = null;
let lang = "ru";
let seen = { now: "", phones: {}, requests: [], applications: [], tests: [] };
// Requests that were asked from this page: their tokens are collected as an initiator's system would.
const own = new Set();

// --- talking to the sandbox ------------------------------------------------------------------------------------------

async function get(path) {
  const answer = await fetch(`/sandbox${path}`, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function post(path, value) {
  const answer = await fetch(`/sandbox${path}`, { method: "POST", body: JSON.stringify(value) });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

function sign(as, service_id, data) {
  return post("/send", { as, service_id, data: [...data, ...(service_id === "KDP_SERVICE" ? [["lang", lang]] : [])] });
}

// What an answer says, in a line.
function line(answer) {
  if (answer.fault !== null) return `${answer.code}: ${view.meaning(answer.code)} ${view.remedy(answer.code) || answer.fault}`;
  const { status, state, reason } = answer.data;
  const word = status ?? (state ? t(state) : answer.code);
  return reason ? `${word}: ${view.meaning(reason)}` : word;
}

// --- what a person does -----------------------------------------------------------------------------------------------

function peer(test) {
  const found = world.peers.find(test);
  if (!found) throw new Error(t("stranger"));
  return found;
}

const deeds = {
  async reply(msisdn, text) {
    await post(`/phone/${msisdn}`, { text });
    await look();
    return "";
  },
  async repeat(request, code) {
    const told = await repeat(request, code);
    await look();
    return told;
  },
  async check(request) {
    const service = request.services[0];
    const owner = peer((one) => one.role === "owner" && one.services.includes(service));
    const answer = await sign(owner.name, "KDP_CHECK_TOKEN", [["service_id", service], ["code", request.token.code]]);
    return answer.data?.status ?? answer.code;
  },
  async revoke(request) {
    const portal = peer((one) => one.role === "egov");
    const data = [["uin", request.iin], ["request_id", request.request_id], ["applicant", "subject"]];
    const answer = await sign(portal.name, "KDP_REVOKE", data);
    await look();
    return line(answer);
  },
  approve: (application) => solve(application, [["decision", "approve"]]),
  refuse: (application) =>
    solve(application, [["decision", "refuse"], ["reason", t("obligationReason")], ["obligation", t("obligation")]]),
  async waitOut(application) {
    // One second into the day after the last.
    const after = new Date(`${application.deadline}T00:00:00Z`);
    after.setUTCDate(after.getUTCDate() + 1);
    await move({ set: `${after.toISOString().slice(0, 10)}T00:00:01+05:00` });
    return "";
  },
};

async function repeat(request, code) {
  const asker = peer((one) => one.sender_id === request.sender);
  const data = [["uin", request.iin], ["company_bin", asker.bin], ["request_id", request.request_id]];
  return line(await sign(asker.name, "KDP_SERVICE", code ? [...data, ["code", code]] : data));
}

async function solve(application, decision) {
  const reviewer = peer((one) => one.role === "initiator" && one.bin === application.bin);
  const answer = await sign(reviewer.name, "KDP_SEND_SOLUTION", [["application_id", application.application_id], ...decision]);
  await look();
  return line(answer);
}

async function move(how) {
  await post("/clock", how);
  await look();
}

async function ask(event) {
  event.preventDefault();
  const asker = peer((one) => one.name === of("initiator").value);
  const entry = of("entry").value.trim();
  const data = [["uin", of("subject").value], ["company", asker.organisation], ["company_bin", asker.bin]];
  data.push(["access_name", of("service").value]);
  if (!entry) data.push(["personal_data_name", "ФИО"]);
  if (of("term").value) data.push(["expiresIn", of("term").value]);
  data.push(["omit-sms", "false"]);
  if (of("method").value !== "1") data.push(["method", of("method").value]);
  if (entry) data.push(["directory_id", entry]);
  of("answer").textContent = t("sending");
  const answer = await sign(asker.name, "KDP_SERVICE", data);
  const reason = answer.data?.reason;
  if (answer.data?.poll_after !== undefined) own.add(answer.data.request_id);
  const fix = reason && answer.data.poll_after === undefined && view.remedy(reason);
  of("answer").replaceChildren(
    h("p", {}, h("strong", {}, `${t("answered")}: `), line(answer)),
    ...(fix ? [h("p", {}, `${t("what")}: ${fix}`)] : []));
  await look();
}

// --- what there is -------------------------------------------------------------------------------------------------------

let round = null;
let again = false;

// Looks once now; who asks while it looks makes it look once more.
function look() {
  if (round) {
    again = true;
    return round;
  }
  round = (async () => {
    do {
      again = false;
      await lookOnce();
    } while (again);
  })().finally(() => (round = null));
  return round;
}

async function lookOnce() {
  const paths = ["/clock", "/phones", "/requests", "/applications", "/answers"];
  const [clock, phones, requests, applications, tests] = await Promise.all(paths.map(get));
  seen = { now: clock.now, phones, requests, applications, tests };
  show();
  for (const { request } of requests) {
    if (request && request.consent.state === "agreed" && own.delete(request.request_id)) {
      of("answer").replaceChildren(h("p", {}, h("strong", {}, `${t("answered")}: `), await repeat(request)));
      again = true;
    }
  }
}

function show() {
  of("now").textContent = plain(seen.now);
  of("now").dateTime = seen.now;
  keep(of("phone-list"), phonesShown(), (one) => one.msisdn, (one) => view.phone(one, deeds), lang);
  keep(of("request-list"), seen.requests, (one) => one.request?.request_id ?? one.decision_id ?? one.at, (one) => view.request(one, deeds), lang);
  const today = seen.now.slice(0, 10);
  keep(of("application-list"), seen.applications, (one) => one.application_id, (one) => view.application(one, deeds, today), lang + today);
  keep(of("ten-list"), seen.tests, (one) => one.id, view.test, lang);
  for (const [id, text] of [["request-list", "nothing"], ["application-list", "nothing"], ["ten-list", "noApplications"]]) {
    if (!of(id).children.length) of(id).append(h("p", {}, t(text)));
  }
  const entries = [...world.directory.map((one) => one.id), ...seen.tests.flatMap((one) => one.entries ?? [])];
  const known = [...new Set(entries)];
  if (of("entries").children.length !== known.length) of("entries").replaceChildren(...known.map((value) => h("option", { value })));
}

function phonesShown() {
  const chosen = world.subjects.find((one) => one.iin === of("subject").value)?.msisdn;
  const newest = (msisdn) => seen.phones[msisdn].at(-1)?.at ?? "";
  return Object.keys(seen.phones)
    .filter((msisdn) => msisdn === chosen || seen.phones[msisdn].length)
    .sort((one, other) => Number(other === chosen) - Number(one === chosen) || newest(other).localeCompare(newest(one)) || one.localeCompare(other))
    .map((msisdn) => ({ msisdn, sms: seen.phones[msisdn], owners: world.subjects.filter((one) => one.msisdn === msisdn) }));
}

// --- the form and the language ---------------------------------------------------------------------------------------

function offer() {
  const initiators = world.peers.filter((one) => one.role === "initiator");
  choose(of("initiator"), initiators.map((one) => [one.name, `${one.organisation} (${one.name})`]));
  choose(of("subject"), world.subjects.map((one) => [one.iin, `${one.name}: ${one.msisdn ? view.behaviour(one.behaviour) : t("noPhone")}`]));
  choose(of("method"), [["1", t("method1")], ["5", t("method5")]]);
  choose(of("term"), [["", t("termAgreed")], ["900000", t("termQuarter")], ["86400000", t("termDay")]]);
  offerServices();
}

function offerServices() {
  const services = world.peers.find((one) => one.name === of("initiator").value)?.services ?? [];
  choose(of("service"), services.map((one) => [one, one]));
}

function speak(code) {
  lang = LANGUAGES.includes(code) ? code : "ru";
  view.speak(lang);
  document.documentElement.lang = lang;
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  for (const button of document.querySelectorAll("[data-lang]")) button.setAttribute("aria-pressed", String(button.dataset.lang === lang));
  if (!world) return;
  offer();
  if (world.stand.service) notice(t("elsewhere"));
}

function notice(text) {
  of("notice").textContent = text;
  of("notice").hidden = !text;
}

// Does what was asked for, and says when that failed.
function tried(does) {
  return async (event) => {
    try {
      await does(event);
    } catch (error) {
      notice(error instanceof TypeError ? t("lost") : error.message);
    }
  };
}

let lost = false;

function lose() {
  lost = true;
  notice(t("lost"));
}

function found() {
  if (lost) notice("");
  lost = false;
}

async function begin() {
  speak(new URLSearchParams(location.search).get("lang") ?? navigator.language.slice(0, 2));
  [world, words] = await Promise.all([get(""), get("/words")]);
  view.learn({ words, world });
  speak(lang);
  of("subject").value = world.subjects.find((one) => one.behaviour === "manual").iin;
  for (const button of document.querySelectorAll("[data-lang]")) {
    button.addEventListener("click", () => {
      speak(button.dataset.lang);
      history.replaceState(null, "", `?lang=${lang}`);
      show();
    });
  }
  for (const button of document.querySelectorAll("[data-advance]")) {
    button.addEventListener("click", tried(() => move({ advance: button.dataset.advance })));
  }
  of("set-clock").addEventListener("submit", tried((event) => {
    event.preventDefault();
    const text = of("moment").value;
    return move({ set: `${text.length === 16 ? `${text}:00` : text}+05:00` });
  }));
  for (const [name, does] of Object.entries(deeds)) {
    deeds[name] = async (...given) => {
      try {
        return await does(...given);
      } catch (error) {
        return error instanceof TypeError ? t("lost") : error.message;
      }
    };
  }
  of("ask-form").addEventListener("submit", tried(ask));
  of("initiator").addEventListener("change", offerServices);
  of("subject").addEventListener("change", show);
  await look();
  document.body.dataset.ready = "true";
  setInterval(() => document.hidden || look().then(found, lose), 1000);
}

begin().catch(lose);
