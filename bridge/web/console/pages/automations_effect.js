// What an automation does to customers, beside those held out by lot: a range for each outcome, and what it costs.

const HORIZONS = [30, 90, 180];
const RANGE_WIDTH = 320;
const RANGE_HEIGHT = 28;
const RANGE_EDGE = 12;

const EFFECT_TEXTS = {
  de: {
    title: 'Wirkung', horizon: 'Beobachtet für', days: (n) => `${n} Tage`, reckoning: 'wird berechnet …',
    who: (treated, held, open) => `${treated} Kunden, bei denen sie begann, neben ${held}, für die per Los nichts geschah.${open ? ` Bei weiteren ${open} ist die Zeit noch nicht um.` : ''}`,
    none: 'Ohne Vergleichsgruppe lässt sich keine Wirkung messen. Geben Sie ihr unter „Zweck, Grenzen, Budget“ eine, zum Beispiel 10 %.',
    nobody: 'Noch ist bei niemandem die Zeit um.', enough: (n) => `Ab etwa ${n} Kunden würde ein Unterschied von fünf unter hundert sichtbar.`,
    what: { stayed: 'bleiben', bought: 'kaufen', satisfied: 'sind zufrieden' }, columns: { what: 'Von hundert Kunden', treated: 'mit', heldOut: 'ohne', more: 'mehr durch sie', range: 'mit 95 % Sicherheit' },
    verdicts: { helps: 'hilft', harms: 'schadet', unclear: 'kann Zufall sein', too_few: 'zu wenige' }, between: (low, high) => `${low} bis ${high}`,
    cost: 'Kosten', kept: 'Ihretwegen geblieben', each: 'je Gebliebenem', pays: { yes: 'Sie lohnt sich.', no: 'Sie lohnt sich nicht.', unclear: 'Ob sie sich lohnt, ist noch nicht zu sagen.' }, endless: 'ohne Grenze',
  },
  en: {
    title: 'Effect', horizon: 'Watched for', days: (n) => `${n} days`, reckoning: 'is being reckoned …',
    who: (treated, held, open) => `${treated} customers it began for, beside ${held} for whom nothing was done, by lot.${open ? ` Of ${open} more the time is not over yet.` : ''}`,
    none: 'Without a comparison group no effect can be measured. Give it one under “Purpose, limits, budget”, 10 % for example.',
    nobody: 'Nobody’s time is over yet.', enough: (n) => `From about ${n} customers on a difference of five in a hundred would show.`,
    what: { stayed: 'stay', bought: 'buy', satisfied: 'are satisfied' }, columns: { what: 'Of a hundred customers', treated: 'with it', heldOut: 'without', more: 'more because of it', range: '95 % sure' },
    verdicts: { helps: 'helps', harms: 'harms', unclear: 'may be chance', too_few: 'too few' }, between: (low, high) => `${low} to ${high}`,
    cost: 'Cost', kept: 'Kept because of it', each: 'for each one kept', pays: { yes: 'It pays.', no: 'It does not pay.', unclear: 'Whether it pays cannot be told yet.' }, endless: 'without end',
  },
};
const EFFECT_BADGES = { helps: 'good', harms: 'bad', unclear: '', too_few: '' };

export async function drawEffect(body, context, entry, horizon = 90) {
  const { h, service, language, choice, busy } = context;
  const t = EFFECT_TEXTS[language];
  const place = h('div', { 'aria-live': 'polite' }, h('p', { class: 'hint' }, t.reckoning));
  const again = (days) => drawEffect(body, context, entry, days).then(() => body.querySelector(`[data-k="choice-${days}"]`)?.focus());
  body.replaceChildren(h('section', { class: 'panel effect', 'aria-label': t.title },
    h('div', { class: 'line' }, h('span', { class: 'hint' }, t.horizon), choice(t.horizon, HORIZONS.map((days) => [days, t.days(days)]), horizon, again)), place));
  const told = await busy(service.get(`/v1/automations/${entry.id}/effect`, { horizon_days: horizon }));
  if (told && place.isConnected) place.replaceChildren(...effectParts(context, t, told));
}

function effectParts(context, t, told) {
  const { h, numbers } = context;
  if (!told.hold_out && !told.held_out) return [h('p', { class: 'empty' }, t.none)];
  const who = h('p', {}, t.who(numbers.count(told.treated), numbers.count(told.held_out), told.open && numbers.count(told.open)));
  if (!told.treated && !told.held_out) return [who, h('p', { class: 'empty' }, t.nobody)];
  return [who, effectTable(context, t, told), told.enough !== null && h('p', { class: 'hint' }, t.enough(numbers.count(told.enough))), effectMoney(context, t, told)].filter(Boolean);
}

function effectTable(context, t, told) {
  const { h, numbers } = context;
  const share = (value) => (value === null ? '–' : numbers.hundred(value));
  const widest = Math.max(0.02, ...told.outcomes.flatMap(({ more }) => (more ? [Math.abs(more.low), Math.abs(more.high)] : [])));
  const head = [t.columns.what, t.columns.treated, t.columns.heldOut, t.columns.more, ''].map((text, place) => h('th', { scope: 'col', class: place && place < 4 ? 'number' : undefined }, text));
  const row = (one) => h('tr', {},
    h('th', { scope: 'row' }, t.what[one.what], ' ', h('span', { class: `badge ${EFFECT_BADGES[one.verdict]}` }, t.verdicts[one.verdict])),
    h('td', { class: 'number' }, share(one.treated_share)), h('td', { class: 'number' }, share(one.held_out_share)),
    h('td', { class: 'number' }, one.more ? [h('b', {}, withSign(numbers, one.more.value)), h('span', { class: 'hint' }, ` ${t.between(withSign(numbers, one.more.low), withSign(numbers, one.more.high))}`)] : '–'),
    h('td', {}, one.more && effectRange(context.s, one.more, widest, one.verdict)));
  return h('div', { class: 'wide' }, h('table', { class: 'plain' }, h('thead', {}, h('tr', {}, head)), h('tbody', {}, told.outcomes.map(row))));
}

const withSign = (numbers, value) => (value > 0 ? '+' : '') + numbers.hundred(value);

function effectRange(s, more, widest, verdict) {
  const x = (value) => RANGE_EDGE + ((value + widest) / (2 * widest)) * (RANGE_WIDTH - 2 * RANGE_EDGE);
  return s('svg', { class: `range ${verdict}`, viewBox: `0 0 ${RANGE_WIDTH} ${RANGE_HEIGHT}`, 'aria-hidden': 'true', focusable: 'false' },
    s('line', { class: 'nought', x1: x(0), x2: x(0), y1: 2, y2: RANGE_HEIGHT - 2 }),
    s('line', { class: 'span', x1: x(more.low), x2: x(more.high), y1: RANGE_HEIGHT / 2, y2: RANGE_HEIGHT / 2 }),
    s('circle', { cx: x(more.value), cy: RANGE_HEIGHT / 2, r: 4.5 }));
}

function effectMoney({ h, numbers }, t, told) {
  const spanned = (span, form) => `${form(span.value)} (${t.between(form(span.low), span.high === null ? t.endless : form(span.high))})`;
  return h('div', { class: 'worth' }, h('dl', { class: 'figures' },
    h('div', {}, h('dt', {}, t.cost), h('dd', {}, numbers.cents(told.cost))),
    told.kept && h('div', {}, h('dt', {}, t.kept), h('dd', {}, spanned(told.kept, numbers.count))),
    told.cost_per_kept && h('div', {}, h('dt', {}, t.each), h('dd', {}, spanned(told.cost_per_kept, numbers.cents)))),
    h('p', { class: 'verdict' }, t.pays[told.pays]));
}
