// <retention-card>: who is on the line, how likely they leave and why, what to say, what may be offered, how it went.
//
//   <script type="module" src="https://bridge.example/widget/retention-card.js"></script>
//   <retention-card base="https://bridge.example" interaction="call-4711" lang="de"></retention-card>
//
// Whom: `interaction` (the phone system's id of the call), or customer, phone, email, external-id. None of them is ever
// part of an address but the two opaque ids. `ticket`: an attribute, or a property that is a text or a function
// (`card.ticket = async ({ expired }) => …`) which is asked again when the ticket has ended. `theme`: light or dark;
// else as the system has it. `keys="page"`: 1, 2, 3, c and a work wherever the focus is, not in the card alone.
// Events: retention-card:ready, :outcome, :insert, :ticket-expired.

import { copy } from './clipboard.js';
import { Gateway, LONGEST_PAUSE_MS } from './gateway.js';
import { Grant } from './grant.js';
import { recall, remember } from './memory.js';
import { h, skeleton } from './nodes.js';
import { Outcome, RESULTS } from './outcome.js';
import { risk } from './risk.js';
import { chosen, offer, offers, say } from './say.js';
import { foot, notice, quiet, who } from './sections.js';
import { STYLE } from './style.js';
import { textsOf } from './texts.js';
import { percent } from './words.js';

const WHOM = { customer: 'customer_id', phone: 'phone', email: 'email', 'external-id': 'external_id', interaction: 'interaction' };
const AGE_MS = 20000;
const EDITABLE = 'input, textarea, select, [contenteditable=""], [contenteditable="true"]';
const HOME = new URL(import.meta.url).origin;
const SHEET = new CSSStyleSheet();
SHEET.replaceSync(STYLE);

export class RetentionCard extends HTMLElement {
  static observedAttributes = ['base', 'lang', 'ticket', ...Object.keys(WHOM)];

  #root = this.attachShadow({ mode: 'open' });
  #frame = h('article', { class: 'card', part: 'card', 'aria-labelledby': 'title' });
  #speaker = h('p', { class: 'unseen', role: 'status' });
  #ticket = undefined;
  #run = null; // of one customer or call: { abort, gateway, card, memory, key, outcome, … }
  #asked = false;
  #onKey = (event) => this.#press(event);
  #onLeave = () => this.#run?.outcome?.flush();

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [SHEET];
    this.#root.append(this.#frame, this.#speaker);
    if (Object.hasOwn(this, 'ticket')) {
      const { ticket } = this; // it was set before this module had come
      delete this.ticket;
      this.#ticket = ticket;
    }
  }

  get ticket() {
    return this.#ticket ?? this.getAttribute('ticket') ?? '';
  }

  set ticket(value) {
    this.#ticket = value;
    if (this.isConnected && (!this.#run || this.#run.state !== 'card')) this.#ask();
  }

  // The decision in view, or "".
  get decision() {
    return this.#run?.card?.decision_id ?? '';
  }

  connectedCallback() {
    this.#keyTarget = this.getAttribute('keys') === 'page' ? document : this;
    this.#keyTarget.addEventListener('keydown', this.#onKey);
    window.addEventListener('pagehide', this.#onLeave);
    this.#ask();
  }

  disconnectedCallback() {
    this.#keyTarget.removeEventListener('keydown', this.#onKey);
    window.removeEventListener('pagehide', this.#onLeave);
    this.#stop();
  }

  attributeChangedCallback(name, before, after) {
    if (this.isConnected && before !== after && (name !== 'ticket' || this.#run?.state !== 'card')) this.#ask();
  }

  // Fetches the card again.
  refresh() {
    if (this.#run?.state === 'card') return this.#load(this.#run, true);
    this.#ask();
    return undefined;
  }

  #keyTarget = this;

  #ask() {
    if (this.#asked) return;
    this.#asked = true; // several attributes may change in one go
    queueMicrotask(() => {
      this.#asked = false;
      if (this.isConnected) this.#start();
    });
  }

  #stop() {
    this.#run?.outcome?.end();
    this.#run?.abort.abort();
    clearInterval(this.#run?.clock);
    this.#run = null;
  }

  #start() {
    this.#stop();
    const language = this.#language();
    const whom = Object.fromEntries(Object.entries(WHOM).map(([name, field]) => [field, this.getAttribute(name)]).filter(([, value]) => value));
    const run = { abort: new AbortController(), language, t: textsOf(language), whom, connected: undefined, state: 'loading', others: null, pause: 1000 };
    run.gateway = new Gateway(this.getAttribute('base') || HOME, (why) => this.#renew(why));
    run.act = this.#actions(run);
    this.#run = run;
    this.#frame.lang = language;
    if (!Object.keys(whom).length) {
      this.#notice(run, 'idle');
      return;
    }
    if (this.ticket) this.#load(run, false); // it is on its way while the outline is drawn
    this.#frame.setAttribute('aria-label', run.t.card);
    this.#frame.replaceChildren(skeleton(run.t.loading));
    run.clock = setInterval(() => run.state === 'card' && this.#redraw(run, 'foot'), AGE_MS);
  }

  #language() {
    const wanted = this.lang || this.closest('[lang]')?.lang || document.documentElement.lang || navigator.language || 'en';
    const short = wanted.slice(0, 2).toLowerCase();
    return short === 'de' ? 'de' : 'en';
  }

  #renew({ expired }) {
    const { ticket } = this;
    return typeof ticket === 'function' ? new Promise((resolve) => resolve(ticket({ expired }))) : ticket;
  }

  async #load(run, again) {
    let card;
    try {
      card = await run.gateway.ask('/v1/assist', { ...run.whom, lang: run.language }, { signal: run.abort.signal });
    } catch (problem) {
      if (this.#run === run && !run.abort.signal.aborted) this.#fail(run, problem.reason ?? 'failed');
      return;
    }
    if (this.#run !== run) return;
    run.pause = 1000;
    run.since = Date.now();
    const before = run.card;
    run.card = card;
    this.#draw(run, again ? before : null);
    if (!again) this.#emit('ready', { decision: card.decision_id, customer: card.customer?.id ?? '', match: card.match });
    this.#listen(run);
  }

  #fail(run, reason) {
    if (reason === 'expired') {
      // nothing about a customer stays on a screen whose agent is no longer signed in
      run.outcome?.flush();
      run.abort.abort();
      run.card = null;
      this.#notice(run, 'expired');
      this.#emit('ticket-expired', {});
      return;
    }
    run.connected = false;
    if (run.state === 'card') this.#redraw(run, 'foot');
    else this.#notice(run, reason === 'network' ? 'network' : 'failed');
    const retry = () => this.#run === run && !run.abort.signal.aborted && this.#load(run, run.state === 'card');
    clearTimeout(run.retry);
    run.retry = setTimeout(retry, run.pause * (0.75 + Math.random() / 2));
    run.pause = Math.min(run.pause * 2, LONGEST_PAUSE_MS);
  }

  #listen(run) {
    if (run.listening) return;
    const { interaction } = run.whom;
    const customer = run.card.customer?.id;
    if (!interaction && !customer) return;
    run.listening = true;
    const path = interaction ? `/v1/interactions/${encodeURIComponent(interaction)}/events` : `/v1/customers/${encodeURIComponent(customer)}/events`;
    run.gateway.listen(path, () => run.card?.decision_id ?? '', run.abort.signal, {
      card: ({ decision_id: decision }) => decision !== run.card?.decision_id && this.#load(run, true),
      state: (connected) => {
        run.connected = connected;
        if (this.#run === run && run.state === 'card') this.#redraw(run, 'foot');
      },
      expired: () => this.#run === run && this.#fail(run, 'expired'),
    });
  }

  #notice(run, name) {
    run.state = 'notice';
    this.#put(notice(name, run));
  }

  #draw(run, before) {
    const { card } = run;
    const { customer } = card;
    if (card.match !== 'exact') return this.#notice(run, card.match in run.t.notices ? card.match : 'none');
    if (!card.decision_id) return this.#notice(run, 'preparing');
    this.#remember(run, before);
    run.state = 'card';
    const focused = this.#root.activeElement?.dataset.k; // before what has it is moved
    const unassessed = customer.deceased ? 'deceased' : customer.objects_to_profiling ? 'objects' : '';
    let body;
    if (unassessed) {
      body = [who(run), quiet(unassessed, run), foot(run)];
    } else {
      run.outcome ??= this.#outcome(run);
      run.grant ??= this.#grant(run);
      run.grant.show();
      body = [who(run), h('div', { class: 'columns' }, risk(run), h('div', { class: 'column' }, say(run), offer(run))), run.outcome.node, foot(run)];
    }
    const old = before && new Map([...this.#frame.querySelectorAll('[data-part]')].map((node) => [node.dataset.part, node.textContent]));
    this.#put(h('div', { class: 'body' }, body), focused);
    if (old) this.#mark(run, old);
    if (run.memory.script && !run.others) this.#others(run).then(() => this.#run === run && this.#redraw(run, 'say', 'offer'), () => {});
    return undefined;
  }

  // What changed is marked for a moment, and said to those who listen.
  #mark(run, old) {
    let moved = false;
    for (const node of this.#frame.querySelectorAll('[data-part]')) {
      const { part } = node.dataset;
      if (part !== 'foot' && part !== 'outcome' && old.has(part) && old.get(part) !== node.textContent) {
        node.classList.add('fresh');
        moved = true;
      }
    }
    const { probability, band } = run.card.risk;
    if (moved) this.#speak(run.t.updated(run.t.band[band], probability === null ? '' : percent(probability, run.language)));
  }

  #remember(run, before) {
    const { interaction } = run.whom;
    const key = interaction ? `i:${interaction}` : `d:${run.card.decision_id}`;
    if (run.key === key) return;
    run.memory = before && run.memory ? run.memory : recall(key);
    run.key = key;
    run.keep = () => remember(run.key, run.memory);
    if (before) run.keep();
  }

  #outcome(run) {
    return new Outcome({
      t: run.t,
      language: run.language,
      memory: run.memory,
      keep: () => run.keep(),
      decision: () => run.card.decision_id,
      say: (text) => this.#speak(text),
      send: (decision, body, key, leaving) =>
        run.gateway.ask(`/v1/decisions/${encodeURIComponent(decision)}/outcome`, body, { headers: { 'idempotency-key': key }, keepalive: leaving }),
      done: (result) => this.#emit('outcome', { decision: result.decision, result: result.value, interaction: run.whom.interaction ?? '' }),
    });
  }

  #grant(run) {
    return new Grant({
      t: run.t,
      language: run.language,
      memory: run.memory,
      keep: () => run.keep(),
      say: (text) => this.#speak(text),
      terms: () => offers(run.card.offer, run.t),
      send: (body, name) => {
        const decision = run.card.decision_id;
        return run.gateway.ask(`/v1/decisions/${encodeURIComponent(decision)}/outcome`, body, { headers: { 'idempotency-key': `${name}-${decision}` } });
      },
    });
  }

  #actions(run) {
    return {
      retry: () => this.#ask(),
      signIn: () => {
        this.#emit('ticket-expired', {});
        this.#ask();
      },
      more: () => {
        run.memory.more = !run.memory.more;
        this.#redraw(run, 'risk');
      },
      steps: () => {
        run.memory.steps = !run.memory.steps;
        this.#redraw(run, 'say');
      },
      open: (code) => {
        const open = new Set(run.memory.open);
        if (!open.delete(code)) open.add(code);
        run.memory.open = [...open];
        this.#redraw(run, 'risk');
      },
      insert: (script) => {
        const { decision_id: decision } = run.card;
        const own = script.id === run.card.script.id;
        run.memory.accepted = script.id;
        this.#redraw(run, 'say');
        this.#speak(run.t.inserted);
        this.#emit('insert', { text: script.line, script: script.id, decision });
        const body = own ? { kind: 'accepted' } : { kind: 'edited', disposition: `script:${script.id}` };
        run.gateway.ask(`/v1/decisions/${encodeURIComponent(decision)}/outcome`, body, { keepalive: true }).catch(() => {});
      },
      copy: async (script) => {
        const done = await copy(script.line, this.#root);
        this.#speak(done ? run.t.copied : run.t.copyFailed);
        const button = this.#root.querySelector('[data-k="copy"]');
        if (!button) return;
        button.textContent = done ? run.t.copied : run.t.copyFailed;
        setTimeout(() => (button.textContent = run.t.copy), 1600);
      },
      other: async () => {
        try {
          await this.#others(run);
        } catch {
          return this.#speak(run.t.noOther);
        }
        if (this.#run !== run) return undefined;
        const ids = [run.card.script.id, ...run.others.map((one) => one.id)];
        if (ids.length === 1) this.#speak(run.t.noOther);
        run.memory.script = ids[(ids.indexOf(chosen(run).id) + 1) % ids.length];
        this.#redraw(run, 'say', 'offer');
        this.#speak(`${run.t.place(ids.indexOf(run.memory.script) + 1, ids.length)}: ${chosen(run).title}`);
        return undefined;
      },
    };
  }

  async #others(run) {
    const decision = run.card.decision_id;
    if (run.others?.decision === decision) return;
    const found = await run.gateway.ask(`/v1/decisions/${encodeURIComponent(decision)}/scripts`, { lang: run.language }, { signal: run.abort.signal });
    run.others = Object.assign(found.scripts, { decision });
  }

  #press(event) {
    const target = event.composedPath()[0];
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || this.#run?.state !== 'card') return;
    if (event.key === 'Escape' && this.#run.outcome) return void this.#run.outcome.undo();
    if (target instanceof Element && target.closest(EDITABLE)) return;
    const result = RESULTS[Number(event.key) - 1];
    const name = result ?? { c: 'copy', a: 'other' }[event.key.toLowerCase()];
    const button = name && this.#root.querySelector(`[data-k="${name}"]`);
    if (!button) return;
    event.preventDefault();
    button.click();
  }

  // Draws some parts anew. The focus stays where it was.
  #redraw(run, ...names) {
    const makers = { risk, say, offer, foot };
    run.keep();
    const focused = this.#root.activeElement?.dataset.k;
    for (const name of names) {
      const old = this.#frame.querySelector(`[data-part="${name}"]`);
      const made = makers[name](run);
      if (old && made) old.replaceWith(made);
      else if (old) old.remove();
      else if (made && name === 'offer') this.#frame.querySelector('.column')?.append(made);
    }
    this.#focus(focused);
  }

  #put(body, focused = this.#root.activeElement?.dataset.k) {
    this.#frame.replaceChildren(body);
    this.#focus(focused);
  }

  #focus(name) {
    if (!name) return;
    const node = this.#root.querySelector(`[data-k="${CSS.escape(name)}"]`);
    if (node && this.#root.activeElement !== node) node.focus({ preventScroll: true });
  }

  #speak(text) {
    this.#speaker.textContent = '';
    requestAnimationFrame(() => (this.#speaker.textContent = text));
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`retention-card:${name}`, { bubbles: true, composed: true, detail }));
  }
}

if (!customElements.get('retention-card')) customElements.define('retention-card', RetentionCard);
