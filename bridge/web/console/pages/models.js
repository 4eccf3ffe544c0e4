// What customers are assessed by, how true it turned out, whether it still holds, and the way back.

import { drawCalibration } from './models_plot.js';
import { TEXTS } from './models_texts.js';

export async function open(place, context) {
  const { h, s, service, session, language, numbers, may, busy, say } = context;
  const t = TEXTS[language];
  const body = h('div', { class: 'stack' });
  const locale = language === 'de' ? 'de-DE' : 'en-GB';
  const decimal = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format;
  const tenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format;
  const minor = 10 ** new Intl.NumberFormat(locale, { style: 'currency', currency: session.currency }).resolvedOptions().maximumFractionDigits; // pence in a pound
  const badge = ([words, kind]) => h('span', { class: `badge ${kind}` }, words);
  let taking = null; // the kind that is about to be taken back

  const aucOf = (report) => report?.models?.new?.auc;

  function record(one) {
    const { whole } = one;
    return h('section', { class: 'record' }, h('h3', {}, t.seen[one.seen], ' ', badge(t.verdicts[whole.verdict])),
      h('p', { class: 'hint' }, t.span(numbers.day(one.from_day), numbers.day(one.to_day), one.horizon_days)),
      whole.verdict !== 'holds' && h('p', {}, t.why[whole.verdict]),
      h('dl', { class: 'pairs' }, h('dt', {}, t.said), h('dd', {}, numbers.percent(whole.said)), h('dt', {}, t.left, h('small', {}, t.chance(numbers.percent(whole.low), numbers.percent(whole.high)))), h('dd', {}, numbers.percent(whole.left)),
        h('dt', {}, t.group[1]), h('dd', {}, numbers.count(whole.customers))),
      h('details', {}, h('summary', {}, t.plot),
        h('div', { class: 'groups' }, drawCalibration(s, one.groups, { percent: (share) => numbers.percent(share), said: t.axisSaid, left: t.axisLeft }),
          h('div', { class: 'wide' }, h('table', { class: 'plain' }, h('thead', {}, h('tr', {}, t.group.map((words, at) => h('th', { scope: 'col', class: at < 4 && 'number' }, words)))),
            h('tbody', {}, one.groups.map((each) => h('tr', {}, [numbers.percent(each.most), numbers.count(each.customers), numbers.percent(each.said), numbers.percent(each.left)].map((text) => h('td', { class: 'number' }, text)), h('td', {}, badge(t.verdicts[each.verdict])))))))),
        h('p', { class: 'hint' }, t.plotHint)));
  }

  function drift(model) {
    const told = model.drift;
    return h('section', { class: 'record' }, h('h3', {}, t.drift, ' ', told?.verdict && badge(t.drifts[told.verdict])),
      h('p', { class: 'hint' }, told?.verdict ? t.driftWords(numbers.count(told.now), numbers.count(told.then), decimal(told.index)) : t.noDrift),
      told?.moved_most.length > 0 && h('p', { class: 'eyebrow' }, t.moved), told?.moved_most.length > 0 && h('dl', { class: 'pairs' }, told.moved_most.flatMap((one) => [h('dt', {}, `${one.title[language]}, ${one.band_title[language]}`), h('dd', {}, t.shift(numbers.percent(one.then), numbers.percent(one.now)))])));
  }

  function figures(report) {
    const auc = aucOf(report);
    const lines = [];
    if (auc !== undefined) lines.push(h('p', {}, h('b', {}, t.auc(decimal(auc))), ` · ${t.aucWords(auc)}`), h('p', { class: 'hint' }, t.aucHint(numbers.count(auc * 100))));
    if (report?.models?.new?.top_decile_lift) lines.push(h('p', { class: 'hint' }, t.lift(tenth(report.models.new.top_decile_lift))));
    if (report?.judged) lines.push(mood(report));
    const parts = ['purchases', 'contracts'].filter((name) => report?.[name]);
    if (parts.length) lines.push(h('div', { class: 'records' }, parts.map((name) => worth(name, report[name]))));
    return lines;
  }

  // Of the mood: what is said on average, by three reckonings, and how near it comes for one customer.
  function mood(report) {
    const { judged } = report;
    const averages = (report.nps?.length ? report.nps : report.mean ?? []).find((one) => one.group === null || one.group === '');
    const digits = report.nps?.length ? numbers.count : decimal;
    const row = ([words, one]) => h('tr', {}, h('th', { scope: 'row' }, words), h('td', { class: 'number' }, digits(one.value)), h('td', { class: 'number' }, t.between(digits(one.low), digits(one.high))));
    return h('div', { class: 'records' },
      averages && h('section', { class: 'record' }, h('h3', {}, t.averages(report.nps?.length ? 'NPS' : t.scores[report.metric] ?? report.metric)),
        h('p', { class: 'hint' }, t.answeredBy(numbers.count(averages.responses), numbers.count(averages.asked))),
        h('table', { class: 'plain' }, h('thead', {}, h('tr', {}, t.averageColumns.map((words, at) => h(words ? 'th' : 'td', words ? { scope: 'col', class: at && 'number' } : {}, words)))), h('tbody', {}, t.ways.map(([name, words]) => [words, averages[name]]).map(row)))),
      h('section', { class: 'record' }, h('h3', {}, t.oneCustomer), h('p', { class: 'hint' }, t.mae(decimal(judged.mae), decimal(judged.usual_mae), numbers.count(judged.answers))),
        h('dl', { class: 'pairs' }, [[t.within, numbers.percent(judged.coverage)], [t.width, decimal(judged.width)], [t.abstained, numbers.percent(judged.abstained)]].flatMap(([words, value]) => [h('dt', {}, words), h('dd', {}, value)]))));
  }

  // Of the value: what was said of a period that was not known yet, beside what came.
  function worth(name, part) {
    const money = name === 'purchases';
    const said = (value) => (money ? numbers.money(value / minor) : numbers.count(value));
    const off = (value) => (money ? numbers.money(value / minor) : numbers.percent(value));
    const row = ([words, one]) => h('tr', {}, h('th', { scope: 'row' }, words), h('td', { class: 'number' }, said(one.total)),
      h('td', { class: 'number' }, part.actual ? `${one.total >= part.actual ? '+' : ''}${numbers.percent(one.total / part.actual - 1)}` : '–'), h('td', { class: 'number' }, off(one.error)));
    return h('section', { class: 'record' }, h('h3', {}, t.parts[name], ' ', badge(part.better ? t.nearer : t.notNearer)), h('p', { class: 'hint' }, t.period[name](numbers.count(part.n), numbers.day(part.from_day), numbers.day(part.to_day))),
      h('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': t.parts[name] }, h('table', { class: 'plain' }, h('thead', {}, h('tr', {}, t.saidColumns[name].map((words, at) => h('th', { scope: 'col', class: at > 0 && 'number' }, words)))),
        h('tbody', {}, t.sayers.filter(([who]) => part.said[who]).map(([who, words]) => [words, part.said[who]]).map(row),
          h('tr', { class: 'came' }, h('th', { scope: 'row' }, t.came[name]), h('td', { class: 'number' }, said(part.actual)), h('td', {}), h('td', {}))))));
  }

  function takeBack(model) {
    const field = h('input', { id: 'because', required: true, minlength: 3, maxlength: 500, autocomplete: 'off', 'data-k': 'because' });
    const leave = () => (taking = null, busy(load(`back-${model.kind}`)));
    const send = async (event) => {
      event.preventDefault();
      const told = await busy(service.post(`/v1/models/${model.kind}/rollback`, { version: model.in_use, reason: field.value.trim() }));
      if (!told) return;
      taking = null;
      await busy(load(`head-${model.kind}`));
      say(t.backDone(told.version));
    };
    return h('form', { class: 'why', 'aria-label': t.backTitle(t.kinds[model.kind]), onsubmit: send, onkeydown: (event) => event.key === 'Escape' && leave() }, h('p', {}, t.backText),
      h('label', { for: 'because' }, t.because), h('div', { class: 'row' }, field, h('button', { class: 'danger' }, t.confirm), h('button', { type: 'button', onclick: leave }, t.cancel)));
  }

  function versions(model) {
    if (!model.installed.length) return null;
    const judged = model.installed.some((one) => aucOf(one.report) !== undefined);
    const row = (one) => {
      const auc = aucOf(one.report);
      const used = one.version === model.in_use;
      return h('tr', {}, h('th', { scope: 'row' }, h('code', {}, one.version)), h('td', {}, numbers.instant(one.installed_at)), judged && h('td', { class: 'number' }, auc === undefined ? '–' : decimal(auc)),
        h('td', {}, used && badge([t.inUse, 'on']), ' ', used && (may('admin') || may('supervisor')) && h('button', { type: 'button', 'data-k': `back-${model.kind}`, onclick: () => (taking = model.kind, busy(load('because'))) }, t.back)));
    };
    return h('div', { class: 'wide versions' }, h('h3', {}, t.versions), h('table', { class: 'plain' }, h('thead', {}, h('tr', {}, t.columns.map((words, at) => (at !== 2 || judged) && h(words ? 'th' : 'td', words ? { scope: 'col', class: at === 2 && 'number' } : {}, words)))), h('tbody', {}, model.installed.map(row))));
  }

  function panel(model) {
    const learnt = model.installed.find((one) => one.version === model.in_use);
    const name = learnt ? h('code', {}, learnt.version) : model.kind === 'mood' ? t.nothing : model.kind === 'risk' ? t.card : t.assumptions;
    const command = t.fit[model.kind];
    return h('section', { class: 'panel model', 'aria-labelledby': `m-${model.kind}` },
      h('div', { class: 'head' }, h('div', {}, h('h2', { id: `m-${model.kind}`, tabindex: '-1', 'data-k': `head-${model.kind}` }, t.kinds[model.kind], ' ', model.calibration && badge(t.verdicts[model.calibration])), h('p', { class: 'hint' }, t.tasks[model.kind])),
        h('p', {}, h('span', { class: 'hint' }, `${t.inUse}: `), name, model.since && h('span', { class: 'hint' }, ` ${t.since(numbers.day(model.since))}`))),
      model.advice && h('p', { class: 'warn' }, t.advice(command)),
      !learnt && h('p', { class: 'hint' }, t.cardHint(command)),
      figures(learnt?.report),
      model.kind === 'risk' && h('div', { class: 'records' }, model.records.map(record), drift(model)),
      model.kind === 'risk' && (model.records.length === 0 || model.next_settling) && h('p', { class: 'hint' }, [model.records.length === 0 && t.noRecord, model.next_settling && t.next(numbers.day(model.next_settling))].filter(Boolean).join(' ')),
      versions(model), taking === model.kind && takeBack(model));
  }

  async function load(focus) {
    const { models } = await service.get('/v1/models');
    body.replaceChildren(...models.map(panel));
    if (focus) body.querySelector(`[data-k="${CSS.escape(focus)}"]`)?.focus();
  }

  await load();
  place.append(h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.heading), h('p', {}, t.lead))), body);
}
