// How it went. A result can be taken back for some seconds before it is sent; what is waiting when the page goes is sent
// then, and again after a reload, under the same key: it is recorded once.

import { h, section } from './nodes.js';
import { clock } from './words.js';

const UNDO_MS = 5000;
const AGAIN_MS = 4000;
export const RESULTS = ['saved', 'lost', 'pending'];

export class Outcome {
  #timer = 0;

  // `send(decision, body, key, leaving)` resolves when it is recorded; `memory` is kept by `keep`.
  constructor({ t, language, memory, keep, send, say, done, decision }) {
    Object.assign(this, { t, language, memory, keep, send, say, done, decision });
    this.status = h('div', { class: 'after' });
    this.note = h('textarea', { rows: 1, maxlength: 2000, placeholder: t.noteHint, 'aria-label': t.noteHint, 'data-k': 'note', oninput: () => this.#noted() });
    this.note.value = memory.note ?? '';
    this.buttons = RESULTS.map((result, place) =>
      h('button', { class: 'key', type: 'button', 'data-k': result, 'aria-keyshortcuts': String(place + 1), onclick: () => this.choose(result) },
        h('span', {}, t.results[result]), h('kbd', { 'aria-hidden': 'true' }, String(place + 1))));
    this.node = section('outcome', t.outcome, h('div', { class: 'results', role: 'group', 'aria-labelledby': 'h-outcome' }, this.buttons), this.note);
    const heading = this.node.firstChild;
    heading.replaceWith(h('div', { class: 'top' }, heading.cloneNode(true), this.status));
    this.#show();
    if (memory.result && memory.result.state !== 'sent') this.#later(Math.max(0, memory.result.due - Date.now()));
  }

  choose(result) {
    const before = this.memory.result;
    if (before?.value === result && before.state !== 'refused') return;
    const key = `card-${crypto.getRandomValues(new Uint32Array(3)).join('-')}`;
    this.memory.before = before?.state === 'sent' ? before : undefined;
    this.memory.result = { value: result, state: 'waiting', due: Date.now() + UNDO_MS, key, decision: this.decision() };
    this.#changed(this.t.noted(this.t.results[result]));
    this.#later(UNDO_MS);
  }

  undo() {
    if (this.memory.result?.state !== 'waiting') return;
    clearTimeout(this.#timer);
    this.memory.result = this.memory.before;
    this.#changed(this.t.undone);
    this.buttons[0].focus();
  }

  // The page is going: what waits is sent now.
  flush() {
    if (this.memory.result?.state === 'waiting') this.#commit(true);
  }

  end() {
    clearTimeout(this.#timer);
    this.flush();
  }

  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#commit(false), ms);
  }

  async #commit(leaving) {
    const { result } = this.memory;
    clearTimeout(this.#timer);
    const note = this.note.value.trim();
    try {
      await this.send(result.decision, { result: result.value, ...(note && { note }) }, result.key, leaving);
    } catch (problem) {
      if (this.memory.result !== result) return;
      result.state = problem.reason === 'refused' ? 'refused' : 'waiting-again';
      this.#changed(result.state === 'refused' ? this.t.refused : this.t.notSent);
      if (result.state !== 'refused') this.#later(AGAIN_MS);
      return;
    }
    if (this.memory.result !== result) return;
    Object.assign(result, { state: 'sent', at: Date.now() });
    this.memory.noteSent = note;
    this.#changed(this.t.sent(this.t.results[result.value], clock(result.at)));
    this.done(result);
  }

  async #saveNote() {
    const note = this.note.value.trim();
    const key = `note-${crypto.getRandomValues(new Uint32Array(3)).join('-')}`;
    try {
      await this.send(this.memory.result.decision, { note }, key, false);
    } catch {
      this.say(this.t.notSent);
      return;
    }
    this.memory.noteSent = note;
    this.#changed(this.t.noteSaved);
  }

  #addNote() {
    this.memory.noting = true;
    this.keep();
    this.#show();
    this.note.focus();
  }

  #noted() {
    this.memory.note = this.note.value;
    this.keep();
    this.#show();
  }

  #changed(text) {
    this.keep();
    this.#show();
    this.say(text);
  }

  #show() {
    const { t, memory } = this;
    const { result } = memory;
    RESULTS.forEach((name, place) => this.buttons[place].setAttribute('aria-pressed', String(result?.value === name && result.state !== 'refused')));
    const note = this.note.value.trim();
    const link = (text, name, act) => h('button', { class: 'link', type: 'button', 'data-k': name, onclick: act }, text);
    const parts = [];
    if (result?.state === 'waiting') parts.push(h('span', {}, t.noted(t.results[result.value])), link(t.undo, 'undo', () => this.undo()));
    else if (result?.state === 'waiting-again') parts.push(h('span', { class: 'bad' }, t.notSent));
    else if (result?.state === 'refused') parts.push(h('span', { class: 'bad' }, t.refused));
    else if (result?.state === 'sent') parts.push(h('span', {}, t.sent(t.results[result.value], clock(result.at))), note && note !== memory.noteSent && link(t.saveNote, 'save-note', () => this.#saveNote()));
    const open = Boolean(result) || note !== '' || memory.noting === true;
    this.note.hidden = !open;
    if (!open) parts.push(link(t.addNote, 'add-note', () => this.#addNote()));
    this.status.replaceChildren(...parts.filter(Boolean));
  }
}
