// How each source is doing: what it brings, how far behind it is, and what to do where it fails.

import { TEXTS } from './sources_texts.js';

const AGAIN_MS = 30_000;
const RANK = ['failing', 'silent', 'importing', 'live'];

export async function open(place, context) {
  const { h, s, service, language, numbers } = context;
  const t = TEXTS[language];

  const since = (seconds) => {
    const [unit, each] = seconds < 90 ? ['s', 1] : seconds < 5400 ? ['min', 60] : seconds < 129_600 ? ['h', 3600] : ['d', 86_400];
    return `${numbers.count(Math.round(seconds / each))} ${t.units[unit]}`;
  };
  const until = (text) => {
    const seconds = (new Date(text) - Date.now()) / 1000;
    return seconds < 1 ? t.soon : `in ${since(seconds)}`;
  };

  function bars(hours) {
    const most = Math.max(...hours, 1);
    const bar = (count, at) => {
      const height = count ? Math.max(2, Math.round((count / most) * 36)) : 1;
      return s('g', {}, s('title', {}, t.hour(numbers.count(count), hours.length - 1 - at)), s('rect', { class: count ? '' : 'none', x: at * 8, y: 38 - height, width: 6, height, rx: 1 }));
    };
    const all = t.hours(hours.reduce((sum, one) => sum + one, 0), numbers.count);
    return h('figure', { class: 'hours' }, s('svg', { viewBox: '0 0 190 38', width: 190, height: 38, 'aria-hidden': 'true' }, hours.map(bar)), h('figcaption', {}, all));
  }

  function trouble({ trouble: kind, error, error_at: at }) {
    const [what, todo] = t.troubles[kind] ?? t.troubles.other;
    return h('div', { class: 'trouble', role: 'group' },
      h('p', {}, h('b', {}, what), at && h('span', {}, ` ${t.since(numbers.instant(at))}`)), h('p', {}, `${t.todo}: ${todo}`),
      h('p', { class: 'said' }, `${t.message}: `, h('code', {}, error)));
  }

  function stream(one, told) {
    const [what, todo] = one.trouble && one.error !== told ? t.troubles[one.trouble] ?? t.troubles.other : [];
    const read = one.total === null ? numbers.count(one.position) : t.of(numbers.count(one.position), numbers.count(one.total));
    const share = one.done || !one.total ? null : Math.min(1, one.position / one.total);
    return h('tr', {}, h('th', { scope: 'row' }, one.stream),
      h('td', { class: 'number' }, read, share !== null && h('progress', { value: share, max: 1, 'aria-label': one.stream })),
      h('td', {}, one.lag_s !== null ? t.ago(since(one.lag_s)) : one.done ? '–' : t.first),
      h('td', {}, until(one.next_at), one.failures > 0 && h('small', { class: 'warn', title: one.error }, t.failures(one.failures)), what && h('small', { class: 'warn' }, `${what} ${todo}`)));
  }

  function panel(one) {
    const { deliveries } = one;
    const waiting = (deliveries.new ?? 0) + (deliveries.waiting ?? 0);
    const badge = { failing: 'bad', live: 'good', importing: 'on', silent: 'watch' }[one.state];
    const figure = (words, ...value) => [h('dt', {}, words), h('dd', {}, value)];
    return h('section', { class: `panel source ${one.state}`, 'aria-labelledby': `s-${one.name}` },
      h('div', { class: 'head' },
        h('div', {}, h('h2', { id: `s-${one.name}` }, one.name, ' ', h('span', { class: `badge ${badge}` }, t.states[one.state]), !one.configured && h('span', { class: 'badge' }, t.unused)), h('p', { class: 'hint' }, one.title)),
        bars(one.hours)),
      one.error && trouble(one),
      h('dl', { class: 'figures' },
        (one.seen_at || one.state !== 'live') && figure(t.seen, one.seen_at ? numbers.instant(one.seen_at) : t.never),
        figure(t.live, one.live_since ? numbers.instant(one.live_since) : t.notLive),
        figure(t.mapped, numbers.count(deliveries.mapped ?? 0)),
        figure(t.waiting, numbers.count(waiting), one.lag_s !== null && h('small', {}, t.oldest(since(one.lag_s)))),
        figure(t.dead, deliveries.dead ? h('a', { href: '/console/letters' }, numbers.count(deliveries.dead)) : '0'),
        deliveries.discarded > 0 && figure(t.discarded, numbers.count(deliveries.discarded))),
      one.streams.length > 0 && h('div', { class: 'wide' }, h('table', { class: 'plain' }, h('caption', { class: 'unseen' }, `${t.streams}: ${one.name}`),
        h('thead', {}, h('tr', {}, t.columns.map((words, at) => h('th', { scope: 'col', class: at === 1 && 'number' }, words)))), h('tbody', {}, one.streams.map((each) => stream(each, one.error))))));
  }

  const list = h('div', { class: 'stack' });
  const summary = h('p', { role: 'status' });
  const made = h('p', { class: 'hint' });

  function draw(sources) {
    const failing = sources.filter((one) => one.state === 'failing').length;
    summary.textContent = sources.length ? t.summary(sources.length, failing) : '';
    made.textContent = t.made(numbers.instant(new Date()));
    const ranked = [...sources].sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state) || a.name.localeCompare(b.name));
    list.replaceChildren(...(ranked.length ? ranked.map(panel) : [h('div', { class: 'panel empty' }, t.empty)]));
  }

  const load = async () => draw((await service.get('/v1/sources')).sources);
  place.append(h('div', { class: 'top' }, h('div', {}, h('h1', {}, t.heading), summary),
    h('div', { class: 'buttons' }, made, h('button', { type: 'button', onclick: () => context.busy(load()) }, t.refresh))), list);
  await load();
  // what is shown stays when the server does not answer once: the next time says more
  const again = setInterval(() => !list.contains(document.activeElement) && load().catch(() => {}), AGAIN_MS);
  return () => clearInterval(again);
}
