// Surveys: which there are, whom the next tranche would ask and why no more, what came of it, and their switch.

import { counts, outcome, owners, sentence, strata } from './surveys_parts.js';
import { TEXTS } from './surveys_texts.js';

const BADGES = { on: 'badge on', dry: 'badge watch', off: 'badge' };

export async function open(place, context) {
  const t = TEXTS[context.language];
  const [id] = context.rest;
  if (id) return one(place, context, t, id);
  return all(place, context, t);
}

const occasion = (t, survey) => (survey.when.every ? t.every(survey.when.every) : t.delayed(t.facts[survey.when.after] ?? survey.when.after, survey.delay_hours));

async function all(place, context, t) {
  const { h, service, language, numbers } = context;
  const found = await service.get('/v1/surveys');
  const row = (survey) => h('tr', {},
    h('th', { scope: 'row' }, h('a', { href: `/console/surveys/${survey.id}` }, survey.title[language]), h('small', {}, t.metrics[survey.metric])),
    h('td', {}, occasion(t, survey)),
    h('td', {}, h('span', { class: BADGES[survey.mode] }, t.modes[survey.mode])),
    h('td', { class: 'number' }, survey.invited ? [t.of(numbers.count(survey.answered), numbers.count(survey.invited)), h('small', {}, numbers.percent(survey.response_rate))] : '–'),
    h('td', { class: 'number' }, survey.last ? [numbers.day(survey.last.day), h('small', {}, t.asked(numbers.count(survey.last.asked), numbers.count(survey.last.ready)))] : t.never));
  place.append(...[
    h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.heading), h('p', {}, t.intro))),
    found.paused && h('p', { class: 'panel warn', role: 'status' }, t.paused),
    h('section', { class: 'panel' }, found.surveys.length === 0 ? h('p', { class: 'empty' }, t.none)
      : h('div', { class: 'wide' }, h('table', { class: 'plain' }, h('caption', { class: 'unseen' }, t.heading),
        h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t.columns.survey), h('th', { scope: 'col' }, t.columns.when), h('th', { scope: 'col' }, t.columns.state),
          h('th', { scope: 'col', class: 'number' }, t.columns.answered), h('th', { scope: 'col', class: 'number' }, t.columns.last))),
        h('tbody', {}, found.surveys.map(row))))),
  ].filter(Boolean));
}

async function one(place, context, t, id) {
  const { h, service, language, numbers, choice, may, ask, busy, say } = context;
  const [detail, listed] = await Promise.all([service.get(`/v1/surveys/${encodeURIComponent(id)}`), service.get('/v1/surveys')]);
  const { survey, next, tranches, results } = detail;
  const { fatigue } = listed;

  async function turn(mode) {
    if (mode === survey.mode) return;
    const [title, text, confirm] = t.confirm[mode];
    if (!(await ask({ title, text, confirm, danger: mode === 'off' }))) return;
    const switched = await busy(service.post(`/v1/surveys/${encodeURIComponent(id)}/${mode}`));
    if (!switched) return;
    say(t.switched[mode]);
    place.replaceChildren();
    await one(place, context, t, id);
    place.querySelector(`[data-k="choice-${mode}"]`)?.focus();
  }

  const modes = ['off', 'dry', 'on'].map((mode) => [mode, t.modes[mode]]);
  const barred = Object.entries(next.barred).sort((a, b) => b[1] - a[1]).map(([reason, count]) => [t.reasons[reason] ?? reason, count]);
  place.append(...[
    h('p', { class: 'back' }, h('a', { href: '/console/surveys' }, `← ${t.all}`)),
    h('div', { class: 'top' }, h('div', {}, h('h1', {}, survey.title[language]), h('p', {}, `${t.metrics[survey.metric]}, ${occasion(t, survey)}`))),
    survey.problem && h('p', { class: 'panel warn', role: 'status' }, t.problems[survey.problem]),
    listed.paused && h('p', { class: 'panel warn', role: 'status' }, t.paused),
    h('div', { class: 'grid' },
      h('div', { class: 'stack' },
        h('section', { class: 'panel stack', 'aria-labelledby': 'next' }, h('h2', { id: 'next', class: 'eyebrow' }, survey.mode === 'on' ? t.next : t.nextOff),
          sentence(context, t, next),
          next.sizing.owners.length > 0 && owners(context, t, next.sizing),
          next.sizing.strata.length > 0 && h('div', {}, h('h3', { class: 'eyebrow' }, t.strata), h('p', { class: 'hint' }, t.strataHint), strata(context, t, next.sizing)),
          barred.length > 0 && h('div', {}, h('h3', { class: 'eyebrow' }, t.barred), h('p', { class: 'hint' }, t.barredHint), counts(context, barred))),
        h('section', { class: 'panel', 'aria-labelledby': 'results' }, h('h2', { id: 'results', class: 'eyebrow' }, t.results), outcome(context, t, results))),
      h('aside', { class: 'stack' },
        h('section', { class: 'panel rows', 'aria-labelledby': 'state' }, h('h2', { id: 'state', class: 'eyebrow' }, t.state),
          may('supervisor') ? choice(t.modeLabel, modes, survey.mode, turn) : h('span', { class: BADGES[survey.mode] }, t.modes[survey.mode]),
          survey.live_since && h('p', { class: 'hint' }, t.since(numbers.instant(survey.live_since)))),
        h('section', { class: 'panel', 'aria-labelledby': 'rules' }, h('h2', { id: 'rules', class: 'eyebrow' }, t.about),
          h('ul', { class: 'rules' }, [t.purposes[survey.purpose], t.rest(numbers.count(fatigue.rest_days)), t.silent(numbers.count(fatigue.unanswered)), t.most(numbers.count(fatigue.most), numbers.count(fatigue.most_days))].map((text) => h('li', {}, text)))),
        h('section', { class: 'panel', 'aria-labelledby': 'tranches' }, h('h2', { id: 'tranches', class: 'eyebrow' }, t.tranches),
          tranches.length === 0 ? h('p', { class: 'hint' }, t.noTranches)
            : h('dl', { class: 'pairs' }, tranches.flatMap((held) => [
              h('dt', {}, numbers.day(held.day), held.mode === 'dry' && [' ', h('span', { class: 'badge watch' }, t.modes.dry)], held.owners_without_time.length > 0 && h('small', {}, t.noTime(held.owners_without_time.join(', ')))),
              h('dd', {}, t.tranche(numbers.count(held.asked), numbers.count(held.ready)))]))))),
  ].filter(Boolean));
}
