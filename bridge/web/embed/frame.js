// The page around a card inside a host: who is signed in, whom the host means, and what is said while there is no card.

import { Session } from './session.js';
import { languageOf, textsFor } from './texts.js';

const LONGEST = 254;
const ATTRIBUTES = ['interaction', 'customer', 'phone', 'email', 'external-id'];

export const setup = JSON.parse(document.querySelector('#setup').textContent);

export function node(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== ''));
  return made;
}

// The texts of `given` that can be looked up by, under the card's own names; everything else is left out.
export function whomOf(given) {
  const texts = ATTRIBUTES.map((name) => [name, given[name]]).filter(([, value]) => typeof value === 'string' && value.trim() && value.length <= LONGEST);
  return Object.fromEntries(texts.map(([name, value]) => [name, value.trim()]));
}

// A person as a helpdesk knows them. An id or an address says who it is; a number may be a whole household's, so that it
// is asked for only where there is no address.
export function person({ id, email, phone }) {
  const named = setup.source && (typeof id === 'number' || typeof id === 'string') && id !== '';
  const known = { email, 'external-id': named ? `${setup.source}:${id}` : undefined };
  return whomOf(email ? known : { ...known, phone });
}

// What somebody typed into the search.
export function typed(text) {
  const clean = text.trim();
  return whomOf({ [clean.includes('@') ? 'email' : /^[a-z0-9_-]+:/i.test(clean) ? 'external-id' : 'phone']: clean });
}

export class Frame {
  #whom = null;
  #card = null;
  #notice = ['wait'];
  #search = false;
  #first = false; // the notice comes before the sign-in: without it mended there would be nothing to see
  #begun = false;
  #asking = false;
  #ended = false;
  #problem = '';
  #listeners = {};
  #main = node('main', {});
  #status = node('p', { class: 'status', role: 'status' });

  // `expired` names what is said when the sign-in has ended and there is no page to sign in at.
  constructor({ shared = true, expired = 'handOver' } = {}) {
    this.expired = expired;
    this.language = languageOf(navigator.language, setup.language);
    this.session = new Session({ host: setup.host, signIn: setup.signIn, shared, changed: () => this.#signed() });
    document.body.append(this.#main, this.#status);
    new ResizeObserver(() => this.#tell('height', Math.ceil(document.documentElement.getBoundingClientRect().height))).observe(document.body);
  }

  // 'insert' | 'outcome' | 'ready' | 'height' | 'renew'
  on(name, act) {
    this.#listeners[name] = act;
  }

  // Takes the page's own ticket, or one of a page beside it; without any, the agent is asked to sign in.
  async begin() {
    if (setup.ticket) this.#problem = this.session.take(setup.ticket);
    else await this.session.find();
    this.#begun = true;
    this.#draw();
  }

  speak(language) {
    const next = languageOf(language, this.language);
    if (next === this.language) return;
    this.language = next;
    this.#card?.setAttribute('lang', next);
    this.#draw();
  }

  theme(name) {
    if (name === 'light' || name === 'dark') document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    this.#dress();
  }

  // One card for one conversation: said again, nothing happens.
  show(whom) {
    if (this.#whom && JSON.stringify(whom) === JSON.stringify(this.#whom)) return;
    this.#whom = whom;
    this.#first = false;
    this.#status.textContent = '';
    this.#draw();
  }

  // A notice instead of the card; with `search` the agent may say whom it is about.
  say(name, { search = false, first = false, about } = {}) {
    this.#whom = null;
    this.#notice = [name, about];
    this.#search = search;
    this.#first = first;
    this.#draw();
  }

  // A word below the card.
  remark(name) {
    this.#status.textContent = textsFor(this.language)[name];
  }

  // A ticket from the host.
  take(ticket) {
    this.#problem = this.session.take(ticket);
    this.#draw();
  }

  #tell(name, detail) {
    this.#listeners[name]?.(detail);
  }

  #signed() {
    this.#problem = '';
    this.#ended = !this.session.open;
    if (this.session.open) this.#asking = false;
    this.#draw();
  }

  #draw() {
    document.documentElement.lang = this.language;
    if (setup.problem) return this.#put(setup.problem);
    if (this.#first) return this.#put(...this.#notice);
    if (!this.#begun) return this.#put('wait');
    if (!this.session.open) return this.#ask();
    if (!this.#whom) return this.#put(...this.#notice);
    if (this.#card?.isConnected) return this.#dress();
    this.#card ??= this.#make();
    this.#dress();
    this.#main.replaceChildren(this.#card);
    return undefined;
  }

  #make() {
    const card = document.createElement('retention-card');
    card.ticket = (why) => this.session.give(why);
    for (const name of ['ready', 'insert', 'outcome']) card.addEventListener(`retention-card:${name}`, ({ detail }) => this.#tell(name, detail));
    return card;
  }

  #dress() {
    const card = this.#card;
    if (!card) return;
    const { theme } = document.documentElement.dataset;
    const wanted = { ...this.#whom, lang: this.language, theme };
    for (const name of [...ATTRIBUTES, 'lang', 'theme']) {
      if (wanted[name] === undefined) card.removeAttribute(name);
      else if (card.getAttribute(name) !== wanted[name]) card.setAttribute(name, wanted[name]);
    }
  }

  // Nobody is signed in: nothing is asked for and nothing is shown.
  #ask() {
    if (!this.#asking) this.#tell('renew');
    this.#asking = true;
    const t = textsFor(this.language);
    this.#card?.remove();
    this.#card = null;
    if (!setup.signIn) return this.#put(this.expired);
    const problem = node('p', { class: 'bad', role: 'alert' }, this.#problem && t[this.#problem]);
    const open = () => this.session.ask((found) => {
      this.#problem = found;
      if (found) problem.textContent = t[found];
    });
    const [title, text] = t[this.#ended ? 'signInAgain' : 'signIn'];
    this.#main.replaceChildren(node('section', { class: 'notice', 'data-notice': 'sign-in' },
      node('h1', {}, title), node('p', {}, text), node('button', { type: 'button', 'data-k': 'sign-in', onclick: open }, t.button), problem));
    return undefined;
  }

  #put(name, about) {
    const t = textsFor(this.language);
    const [title, text] = typeof t[name] === 'function' ? t[name](about) : t[name];
    const children = [node('h1', {}, title), node('p', {}, text)];
    if (this.#problem) children.push(node('p', { class: 'bad', role: 'alert' }, t[this.#problem]));
    if (this.#search && this.session.open) children.push(this.#form(t));
    this.#main.replaceChildren(node('section', { class: 'notice', 'data-notice': name, role: setup.problem ? 'alert' : undefined }, ...children));
  }

  #form(t) {
    const field = node('input', { type: 'text', autocomplete: 'off', 'aria-label': t.whom, placeholder: t.whom, maxlength: LONGEST });
    const find = (event) => {
      event.preventDefault();
      const whom = typed(field.value);
      if (Object.keys(whom).length) this.show(whom);
    };
    return node('form', { onsubmit: find }, field, node('button', { type: 'submit', 'data-k': 'search' }, t.search));
  }
}
