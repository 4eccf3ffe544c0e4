// A small agent desktop to try the card with. In the example it takes the calls of made-up people; elsewhere it asks for a
// ticket and shows the card of whom one names.

import { choice, h } from './nodes.js';
import { Service } from './service.js';
import { phone, queue, told } from './stage.js';
import { TEXTS } from './texts.js';

const CALL = 'retention-desktop:call';
const service = new Service();
const page = {
  language: keep('language') ?? (navigator.language.startsWith('de') ? 'de' : 'en'),
  theme: keep('theme') ?? 'auto',
  state: 'starting', // starting, demo, sign-in, open, trouble
  callers: [],
  results: {},
  rung: {}, // the calls' numbers by their ids
  call: null, // { phone, phase: ringing | talking | over, interaction, told, since }
  whom: '',
  problem: '',
  ...recall(),
};
const card = h('retention-card', { keys: 'page' });
// The card never leaves its place: taken out of the document it would start anew.
const parts = {
  head: h('header', { class: 'head' }),
  left: h('div', { class: 'left' }),
  stage: h('div', { class: 'stage' }),
  side: h('section', { class: 'side' }, card),
};
const main = h('main', {}, parts.left, parts.stage, parts.side);

// The ticket of the example is had for the asking; elsewhere a new one has to be pasted. Until then the card waits.
const admitted = () => (card.ticket = ({ expired }) => (service.demo && expired ? service.admit() : service.ticket));
card.addEventListener('retention-card:ticket-expired', () => {
  if (!service.demo) change({ state: 'sign-in', problem: 'expired', whom: '' });
});
card.addEventListener('retention-card:outcome', ({ detail }) => {
  const number = page.rung[detail.interaction];
  if (number) change({ results: { ...page.results, [number]: detail.result } });
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.defaultPrevented || event.composedPath()[0].closest?.('button, input, textarea, a')) return;
  parts.stage.querySelector('[data-k="enter"]')?.click();
});
setInterval(() => {
  const clock = parts.stage.querySelector('.clock');
  if (clock) clock.textContent = elapsed();
}, 1000);

const act = {
  next: () => {
    finish();
    const waiting = page.callers.find(({ phone: number }) => !page.results[number]) ?? page.callers[0];
    act.pick(waiting.phone);
  },
  pick: async (number) => {
    if (page.busy) return;
    finish();
    page.busy = true;
    try {
      const { interaction, told: answer } = await service.ring(number);
      change({ call: { phone: number, phase: 'ringing', interaction, told: answer }, rung: { ...page.rung, [interaction]: number } });
    } catch {
      change({ state: 'trouble' });
    } finally {
      page.busy = false;
    }
  },
  answer: () => change({ call: { ...page.call, phase: 'talking', since: Date.now() } }),
  decline: () => change({ call: null }),
  hangUp: () => change({ call: { ...page.call, phase: 'over' } }),
};

// A call that is over without an outcome is done all the same.
function finish() {
  if (page.call?.phase === 'over') page.results[page.call.phone] ??= 'done';
  page.call = null;
}

function elapsed() {
  const seconds = Math.floor((Date.now() - (page.call?.since ?? Date.now())) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function keep(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(`retention-desktop:${name}`, value);
    return localStorage.getItem(`retention-desktop:${name}`);
  } catch {
    return null; // storage is forbidden: the choice lasts as long as the page
  }
}

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(CALL)) ?? {};
  } catch {
    return {};
  }
}

function change(some) {
  Object.assign(page, some);
  try {
    sessionStorage.setItem(CALL, JSON.stringify({ call: page.call, results: page.results, rung: page.rung }));
  } catch {
    // a reload then begins anew
  }
  draw();
}

const head = (t) => [
  h('h1', {}, 'Retention Bridge', h('span', {}, t.title)),
  service.demo && h('p', { class: 'example' }, t.example),
  h('div', { class: 'switches' },
    choice(t.language, [['de', 'DE'], ['en', 'EN']], page.language, (language) => (keep('language', language), change({ language }))),
    choice(t.theme, Object.entries(t.themes), page.theme, (theme) => (keep('theme', theme), change({ theme })))),
];

function middle(t, context) {
  if (page.state === 'trouble') return [h('section', { class: 'panel single', role: 'alert' }, h('p', {}, t.trouble), h('button', { type: 'button', class: 'key main', 'data-k': 'again', onclick: start }, t.again))];
  if (page.state === 'sign-in') return [signIn(t)];
  if (page.state === 'open') return [whom(t)];
  return page.state === 'demo' ? [phone(context), told(context)] : [];
}

function form(label, name, button, take, problem) {
  const field = h('input', { type: 'text', id: name, name, required: true, autocomplete: 'off', spellcheck: 'false', 'data-k': name });
  const send = (event) => {
    event.preventDefault();
    take(field.value.trim());
  };
  return h('form', { onsubmit: send }, problem && h('p', { class: 'problem', role: 'alert' }, problem), h('label', { for: name }, label),
    h('div', { class: 'row' }, field, h('button', { class: 'key main' }, button)));
}

const signIn = (t) =>
  h('section', { class: 'panel single' }, h('h2', {}, t.signIn), h('p', {}, t.signInText),
    form(t.ticket, 'ticket', t.open, (text) => {
      service.ticket = text;
      admitted();
      change({ state: 'open', problem: '' });
    }, page.problem && t[page.problem]));

const whom = (t) => h('section', { class: 'panel' }, form(t.whom, 'whom', t.show, (text) => change({ whom: text })));

function address() {
  if (page.state === 'open') return /^[+\d][\d\s()/.-]{4,}$/.test(page.whom) ? { phone: page.whom } : { interaction: page.whom };
  return { interaction: page.call && page.call.phase !== 'ringing' ? page.call.interaction : '' };
}

function set(node, name, value) {
  if (!value) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

function draw() {
  const { language, theme } = page;
  const t = TEXTS[language];
  const root = document.documentElement;
  root.lang = language;
  set(root, 'data-theme', theme === 'auto' ? '' : theme);
  set(card, 'lang', language);
  set(card, 'theme', theme === 'auto' ? '' : theme);
  const wanted = { phone: '', interaction: '', ...address() };
  for (const [name, value] of Object.entries(wanted)) set(card, name, value);
  const left = page.callers.filter(({ phone: number }) => !page.results[number]).length;
  const context = { t, language, call: page.call, callers: page.callers, results: page.results, left, act, pick: act.pick, elapsed };
  main.className = page.state;
  set(parts.side, 'aria-label', t.card);
  const focused = document.activeElement?.dataset?.k;
  parts.head.replaceChildren(...head(t).filter(Boolean));
  parts.left.replaceChildren(...(page.state === 'demo' ? [queue(context)] : []));
  parts.stage.replaceChildren(...middle(t, context));
  if (focused) document.querySelector(`[data-k="${CSS.escape(focused)}"]`)?.focus();
}

async function start() {
  draw();
  try {
    if (!(await service.admit())) return change({ state: 'sign-in' });
    admitted();
    return change({ callers: await service.callers(), state: 'demo' });
  } catch {
    return change({ state: 'trouble' });
  }
}

document.body.append(parts.head, main);
start();
