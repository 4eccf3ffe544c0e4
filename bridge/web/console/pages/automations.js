// Automations: the list, the templates to begin with, and one of them with its blocks, preview, history.

import { openBuilder } from './automations_builder.js';
import { TEXTS } from './automations_texts.js';

const BADGES = { on: 'good', dry: 'watch', off: '' };

export async function open(place, context) {
  const { rest, service, language } = context;
  const t = { ...context.t, ...TEXTS[language] };
  const [id] = rest;
  if (!id) return drawList(place, context, t, await service.get('/v1/automations'));
  const words = await service.get('/v1/automations/vocabulary');
  if (id !== 'new') return openBuilder(place, context, t, words, await service.get(`/v1/automations/${id}`));
  const begin = (form) => {
    place.replaceChildren();
    left = openBuilder(place, context, t, words, { entry: null, form, versions: [] });
  };
  let left = null;
  drawTemplates(place, context, t, words, begin);
  return () => left?.();
}

function drawList(place, context, t, listing) {
  const { h, service, may, ask, busy, say, numbers, language, go } = context;
  const pause = async () => {
    const held = listing.paused;
    if (!held && !(await ask({ title: t.pauseTitle, text: t.pauseText, confirm: t.pause, danger: true }))) return;
    if (!(await busy(service.post(`/v1/automations/${held ? 'resume' : 'pause'}`)))) return;
    context.count();
    go('/console/automations', { replace: true });
  };
  const number = (content) => h('td', { class: 'number' }, content);
  const rows = listing.automations.map((one) => {
    const all = one.counts.reduce((sum, each) => sum + each.runs, 0);
    const refused = one.counts.filter((each) => each.state === 'refused').reduce((sum, each) => sum + each.runs, 0);
    const stand = one.mode === 'on' && one.roll_out < 1 ? t.onFor(one.roll_out) : t.modes[one.mode];
    const { money } = one;
    return h('tr', { 'data-automation': one.id },
      h('th', { scope: 'row' }, h('a', { href: `/console/automations/${one.id}` }, one.title[language])),
      h('td', {}, h('span', { class: `badge ${BADGES[one.mode]}` }, stand)),
      number(numbers.count(all)), number(numbers.count(one.messages)), number(numbers.count(refused)),
      number(money.budget === null ? '–' : t.spentOf(numbers.money(money.spent), numbers.money(money.budget))),
      h('td', {}, h('span', { class: 'hint' }, t.by(numbers.instant(one.updated_at), one.updated_by))));
  });
  const heads = ['name', 'mode', 'runs', 'messages', 'refused', 'spent', 'changed'];
  place.append(
    h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.heading), h('p', {}, t.intro)),
      may('supervisor') && h('div', { class: 'buttons' },
        h('button', { type: 'button', 'data-k': 'pause', class: listing.paused ? 'main' : null, onclick: pause }, listing.paused ? t.resume : t.pause),
        h('button', { type: 'button', class: listing.paused ? null : 'main', 'data-k': 'new', onclick: () => go('/console/automations/new') }, t.add))),
    listing.paused ? h('p', { class: 'panel held', role: 'status' }, t.pausedNow) : '',
    rows.length
      ? h('div', { class: 'panel wide', tabindex: '0', role: 'group', 'aria-label': t.heading }, h('table', { class: 'plain' },
        h('thead', {}, h('tr', {}, heads.map((name, at) => h('th', { scope: 'col', class: at > 1 && at < 6 ? 'number' : null }, t.columns[name])))), h('tbody', {}, rows)))
      : h('div', { class: 'panel empty' }, t.none));
}

function drawTemplates(place, context, t, words, begin) {
  const { h, language } = context;
  const card = (id, title, text, form) => h('li', {}, h('button', { type: 'button', class: 'template panel', 'data-k': `template-${id}`, onclick: () => begin(form) }, h('b', {}, title), h('span', {}, text)));
  const step = (one) => words.steps.find(({ do: name }) => name in one).title[language];
  const trigger = (form) => words.triggers.find(({ fact }) => fact === form.when.fact).title[language];
  const copy = (form) => ({ ...structuredClone(form), id: undefined, mode: undefined, from: form.id });
  place.append(
    h('p', { class: 'back' }, h('a', { href: '/console/automations' }, `← ${t.back}`)),
    h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.begin), h('p', {}, t.beginText))),
    h('ul', { class: 'templates' },
      card('empty', t.empty, t.emptyText, { title: { de: '', en: '' }, when: { fact: '' }, purpose: 'service', do: [] }),
      words.templates.map((one) => card(one.id, one.title[language], `${trigger(one)} → ${one.do.filter((each) => !each.stop_if).map(step).join(' → ')}`, copy(one)))));
}
