// The tables: scripts by situation, offers, and what the policy is worth.

import { h } from './nodes.js';
import { Axis, drawRange, drawTicks } from './plot.js';

const KINDS = { helps: 'good', harms: 'bad', nothing: 'flat', unclear: 'open', too_few: 'open' };

const column = (text, kind) => h('th', { scope: 'col', class: kind }, text);
const cell = (text, kind = 'number') => h('td', { class: kind }, text);
const wide = (...children) => h('div', { class: 'wide', role: 'group', tabindex: '0', 'aria-label': children.shift() }, children);

// What is in force comes first, then what brings most, the yardstick last.
const rank = (one) => (one.neutral ? -9 : one.in_force ? 9 : (one.more_stay?.value ?? -1));
const order = (one, other) => rank(other) - rank(one);

export function scripts({ report, t, numbers, language }) {
  const axis = new Axis(report.scripts.map((one) => one.more_stay).filter(Boolean));
  return report.places.map((place) => {
    const rows = report.scripts.filter((one) => one.situation === place.situation).sort(order);
    const id = `p-${place.situation}`;
    return h('section', { class: 'panel', 'aria-labelledby': id },
      h('div', { class: 'heading' }, h('h3', { id }, place.title[language]), h('code', {}, place.situation)),
      wide(place.title[language], h('table', { class: 'scripts' },
        h('caption', { class: 'unseen' }, t.caption(place.title[language])),
        h('thead', {}, h('tr', {},
          column(t.script, 'name'), column([h('span', {}, t.more), drawTicks(axis, (tick) => numbers.count(tick * 100))], 'drawn'),
          column(t.moreShort, 'number'), column(t.shown, 'number'), column(t.used, 'number'), column(t.saved, 'number'),
          column(t.cost, 'number'), column(t.each, 'number'))),
        h('tbody', {}, rows.map((one) => scriptRow(one, axis, { report, t, numbers, language }))))));
  });
}

function scriptRow(one, axis, { report, t, numbers, language }) {
  const more = one.more_stay;
  const kind = KINDS[one.verdict] ?? '';
  const verdict = one.neutral ? t.yardstick : one.verdict ? t.verdicts[one.verdict] : t.running;
  return h('tr', { 'data-script': one.script },
    h('th', { scope: 'row', class: 'name' },
      h('span', { class: 'title' }, one.title[language], one.in_force && h('span', { class: 'force', title: t.inForceLong }, t.inForce)),
      h('span', { class: `verdict ${kind}` }, verdict),
      one.said[language] && h('span', { class: 'said' }, one.said[language])),
    h('td', { class: 'drawn' }, drawRange(axis, more, { matters: report.matters, kind, height: 44 })),
    h('td', { class: 'number' }, more ? [h('b', {}, numbers.hundred(more.value)), h('small', {}, t.range(numbers.hundred(more.low), numbers.hundred(more.high)))] : one.neutral ? '0' : '–'),
    h('td', { class: 'number' }, numbers.count(one.shown), one.open > 0 && h('small', {}, t.open(numbers.count(one.open)))),
    h('td', { class: 'number' }, numbers.count(one.used), one.shown > 0 && h('small', {}, numbers.percent(one.used / one.shown))),
    h('td', { class: 'number' }, numbers.count(one.saved)),
    h('td', { class: 'number' }, numbers.money(one.cost)),
    h('td', { class: 'number' }, one.cost_per_save ? numbers.money(one.cost_per_save.value) : '–',
      one.pays && one.pays !== 'unclear' && h('small', { class: one.pays === 'yes' ? 'good' : 'bad' }, t.pays[one.pays]),
      one.break_even > 0 && h('small', {}, t.breakEven(numbers.percent(one.break_even)))));
}

export function offers({ report, t, numbers, language }) {
  if (!report.offers.length) return null;
  const titles = Object.fromEntries(report.scripts.map((one) => [one.script, one.title[language]]));
  return h('section', { class: 'panel', 'aria-labelledby': 'h-offers' },
    h('h3', { id: 'h-offers' }, t.offers),
    h('p', { class: 'hint' }, t.offersHint),
    wide(t.offers, h('table', {},
      h('thead', {}, h('tr', {}, column(t.offer, 'name'), column(t.granted, 'number'), column(t.cost, 'number'),
        column(t.firstIn, 'text'), column(t.keeps, 'number'), column(t.each, 'number'))),
      h('tbody', {}, report.offers.map((one) =>
        h('tr', { 'data-offer': one.offer },
          h('th', { scope: 'row', class: 'name' }, one.name[language]),
          cell(numbers.count(one.granted)), cell(numbers.money(one.cost)),
          cell([...new Set(one.scripts.map((script) => titles[script.split('/')[1]]))].join('; ') || '–', 'text'),
          cell(one.saves ? [h('b', {}, numbers.count(one.saves.value)), h('small', {}, t.range(numbers.count(one.saves.low), numbers.count(one.saves.high)))] : '–'),
          cell(one.cost_per_save ? numbers.money(one.cost_per_save.value) : '–')))))));
}

export function policy({ report, t, numbers }) {
  const stayed = report.policy.find(({ outcome }) => outcome === 'stayed');
  if (!stayed) return null;
  const names = ['lived', 'present', 'best_single', 'none'];
  const axis = new Axis(names.map((name) => stayed[name]), { zero: false });
  const differences = [['lived_beside_none', t.beside.none], ['present_beside_best_single', t.beside.single]];
  return h('section', { class: 'panel', 'aria-labelledby': 'h-policy' },
    h('h3', { id: 'h-policy' }, t.policy),
    h('p', { class: 'hint' }, t.policyHint),
    wide(t.policy, h('table', { class: 'policy' },
      h('thead', {}, h('tr', {}, column(t.way, 'name'), column([h('span', {}, t.staying), drawTicks(axis, (tick) => numbers.count(tick * 100))], 'drawn'),
        column(t.ofHundred, 'number'), column(t.effective, 'number'))),
      h('tbody', {}, names.map((name) =>
        h('tr', {}, h('th', { scope: 'row', class: 'name' }, t.ways[name]), h('td', { class: 'drawn' }, drawRange(axis, stayed[name], { kind: name === 'none' ? 'flat' : 'main', height: 30 })),
          cell([h('b', {}, numbers.hundred(stayed[name].value)), h('small', {}, t.range(numbers.hundred(stayed[name].low), numbers.hundred(stayed[name].high)))]),
          cell(numbers.count(stayed[name].effective))))))),
    h('dl', { class: 'differences' }, differences.map(([name, text]) => [
      h('dt', {}, text),
      h('dd', {}, h('b', {}, numbers.hundred(stayed[name].value)), h('small', {}, t.range(numbers.hundred(stayed[name].low), numbers.hundred(stayed[name].high))),
        h('small', {}, t.smallest(numbers.hundred(stayed[name].smallest))))])));
}
