// The figures on retention: what stayed, what left and why, what customers say, what keeping and winning costs.

import { feelings, loops, others, reasons, saves } from './metrics_more.js';
import { lines, spark, stacks } from './metrics_plot.js';
import { figures, legend, plot } from './metrics_parts.js';
import { TEXTS } from './metrics_texts.js';

const BORDER = 34; // of a panel, both sides
const GAP = 16;
const SERIES = 6; // groups drawn at once; the table has all

export async function open(place, context) {
  const { h, service, language, busy, may, say } = context;
  const t = TEXTS[language];
  const state = { by: 'none', span: 24, metric: null, origin: null, open: new Set() };
  const held = {}; // what was asked for already, by what it is told apart by

  const ask = async (by) => (held[by] ??= await service.get('/v1/metrics', { by }));

  async function change(some) {
    Object.assign(state, some);
    if (!(await busy(ask(state.by)))) return;
    draw();
  }

  async function renew() {
    if (await busy(service.post('/v1/metrics/refresh'))) say(t.renewed, 'good');
  }

  function draw() {
    const view = new View(context, t, state, held.none, held[state.by], change);
    const focused = document.activeElement?.dataset?.k;
    const buttons = h('div', { class: 'buttons' }, may('supervisor') && h('button', { type: 'button', 'data-k': 'renew', onclick: renew }, t.renew));
    const { basis, made_at: made } = held.none;
    const counted = basis.by_contract + basis.by_rhythm;
    const present = held.none.retention.findLast((cell) => cell.month === held.none.so_far)?.end;
    place.replaceChildren(
      h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.heading), h('p', {}, t.age(view.numbers.instant(made), present === undefined ? null : view.numbers.count(present)))), buttons),
      ...(counted ? view.parts() : [h('p', { class: 'panel empty' }, t.empty), view.basis()]));
    if (focused) place.querySelector(`[data-k="${CSS.escape(focused)}"]`)?.focus();
  }

  let drawn = room();
  const resized = () => {
    if (!held.none || drawn === room()) return;
    drawn = room();
    draw();
  };
  const unfold = () => place.querySelectorAll('details').forEach((one) => (one.open = true));
  addEventListener('beforeprint', unfold);
  addEventListener('resize', resized);
  const leave = () => (removeEventListener('beforeprint', unfold), removeEventListener('resize', resized));
  try {
    await ask('none');
    draw();
  } catch (problem) {
    if (problem.status !== 409) {
      leave();
      throw problem;
    }
    place.append(h('div', { class: 'top' }, h('h1', {}, t.heading)),
      h('section', { class: 'panel single' }, h('p', {}, t.first), h('button', { type: 'button', class: 'main', onclick: () => context.go('/console/metrics') }, t.again)));
  }
  return leave;
}

// How wide a plot across the page can be.
function room() {
  const main = document.getElementById('main');
  const { paddingInlineStart, paddingInlineEnd } = getComputedStyle(main);
  return Math.max(260, Math.round(main.clientWidth - parseFloat(paddingInlineStart) - parseFloat(paddingInlineEnd) - BORDER));
}

class View {
  constructor(context, t, state, all, grouped, change) {
    const { h, s, service, numbers, language, choice, busy } = context;
    Object.assign(this, { h, s, service, numbers, language, choice, busy, t, state, all, grouped, change });
    const months = all.months.slice(-state.span);
    const short = new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', { month: 'short', year: '2-digit', timeZone: 'UTC' });
    const long = new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' });
    this.months = months;
    this.wide = room();
    this.half = matchMedia('(max-width: 1060px)').matches ? this.wide : Math.floor((this.wide + BORDER - GAP) / 2 - BORDER);
    this.short = (month) => short.format(new Date(`${month}-15T00:00:00Z`));
    this.long = (month) => long.format(new Date(`${month}-15T00:00:00Z`));
    this.money = (minor) => numbers.money(minor / all.minor_units);
    this.percent = (share) => (share === null ? '–' : numbers.percent(share));
    this.within = (rows) => rows.filter((row) => row.month >= months[0]);
  }

  // Why there is nothing to be seen.
  none(words) {
    return this.all.hidden > 0 ? words.few : words.none;
  }

  // The name of a group, as people say it.
  group(name) {
    return this.t.groups[this.state.by][name] ?? (name === '' ? this.t.nobody : name === 'other' ? this.t.other : name);
  }

  parts() {
    const { h, t, state, grouped } = this;
    return [
      this.filters(), this.tiles(),
      grouped.hidden > 0 && h('p', { class: 'hint', role: 'note' }, t.hidden(grouped.hidden === 1, this.numbers.count(grouped.hidden), grouped.few)),
      h('div', { class: 'stack' },
        this.kept(),
        h('div', { class: 'two' }, this.moved(), this.revenue()),
        feelings(this),
        h('div', { class: 'two' }, reasons(this), others(this)),
        saves(this), loops(this), this.basis()),
    ].filter(Boolean);
  }

  filters() {
    const { h, t, state, choice, change } = this;
    const named = (label, node) => h('div', {}, h('span', { class: 'k', 'aria-hidden': 'true' }, label), node);
    return h('div', { class: 'filters', role: 'group', 'aria-label': t.filters },
      named(t.span, choice(t.span, Object.entries(t.spans), String(state.span), (span) => change({ span: Number(span) }))),
      named(t.by, choice(t.by, Object.entries(t.bys), state.by, (by) => change({ by }))));
  }

  // The last month that is over.
  tiles() {
    const { h, s, t, all, numbers, months } = this;
    const over = months.slice(0, -1);
    const cells = over.map((month) => all.retention.find((cell) => cell.month === month)).filter(Boolean);
    const last = cells.at(-1);
    const when = last ? t.inMonth(this.long(last.month)) : '';
    const nps = over.map((month) => all.opinions.find((one) => one.month === month && one.metric === 'nps'));
    const said = nps.findLast((one) => one?.weighted ?? one?.plain);
    const figure = said?.weighted ?? said?.plain;
    const costs = over.map((month) => all.saves.find((one) => one.month === month));
    const spent = costs.findLast((one) => one?.cost_per_save != null);
    const titles = { ...t.tiles, ...(figure && !said.weighted && { nps: t.feel.metrics.nps }) };
    const tile = (name, value, about, values) => h('section', { class: 'panel tile', 'data-tile': name },
      h('h2', { class: 'eyebrow' }, titles[name]), h('p', { class: 'big' }, value), about.map((text) => h('small', {}, text)), spark(s, values));
    const money = last?.revenue;
    return h('div', { class: 'tiles' },
      tile('retention', this.percent(last?.retention ?? null), last ? [when, t.keep.formula(numbers.count(last.end), numbers.count(last.new), numbers.count(last.start))] : [t.unknown], cells.map((cell) => cell.retention)),
      tile('revenue', this.percent(money?.net ?? null), money ? [when, `${this.money(money.start)} → ${this.money(money.end - money.new)}`] : [t.unknown], cells.map((cell) => cell.revenue.net)),
      tile('nps', figure ? numbers.count(figure.value) : '–', figure ? [t.inMonth(this.long(said.month)), figure.low === null ? '' : t.feel.range(numbers.count(figure.low), numbers.count(figure.high))] : [t.unknown],
        nps.map((one) => (one?.weighted ?? one?.plain)?.value ?? null)),
      tile('cost', spent ? this.money(spent.cost_per_save) : '–', spent ? [t.inMonth(this.long(spent.month)), spent.break_even === null ? '' : `${t.cost.even} ${this.percent(spent.break_even)}`] : [t.unknown],
        costs.map((one) => one?.cost_per_save ?? null)));
  }

  // One line for all, or for each of the largest groups; `read` takes its value from a cell.
  series(read) {
    const { t, state, grouped, months } = this;
    const size = {};
    for (const cell of this.within(grouped.retention)) size[cell.group] = (size[cell.group] ?? 0) + cell.start + cell.new;
    const names = Object.keys(size).sort((one, other) => size[other] - size[one] || one.localeCompare(other)).slice(0, SERIES);
    return names.map((name, index) => ({
      kind: `k${index}`,
      title: state.by === 'none' ? t.keep.rate : this.group(name),
      values: months.map((month) => {
        const cell = grouped.retention.find((one) => one.month === month && one.group === name);
        return cell ? read(cell) : null;
      }),
    }));
  }

  kept() {
    const { h, s, t, state, grouped, numbers, months } = this;
    const series = this.series((cell) => cell.retention);
    const write = (share) => numbers.percent(share);
    const rows = this.within(grouped.retention).toReversed();
    return h('section', { class: 'panel', 'aria-labelledby': 'kept' }, h('h2', { id: 'kept' }, t.keep.title), h('p', { class: 'hint' }, t.keep.hint),
      state.by !== 'none' && legend(this, series),
      plot(this, lines, { series, ceiling: 1, write, height: 240, tell: (one, place) => `${one.title}, ${this.long(months[place])}: ${write(one.values[place])}` }),
      figures(this, 'retention', t.keep.title, [t.month, state.by !== 'none' && t.group, t.start, t.fresh, t.returned, t.left, t.end, t.noticed, t.keep.rate], rows.map((cell) => [
        this.long(cell.month), state.by !== 'none' && this.group(cell.group), numbers.count(cell.start), numbers.count(cell.new), numbers.count(cell.returned), numbers.count(cell.left), numbers.count(cell.end),
        numbers.count(cell.noticed), [this.percent(cell.retention), cell.start > 0 && h('small', {}, t.keep.formula(numbers.count(cell.end), numbers.count(cell.new), numbers.count(cell.start)))]]), state.by !== 'none' ? 2 : 1));
  }

  moved() {
    const { h, t, all, numbers, months } = this;
    const cells = months.map((month) => all.retention.find((cell) => cell.month === month));
    const series = [
      { kind: 'k0', title: t.move.fresh, values: cells.map((cell) => cell?.new ?? 0) },
      { kind: 'k1', title: t.move.left, values: cells.map((cell) => -(cell?.left ?? 0)) },
    ];
    const write = (value) => numbers.count(Math.abs(value));
    return h('section', { class: 'panel', 'aria-labelledby': 'moved' }, h('h2', { id: 'moved' }, t.move.title), h('p', { class: 'hint' }, t.move.hint), legend(this, series),
      plot(this, stacks, { half: true, series, write, tell: (one, place) => `${one.title}, ${this.long(months[place])}: ${write(one.values[place])}` }),
      figures(this, null, t.move.title, [t.month, t.move.fresh, t.move.left], cells.filter(Boolean).toReversed().map((cell) => [this.long(cell.month), numbers.count(cell.new), numbers.count(cell.left)])));
  }

  revenue() {
    const { h, t, state, grouped, numbers, months } = this;
    const apart = state.by !== 'none';
    const cells = months.map((month) => grouped.retention.find((cell) => cell.month === month));
    const of = (name, sign, kind, title) => ({ kind, title, values: cells.map((cell) => sign * (cell?.revenue[name] ?? 0)) });
    const series = apart ? this.series((cell) => cell.revenue.net) : [of('expansion', 1, 'k2', t.money.more), of('new', 1, 'soft', t.money.fresh), of('churn', -1, 'k1', t.money.churn), of('contraction', -1, 'k3', t.money.less)];
    const write = apart ? (share) => numbers.percent(share) : (minor) => this.money(Math.abs(minor));
    const rows = this.within(grouped.retention).toReversed();
    return h('section', { class: 'panel', 'aria-labelledby': 'revenue' }, h('h2', { id: 'revenue' }, t.money.title), h('p', { class: 'hint' }, t.money.hint), legend(this, series),
      plot(this, apart ? lines : stacks, { half: true, series, write, tell: (one, place) => `${one.title}, ${this.long(months[place])}: ${write(one.values[place])}` }),
      figures(this, null, t.money.title, [t.month, apart && t.group, t.start, t.money.more, t.money.less, t.money.churn, t.money.fresh, t.end, t.keep.rate], rows.map(({ month, group, revenue }) => [
        this.long(month), apart && this.group(group), this.money(revenue.start), this.money(revenue.expansion), this.money(revenue.contraction), this.money(revenue.churn), this.money(revenue.new), this.money(revenue.end),
        this.percent(revenue.net)]), apart ? 2 : 1));
  }

  basis() {
    const { h, t, all, numbers } = this;
    return h('section', { class: 'panel basis', 'aria-labelledby': 'basis' }, h('h2', { id: 'basis', class: 'eyebrow' }, t.basis),
      h('dl', { class: 'pairs' }, Object.entries(t.counts).filter(([name]) => all.basis[name] > 0 || name === 'by_contract').flatMap(([name, words]) => [h('dt', {}, words), h('dd', {}, numbers.count(all.basis[name]))])),
      h('p', { class: 'hint' }, t.reckoned(numbers.count(Math.max(1, Math.round(all.seconds))))));
  }
}
