// Two records side by side, and a person who says whether they are one: by mouse or by five keys.

import { TEXTS } from './identity_texts.js';

const PROPOSALS = '/v1/identity/proposals';
const FIELDS = ['name', 'given_name', 'family_name', 'salutation', 'emails', 'phones', 'external_ids', 'accounts', 'language', 'region', 'job_title', 'owner', 'customer_since', 'known_since', 'others'];
const GIVEN = ['given_name same', 'given_name close', 'given_name initial'];
const FAMILY = ['family_name same', 'family_name close'];
const NEAR = { name: GIVEN, given_name: GIVEN, family_name: FAMILY, emails: ['email close', 'email local_part'], phones: ['phone ending'] };
const FACTS_ONLY = ['known_since', 'others']; // that these differ says nothing

export async function open(place, context) {
  const { h, service, language, numbers, busy, say, ask } = context;
  const t = TEXTS[language];
  const state = { pairs: [], at: 0, next: null, counts: { open: 0 }, done: [], merges: [], working: false };
  const count = h('p', { role: 'status' });
  const pairPlace = h('section', { class: 'pair', 'aria-labelledby': 'pair', tabindex: '-1' });
  const recentPlace = h('section', { class: 'panel', 'aria-labelledby': 'recent' });

  const written = {
    external_ids: (ids) => Object.entries(ids).map(([system, id]) => `${system} ${id}`),
    customer_since: (day) => [numbers.day(day)],
    known_since: (at) => [numbers.day(at)],
  };
  const values = (side, field) => {
    const value = side[field];
    if (value === null || value === undefined || value === '') return [];
    return written[field] ? written[field](value) : [value].flat();
  };
  const plain = (text) => text.toLowerCase().replace(/[\s.]/g, '');

  // What is not the same and yet no contradiction, as the signs say.
  const near = (pair, field) => pair.signs.some((one) => (NEAR[field] ?? []).includes(`${one.trait} ${one.how}`));

  function row(pair, field) {
    const [a, b] = [values(pair.a, field), values(pair.b, field)];
    if (!a.length && !b.length) return null;
    const both = a.filter((one) => b.some((other) => plain(one) === plain(other))).map(plain);
    const verdict = FACTS_ONLY.includes(field) ? '' : both.length ? 'agree' : !a.length || !b.length ? '' : near(pair, field) ? 'close' : 'disagree';
    const cell = (some) => h('td', { class: verdict }, some.length ? some.map((one) => h('span', { class: both.includes(plain(one)) && verdict === 'agree' && 'hit' }, one)) : h('span', { class: 'none' }, '–'));
    return h('tr', {}, h('th', { scope: 'row' }, t.fields[field], verdict && h('small', { class: verdict }, t[verdict])), cell(a), cell(b));
  }

  function sign(one) {
    const words = one.trait === 'system' ? t.twice(one.system) : t.sign[`${one.trait} ${one.how}`];
    return h('li', { class: one.points > 0 ? 'for' : 'against' }, h('span', { class: 'points' }, `${one.points > 0 ? '+' : '−'}${Math.abs(one.points)}`), h('span', {}, words));
  }

  const key = (letter, words, act, kind, off) => h('button', { type: 'button', class: kind, 'data-k': letter, disabled: off, 'aria-keyshortcuts': letter, onclick: act }, words, ' ', h('kbd', { 'aria-hidden': 'true' }, letter));

  function drawPair() {
    const pair = state.pairs[state.at];
    count.textContent = state.counts.open ? t.open(state.counts.open) : '';
    const undo = state.done.length > 0 && key('z', t.undo, takeBack, 'quiet');
    if (!pair) {
      const seen = state.pairs.length > 0 || state.counts.open > 0;
      return pairPlace.replaceChildren(h('h2', { id: 'pair', class: 'unseen' }, t.pair), h('div', { class: 'panel empty' }, h('p', {}, seen ? t.through : t.empty),
        h('div', { class: 'buttons' }, seen && h('button', { type: 'button', onclick: () => busy(begin()) }, t.start), state.at > 0 && key('k', t.before, back), undo)));
    }
    const badge = { strong: 'good', likely: 'on', possible: 'watch' }[pair.strength];
    return pairPlace.replaceChildren(
      h('div', { class: 'panel' },
        h('div', { class: 'head' }, h('h2', { id: 'pair' }, pair.a.name ?? t.unnamed, ' · ', pair.b.name ?? t.unnamed), h('span', { class: `badge ${badge}` }, t.strengths[pair.strength])),
        h('div', { class: 'wide' }, h('table', { class: 'plain compare' }, h('caption', { class: 'unseen' }, t.pair),
          h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t.field), [pair.a, pair.b].map((side, at) => h('th', { scope: 'col' }, t.sides[at], ' ', h('code', {}, side.profile))))),
          h('tbody', {}, FIELDS.map((field) => row(pair, field)))))),
      h('aside', { class: 'stack' },
        h('div', { class: 'panel' }, h('h2', { class: 'eyebrow' }, t.signs), h('ul', { class: 'signs' }, pair.signs.map(sign))),
        h('div', { class: 'panel decide' }, key('m', t.merge, () => decide('merge'), 'main'), key('n', t.refuse, () => decide('refuse')), key('j', t.later, on), key('k', t.before, back, '', state.at === 0), undo)));
  }

  function drawMerges() {
    recentPlace.replaceChildren(h('h2', { id: 'recent' }, t.recent), state.merges.length === 0 ? h('p', { class: 'hint' }, t.noRecent) : h('ul', { class: 'merges' }, state.merges.map((one) =>
      h('li', {}, h('div', {}, h('b', {}, one.name_a ?? one.a, ' · ', one.name_b ?? one.b), h('p', { class: 'hint' }, t.by(one.by.replace(/^(agent|key):/, ''), numbers.instant(one.at)), ' ', h('code', {}, `${one.a} ${one.b}`)), one.reason && h('p', { class: 'hint' }, one.reason)),
        h('button', { type: 'button', 'data-k': `split-${one.id}`, onclick: () => split(one) }, t.split)))));
  }

  async function begin() {
    const told = await service.get(PROPOSALS, { limit: 20 });
    Object.assign(state, { pairs: told.proposals, next: told.next, counts: told.counts, at: 0 });
    drawPair();
  }

  async function merges() {
    state.merges = (await service.get('/v1/identity/merges')).merges;
    drawMerges();
  }

  // Loads the next page before the last pair of this one is through.
  async function step(by) {
    state.at = Math.max(0, state.at + by);
    if (state.at >= state.pairs.length && state.next) {
      const told = await busy(service.get(PROPOSALS, { limit: 20, after: state.next }));
      if (told) Object.assign(state, { pairs: [...state.pairs, ...told.proposals], next: told.next });
    }
    state.at = Math.min(state.at, state.pairs.length);
    drawPair();
    pairPlace.focus({ preventScroll: true });
  }

  // One at a time: a second press of a key while the first is under way decides nothing.
  async function once(work) {
    if (state.working) return;
    state.working = true;
    try {
      await work();
    } finally {
      state.working = false;
    }
  }

  const decide = (what) => once(async () => {
    const pair = state.pairs[state.at];
    if (!pair) return;
    const settled = await busy(service.post(`${PROPOSALS}/${pair.id}/${what}`));
    if (!settled) return busy(begin());
    state.pairs.splice(state.at, 1);
    state.counts.open -= 1;
    state.done.push({ pair, at: state.at });
    say(t[settled.state]);
    context.count();
    await step(0);
    if (what === 'merge') busy(merges()); // who goes on need not wait for the list below
  });

  const takeBack = () => once(async () => {
    const last = state.done.at(-1);
    if (!last) return say(t.nothing);
    const settled = await busy(service.post(`${PROPOSALS}/${last.pair.id}/reopen`));
    state.done.pop();
    if (!settled) return busy(begin());
    state.pairs.splice(last.at, 0, last.pair);
    Object.assign(state, { at: last.at, counts: { ...state.counts, open: state.counts.open + 1 } });
    say(t.undone);
    context.count();
    await step(0);
    busy(merges());
  });

  async function split(one) {
    if (!(await ask({ title: t.splitTitle, text: t.splitText, confirm: t.split }))) return;
    const path = one.proposal ? `${PROPOSALS}/${one.proposal}/reopen` : '/v1/identity/split';
    if (!(await busy(service.post(path, one.proposal ? {} : { id: one.id })))) return;
    state.done = state.done.filter(({ pair }) => pair.id !== one.proposal);
    say(t.separated);
    context.count();
    await busy(Promise.all([begin(), merges()]));
    recentPlace.querySelector('button')?.focus();
  }

  const on = () => once(() => step(1));
  const back = () => once(() => step(-1));
  const acts = { m: () => decide('merge'), n: () => decide('refuse'), j: on, k: back, z: takeBack };
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest?.('input, select, textarea, dialog')) return;
    const act = acts[event.key.toLowerCase()];
    if (!act || (!state.pairs[state.at] && !['k', 'z'].includes(event.key.toLowerCase()))) return;
    event.preventDefault();
    act();
  }

  await Promise.all([begin(), merges()]);
  place.append(h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.heading), h('p', {}, t.lead)), count), pairPlace, recentPlace);
  document.addEventListener('keydown', press);
  return () => document.removeEventListener('keydown', press);
}
