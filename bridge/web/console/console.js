// The frame of the console: who is signed in, which page is open, and what all pages share.

import { choice, h, s } from '../reports/nodes.js';
import { Numbers } from '../reports/numbers.js';
import { Says, ask } from './dialog.js';
import { Service } from './service.js';
import { TEXTS } from './texts.js';

const FILES = JSON.parse(document.getElementById('pages').textContent);
const PAGES = [
  ['today', 'viewer'], ['loops', 'viewer'], ['automations', 'viewer'], ['scripts', 'supervisor'], ['surveys', 'viewer'], ['metrics', 'viewer'],
  ['identity', 'supervisor'], ['sources', 'supervisor'], ['letters', 'supervisor'], ['models', 'supervisor'],
];
const COUNTS_MS = 60_000;
const frame = {
  language: keep('language') ?? (navigator.language.startsWith('de') ? 'de' : 'en'),
  theme: keep('theme') ?? 'auto',
  session: null,
  state: 'loading', // loading, sign-in, open, trouble
  notice: '',
  counts: {},
};
const t = () => TEXTS[frame.language];
const says = new Says(t);
const service = new Service(() => frame.session && change({ session: null, state: 'sign-in', notice: t().ended }));
const side = h('aside', { class: 'side' });
const main = h('main', { id: 'main', tabindex: '-1' });
let leave = null; // what the open page wants to hear when it is left
let guard = null; // says whether something would be lost
let opened = 0;
let shown = location.pathname; // the address whose page is open
const wide = window.matchMedia('(min-width: 900px)');

function keep(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(`retention-console:${name}`, value);
    return localStorage.getItem(`retention-console:${name}`);
  } catch {
    return null; // storage is forbidden: the choice lasts as long as the page
  }
}

function change(some) {
  Object.assign(frame, some);
  draw();
  show();
}

const may = (scope) => frame.session?.scopes.includes(scope) ?? false;
const opens = (page) => PAGES.some(([name, scope]) => name === page && may(scope));

// Which page the address names, and the parts behind it.
function where() {
  const [, , page = 'today', ...rest] = location.pathname.split('/');
  return { page: Object.hasOwn(FILES, page) ? page : 'today', rest: rest.filter(Boolean).map(plain) };
}

function plain(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone % in an address that somebody typed
  }
}

// Whether the open page may be left: true at once where nothing would be lost.
async function leaving() {
  if (guard?.() && !(await ask({ title: t().leave, text: t().leaveText, confirm: t().leaveYes, danger: true }, t()))) return false;
  guard = null;
  return true;
}

// The open page goes by another address from now on.
function moved(path, { replace = true } = {}) {
  if (replace) history.replaceState(null, '', path);
  else history.pushState(null, '', path);
  shown = location.pathname;
}

async function go(path, { replace = false } = {}) {
  if (!(await leaving())) return;
  moved(path, { replace });
  if (!wide.matches && side.querySelector('details')) side.querySelector('details').open = false;
  draw();
  await show();
  main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

// Links inside the console change the page without loading it anew.
document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[href^="/console"]');
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.target) return;
  event.preventDefault();
  go(link.getAttribute('href'));
});
window.addEventListener('popstate', async () => {
  const wanted = location.pathname;
  if (wanted === shown) return; // a place within the page
  if (guard?.()) {
    history.pushState(null, '', shown); // until it is clear that it may be left
    if (!(await leaving())) return;
    moved(wanted);
  }
  guard = null;
  shown = wanted;
  draw();
  show();
});
wide.addEventListener('change', () => draw(wide.matches));
window.addEventListener('beforeunload', (event) => guard?.() && event.preventDefault());

function explain(problem) {
  if (problem.status === 0 || problem.status === 503) return t().trouble;
  if (problem.status === 403) return t().forbidden;
  if (frame.language === 'en' && problem.text) return problem.text; // the gateway says it in English, and more exactly
  if (problem.status === 404 || problem.status === 409) return t().outdated;
  return problem.status === 400 && problem.text ? `${t().wrong} ${problem.text}` : t().failed;
}

async function show() {
  const mine = ++opened;
  leave?.();
  leave = null;
  if (frame.state !== 'open') return main.replaceChildren(...views[frame.state]());
  const { page, rest } = where();
  main.replaceChildren(h('p', { class: 'loading', role: 'status' }, t().loading));
  main.removeAttribute('aria-busy');
  const place = h('div', { class: `page ${page}` });
  const context = {
    h, s, service, language: frame.language, t: t(), numbers: new Numbers(frame.language, frame.session.currency), role: frame.session.role, session: frame.session,
    may, opens, rest, go, choice, moved: (path) => mine === opened && moved(path), say: (text, kind) => says.say(text, kind), ask: (question) => ask(question, t()), explain, count,
    guard: (lost) => mine === opened && (guard = lost),
    // Shows that something is under way, and says what went wrong; answers undefined then.
    busy: async (promise) => {
      main.setAttribute('aria-busy', 'true');
      try {
        return await promise;
      } catch (problem) {
        if (problem.name !== 'AbortError' && problem.status !== 401) says.say(explain(problem), 'bad');
        return undefined;
      } finally {
        main.removeAttribute('aria-busy');
      }
    },
  };
  try {
    const { open } = await import(FILES[page]);
    const left = await open(place, context);
    if (mine !== opened) return left?.();
    leave = left;
    main.replaceChildren(place);
  } catch (problem) {
    if (mine !== opened || problem.status === 401) return;
    const text = problem.status === undefined ? t().failed : problem.status === 404 ? t().gone : explain(problem);
    if (problem.status === undefined) console.error(problem);
    const useless = problem.status === 403 || problem.status === 404; // it will not be otherwise the next time
    main.replaceChildren(h('section', { class: 'panel single', role: 'alert' }, h('p', {}, text),
      useless ? h('a', { href: problem.status === 404 ? `/console/${page}` : '/console' }, t().pages[problem.status === 404 ? page : 'today']) : h('button', { type: 'button', class: 'main', onclick: show }, t().again)));
  }
}

// What waits on each page, beside its name.
async function count() {
  if (!frame.session) return;
  try {
    frame.counts = (await service.get('/v1/today')).counts;
    draw();
  } catch {
    // the next time; the pages themselves say what is wrong
  }
}

async function signIn(how) {
  try {
    frame.session = await service.signIn(how);
    change({ state: 'open', notice: '' });
    count();
  } catch (problem) {
    const refused = [0, 503].includes(problem.status) ? t().trouble : problem.status === 409 ? t().noSecret : how.link ? t().linkUsed : problem.status === 401 ? t().refused : explain(problem);
    change({ state: 'sign-in', notice: refused });
    document.getElementById('key')?.focus();
  }
}

async function signOut() {
  if (!(await leaving())) return;
  await service.signOut().catch(() => {});
  change({ session: null, state: 'sign-in', notice: '' });
}

const views = {
  loading: () => [h('p', { class: 'loading', role: 'status' }, t().loading)],
  trouble: () => [h('section', { class: 'panel single', role: 'alert' }, h('p', {}, t().trouble), h('button', { type: 'button', class: 'main', onclick: start }, t().again))],
  'sign-in': () => {
    const field = h('input', { id: 'key', type: 'password', required: true, autocomplete: 'off', spellcheck: 'false' });
    const send = (event) => (event.preventDefault(), signIn({ key: field.value.trim() }));
    return [h('section', { class: 'panel single' }, h('h1', {}, t().signIn), h('p', {}, t().signInText),
      h('form', { onsubmit: send }, frame.notice && h('p', { class: 'problem', role: 'alert' }, frame.notice), h('label', { for: 'key' }, t().key),
        h('div', { class: 'row' }, field, h('button', { class: 'main' }, t().signIn))))];
  },
};

function navigation() {
  const { page } = where();
  return h('nav', { 'aria-label': t().nav }, PAGES.filter(([, scope]) => may(scope)).map(([name]) => {
    const waiting = frame.counts[name] ?? 0;
    return h('a', { href: name === 'scripts' ? '/reports/uplift' : `/console/${name}`, 'aria-current': name === page && 'page', 'data-k': `nav-${name}` },
      h('span', {}, t().pages[name]), waiting > 0 && [h('em', { 'aria-hidden': 'true' }, String(waiting)), h('span', { class: 'unseen' }, `, ${t().waiting(waiting)}`)]);
  }));
}

function foot() {
  const { session } = frame;
  const role = session?.demo
    ? h('div', { class: 'roles' }, choice(t().role, Object.entries(t().roles).filter(([name]) => session.roles.includes(name)), session.role, async (chosen) => (await leaving()) && signIn({ role: chosen })))
    : session && h('p', { class: 'who' }, h('b', {}, session.name), h('span', {}, t().roles[session.role]));
  return h('div', { class: 'foot' },
    session?.demo && h('p', { class: 'example' }, t().example), role,
    choice(t().language, [['de', 'DE'], ['en', 'EN']], frame.language, async (chosen) => (await leaving()) && (keep('language', chosen), change({ language: chosen }))),
    choice(t().theme, Object.entries(t().themes), frame.theme, (chosen) => (keep('theme', chosen), Object.assign(frame, { theme: chosen }), draw())),
    session && !session.demo && h('button', { type: 'button', class: 'quiet', onclick: signOut }, t().signOut));
}

function draw(open = side.querySelector('details')?.open ?? wide.matches) {
  const root = document.documentElement;
  root.lang = frame.language;
  if (frame.theme === 'auto') root.removeAttribute('data-theme');
  else root.setAttribute('data-theme', frame.theme);
  document.title = `${frame.state === 'open' ? t().pages[where().page] : t().signIn} – Retention Bridge`;
  const focused = document.activeElement?.dataset?.k;
  side.replaceChildren(
    h('a', { class: 'brand', href: '/console' }, 'Retention Bridge'),
    h('details', { class: 'menu', open: open || wide.matches },
      h('summary', {}, t().menu), frame.session && navigation(), foot()));
  if (focused) side.querySelector(`[data-k="${CSS.escape(focused)}"]`)?.focus();
}

async function start() {
  draw();
  const link = new URLSearchParams(location.hash.slice(1)).get('in');
  if (link) {
    history.replaceState(null, '', location.pathname); // it is good once, and belongs into no history
    return signIn({ link });
  }
  try {
    const session = await service.session();
    if (session) {
      frame.session = session;
      change({ state: 'open' });
      return count();
    }
  } catch {
    return change({ state: 'trouble' });
  }
  try {
    frame.session = await service.signIn({}); // in demo mode nobody has to say who they are
    change({ state: 'open' });
    return count();
  } catch {
    return change({ state: 'sign-in' });
  }
}

document.body.append(h('a', { class: 'skip', href: '#main' }, t().skip), side, main, says.node);
setInterval(count, COUNTS_MS);
start();
