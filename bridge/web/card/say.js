// What to say and what may be offered.

import { h, section } from './nodes.js';
import { day, money, number, or, percent, round } from './words.js';

// The script in view: the suggested one, or one of the others that the agent asked for.
export function chosen({ card, memory, others }) {
  const other = (others ?? []).find((one) => one.id === memory.script);
  if (other) return other;
  return { ...card.script, ...card.offer };
}

// What may be offered, each with its own ceilings; cards of before there was a catalogue have kinds and one ceiling.
export function offers({ offers: listed, kinds, ceiling }, t) {
  return listed ?? kinds.map((kind) => ({ id: kind, kind, name: t.kinds[kind] ?? kind, ceiling, why: null }));
}

export function say(context) {
  const { t, card, memory, others, act } = context;
  const script = chosen(context);
  const count = 1 + (others?.length ?? card.script.alternates.length);
  const place = others ? 1 + Math.max(0, others.findIndex((one) => one.id === script.id) + 1) : 1;
  const inUse = memory.accepted === script.id;
  const steps = script.more.length + (script.leniency?.length ?? 0) + (script.follow_up?.length ?? 0);
  return section(
    'say',
    t.say,
    h('p', { class: 'title' }, script.title),
    script.empathy && h('p', { class: 'first', part: 'empathy' }, t.quoted(script.empathy)),
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
    steps > 0 && [
      h('button', { class: 'link', type: 'button', 'data-k': 'steps', 'aria-expanded': String(Boolean(memory.steps)), 'aria-controls': 'steps', onclick: () => act.steps() },
        memory.steps ? t.lessSteps : t.steps(steps)),
      h('div', { id: 'steps', hidden: !memory.steps },
        h('ol', { class: 'steps' }, script.more.map((step) => h('li', {}, step))),
        list(t.leniency, script.leniency),
        list(t.followUp, (script.follow_up ?? []).map(({ days, text }) => `${t.later(days)}: ${text}`)),
        list(t.doneWhen, script.done_when)),
    ],
  );
}

const list = (title, lines) => lines?.length > 0 && h('div', { class: 'also' }, h('h4', {}, title), h('ul', {}, lines.map((line) => h('li', {}, line))));

export function offer(context) {
  const { t, language } = context;
  const script = chosen(context);
  const { ceiling, arithmetic } = script;
  const all = offers(script, t);
  const later = (script.withheld ?? []).filter((one) => one.until);
  if (!all.length && !later.length) return null;
  const own = script.id === context.card.script.id; // the gateway grants what the decision itself offers
  return section(
    'offer',
    t.offer,
    h('div', { class: 'terms' }, h('span', {}, or(all.map((one) => one.name), language)), ceiling && h('b', {}, t.upTo(money(ceiling, language)))),
    arithmetic && h('p', { class: 'sum' }, sum(arithmetic, t, language)),
    limits(all, ceiling, t, language).map((text) => h('p', { class: 'sum' }, text)),
    later.map((one) => h('p', { class: 'sum' }, t.notBefore(one.name, day(one.until, language)))),
    own && context.grant?.node,
  );
}

function sum({ uplift, margin, cost, policy, share = 1, bound, limited_by }, t, language) {
  if (limited_by === 'stays_anyway') return t.staysAnyway;
  if (limited_by === 'nothing') return t.noMoney;
  const said = [t.sum(number(uplift * 100, language, 1), number(uplift, language, 3), round(margin, language), money(cost, language))];
  if (share < 1) said.push(t.costShare(percent(share, language)));
  if (bound) said.push(t.bound(percent(bound.risk, language)));
  if (limited_by === 'policy') said.push(t.policy(money(policy, language)));
  return said.join(' ');
}

// Where one offer may go further than the amount that is shown, or a team lead further than an agent.
function limits(all, shown, t, language) {
  const said = all.filter((one) => one.ceiling && shown && one.ceiling.minor !== shown.minor).map((one) => t.upToOf(one.name, money(one.ceiling, language)));
  const most = all.map((one) => one.team_lead_ceiling).filter(Boolean).sort((a, b) => b.minor - a.minor)[0];
  return most && most.minor > (shown?.minor ?? 0) ? [...said, t.teamLead(money(most, language))] : said;
}
