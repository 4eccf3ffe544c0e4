// The telephone of the desktop: who calls, what may be done with the call, and what the phone system was told of it.

import { h } from './nodes.js';

export const number = (phone) => phone.replace(/^(\+49)(30|40|69|89|221|15\d|16\d|17\d)?(\d+)$/, (_, country, area = '', rest) => [country, area, rest.replace(/(\d{2,4})(?=(\d{3})+$)/, '$1 ')].filter(Boolean).join(' '));

export function queue({ t, callers, results, call, pick }) {
  const items = callers.map(({ phone, about }) => {
    const current = call?.phone === phone && call.phase !== 'over';
    const state = current ? 'current' : results[phone] ?? 'waiting';
    return h('li', {},
      h('button', { type: 'button', class: 'caller', 'data-k': `caller-${phone}`, 'aria-current': current ? 'true' : undefined, disabled: Boolean(call) && call.phase !== 'over' && !current, onclick: () => !current && pick(phone) },
        h('span', { class: 'phone' }, number(phone)), h('span', { class: `state ${state}` }, t.states[state]), h('span', { class: 'about' }, about)));
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
  const rows = Object.entries(call.told).map(([key, value]) => h('tr', { class: value ? '' : 'empty' }, h('th', { scope: 'row' }, key), h('td', {}, value || '–')));
  return h('section', { class: 'panel told', 'aria-labelledby': 'told' },
    h('div', { class: 'heading' }, h('h2', { id: 'told' }, t.told), h('span', {}, t.toldIn(call.told.answer_ms))),
    h('p', {}, t.toldHint),
    h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-labelledby': 'told' },
      h('table', {}, h('thead', { class: 'unseen' }, h('tr', {}, h('th', { scope: 'col' }, t.key), h('th', { scope: 'col' }, t.value))), h('tbody', {}, rows))));
}
