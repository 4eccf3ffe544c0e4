// Pieces of the surveys' pages: the tranche that comes next, and what came of those before.

const TIERS = ['platinum', 'gold', 'silver', 'bronze', 'unknown'];
const BANDS = ['critical', 'high', 'medium', 'low', 'unknown'];
const NAMED = 3; // owners that the sentence names; the table has them all

// Up to one decimal, and none where it is zero.
export const few = (numbers, value) => (Math.abs(value - Math.round(value)) < 0.05 ? numbers.count(Math.round(value)) : numbers.hundred(value / 100));

function bar({ h }, share, kind = '') {
  const fill = h('span', { class: `fill ${kind}` });
  fill.style.inlineSize = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}

// How many, and in one sentence why no more.
export function sentence(context, t, next) {
  const { h, numbers, language } = context;
  const { sizing } = next;
  const asked = Math.round(sizing.asked);
  const limited = sizing.owners.filter((one) => one.waits || one.asked < one.ready - 0.5).sort((a, b) => b.ready - b.asked - (a.ready - a.asked));
  const byTime = limited.filter((one) => one.waits || one.expected > one.free - 0.5);
  const why = byTime.slice(0, NAMED).map((one) => t.timeFor(one.title[language], few(numbers, Math.floor(one.free * 10) / 10)));
  if (byTime.length > NAMED) why.push(t.andOthers(byTime.length - NAMED));
  if (limited.length > byTime.length) why.push(t.limit(numbers.count(sizing.most)));
  const all = sizing.ready > 0 && asked === sizing.ready;
  return h('div', { class: 'next-size' },
    h('p', { class: 'big' }, sizing.ready === 0 ? '0' : all ? numbers.count(asked) : t.of(numbers.count(asked), numbers.count(sizing.ready))),
    h('p', {}, t.today(asked, sizing.ready)), why.length > 0 && h('p', { class: 'because' }, why.join(' ')), !next.whole && h('p', { class: 'hint' }, t.partial));
}

export function owners(context, t, sizing) {
  const { h, numbers, language } = context;
  const most = Math.max(1, ...sizing.owners.map((one) => one.ready));
  return h('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': t.owners },
    h('table', { class: 'plain' }, h('caption', { class: 'unseen' }, t.owners),
      h('thead', {}, h('tr', {}, t.ownerColumns.map((text, place) => h(text ? 'th' : 'td', text ? { scope: 'col', class: place ? 'number' : null } : {}, text)))),
      h('tbody', {}, sizing.owners.map((one) => h('tr', {}, h('th', { scope: 'row' }, one.title[language], bar(context, one.ready / most, 'faint'), bar(context, one.asked / most)),
        h('td', { class: 'number' }, few(numbers, one.free)), h('td', { class: 'number' }, numbers.count(one.ready)),
        h('td', { class: 'number' }, one.waits ? h('span', { class: 'badge watch' }, t.waits) : few(numbers, one.asked)), h('td', { class: 'number' }, few(numbers, one.expected)))))));
}

export function strata(context, t, sizing) {
  const { h, numbers } = context;
  const found = new Map(sizing.strata.map((one) => [`${one.tier} ${one.band}`, one]));
  const tiers = TIERS.filter((tier) => sizing.strata.some((one) => one.tier === tier));
  const bands = BANDS.filter((band) => sizing.strata.some((one) => one.band === band));
  const cell = (one) => (one
    ? h('td', { class: 'number' }, h('b', {}, t.of(few(numbers, one.asked), numbers.count(one.ready))), h('small', {}, one.propensity === null ? t.waits : t.chance(numbers.percent(one.propensity))))
    : h('td', { class: 'number none' }, '–'));
  return h('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': t.strata },
    h('table', { class: 'plain strata' }, h('caption', { class: 'unseen' }, t.strata),
      h('thead', {}, h('tr', {}, h('td', {}), bands.map((band) => h('th', { scope: 'col', class: 'number' }, t.riskOf(t.bands[band]))))),
      h('tbody', {}, tiers.map((tier) => h('tr', {}, h('th', { scope: 'row' }, t.tiers[tier]), bands.map((band) => cell(found.get(`${tier} ${band}`))))))));
}

export function counts(context, entries) {
  const { h, numbers } = context;
  return h('dl', { class: 'pairs' }, entries.flatMap(([words, count]) => [h('dt', {}, words), h('dd', {}, numbers.count(count))]));
}

// Two figures with their ranges on one scale.
function ranges({ h, s, numbers }, t, results) {
  const [low, high] = results.metric === 'nps' ? [-100, 100] : results.metric === 'ces' ? [1, 7] : [0, 100];
  const place = (value) => `${(100 * (value - low)) / (high - low)}%`;
  const row = (estimate, words, kind) => estimate && h('div', { class: `estimate ${kind}` }, h('span', { class: 'words' }, words),
    h('b', { class: 'figure' }, few(numbers, estimate.value)),
    s('svg', { class: 'range', 'aria-hidden': 'true' }, s('line', { class: 'axis', x1: '0', x2: '100%', y1: '50%', y2: '50%' }),
      low < 0 && s('line', { class: 'zero', x1: '50%', x2: '50%', y1: '15%', y2: '85%' }),
      estimate.low !== null && s('line', { class: 'span', x1: place(estimate.low), x2: place(estimate.high), y1: '50%', y2: '50%' }), s('circle', { cx: place(estimate.value), cy: '50%', r: '5' })),
    h('small', {}, [estimate.low !== null && t.interval(few(numbers, estimate.low), few(numbers, estimate.high)), kind === 'weighted' && t.effective(numbers.count(estimate.effective))].filter(Boolean).join(', ')));
  return h('div', { class: 'estimates' }, row(results.plain, t.plain, 'plain-figure'), row(results.weighted, t.weighted, 'weighted'));
}

function said(context, t, heading, counted) {
  const { h } = context;
  const entries = Object.entries(counted).map(([text, count]) => [text || t.ownWords, count]);
  return entries.length > 0 && h('div', {}, h('h3', { class: 'eyebrow' }, heading), counts(context, entries));
}

export function outcome(context, t, results) {
  const { h, numbers } = context;
  if (!results.invited) return h('p', { class: 'hint' }, t.noResults);
  const rank = (one) => TIERS.indexOf(one.tier) * 10 + BANDS.indexOf(one.band);
  return h('div', { class: 'stack' },
    results.plain && ranges(context, t, results), results.plain && h('p', { class: 'hint' }, t.weightedHint, ' ', results.coverage !== null && t.coverage(numbers.percent(results.coverage))),
    said(context, t, t.leaving, results.reasons), said(context, t, t.before, results.left_others_because),
    h('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': t.response },
      h('table', { class: 'plain' }, h('caption', { class: 'eyebrow' }, t.response),
        h('thead', {}, h('tr', {}, t.responseColumns.map((text, place) => h(text ? 'th' : 'td', text ? { scope: 'col', class: place && place !== 4 ? 'number' : null } : {}, text)))),
        h('tbody', {}, [...results.strata].sort((a, b) => rank(a) - rank(b)).map((one) => h('tr', {}, h('th', { scope: 'row' }, t.tiers[one.tier], h('small', {}, t.riskOf(t.bands[one.band]))),
          h('td', { class: 'number' }, numbers.count(one.drawn)), h('td', { class: 'number' }, numbers.count(one.invited)),
          h('td', { class: 'number' }, one.response_rate === null ? '–' : `${numbers.count(one.answered)} (${numbers.percent(one.response_rate)})`),
          h('td', { class: 'rate' }, one.response_rate !== null && bar(context, one.response_rate)), h('td', { class: 'number' }, one.value === null ? '–' : few(numbers, one.value))))))));
}
