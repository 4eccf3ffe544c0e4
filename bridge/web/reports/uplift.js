// The report on scripts and offers, for whoever is responsible for keeping customers.

import { choice, h } from './nodes.js';
import { Numbers } from './numbers.js';
import { Refused, Service } from './service.js';
import { offers, policy, scripts } from './tables.js';
import { TEXTS } from './texts.js';

const service = new Service();
const page = {
  language: keep('language') ?? (navigator.language.startsWith('de') ? 'de' : 'en'),
  theme: keep('theme') ?? 'auto',
  state: 'loading', // loading, sign-in, open, trouble
  asked: { situation: '', since: '' },
  report: null,
  places: [],
  refused: false,
};
const head = h('header', { class: 'head' });
const main = h('main', {});
const status = h('p', { class: 'unseen', role: 'status' });

function keep(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(`retention-reports:${name}`, value);
    return localStorage.getItem(`retention-reports:${name}`);
  } catch {
    return null; // storage is forbidden: the choice lasts as long as the page
  }
}

function change(some) {
  Object.assign(page, some);
  draw();
}

async function load(asked = page.asked) {
  page.asked = asked;
  main.setAttribute('aria-busy', 'true');
  status.textContent = TEXTS[page.language].loading;
  try {
    const report = await service.report(asked);
    if (asked !== page.asked) return; // another one was asked for meanwhile
    // a situation that was chosen is kept in the list also where nothing was shown in it since that day
    const places = asked.situation ? page.places : report.places;
    change({ state: 'open', report, places, refused: false });
  } catch (problem) {
    if (problem instanceof Refused) change({ state: 'sign-in', refused: true });
    else change({ state: 'trouble' });
  } finally {
    main.removeAttribute('aria-busy');
    status.textContent = '';
  }
}

async function saveTable() {
  const table = await service.table(page.asked, page.language);
  const link = h('a', { href: URL.createObjectURL(table), download: `scripts-${page.report.made_at.slice(0, 10)}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function filters(t) {
  const situation = h('select', { id: 'situation', 'data-k': 'situation', onchange: (event) => load({ ...page.asked, situation: event.target.value }) },
    h('option', { value: '' }, t.all),
    page.places.map((place) => h('option', { value: place.situation, selected: place.situation === page.asked.situation }, place.title[page.language])));
  const since = h('input', { id: 'since', type: 'date', 'data-k': 'since', value: page.asked.since, onchange: (event) => load({ ...page.asked, since: event.target.value }) });
  return h('div', { class: 'filters' },
    h('label', { for: 'situation' }, t.situation, situation), h('label', { for: 'since' }, t.since, since),
    h('span', { class: 'buttons' },
      h('button', { type: 'button', class: 'key', 'data-k': 'csv', onclick: saveTable }, t.csv),
      h('button', { type: 'button', class: 'key main', 'data-k': 'print', onclick: () => window.print() }, t.print)));
}

function top(t, numbers) {
  const { report } = page;
  const facts = [
    t.settled(numbers.count(report.settled)), report.open > 0 && t.still(numbers.count(report.open)),
    report.not_judged > 0 && t.notJudged(numbers.count(report.not_judged)), t.horizon(report.horizon_days),
    !report.trying && !report.made_up && t.resting, t.made(numbers.instant(report.made_at)),
  ].filter(Boolean);
  return h('div', { class: 'top' }, h('div', {}, h('h2', {}, t.heading), h('p', {}, facts.join(' · '))), filters(t));
}

function glance(t, numbers) {
  const { report } = page;
  return h('section', { class: 'panel glance', 'aria-labelledby': 'h-glance' }, h('h3', { id: 'h-glance', class: 'eyebrow' }, t.glance),
    h('ul', {}, report.summary[page.language].map((sentence) => h('li', {}, sentence))));
}

function costs(t, numbers) {
  const { report } = page;
  const { saves, cost, cost_per_save: each, acquisition_cost: acquisition } = report.costs;
  const money = report.policy.find(({ outcome }) => outcome === 'money');
  const stayed = report.policy.find(({ outcome }) => outcome === 'stayed');
  const row = (name, value) => value && [h('dt', {}, name), h('dd', {}, value)];
  return h('aside', { class: 'panel', 'aria-labelledby': 'h-costs' }, h('h3', { id: 'h-costs', class: 'eyebrow' }, t.kept),
    saves ? [h('p', { class: 'big' }, numbers.count(saves.value), ' ', t.keptUnit), h('p', { class: 'hint' }, t.range(numbers.count(saves.low), numbers.count(saves.high)))] : h('p', { class: 'big' }, t.noKept),
    h('dl', {},
      row(t.spent, numbers.money(cost)),
      row(t.perSave, each && [numbers.money(each.value), h('small', {}, each.high === null ? `≥ ${numbers.money(each.low)}` : t.range(numbers.money(each.low), numbers.money(each.high)))]),
      row(t.acquisition, acquisition !== null && numbers.money(acquisition)),
      row(t.perCall, money && [numbers.cents(money.lived_beside_none.value), h('small', {}, t.range(numbers.cents(money.lived_beside_none.low), numbers.cents(money.lived_beside_none.high)))]),
      row(t.smallestAll, stayed && t.ofHundredShort(numbers.hundred(stayed.lived_beside_none.smallest)))));
}

function body(t) {
  const { report, language } = page;
  const numbers = new Numbers(language, report.currency);
  const context = { report, t, numbers, language };
  return [
    top(t, numbers),
    h('div', { class: 'grid' }, glance(t, numbers), costs(t, numbers)),
    scripts(context), offers(context), policy(context),
    h('section', { class: 'reading', 'aria-labelledby': 'h-reading' }, h('h3', { id: 'h-reading', class: 'eyebrow' }, t.reading),
      h('ul', {}, t.readings(report, numbers).map((text) => h('li', {}, text)))),
  ].flat().filter(Boolean);
}

function signIn(t) {
  const field = h('input', { id: 'key', type: 'password', required: true, autocomplete: 'off', spellcheck: 'false', 'data-k': 'key' });
  const send = (event) => {
    event.preventDefault();
    service.signIn(field.value.trim());
    load();
  };
  return [h('section', { class: 'panel single' }, h('h2', {}, t.signIn), h('p', {}, t.signInText),
    h('form', { onsubmit: send }, page.refused && h('p', { class: 'problem', role: 'alert' }, t.refused), h('label', { for: 'key' }, t.key),
      h('div', { class: 'row' }, field, h('button', { class: 'key main' }, t.open_))))];
}

const trouble = (t) => [h('section', { class: 'panel single', role: 'alert' }, h('p', {}, t.trouble), h('button', { type: 'button', class: 'key main', 'data-k': 'again', onclick: start }, t.again))];

function draw() {
  const { language, theme, state } = page;
  const t = TEXTS[language];
  const root = document.documentElement;
  root.lang = language;
  if (theme === 'auto') root.removeAttribute('data-theme');
  else root.setAttribute('data-theme', theme);
  document.title = `${t.title} – Retention Bridge`;
  const focused = document.activeElement?.dataset?.k;
  head.replaceChildren(
    h('h1', {}, 'Retention Bridge', h('span', {}, t.title)),
    ...(service.demo ? [h('p', { class: 'example' }, t.example)] : []),
    h('div', { class: 'switches' },
      choice(t.language, [['de', 'DE'], ['en', 'EN']], language, (chosen) => (keep('language', chosen), change({ language: chosen }))),
      choice(t.theme, Object.entries(t.themes), theme, (chosen) => (keep('theme', chosen), change({ theme: chosen })))));
  main.className = state;
  const views = { loading: () => [h('p', { class: 'loading' }, t.loading)], 'sign-in': () => signIn(t), trouble: () => trouble(t), open: () => body(t) };
  main.replaceChildren(...views[state]());
  if (focused) document.querySelector(`[data-k="${CSS.escape(focused)}"]`)?.focus();
}

async function start() {
  draw();
  try {
    const report = await service.open();
    if (report === null) return change({ state: 'sign-in' });
    return change({ state: 'open', report, places: report.places });
  } catch {
    return change({ state: 'trouble' });
  }
}

document.body.append(head, main, status);
start();
