// What was granted, and how much. It counts only once the gateway has said so: the same offer is granted to nobody twice.

import { h } from './nodes.js';
import { clock, digitsOf, money } from './words.js';

const PAID = new Set(['goodwill_credit', 'discount', 'upgrade', 'fee_waived', 'gift']); // the others have no amount

export class Grant {
  #sending = false;

  // `terms()` are the offers of the suggestion in view, each with id, kind, name and ceiling; `send(body, key)` resolves when it is recorded.
  constructor({ t, language, memory, keep, send, say, terms }) {
    Object.assign(this, { t, language, memory, keep, send, say, terms });
    this.node = h('div', { class: 'grant' });
    this.kind = h('select', { 'aria-label': t.grantKind, 'data-k': 'grant-kind', onchange: () => this.#typed() });
    this.amount = h('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off', size: 7, 'aria-label': t.grantAmount, placeholder: t.grantAmount, 'data-k': 'grant-amount', oninput: () => this.#typed() });
    this.problem = h('p', { class: 'bad', role: 'alert' });
    this.unit = h('span', {});
    this.label = h('label', {}, this.amount, this.unit);
    this.form = h('form', { novalidate: true, onsubmit: (event) => this.#record(event) }, this.kind, this.label,
      h('button', { class: 'key', type: 'submit', 'data-k': 'grant-record' }, t.grantRecord),
      h('button', { class: 'link', type: 'button', 'data-k': 'grant-cancel', onclick: () => this.#open(false) }, t.cancel));
    this.amount.value = memory.grant?.amount ?? '';
    this.show();
  }

  // After the terms may have changed.
  show() {
    const { t, memory, language } = this;
    const all = this.terms();
    const done = (memory.granted ?? []).map(({ kind, name, amount, at }) => h('p', { class: 'granted' }, t.granted(name ?? t.kinds[kind] ?? kind, amount && money(amount, language), clock(at))));
    const left = all.filter(({ id }) => !(memory.granted ?? []).some((one) => one.kind === id));
    if (!this.#sending && memory.grant?.kind && !left.some(({ id }) => id === memory.grant.kind)) {
      // it was granted elsewhere, or no longer holds: what was typed for it must not become another offer's
      memory.grant = undefined;
      this.amount.value = '';
      this.problem.textContent = t.grantRefused;
      this.keep();
    }
    const { activeElement } = this.node.getRootNode();
    if ([...this.kind.options].map((one) => one.value).join() !== left.map((one) => one.id).join()) {
      const wanted = memory.grant?.kind ?? left.find(({ kind }) => PAID.has(kind))?.id;
      this.kind.replaceChildren(...left.map(({ id, name }) => h('option', { value: id, selected: id === wanted }, name)));
    }
    this.kind.hidden = left.length < 2;
    const ceiling = this.#ceiling();
    this.label.hidden = !ceiling;
    this.unit.textContent = ceiling?.currency === 'EUR' ? '€' : ceiling?.currency ?? '';
    const ask = left.length > 0 && (memory.grant ? this.form : h('button', { class: 'link', type: 'button', 'data-k': 'grant', onclick: () => this.#open(true) }, t.grant));
    this.node.replaceChildren(...[done, ask, (memory.grant || this.problem.textContent) && this.problem].flat().filter(Boolean));
    if (activeElement && this.form.contains(activeElement) && this.form.isConnected) activeElement.focus({ preventScroll: true });
  }

  // The most of the chosen offer that an agent may grant; nothing for what is not granted as an amount.
  #ceiling() {
    const one = this.terms().find(({ id }) => id === this.kind.value);
    return one && PAID.has(one.kind) ? one.ceiling : undefined;
  }

  #open(open) {
    this.memory.grant = open ? { kind: this.kind.value } : undefined;
    this.amount.value = this.problem.textContent = '';
    this.keep();
    this.show();
    const next = open ? ([this.kind, this.amount].find((one) => !(one.hidden || one.parentNode.hidden)) ?? this.form.querySelector('button')) : this.node.querySelector('[data-k=grant]');
    next?.focus();
  }

  #typed() {
    this.memory.grant = { kind: this.kind.value, amount: this.amount.value };
    this.problem.textContent = '';
    this.keep();
    this.show();
  }

  // What was typed as minor units of the ceiling's currency; undefined for nothing, null for what is no amount.
  #minor() {
    const text = this.amount.value.trim().replace(/\s*(€|EUR)$/i, '');
    if (!text || this.label.hidden) return undefined;
    const digits = digitsOf(this.#ceiling().currency);
    const [, whole, rest = ''] = /^(\d{1,7})(?:[.,](\d{1,3}))?$/.exec(text) ?? [];
    return whole === undefined || rest.length > digits ? null : Number(whole + rest.padEnd(digits, '0'));
  }

  async #record(event) {
    event.preventDefault();
    if (this.#sending) return;
    const ceiling = this.#ceiling();
    const minor = this.#minor();
    if (minor === null || minor === 0) return this.#refuse(this.t.grantBad);
    if (minor > ceiling?.minor) return this.#refuse(this.t.grantMost(money(ceiling, this.language)));
    const kind = this.kind.value;
    const { name } = this.terms().find(({ id }) => id === kind);
    const amount = minor && { minor, currency: ceiling.currency };
    const body = { offer: kind, ...(amount && { amount: (minor / 10 ** digitsOf(ceiling.currency)).toFixed(digitsOf(ceiling.currency)), currency: ceiling.currency }) };
    this.#sending = true;
    try {
      await this.send(body, `grant-${kind}-${minor ?? ''}`);
    } catch (problem) {
      this.#sending = false;
      this.#refuse(problem.reason === 'refused' ? this.t.grantRefused : this.t.grantLost);
      return this.show(); // the offers may have changed meanwhile
    }
    this.#sending = false;
    const granted = { kind, name, amount, at: Date.now() };
    this.memory.granted = [...(this.memory.granted ?? []), granted];
    this.memory.grant = undefined;
    this.amount.value = this.problem.textContent = '';
    this.keep();
    this.show();
    this.say([...this.node.querySelectorAll('.granted')].pop().textContent);
    return undefined;
  }

  #refuse(text) {
    this.problem.textContent = text;
    this.amount.focus();
  }
}
