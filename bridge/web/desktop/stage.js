// The telephone of the desktop: who calls, what may be done with the call, and what the phone system was told of it.

import { h } from './nodes.js';

// +49 30 23125 101
export function number(phone) {
  const [, country, area, rest] = /^(\+49)(30|40|69|89|221|1[5-7]\d)(\d{4,})$/.exec(phone) ?? [];
  return country ? [country, area, rest.slice(0, -3), rest.slice(-3)].join('\u00a0') : phone;
}

export function queue({ t, language, callers, results, call, pick }) {
  const items = callers.map(({ phone, about }) => {
    const current = call?.phone === phone && call.phase !== 'over';
    const state = current ? 'current' : results[phone] ?? 'waiting';
    return h('li', {},
      h('button', { type: 'button', class: 'caller', 'data-k': `caller-${phone}`, 'aria-current': current ? 'true' : undefined, disabled: Boolean(call) && call.phase !== 'over' && !current, onclick: () => !current && pick(phone) },
        h('span', { class: 'phone' }, number(phone)), h('span', { class: `state ${state}` }, t.states[state]), h('span', { class: 'about' }, about[language] ?? about.en)));
  });
  return h('nav', { class: 'panel queue', 'aria-labelledby': 'calls' }, h('h2', { id: 'calls' }, t.calls), h('ul', {}, items));
}

export function phone({ t, call, left, act, elapsed }) {
  const button = (text, name, kind, does) => h('button', { type: 'button', class: `key ${kind}`, 'data-k': name, onclick: does }, text);
  let inside;
  if (!call || call.phase === 'over') {
    const [title, text] = call ? [t.over, t.overText] : left ? [t.ready, t.readyText] : [t.allDone, t.allDoneText];
    inside = [h('h2', { class: 'big' }, title), h('p', {}, text), left > 0 && h('div', { class: 'buttons' }, button(t.next, 'enter', 'main', act.next))];
  } else if (call.phase === 'ringing') {
    inside = [h('div', { class: 'ring', 'aria-hidden': 'true' }, h('i')), h('p', { class: 'over' }, t.ringing), h('h2', { class: 'big' }, number(call.phone)),
      h('div', { class: 'buttons' }, button(t.answer, 'enter', 'main go', act.answer), button(t.decline, 'decline', '', act.decline))];
  } else {
    inside = [h('p', { class: 'over' }, h('i', { class: 'live', 'aria-hidden': 'true' }), t.talking, h('time', { class: 'clock', role: 'timer' }, elapsed())), h('h2', { class: 'big' }, number(call.phone)),
      h('div', { class: 'buttons' }, button(t.hangUp, 'enter', 'stop', act.hangUp))];
  }
  return h('section', { class: `panel phone ${call?.phase ?? 'idle'}`, 'aria-live': 'polite', 'aria-label': t.call }, inside);
}

export function told({ t, call }) {
  if (!call?.told) return h('section', { class: 'panel keys', 'aria-labelledby': 'keys' }, h('h2', { id: 'keys' }, t.keys), h('dl', {}, t.keysText.map(([key, does]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, does)])));
  const all = Object.entries(call.told);
  const hidden = all.filter(([, value]) => !value).map(([key]) => key);
  const rows = all.filter(([, value]) => value).map(([key, value]) => h('tr', {}, h('th', { scope: 'row' }, key), h('td', {}, value)));
  return h('section', { class: 'panel told', 'aria-labelledby': 'told' },
    h('div', { class: 'heading' }, h('h2', { id: 'told' }, t.told), h('span', {}, t.toldIn(call.told.answer_ms))),
    h('p', {}, t.toldHint),
    h('table', {}, h('thead', { class: 'unseen' }, h('tr', {}, h('th', { scope: 'col' }, t.key), h('th', { scope: 'col' }, t.value))), h('tbody', {}, rows)),
    hidden.length > 0 && h('p', { class: 'hidden' }, `${t.toldNot}: `, hidden.flatMap((key) => [h('code', {}, key), ' '])));
}
