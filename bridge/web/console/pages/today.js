// What waits for a person, and what became of the last day.

import { TEXTS } from './today_texts.js';

const AGAIN_MS = 60_000;
const URGENT = ['outbox_uncertain', 'loops_overdue', 'source_failing'];

export async function open(place, context) {
  const { h, service, language, numbers, opens } = context;
  const t = TEXTS[language];

  const errand = ({ kind, page, count, since, names }) => {
    const [say, why] = t.errands[kind];
    const may = opens(page);
    return h('li', {}, h(may ? 'a' : 'div', { class: `errand panel ${URGENT.includes(kind) ? 'urgent' : ''}`, href: may && `/console/${page}`, 'data-k': kind },
      h('b', {}, say(count, names)), h('span', {}, why), h('small', {}, [since && t.since(numbers.instant(since)), !may && t.others].filter(Boolean).join(' · '))));
  };

  const pressing = (one) => (URGENT.includes(one.kind) ? 0 : 1);
  const draw = ({ errands, last_day: day, automations_on: on, made_at: made }) => place.replaceChildren(
    h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.heading), errands.length > 0 && h('p', {}, t.waiting(errands.length))),
      h('p', { class: 'hint' }, t.made(numbers.instant(made)))),
    h('div', { class: 'grid' },
      h('section', { 'aria-labelledby': 'todo' }, h('h2', { id: 'todo', class: 'unseen' }, t.list),
        errands.length ? h('ul', { class: 'stack' }, [...errands].sort((one, other) => pressing(one) - pressing(other)).map(errand)) : h('div', { class: 'panel empty' }, t.nothing)),
      h('aside', { class: 'panel', 'aria-labelledby': 'day' }, h('h2', { id: 'day', class: 'eyebrow' }, t.day),
        h('dl', { class: 'pairs' }, Object.entries(t.figures).flatMap(([name, words]) => [h('dt', {}, words), h('dd', {}, numbers.count(day[name] ?? 0))])),
        h('p', { class: 'hint on' }, t.on(on)))));
  draw(await service.get('/v1/today'));
  const again = setInterval(() => {
    if (!place.contains(document.activeElement)) service.get('/v1/today').then(draw).catch(() => {}); // the next time
  }, AGAIN_MS);
  return () => clearInterval(again);
}
