// What was left lying: messages whose fate nobody knows, messages that did not arrive, deliveries that nobody could read.

import { TEXTS } from './letters_texts.js';

export async function open(place, context) {
  const { h, service, language, numbers, may, busy, say, ask, choice } = context;
  const t = TEXTS[language];
  const state = { uncertain: null, dead: null, kinds: [], which: 'dead', opened: null, letters: null, giving: null, shown: {}, working: false };
  const body = h('div', { class: 'stack' });
  const summary = h('p', { role: 'status' });

  const same = (a, b) => a && b && a.source === b.source && a.object === b.object && a.reason === b.reason;
  const button = (key, words, act, kind) => h('button', { type: 'button', class: kind, 'data-k': key, onclick: act }, words);

  async function load() {
    const [uncertain, dead, { kinds }] = await Promise.all([
      service.get('/v1/outbox', { state: 'uncertain' }), service.get('/v1/outbox', { state: 'dead' }), service.get('/v1/dead-letters/kinds', { state: state.which }),
    ]);
    Object.assign(state, { uncertain, dead, kinds });
    if (!kinds.some((one) => same(one, state.opened))) Object.assign(state, { opened: null, letters: null });
    if (!kinds.some((one) => same(one, state.giving))) state.giving = null;
    draw();
  }

  // Does something, says so, and shows what is left; what was pressed keeps the focus, or its list gets it.
  async function act(send, words) {
    if (state.working) return; // a double click is one click
    state.working = true;
    const answer = await busy(send());
    state.working = false;
    if (answer === undefined) return;
    await busy(load());
    say(words(answer));
    context.count();
  }

  async function settle(one, done) {
    if (!done && !(await ask({ title: t.sent.noTitle, text: t.sent.noText, confirm: t.sent.no }))) return;
    await act(() => service.post(`/v1/outbox/${one.id}/settle`, { was_done: done }), () => (done ? t.sent.yesDone : t.sent.noDone));
  }

  async function retryAll(source) {
    if (!(await ask({ title: t.failed.all(source), text: t.failed.allText, confirm: t.failed.retry }))) return;
    await act(() => service.post('/v1/outbox/retry', { source }), (answer) => t.failed.allRetried(answer.retried));
  }

  // One button for each source at which several failed: mend it once, have all of them done.
  function together() {
    const counts = new Map();
    for (const { source } of state.dead.actions) counts.set(source, (counts.get(source) ?? 0) + 1);
    const several = [...counts.keys()].filter((source) => counts.get(source) > 1);
    return may('supervisor') && several.length > 0 && h('div', { class: 'buttons' }, several.map((source) => button(`retry-all-${source}`, t.failed.all(source), () => retryAll(source))));
  }

  function action(one, buttons) {
    return h('li', { class: 'panel letter' },
      h('div', {}, h('b', {}, t.actions[one.action] ?? one.action, ' ', h('span', { class: 'over' }, t.over(one.source))),
        h('p', { class: 'hint' }, [numbers.instant(one.since ?? one.created_at), t.attempts(one.attempts), one.automation && t.by(one.automation), one.reference && t.reference(one.reference)].filter(Boolean).join(' · '),
          one.customer && [' · ', t.customer, ' ', h('code', {}, one.customer)]),
        one.why && h('p', { class: 'said' }, h('code', {}, one.why)), one.asked && h('p', { class: 'hint' }, t.sent.asked)),
      may('supervisor') && h('div', { class: 'buttons' }, buttons));
  }

  function actions(name, words, page, row, above) {
    return h('section', { 'aria-labelledby': name }, h('h2', { id: name, tabindex: '-1' }, words.heading, page[name] > 0 && h('span', { class: 'badge bad' }, numbers.count(page[name]))),
      h('p', { class: 'hint' }, page.actions.length ? words.hint : words.empty), above,
      page.actions.length > 0 && h('ul', { class: 'stack tight' }, page.actions.map(row)),
      page.next && button(`more-${name}`, t.more, () => busy(more(name)), 'quiet'));
  }

  async function more(name) {
    const next = await service.get('/v1/outbox', { state: name, after: state[name].next });
    state[name] = { ...next, actions: [...state[name].actions, ...next.actions] };
    draw();
  }

  const find = (kind) => ({ source: kind.source, object: kind.object, reason: kind.reason, state: state.which });

  async function look(kind) {
    if (same(kind, state.opened)) Object.assign(state, { opened: null, letters: null });
    else {
      const letters = await busy(service.get('/v1/dead-letters', { ...find(kind), limit: 20 }));
      if (!letters) return;
      Object.assign(state, { opened: kind, letters, shown: {} });
    }
    draw();
  }

  async function moreLetters() {
    const next = await service.get('/v1/dead-letters', { ...find(state.opened), limit: 20, after: state.letters.next });
    state.letters = { ...next, dead_letters: [...state.letters.dead_letters, ...next.dead_letters] };
    draw();
  }

  async function reveal(one) {
    const told = await busy(service.get(`/v1/dead-letters/${one.id}`));
    if (!told) return;
    state.shown[one.id] = JSON.stringify(told.raw, null, 2);
    draw(`shown-${one.id}`);
  }

  // Asks why in place; `path` and `given` say what is given up.
  function giveUp(key, path, given) {
    const field = h('input', { id: 'because', required: true, minlength: 3, maxlength: 500, autocomplete: 'off', 'data-k': 'because' });
    const send = (event) => {
      event.preventDefault();
      act(() => service.post(path, { ...given, because: field.value.trim() }), (answer) => t.read.given(answer.discarded));
    };
    const leave = () => (state.giving = null, draw(key));
    return h('form', { class: 'why', onsubmit: send, onkeydown: (event) => event.key === 'Escape' && leave() }, h('label', { for: 'because' }, t.read.because),
      h('div', { class: 'row' }, field, h('button', { class: 'danger' }, t.read.confirm), button('leave', t.read.cancel, leave)));
  }

  function letter(one) {
    return h('li', {}, h('div', { class: 'row' }, h('b', {}, t.read.number(one.id)), h('span', {}, numbers.instant(one.received_at)), one.place && h('span', {}, `${t.read.place}: ${one.place}`),
      h('span', { class: 'buttons' },
        may('admin') && state.shown[one.id] === undefined && button(`raw-${one.id}`, t.read.raw, () => reveal(one), 'quiet'),
        may('admin') && button(`replay-${one.id}`, t.read.replay, () => act(() => service.post(`/v1/dead-letters/${one.id}/replay`), (answer) => t.read.replayed(answer.replayed)), 'quiet'))),
    one.note && h('p', { class: 'hint' }, t.read.note, ' ', one.note),
    state.shown[one.id] !== undefined && h('pre', { tabindex: '0', 'data-k': `shown-${one.id}` }, state.shown[one.id]));
  }

  function kindOf(kind, at) {
    const { meaning } = kind;
    const [what, todo] = t.read.troubles[meaning.trouble] ?? t.read.troubles.other;
    const opened = same(kind, state.opened);
    const days = [kind.oldest, kind.newest].map((one) => numbers.day(one));
    return h('li', { class: 'panel kind' },
      h('div', { class: 'letter' },
        h('div', {}, h('b', {}, what), h('p', {}, `${kind.source} · ${kind.object || '–'} · ${t.read.count(kind.count)} · ${t.read.span(...days)}`),
          meaning.path && h('p', {}, `${t.read.path}: `, h('code', {}, meaning.path)), h('p', { class: 'said' }, `${t.read.reason}: `, h('code', {}, meaning.path ? meaning.what : kind.reason || '–')),
          state.which === 'dead' && h('p', { class: 'todo' }, todo(meaning.vendor))),
        h('div', { class: 'buttons' },
          button(`look-${at}`, opened ? t.read.hide : t.read.show, () => look(kind)),
          may('admin') && button(`all-${at}`, kind.count === 1 ? t.read.replay : t.read.replayAll, () => act(() => service.post('/v1/dead-letters/replay', find(kind)), (answer) => t.read.replayed(answer.replayed)), 'main'),
          may('admin') && state.which === 'dead' && button(`give-${at}`, t.read.giveUp, () => (state.giving = kind, draw('because')), 'danger'))),
      same(kind, state.giving) && giveUp(`give-${at}`, '/v1/dead-letters/discard', { source: kind.source, object: kind.object, reason: kind.reason }),
      opened && h('div', { class: 'inside' }, h('p', { class: 'hint' }, may('admin') ? t.read.rawHint : t.read.rawOnly), h('ul', {}, state.letters.dead_letters.map(letter)),
        state.letters.next && button('more-letters', t.more, () => busy(moreLetters()), 'quiet')));
  }

  function unreadable() {
    const switched = (which) => (Object.assign(state, { which, opened: null, letters: null, giving: null }), busy(load()));
    return h('section', { 'aria-labelledby': 'unread' }, h('div', { class: 'top' }, h('h2', { id: 'unread', tabindex: '-1' }, t.read.heading), choice(t.read.which, Object.entries(t.read.states), state.which, switched)),
      h('p', { class: 'hint' }, state.kinds.length ? t.read.hint : state.which === 'dead' ? t.read.empty : t.read.emptyGiven),
      state.kinds.length > 0 && h('ul', { class: 'stack tight' }, state.kinds.map(kindOf)));
  }

  function draw(focus) {
    const before = focus ?? (body.contains(document.activeElement) ? document.activeElement.dataset.k : undefined);
    const waiting = state.uncertain.uncertain + state.dead.dead + (state.which === 'dead' ? state.kinds.reduce((sum, one) => sum + one.count, 0) : 0);
    summary.textContent = waiting ? t.summary(waiting) : state.which === 'dead' ? t.clear : '';
    body.replaceChildren(
      actions('uncertain', t.sent, state.uncertain, (one) => action(one, [button(`yes-${one.id}`, t.sent.yes, () => settle(one, true)), button(`no-${one.id}`, t.sent.no, () => settle(one, false))])),
      actions('dead', t.failed, state.dead, (one) => action(one, [button(`retry-${one.id}`, t.failed.retry, () => act(() => service.post(`/v1/outbox/${one.id}/retry`), () => t.failed.retried))]), together()),
      unreadable());
    if (before === undefined) return;
    const heading = /^(yes|no)-/.test(before) ? '#uncertain' : before.startsWith('retry-') ? '#dead' : '#unread';
    (body.querySelector(`[data-k="${CSS.escape(before)}"]`) ?? body.querySelector(heading))?.focus();
  }

  await load();
  place.append(h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.heading), summary)), body);
}
