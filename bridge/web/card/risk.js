// How likely they leave, and why: each reason opens what it was read from.

import { h, section } from './nodes.js';
import { ago, day, number, percent, reference, signed } from './words.js';

const SHOWN = 3;

export function risk({ t, language, card, memory, act }) {
  const { risk: it } = card;
  const raising = it.reasons.filter((reason) => reason.points > 0);
  const lowering = it.reasons.filter((reason) => reason.points < 0);
  const share = it.probability === null ? '' : percent(it.probability, language);
  const usual = percent(it.usual, language);
  const first = raising.slice(0, SHOWN);
  const rest = raising.slice(SHOWN);
  const hidden = rest.length + lowering.length;
  const list = (reasons) => h('ul', { class: 'reasons' }, reasons.map((reason) => row(reason, { t, language, memory, act })));
  return section(
    'risk',
    t.risk(it.horizon_days),
    h('div', { class: `level ${it.band}` }, h('strong', {}, share ? `${t.band[it.band]} · ${share}` : t.band[it.band]), share && h('span', {}, t.usual(usual))),
    share &&
      h('div', { class: `bar ${it.band}`, role: 'img', 'aria-label': t.riskBar(share, usual), style: { '--share': `${it.probability * 100}%`, '--usual': `${it.usual * 100}%` } }, h('i'), h('u')),
    first.length ? list(first) : h('p', { class: 'sub' }, t.calm),
    hidden > 0 && memory.more && [rest.length > 0 && list(rest), lowering.length > 0 && [h('h4', {}, t.stays), list(lowering)]],
    hidden > 0 &&
      h('button', { class: 'link', type: 'button', 'data-k': 'more', 'aria-expanded': String(Boolean(memory.more)), onclick: () => act.more() },
        memory.more ? t.fewer : t.more(hidden)),
    it.record && h('p', { class: 'alike' }, alike(it.record, language, t)),
  );
}

// What became of customers who were scored like this: the score's own small print.
const alike = ({ customers, left, horizon_days, seen }, language, t) =>
  t.alike(number(customers, language), percent(left, language), horizon_days, seen === 'held_out');

function row(reason, { t, language, memory, act }) {
  const open = (memory.open ?? []).includes(reason.code);
  const { evidence } = reason;
  const points = signed(reason.points, language);
  return h(
    'li',
    {},
    h(
      'button',
      { class: 'reason', type: 'button', 'aria-expanded': String(open), 'aria-controls': `e-${reason.code}`, 'data-k': `reason-${reason.code}`, onclick: () => act.open(reason.code) },
      h('span', {}, reason.text, h('small', {}, evidence ? `${sourceName(evidence.source, t)}, ${since(evidence.at, language, t)}` : t.computed)),
      h('span', { class: 'points', 'aria-label': t.points(points) }, points),
    ),
    h('dl', { class: 'evidence', id: `e-${reason.code}`, hidden: !open }, evidence && [...record(evidence, t, language)],
      h('dt', {}, t.share), h('dd', {}, t.shareOf(points)),
      reason.lower && [h('dt', {}, t.lower), h('dd', { class: 'helps' }, reason.lower)]),
  );
}

function* record(evidence, t, language) {
  const { kind, id } = reference(evidence.record);
  yield [h('dt', {}, t.record), h('dd', {}, `${t.records[kind] ?? kind} ${id}`)];
  yield [h('dt', {}, t.source), h('dd', {}, sourceName(evidence.source, t))];
  yield [h('dt', {}, t.date), h('dd', {}, day(evidence.at, language))];
}

const since = (at, language, t) => ago(Math.max(0, (Date.now() - Date.parse(at)) / 1000), language, t.now);

export const sourceName = (source, t) => t.sources[source] ?? source;
