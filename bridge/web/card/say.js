// What to say and what may be offered.

import { h, section } from './nodes.js';
import { money, number, or, round } from './words.js';

// The script in view: the suggested one, or one of the others that the agent asked for.
export function chosen({ card, memory, others }) {
  const other = (others ?? []).find((one) => one.id === memory.script);
  if (other) return other;
  const { kinds, ceiling, arithmetic } = card.offer;
  return { ...card.script, kinds, ceiling, arithmetic };
}

export function say(context) {
  const { t, card, memory, others, act } = context;
  const script = chosen(context);
  const count = 1 + (others?.length ?? card.script.alternates.length);
  const place = others ? 1 + Math.max(0, others.findIndex((one) => one.id === script.id) + 1) : 1;
  const inUse = memory.accepted === script.id;
  return section(
    'say',
    t.say,
    h('p', { class: 'title' }, script.title),
    h('p', { class: 'line', part: 'line' }, t.quoted(script.line)),
    script.do_not_say.length > 0 && h('div', { class: 'not' }, h('h4', {}, t.not), h('ul', {}, script.do_not_say.map((line) => h('li', {}, line)))),
    h(
      'div',
      { class: 'buttons' },
      h('button', { class: 'key main', type: 'button', 'data-k': 'insert', 'aria-pressed': String(inUse), onclick: () => act.insert(script) }, inUse ? t.inserted : t.insert),
      h('button', { class: 'key', type: 'button', 'data-k': 'copy', 'aria-keyshortcuts': 'c', onclick: () => act.copy(script) }, t.copy),
      count > 1 &&
        h('button', { class: 'key', type: 'button', 'data-k': 'other', 'aria-keyshortcuts': 'a', title: t.otherTitle, onclick: () => act.other() }, t.other,
          h('small', { class: 'place', 'aria-label': t.place(place, count) }, `${place}/${count}`)),
    ),
    script.more.length > 0 && [
      h('button', { class: 'link', type: 'button', 'data-k': 'steps', 'aria-expanded': String(Boolean(memory.steps)), 'aria-controls': 'steps', onclick: () => act.steps() },
        memory.steps ? t.lessSteps : t.steps(script.more.length)),
      h('ol', { class: 'steps', id: 'steps', hidden: !memory.steps }, script.more.map((step) => h('li', {}, step))),
    ],
  );
}

export function offer(context) {
  const { t, language } = context;
  const script = chosen(context);
  const { kinds, ceiling, arithmetic } = script;
  if (!kinds.length && !ceiling) return null;
  const own = script.id === context.card.script.id; // the gateway grants what the decision itself offers
  return section(
    'offer',
    t.offer,
    h('div', { class: 'terms' }, h('span', {}, or(kinds.map((kind) => t.kinds[kind] ?? kind), language)), ceiling && h('b', {}, t.upTo(money(ceiling, language)))),
    arithmetic && h('p', { class: 'sum' }, sum(arithmetic, t, language)),
    own && context.grant?.node,
  );
}

function sum({ uplift, margin, cost, policy, limited_by }, t, language) {
  if (limited_by === 'nothing') return t.noMoney;
  const said = t.sum(number(uplift * 100, language, 1), number(uplift, language, 3), round(margin, language), money(cost, language));
  return limited_by === 'policy' ? `${said} ${t.policy(money(policy, language))}` : said;
}
