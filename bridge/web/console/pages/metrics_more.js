// The sections beside retention: answers, reasons, competitors, saves and their cost, loop times.

import { figures, legend, plot, shares, summed } from './metrics_parts.js';
import { lines, stacks } from './metrics_plot.js';

const FEWEST = 5; // answers of a group, below which its point is chance

export function feelings(view) {
  const { h, t, state, grouped, numbers, months, choice, change } = view;
  const apart = state.by !== 'none';
  const there = Object.keys(t.feel.metrics).filter((name) => view.within(grouped.opinions).some((one) => one.metric === name));
  const metric = there.includes(state.metric) ? state.metric : there[0];
  const rows = view.within(grouped.opinions).filter((one) => one.metric === metric);
  const switches = there.length > 1 && choice(t.feel.title, there.map((name) => [name, t.feel.metrics[name]]), metric, (chosen) => change({ metric: chosen }));
  const heading = h('div', { class: 'heading' }, h('h2', { id: 'feelings' }, t.feel.title), switches);
  const box = (...inside) => h('section', { class: 'panel', 'aria-labelledby': 'feelings' }, heading, ...inside);
  if (!rows.length) return box(h('p', { class: 'hint' }, view.none(t.feel)), silent(view));
  const read = (name, read) => months.map((month) => read(rows.find((one) => one.month === month && one.group === name)) ?? null);
  const write = (value) => (value === null ? '–' : metric === 'ces' ? numbers.hundred(value / 100) : numbers.count(value));
  const one = (field, kind) => ({
    kind, title: t.feel[field], values: read('', (row) => row?.[field]?.value), low: read('', (row) => row?.[field]?.low), high: read('', (row) => row?.[field]?.high),
  });
  const answered = {};
  for (const row of rows) answered[row.group] = (answered[row.group] ?? 0) + row.answered;
  const names = Object.keys(answered).sort((a, b) => answered[b] - answered[a]).slice(0, 6);
  const series = apart ? names.map((name, index) => ({ kind: `k${index}`, title: view.group(name), values: read(name, (row) => (row?.answered >= FEWEST ? (row.weighted ?? row.plain)?.value : null)) })) : [one('plain', 'quiet-bar'), one('weighted', 'k0')];
  const span = (figure) => (figure ? [write(figure.value), figure.low !== null && h('small', {}, t.feel.range(write(figure.low), write(figure.high)))] : '–');
  return box(h('p', { class: 'hint' }, t.feel.hint), legend(view, series),
    plot(view, lines, { series, write, height: 240, ...(metric === 'nps' ? { floor: -100, ceiling: 100 } : {}), tell: (line, place) => `${line.title}, ${view.long(months[place])}: ${write(line.values[place])}` }),
    figures(view, 'feelings', t.feel.title, [t.month, apart && t.group, t.asked, t.answered, t.rate, t.feel.plain, t.feel.weighted], rows.toReversed().map((row) => [
      view.long(row.month), apart && view.group(row.group), numbers.count(row.asked), numbers.count(row.answered), view.percent(row.response_rate), span(row.plain), span(row.weighted)]), apart ? 2 : 1),
    silent(view));
}

function silent(view) {
  const { h, t, all, numbers } = view;
  const told = all.silent;
  const everybody = told?.averages.find((one) => one.group === null);
  if (!everybody) return h('p', { class: 'hint silent' }, t.feel.silentNone);
  const write = (value) => (told.figure === 'nps' ? numbers.count(value) : numbers.hundred(value / 100));
  const range = ({ value, low, high }) => [h('b', {}, write(value)), ` (${t.feel.range(write(low), write(high))})`];
  return h('div', { class: 'silent' }, h('h3', {}, t.feel.silent), h('p', { class: 'hint' }, t.feel.silentHint(numbers.instant(told.fitted_at), numbers.percent(everybody.response_rate))),
    h('dl', { class: 'pairs' },
      h('dt', {}, t.feel.plain), h('dd', {}, range(everybody.answered)), h('dt', {}, t.feel.weighted), h('dd', {}, range(everybody.weighted)),
      h('dt', {}, t.feel.predicted), h('dd', {}, range(everybody.predicted)), h('dt', {}, t.feel.lower), h('dd', {}, write(everybody.silent_one_lower))),
    told.abstained !== null && h('p', { class: 'hint' }, t.feel.abstained(numbers.percent(told.abstained))));
}

export function reasons(view) {
  const { h, t, state, all, grouped, numbers, language, choice, change } = view;
  const rows = view.within(all.reasons);
  const there = Object.keys(t.why.origins).filter((name) => rows.some((one) => one.origin === name));
  const origin = there.includes(state.origin) ? state.origin : there[0];
  const name = (reason) => t.why.names[reason] ?? all.reason_titles[reason]?.[language] ?? reason;
  const switches = there.length > 1 && choice(t.why.title, there.map((one) => [one, t.why.origins[one]]), origin, (chosen) => change({ origin: chosen }));
  const apart = state.by !== 'none';
  const table = view.within(grouped.reasons).filter((one) => one.origin === origin).toReversed();
  return h('section', { class: 'panel', 'aria-labelledby': 'reasons' }, h('h2', { id: 'reasons' }, t.why.title), switches,
    there.length ? shares(view, summed(rows.filter((one) => one.origin === origin), (one) => name(one.reason)), 'k1') : h('p', { class: 'hint' }, view.none(t.why)),
    there.length > 0 && figures(view, 'reasons', t.why.title, [t.month, apart && t.group, t.why.reason, t.why.customers], table.map((one) => [view.long(one.month), apart && view.group(one.group), name(one.reason), numbers.count(one.customers)]), apart ? 3 : 2));
}

export function others(view) {
  const { h, t, all, numbers, language } = view;
  const rows = view.within(all.spoken);
  const name = (topic) => t.why.names[topic] ?? all.topic_titles[topic]?.[language] ?? topic;
  const part = (about, title) => {
    const some = rows.filter((one) => one.about === about);
    return some.length > 0 && [h('h3', {}, title), shares(view, summed(some, (one) => name(one.topic)), about === 'praised_elsewhere' ? 'k3' : 'k0')];
  };
  return h('section', { class: 'panel', 'aria-labelledby': 'others' }, h('h2', { id: 'others' }, t.others.title),
    rows.length ? [h('p', { class: 'hint' }, t.others.hint), part('praised_elsewhere', t.others.praised), part('drove_from_others', t.others.drove),
      figures(view, 'topics', t.others.title, [t.month, t.others.topic, '', t.why.customers], rows.toReversed().map((one) => [view.long(one.month), name(one.topic), one.about === 'praised_elsewhere' ? t.others.praised : t.others.drove, numbers.count(one.customers)]), 3)]
      : h('p', { class: 'hint' }, view.none(t.others)));
}

export function saves(view) {
  const { h, t, all, numbers, months } = view;
  const rows = months.map((month) => all.saves.find((one) => one.month === month));
  const of = (field, kind, title) => ({ kind, title, values: rows.map((row) => row?.[field] ?? 0) });
  const series = [of('granted', 'k0', t.cost.granted), of('outreach', 'k2', t.cost.outreach)];
  const write = (minor) => view.money(minor);
  const money = (minor) => (minor === null ? '–' : view.money(minor));
  const acquires = rows.some((row) => row?.acquisition_cost !== null);
  return h('section', { class: 'panel', 'aria-labelledby': 'saves' }, h('h2', { id: 'saves' }, t.cost.title), h('p', { class: 'hint' }, t.cost.hint), legend(view, series),
    plot(view, stacks, { series, write, tell: (one, place) => `${one.title}, ${view.long(months[place])}: ${write(one.values[place])}` }),
    all.worth !== null && h('p', { class: 'hint' }, t.cost.worth(view.money(all.worth))), !acquires && h('p', { class: 'hint' }, t.cost.noAcquisition),
    figures(view, 'saves', t.cost.title, [t.month, t.cost.saved, t.cost.lost, t.cost.rate, t.cost.granted, t.cost.outreach, t.cost.each, t.cost.evenLong, t.cost.fresh, acquires && t.cost.acquisition, acquires && t.cost.perNew],
      rows.filter(Boolean).toReversed().map((row) => [view.long(row.month), numbers.count(row.saved), numbers.count(row.lost), view.percent(row.save_rate), money(row.granted), money(row.outreach), money(row.cost_per_save),
        view.percent(row.break_even), numbers.count(row.new), acquires && money(row.acquisition_cost), acquires && money(row.cost_per_new)])));
}

export function loops(view) {
  const { h, t, all, numbers, months } = view;
  const rows = view.within(all.loops);
  const box = (...inside) => h('section', { class: 'panel', 'aria-labelledby': 'looptimes' }, h('h2', { id: 'looptimes' }, t.loops.title), ...inside);
  if (!rows.length) return box(h('p', { class: 'hint' }, t.loops.none));
  const hours = (value) => t.loops.hours(numbers.hundred(value / 100));
  const line = (part, kind) => ({ kind, title: `${t.loops[part]} (${t.loops.median})`, values: months.map((month) => rows.find((one) => one.month === month)?.[part]?.median ?? null) });
  const series = [line('reply', 'k0'), line('resolution', 'k2')];
  const waited = (part) => (part ? [part.median === null ? '–' : hours(part.median), part.p90 !== null && h('small', {}, `${t.loops.p90} ${hours(part.p90)}`), h('small', {}, `${view.percent(part.in_time)} ${t.loops.inTime}`)] : '–');
  return box(h('p', { class: 'hint' }, t.loops.hint), legend(view, series),
    plot(view, lines, { series, write: hours, floor: 0, tell: (one, place) => `${one.title}, ${view.long(months[place])}: ${hours(one.values[place])}` }),
    figures(view, 'loops', t.loops.title, [t.month, t.loops.opened, t.loops.open, t.loops.reply, t.loops.resolution], rows.toReversed().map((row) => [view.long(row.month), numbers.count(row.opened), numbers.count(row.open), waited(row.reply), waited(row.resolution)])));
}
