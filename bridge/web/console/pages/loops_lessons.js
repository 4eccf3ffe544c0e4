// What was learnt from loops: searched by words and cause, with how often each cause came up.

import { form } from './loops_forms.js';

const REST_MS = 250;

export async function lessonsPanel(place, context, t) {
  const { h, service, language, numbers, busy, say } = context;
  const [first, board] = await Promise.all([service.get('/v1/lessons'), service.get('/v1/loops', { limit: 1 })]);
  const titles = Object.fromEntries(board.causes.map((one) => [one.code, one.title[language]]));
  const causes = board.causes.map((one) => [one.code, one.title[language]]);
  const list = h('ul', { class: 'stack', 'aria-live': 'polite' });
  const words = h('input', { type: 'search', id: 'lesson-words', 'aria-label': t.learnt.words, placeholder: t.learnt.words });
  const cause = h('select', { 'aria-label': t.cause }, h('option', { value: '' }, t.learnt.all), causes.map(([code, title]) => h('option', { value: code }, title)));
  let asked = 0;
  let timer = 0;

  const item = (one) => h('li', { class: 'panel lesson' },
    h('p', { class: 'eyebrow' }, [titles[one.cause] ?? one.cause, one.product, one.since && t.learnt.sinceLabel(numbers.day(one.since))].filter(Boolean).join(' · ')),
    h('p', { class: 'text' }, one.text),
    one.changed && h('p', {}, h('b', {}, t.learnt.changedLabel), ` ${one.changed}`),
    one.told[language] && h('p', { class: 'hint' }, t.quoted(one.told[language])),
    h('small', {}, `${numbers.day(one.at)} · ${t.learnt.drawn(one.loops)}`));
  const draw = (lessons, searched) => list.replaceChildren(...(lessons.length ? lessons.map(item) : [h('li', { class: 'panel empty' }, searched ? t.learnt.none : t.learnt.empty)]));
  const search = async () => {
    const mine = (asked += 1);
    const found = await busy(service.get('/v1/lessons', { words: words.value, cause: cause.value }));
    if (found && mine === asked) draw(found.lessons, words.value || cause.value);
  };
  words.addEventListener('input', () => (clearTimeout(timer), (timer = setTimeout(search, REST_MS))));
  cause.addEventListener('change', search);

  const add = async () => {
    const said = await form(context, t, { title: t.learnt.title, confirm: t.save, fields: [
      { name: 'text', label: t.learnt.text, kind: 'text', needed: true },
      { name: 'cause', label: t.cause, kind: 'choose', options: [['', t.close.choose], ...causes], needed: true },
      { name: 'product', label: t.learnt.product },
      { name: 'changed', label: t.learnt.changed, kind: 'text' },
      { name: 'de', label: `${t.learnt.told} (Deutsch)`, hint: t.learnt.toldHint },
      { name: 'en', label: `${t.learnt.told} (English)` },
    ] });
    if (!said) return;
    const { de, en, ...body } = said;
    if (await busy(service.post('/v1/lessons', { ...body, told: { de, en } }))) {
      say(t.learnt.done);
      await search();
    }
  };

  const long = new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' });
  const monthOf = (month) => long.format(new Date(`${month}-15T00:00:00Z`));
  const months = Object.entries(first.by_month).reverse().slice(0, 12);
  const codes = [...new Set(months.flatMap(([, counts]) => Object.keys(counts)))].sort();
  const table = months.length > 0 && h('section', { class: 'panel' }, h('h2', {}, t.learnt.months), h('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': t.learnt.months },
    h('table', { class: 'plain' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t.learnt.month), codes.map((code) => h('th', { scope: 'col', class: 'number' }, titles[code] ?? t.unknown)))),
      h('tbody', {}, months.map(([month, counts]) => h('tr', {}, h('th', { scope: 'row' }, monthOf(month)), codes.map((code) => h('td', { class: 'number' }, counts[code] ? numbers.count(counts[code]) : ''))))))));
  place.append(
    h('p', { class: 'back' }, h('a', { href: '/console/loops' }, `← ${t.back}`)),
    h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.learnt.heading), h('p', {}, t.learnt.intro)),
      h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'main', onclick: add }, t.learnt.add))),
    h('div', { class: 'stack' }, h('div', { class: 'row search' }, words, cause), list, table));
  draw(first.lessons, false);
  return () => clearTimeout(timer);
}
