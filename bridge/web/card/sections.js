// Whom the card is about, how fresh it is, and what it says where there is no card.

import { h } from './nodes.js';
import { sourceName } from './risk.js';
import { ago, day, number, percent, round, span } from './words.js';

export function who({ t, language, card }) {
  const { customer, value, open_cases: cases, contracts } = card;
  const amount = value.expected ? round(value.expected, language) : '';
  const tier = t.tier[value.tier] ?? '';
  const name = customer.name || [customer.given_name, customer.family_name].filter(Boolean).join(' ') || t.nameless;
  const sub = [...customer.accounts, customer.job_title, customer.since && t.since(customer.since.slice(0, 4))].filter(Boolean);
  const speaks = customer.language && customer.language !== language ? spoken(customer.language, language) : '';
  const running = contracts.filter((one) => one.product).slice(0, 2).map((one) => (one.ends ? t.until(one.product, day(one.ends, language)) : one.product));
  const matters = (value.adjustments ?? []).filter((code) => t.matters[code]);
  const open = cases.length > 1 ? t.openCases(cases.length) : cases.map((one) => one.topic && t.openCase(one.topic))[0];
  const loop = card.loop_due_in_min ? t.loop(Number(card.loop_due_in_min)) : '';
  return h(
    'header',
    { class: 'who', part: 'who', 'data-part': 'who' },
    h('div', { class: 'name' },
      h('h2', { id: 'title' }, name),
      tier && !customer.deceased && h('span', { class: 'tier', role: 'img', 'aria-label': t.tierTitle(tier, amount) }, [tier, amount].filter(Boolean).join(' · '))),
    sub.length > 0 && h('p', { class: 'sub' }, sub.join('\u00a0· ')),
    (running.length > 0 || open || loop || speaks || matters.length > 0) &&
      h('ul', { class: 'facts' }, matters.map((code) => h('li', { class: 'matters', 'data-matters': code }, t.matters[code])), running.map((text) => h('li', {}, text)), open && h('li', { class: 'open' }, open), loop && h('li', { class: 'open', 'data-part': 'loop' }, loop), speaks && h('li', { class: 'open' }, speaks)),
    customer.communication_needs && h('p', { class: 'needs' }, h('b', {}, `${t.needs}: `), customer.communication_needs),
  );
}

function spoken(code, language) {
  try {
    const name = new Intl.DisplayNames(language, { type: 'language' }).of(code);
    return language === 'de' ? `spricht ${name}` : `speaks ${name}`;
  } catch {
    return ''; // not a language's code
  }
}

export function foot({ t, language, card, since, connected }) {
  const age = Number(card.as_of_age_s || 0) + (Date.now() - since) / 1000;
  const missing = card.missing_sources ? card.missing_sources.split(',') : [];
  const { customer } = card;
  const guessed = mood(card.mood, t, language);
  const ends = card.value?.low && card.value.high ? span(card.value.low, card.value.high, language) : '';
  const refuses = (customer.consents ?? []).some((one) => one.channel === 'voice' && one.status === 'denied');
  return h(
    'footer',
    { class: 'foot', part: 'foot', 'data-part': 'foot' },
    h('ul', {},
      h('li', {}, connected && h('i', { class: 'dot', 'aria-hidden': 'true' }), t.asOf(ago(age, language, t.now))),
      missing.map((source) => h('li', { class: 'stale' }, t.missing(sourceName(source, t)))),
      !missing.length && card.degraded === 'true' && h('li', { class: 'stale' }, t.degraded),
      connected === false && h('li', { class: 'stale' }, t.offline),
      customer.owner && h('li', {}, t.owner(customer.owner)),
      ends && h('li', { 'data-part': 'worth', title: t.worthTitle(ends) }, t.worth(ends)),
      guessed && h('li', { 'data-part': 'mood' }, guessed),
      t.channels[customer.preferred_channel] && h('li', {}, t.channels[customer.preferred_channel]),
      refuses && h('li', {}, t.noCalls)),
  );
}

// What a silent customer would answer, in small print: a guess is no answer, and where there is one, reasons show it.
function mood(it, t, language) {
  if (it?.kind !== 'predicted') return '';
  const metric = it.metric.toUpperCase();
  const since = it.last_answer ? t.lastAnswered(day(it.last_answer, language)) : t.neverAnswered;
  if (it.predicted === null) return t.moodUnknown(metric, since);
  const ends = [...new Set([it.low, it.high].map((end) => number(end, language, 1)))];
  return t.mood(metric, ends.join('–'), percent(it.coverage, language), since);
}

// A notice instead of the card. `card` has nothing personal then, but may say how many are meant and their best tier.
export function notice(name, { t, card, act }) {
  const [title, text] = t.notices[name];
  const several = name === 'ambiguous' || name === 'account';
  const facts = several && card ? [Number(card.candidates) > 1 && t.candidates(Number(card.candidates)), t.tier[card.value?.tier] && t.highest(t.tier[card.value.tier])].filter(Boolean) : [];
  return h(
    'div',
    { class: 'body' },
    h(
      'div',
      { class: 'notice', part: 'notice', 'data-notice': name, role: ['network', 'expired', 'failed'].includes(name) ? 'alert' : undefined },
      h('h2', { id: 'title' }, title),
      h('p', {}, text),
      facts.length > 0 && h('ul', { class: 'facts' }, facts.map((fact) => h('li', { class: 'open' }, fact))),
      (name === 'network' || name === 'failed') && h('button', { class: 'key', type: 'button', 'data-k': 'retry', onclick: () => act.retry() }, t.retry),
      name === 'expired' && h('button', { class: 'key main', type: 'button', 'data-k': 'sign-in', onclick: () => act.signIn() }, t.signIn),
    ),
  );
}

// A few lines in the card where an assessment would stand.
export function quiet(name, { t }) {
  const [title, text] = t.notices[name];
  return h('section', { class: 'quiet', part: 'notice', 'data-notice': name, 'aria-labelledby': 'quiet' }, h('h3', { id: 'quiet', class: 'title' }, title), h('p', {}, text));
}
