// The board of loops: what is due first comes first. A card opens its loop; what can be done about it is there.

import { askFor } from './loops_forms.js';
import { lessonsPanel } from './loops_lessons.js';
import { TEXTS } from './loops_texts.js';

const COLUMNS = ['overdue', 'today', 'later', 'waiting', 'closed'];
const MOST = 200;

export async function open(place, context) {
  const t = TEXTS[context.language];
  const [first] = context.rest;
  if (first === 'lessons') return lessonsPanel(place, context, t);
  if (first) return detail(place, context, t, first);
  return board(place, context, t);
}

const columnOf = (loop) =>
  loop.state === 'closed' ? 'closed' : loop.state === 'waiting' ? 'waiting' : loop.overdue ? 'overdue' : loop.today ? 'today' : 'later';

// In words how much time is left, or how late it is.
function dueText(t, loop, now) {
  const minutes = Math.round((new Date(loop.due) - new Date(now)) / 60_000);
  return minutes < 0 ? t.late(t.span(-minutes)) : t.left(t.span(minutes));
}

// A queue by its title, a person by name.
const titles = (owners, language) => {
  const known = Object.fromEntries(owners.map((one) => [one.owner, one.title[language] ?? one.owner]));
  return (owner) => known[owner] ?? owner;
};

async function board(place, context, t) {
  const { h, service, language, numbers, may, go } = context;
  const personal = may('agent') || may('supervisor');
  const [going, closed] = await Promise.all([
    service.get('/v1/loops', { state: 'going', limit: MOST }),
    service.get('/v1/loops', { state: 'closed', limit: 50 }),
  ]);
  const nameOf = titles(going.owners, language);
  const all = [...going.loops, ...closed.loops.slice().sort((a, b) => b.closed_at.localeCompare(a.closed_at))];
  let owner = '';

  const card = (loop) => h('li', {},
    h('a', { class: `loop ${columnOf(loop)}`, href: `/console/loops/${loop.id}`, 'data-loop': loop.id, tabindex: '-1' },
      h('span', { class: 'what' }, loop.title[language]),
      h('b', {}, loop.name || t.unnamed),
      h('span', { class: 'when' },
        loop.due && [h('span', { class: `badge ${loop.overdue ? 'bad' : loop.today ? 'watch' : ''}` }, dueText(t, loop, going.now)), ' ', h('span', { class: 'clock' }, t.clocks[loop.clock])],
        loop.state === 'waiting' && t.until(numbers.instant(loop.waits_until)), loop.state === 'closed' && t.closedAt(numbers.instant(loop.closed_at))),
      h('span', { class: 'who' }, nameOf(loop.owner), loop.answers > 1 && h('span', { class: 'badge' }, t.answers(loop.answers)), loop.round > 1 && h('span', { class: 'badge' }, t.again(loop.round)))));

  const columns = h('div', { class: 'board' });
  const draw = () => {
    const shown = all.filter((loop) => !owner || loop.owner === owner);
    columns.replaceChildren(...COLUMNS.map((name) => {
      const here = shown.filter((loop) => columnOf(loop) === name);
      return h('section', { class: `column ${name}`, 'aria-labelledby': `column-${name}` },
        h('h2', { id: `column-${name}` }, t.columns[name], h('em', {}, String(here.length))),
        here.length ? h('ul', {}, here.map(card)) : h('p', { class: 'nothing' }, t.none[name]));
    }));
    columns.querySelector('a.loop')?.setAttribute('tabindex', '0');
  };
  columns.addEventListener('keydown', (event) => move(event, columns));

  const figure = (name) => h('div', { class: 'figure' }, h('b', { class: `big ${name}` }, numbers.count(going.counts[name])), h('span', {}, t.figures[name]));
  const owners = going.owners.filter((one) => one.open);
  const choose = owners.length > 1 && h('label', { class: 'owners' }, t.owner, ' ',
    h('select', { onchange: (event) => ((owner = event.target.value), draw()) },
      h('option', { value: '' }, t.everybody),
      owners.map((one) => h('option', { value: one.owner }, `${nameOf(one.owner)} (${one.open}, ${t.free(one.free)})`))));
  place.append(
    h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.heading), h('p', {}, t.intro)),
      personal && h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: () => go('/console/loops/lessons') }, t.learnt.open))),
    h('div', { class: 'figures panel' }, ['overdue', 'open', 'waiting', 'closed'].map(figure)),
    !personal ? h('p', { class: 'hint' }, t.figuresOnly)
      : h('div', { class: 'under' }, choose, h('p', { class: `hint ${all.length ? 'keys' : ''}` }, all.length ? t.hint : t.empty), going.next && h('p', { class: 'hint' }, t.more(MOST))));
  if (personal) {
    place.append(columns);
    draw();
  }
}

// Arrow keys go from card to card: up and down within a column, left and right to the next column that has one.
function move(event, columns) {
  const card = event.target.closest('a.loop');
  const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
  if (!card || !step) return;
  event.preventDefault();
  const grid = [...columns.querySelectorAll('.column')].map((column) => [...column.querySelectorAll('a.loop')]);
  let x = grid.findIndex((cards) => cards.includes(card));
  const y = grid[x].indexOf(card);
  if (step[1]) return focus(grid[x][y + step[1]], card);
  for (x += step[0]; grid[x]; x += step[0]) {
    if (grid[x].length) return focus(grid[x][Math.min(y, grid[x].length - 1)], card);
  }
}

function focus(card, before) {
  if (!card) return;
  before.setAttribute('tabindex', '-1');
  card.setAttribute('tabindex', '0');
  card.focus();
}

async function detail(place, context, t, id) {
  const { h, service, language, numbers, busy, say, go } = context;
  const [shown, board] = await Promise.all([service.get(`/v1/loops/${encodeURIComponent(id)}`), service.get('/v1/loops', { state: 'going', limit: 1 })]);
  const nameOf = titles(board.owners, language);
  const causes = Object.fromEntries(board.causes.map((one) => [one.code, one.title[language]]));
  const causeOf = (code) => causes[code] ?? (code || t.unknown);
  let found = shown;
  let working = false;

  // Whether it was done; a second click while the first is under way does nothing.
  const act = async (name, body, done) => {
    if (working) return true;
    working = true;
    const answer = await busy(service.post(`/v1/loops/${encodeURIComponent(id)}/${name}`, body));
    working = false;
    if (!answer) return false;
    found = answer;
    say(done);
    context.count();
    draw();
    place.querySelector('h1')?.focus();
    return true;
  };
  const dialogs = () => askFor(context, t, { found, causes: board.causes, nameOf, owners: found.owners, act });

  const line = (event) => {
    const said = t.events[event.kind];
    const text = typeof said === 'function' ? said(event.data, nameOf, causeOf) : said;
    return h('li', { class: `event ${event.kind}` }, h('span', { class: 'at' }, numbers.instant(event.at)),
      h('div', {}, h('b', {}, text), t.whys[event.data.why] && h('span', {}, ` ${t.whys[event.data.why]}`),
        event.text && h('p', {}, event.text),
        h('small', {}, event.by === 'bridge' ? t.bridge : event.by.replace(/^(agent|key):/, ''), event.record && ` · ${t.evidence}: ${event.record}`)));
  };
  const pair = (label, value) => value && [h('dt', {}, label), h('dd', {}, value)];

  function draw() {
    const { loop } = found;
    const forms = dialogs();
    const button = (name, kind = '') => h('button', { type: 'button', class: kind, 'data-act': name, onclick: forms[name] }, t.acts[name]);
    const going = loop.state !== 'closed';
    place.replaceChildren(
      h('p', { class: 'back' }, h('a', { href: '/console/loops' }, `← ${t.back}`)),
      h('div', { class: 'top' },
        h('div', {}, h('h1', { tabindex: '-1' }, loop.name || t.unnamed), h('p', {}, loop.title[language])),
        h('div', { class: 'buttons' },
          going && [button('reply', 'main'), loop.state === 'waiting' ? button('resume') : button('snooze'), button('assign'), button('note'), button('close')],
          !going && [button('reopen'), button('note')])),
      h('div', { class: 'grid' },
        h('div', { class: 'stack' },
          h('section', { class: 'panel' }, h('h2', {}, t.said),
            found.said.length ? found.said.map((one) => h('blockquote', { class: 'quote' },
              h('p', {}, one.text || (one.score === null ? t.nothingSaid : t.score(one.score, one.scale))),
              h('footer', {}, [one.text && one.score !== null && t.score(one.score, one.scale), numbers.instant(one.at), one.open !== null && (one.open ? t.ticketOpen : t.ticketDone), one.record].filter(Boolean).join(' · '))))
              : h('p', { class: 'hint' }, t.nothingSaid)),
          h('section', { class: 'panel' }, h('h2', {}, t.history), h('ol', { class: 'history' }, found.history.slice().reverse().map(line)))),
        h('aside', { class: 'stack' },
          h('section', { class: 'panel' },
            loop.due && h('p', { class: `big ${loop.overdue ? 'overdue' : ''}` }, dueText(t, loop, new Date().toISOString())),
            loop.due && h('p', { class: 'hint' }, t.clocks[loop.clock]),
            h('dl', { class: 'pairs facts' },
              pair(t.owner, nameOf(loop.owner)), pair(t.opened, numbers.instant(loop.opened_at)),
              pair(t.clocks.reply, loop.replied_at ? `✓ ${numbers.instant(loop.replied_at)}` : found.reply_due && numbers.instant(found.reply_due)),
              pair(t.clocks.resolution, found.resolve_due && numbers.instant(found.resolve_due)),
              pair(t.waits, loop.waits_until && numbers.instant(loop.waits_until)),
              pair(t.cause, causeOf(loop.cause)), pair(t.done, found.done))),
          found.lessons.length > 0 && h('section', { class: 'panel' }, h('h2', {}, t.lessons), h('ul', { class: 'stack' }, found.lessons.map((one) => h('li', {}, h('b', {}, causeOf(one.cause)), h('p', { class: 'hint' }, one.text))))))));
  }
  draw();
}
