// What waits for a person, and what became of the last day.

import { TEXTS } from './today_texts.js';

const URGENT = ['outbox_uncertain', 'loops_overdue', 'source_failing'];

export async function open(place, context) {
  const { h, service, language, numbers } = context;
  const t = TEXTS[language];
  const today = await service.get('/v1/today');

  const errand = ({ kind, page, count, since, names }) => {
    const [say, why] = t.errands[kind];
    return h('li', {}, h('a', { class: `errand panel ${URGENT.includes(kind) ? 'urgent' : ''}`, href: `/console/${page}` },
      h('b', {}, say(count, names)), h('span', {}, why), since && h('small', {}, t.since(numbers.instant(since)))));
  };

  const { errands, last_day: day } = today;
  place.append(
    h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.heading), h('p', {}, errands.length ? t.waiting(errands.length) : t.nothing)),
      h('p', { class: 'hint' }, t.made(numbers.instant(today.made_at)))),
    h('div', { class: 'grid' },
      h('section', { 'aria-labelledby': 'todo' }, h('h2', { id: 'todo', class: 'unseen' }, t.list),
        errands.length ? h('ul', { class: 'stack' }, errands.map(errand)) : h('div', { class: 'panel empty' }, t.nothing)),
      h('aside', { class: 'panel', 'aria-labelledby': 'day' }, h('h2', { id: 'day', class: 'eyebrow' }, t.day),
        h('dl', { class: 'pairs' }, Object.entries(t.figures).flatMap(([name, words]) => [h('dt', {}, words), h('dd', {}, numbers.count(day[name] ?? 0))])),
        h('p', { class: 'hint on' }, t.on(today.automations_on)))));
}
