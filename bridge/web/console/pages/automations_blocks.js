// The blocks: when, if, then one after the other. The form is changed in place; what blocks cannot say stays in it.

import { conditionRows, lacking, readCondition, writeCondition } from './automations_conditions.js';
import { settingsBlock } from './automations_limits.js';
import { menu } from './automations_menu.js';
import { lackingIn, stepEditor } from './automations_steps.js';
import { EXCEPTIONS, FIRST_CONDITIONS, FIRST_COUNT, FIRST_WORDS } from './automations_texts.js';

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const kindOf = (step) => Object.keys(step).find((name) => step[name] !== null && step[name] !== undefined);

export class Flow {
  constructor({ context, t, words, editable, form, changed, removed, forget }) {
    Object.assign(this, { context, t, words, editable, h: context.h, language: context.language, checked: false, blamed: {}, forget, counts: {}, telling: new Set() });
    this.opened = new WeakSet();
    this.redraw = this.redraw.bind(this); // given to the editors inside
    this.changed = changed;
    this.removed = (text, bring) => (removed(text, bring), changed());
    this.node = this.h('div', { class: `flow ${editable ? '' : 'fixed'}` }, this.whenBlock());
    this.take(form);
  }

  // Another form in the place of this one; the form as it is kept.
  take(form) {
    this.form = form;
    this.form.do = [...(form.do ?? [])];
    this.readRows();
    this.blamed = {};
    this.checked = false;
    this.draw();
    return form;
  }

  get trigger() {
    return this.words.triggers.find(({ fact }) => fact === this.form.when.fact);
  }

  readRows() {
    const fields = [...(this.trigger?.fields ?? []), ...this.words.names, ...this.words.since];
    this.names = new Map(fields.map((one) => [one.name, one]));
    this.where = readCondition(this.form.when.where, this.names);
    this.ifs = readCondition(this.form.if, this.names);
    this.stops = new Map(this.form.do.filter((one) => one.stop_if !== undefined && one.stop_if !== null).map((one) => [one, readCondition(one.stop_if, this.names)]));
  }

  // The form as it is sent.
  written() {
    const { id, mode, from, ...form } = this.form;
    const where = this.where === undefined ? form.when.where : writeCondition(this.where, this.names);
    const condition = writeCondition(this.ifs, this.names);
    const steps = form.do.map((step) => (this.stops.has(step) ? { stop_if: writeCondition(this.stops.get(step), this.names) ?? {} } : filled(step)));
    return JSON.parse(JSON.stringify({ ...form, when: { ...form.when, where }, if: condition, do: steps }));
  }

  // Whether a step has nobody who could do it.
  get without() {
    return this.form.do.some((step) => this.words.steps.some((what) => what.do === kindOf(step) && what.needs_source && !what.sources.length));
  }

  // What it would be called, if nobody calls it anything.
  titles() {
    const said = (language) => {
      const first = this.trigger?.title[language] ?? '';
      const steps = this.form.do.filter((one) => !('wait' in one) && !('stop_if' in one)).map((one) => this.words.steps.find(({ do: name }) => name === kindOf(one))?.title[language]);
      return steps.length ? `${first}: ${steps.join(', ')}` : first;
    };
    return { de: said('de'), en: said('en') };
  }

  // How many places are still open; they are marked.
  check() {
    this.checked = true;
    this.blamed = {}; // what the server refused before may be mended by now: it says so again if not
    this.draw();
    return this.node.querySelectorAll('.problem').length;
  }

  // Whether a preview can be asked for.
  ready() {
    const open = (rows) => rows.some((row) => lacking(row, this.t) || (row.rows && open(row.rows)));
    return this.trigger && this.form.do.length > 0 && !open(this.where) && !open(this.ifs) && ![...this.stops.values()].some(open)
      && !this.form.do.some((step) => lackingIn(step, this)) && !(this.trigger.counts && !Number.isInteger(this.form.when[this.trigger.counts]));
  }

  // A refusal of the server's, shown at the block that it names.
  blame(text) {
    const step = /^do\[(\d+)\]/.exec(text);
    this.blamed = { [step ? step[1] : /^(when|if)/.exec(text)?.[1] ?? 'when']: text.slice(text.indexOf(': ') + 2) };
    this.draw();
    this.node.querySelector('.block.blamed select, .block.blamed input, .block.blamed textarea')?.focus();
  }

  redraw(focus) {
    this.draw();
    this.changed();
    if (focus) this.focus(focus);
  }

  focus(key) {
    const found = this.node.querySelector(`[data-k="${CSS.escape(key)}"]`);
    found?.focus();
    found?.scrollIntoView({ block: 'nearest' });
  }

  draw() {
    const { h, t, form } = this;
    const active = this.node.contains(document.activeElement) && document.activeElement.dataset.k;
    this.telling.clear();
    this.drawWhen();
    const parts = [this.ifBlock()];
    form.do.forEach((step, place) => {
      const before = form.do[place - 1];
      if (before && 'wait' in before && 'stop_if' in step) return; // stands within its wait
      parts.push(this.stepBlock(step, place));
    });
    const missing = this.checked && !form.do.length;
    const adder = h('div', { class: 'adding' }, this.stepAdder(), missing && h('p', { class: 'problem' }, t.stepsMissing));
    const blocks = parts.flatMap((one) => [h('div', { class: 'link' }), one]);
    while (this.when.nextSibling) this.when.nextSibling.remove();
    this.node.append(...blocks, h('div', { class: 'link' }), this.editable ? adder : '', settingsBlock(this));
    if (!this.editable) for (const one of this.node.querySelectorAll('select, input, textarea, button')) if (!('reads' in one.dataset)) one.disabled = true;
    if (active && document.activeElement?.dataset?.k !== active) this.node.querySelector(`[data-k="${CSS.escape(active)}"]`)?.focus();
  }

  block(kind, key, title, content, side) {
    const { h } = this;
    const blame = this.blamed[key];
    return h('section', { class: `block ${kind} ${blame ? 'blamed' : ''}`, 'aria-labelledby': `b-${key}`, 'data-block': key }, h('h2', { class: 'k', id: `b-${key}` }, title), h('div', { class: 'content' }, content, blame && h('p', { class: 'problem', role: 'alert' }, blame)), side ?? h('span', {}));
  }

  // Drawn once: a list that is replaced while somebody types in it forgets what was typed.
  whenBlock() {
    const { h, t, language, words } = this;
    this.pick = h('select', { 'data-k': 'trigger', 'aria-label': t.trigger, onchange: (event) => this.choose(event.target.value) },
      h('option', { value: '', disabled: true }, t.chooseTrigger), words.triggers.map((one) => h('option', { value: one.fact }, one.title[language])));
    this.counting = h('div', { class: 'line' });
    this.lacks = h('div', { class: 'lacks' });
    this.when = this.block('', 'when', t.when, [h('div', { class: 'line' }, this.pick, this.counting), this.lacks]);
    return this.when;
  }

  choose(fact) {
    this.form.when = { fact };
    if (this.trigger?.counts) this.form.when[this.trigger.counts] = FIRST_COUNT[fact];
    if (this.trigger?.schedule) this.form.when.schedule = {};
    this.form.when.where = FIRST_CONDITIONS[fact];
    this.form.if = writeCondition(this.ifs, this.names);
    this.form.do = this.form.do.map((step) => (this.stops.has(step) ? { stop_if: writeCondition(this.stops.get(step), this.names) ?? {} } : step));
    this.readRows();
    this.forget(); // what was removed belonged to other rows
    this.redraw('trigger');
  }

  drawWhen() {
    const { h, t, form, language } = this;
    const problem = this.checked && !this.trigger;
    const { counts } = this.trigger ?? {};
    const wrong = this.checked && counts && !Number.isInteger(form.when[counts]);
    if (this.pick.value !== form.when.fact) this.pick.value = form.when.fact;
    if (problem) this.pick.setAttribute('aria-invalid', 'true');
    else this.pick.removeAttribute('aria-invalid');
    const count = counts && [h('input', { type: 'number', class: 'short', min: 0, max: 3650, 'data-k': 'count', 'aria-label': `${t.count}: ${this.trigger.counts_title[language]}`, 'aria-invalid': wrong ? 'true' : null, value: form.when[counts] ?? '', oninput: (event) => ((form.when[counts] = event.target.valueAsNumber), this.changed()) }), h('span', {}, this.trigger.counts_title[language])];
    this.counting.replaceChildren(...[count || [], this.trigger?.schedule ? this.schedule() : []].flat());
    const said = [problem && t.triggerMissing, wrong && t.numberMissing, this.blamed.when].filter(Boolean);
    this.when.classList.toggle('blamed', Boolean(this.blamed.when));
    this.lacks.replaceChildren(...said.map((text) => h('p', { class: 'problem', role: 'alert' }, text)));
  }

  schedule() {
    const { h, t, form } = this;
    const { schedule } = form.when;
    const set = (name, value) => ((schedule[name] = value || undefined), this.changed());
    return [
      h('select', { 'data-k': 'weekday', 'aria-label': t.weekday, onchange: (event) => set('weekday', event.target.value) }, h('option', { value: '' }, t.everyDay), Object.entries(t.weekdays).map(([name, text]) => h('option', { value: name, selected: schedule.weekday === name }, text))),
      h('input', { type: 'number', class: 'medium', min: 1, max: 31, 'data-k': 'day-of-month', 'aria-label': t.dayOfMonth, placeholder: t.dayOfMonth, value: schedule.day_of_month ?? '', oninput: (event) => set('day_of_month', event.target.valueAsNumber) })];
  }

  ifBlock() {
    const { h, t } = this;
    const event = [[t.ofEvent, this.trigger?.fields ?? []]];
    const customer = [[t.ofCustomer, this.words.names]];
    const sides = [];
    if (this.where.length || (this.trigger?.fields.length && this.editable)) sides.push([t.ofEvent, conditionRows(this, this.where, event, this.names, 'where')]);
    sides.push([t.ofCustomer, conditionRows(this, this.ifs, customer, this.names, 'if')]);
    return this.block('', 'if', t.if, sides.map(([name, list]) => h('div', { class: 'about' }, h('h3', {}, name), list)));
  }

  stepBlock(step, place) {
    const { h, t, language } = this;
    const kind = kindOf(step);
    const what = this.words.steps.find(({ do: name }) => name === kind);
    const next = this.form.do[place + 1];
    const unless = kind === 'wait' && next && 'stop_if' in next ? next : null;
    const many = unless ? 2 : 1;
    const title = kind === 'wait' ? t.wait : kind === 'stop_if' ? t.stop : t.do;
    const content = kind === 'wait' ? this.waiting(step, place, unless) : kind === 'stop_if' ? this.stopping(step, place) : [h('div', { class: 'line' }, h('b', {}, what.title[language])), stepEditor(this, step, kind, what, place)];
    const missing = what.needs_source && !what.sources.length && h('p', { class: 'warn' }, t.noSource);
    const take = () => {
      const gone = this.form.do.splice(place, many);
      this.removed(t.stepRemoved, () => (this.form.do.splice(place, 0, ...gone), `step-${place}-remove`));
      this.redraw('add-step');
    };
    const move = (by) => {
      const some = this.form.do.splice(place, many);
      const to = Math.max(0, Math.min(this.form.do.length, place + by));
      // never between a wait and its exception
      const into = by < 0 && 'stop_if' in (this.form.do[to] ?? {}) && 'wait' in (this.form.do[to - 1] ?? {}) ? to - 1 : by > 0 && 'stop_if' in (this.form.do[to] ?? {}) && 'wait' in (this.form.do[to - 1] ?? {}) ? to + 1 : to;
      this.form.do.splice(into, 0, ...some);
      this.redraw(`step-${into}-${by < 0 ? 'up' : 'down'}`);
    };
    const name = what?.title[language] ?? kind;
    const small = (key, sign, label, press, off) => h('button', { type: 'button', class: 'bin', 'data-k': `step-${place}-${key}`, 'aria-label': `${label}: ${name}`, title: label, disabled: off, onclick: press }, sign);
    const side = h('div', { class: 'tools' }, small('up', '↑', t.up, () => move(-1), place === 0), small('down', '↓', t.down, () => move(1), place + many >= this.form.do.length), small('remove', '×', t.removeStep, take));
    return this.block(`step ${kind}`, String(place), title, [content, missing], side);
  }

  waiting(step, place, unless) {
    const { h, t } = this;
    const unit = ['minutes', 'hours', 'days'].find((one) => step.wait[one]) ?? step.unit ?? 'days';
    const set = (value, of) => {
      step.wait = { [of]: value };
      this.changed();
    };
    const preset = !unless ? 'none' : Object.keys(EXCEPTIONS).find((one) => same(EXCEPTIONS[one], writeCondition(this.stops.get(unless), this.names))) ?? 'own';
    const except = (event) => {
      const chosen = event.target.value;
      if (unless) this.stops.delete(this.form.do.splice(place + 1, 1)[0]);
      if (chosen !== 'none') {
        const stop = { stop_if: structuredClone(EXCEPTIONS[chosen] ?? {}) };
        this.form.do.splice(place + 1, 0, stop);
        this.stops.set(stop, readCondition(stop.stop_if, this.names));
      }
      this.redraw(`step-${place}-unless`);
    };
    const wrong = this.checked && !(Object.values(step.wait)[0] > 0);
    return [h('div', { class: 'line' },
      h('input', { type: 'number', class: 'short', min: 1, 'data-k': `step-${place}-first`, 'aria-label': t.length, 'aria-invalid': wrong ? 'true' : null, value: step.wait[unit] ?? '', oninput: (event) => set(event.target.valueAsNumber, this.node.querySelector(`[data-k="step-${place}-unit"]`).value) }),
      h('select', { 'data-k': `step-${place}-unit`, 'aria-label': t.unit, onchange: (event) => set(Object.values(step.wait)[0], event.target.value) }, ['days', 'hours', 'minutes'].map((one) => h('option', { value: one, selected: one === unit }, t.units[one]))),
      h('select', { 'data-k': `step-${place}-unless`, 'aria-label': t.unless, onchange: except }, Object.entries(t.exceptions).map(([name, text]) => h('option', { value: name, selected: name === preset }, text)))),
    wrong && h('p', { class: 'problem' }, t.numberMissing),
    preset === 'own' && this.stopping(unless, place + 1)];
  }

  stopping(step, place) {
    const rows = this.stops.get(step);
    const offered = [[this.t.ofSince, this.words.since], [this.t.ofEvent, this.trigger?.fields ?? []], [this.t.ofCustomer, this.words.names]];
    const empty = this.checked && !rows.length && this.h('p', { class: 'problem' }, this.t.valueMissing);
    return [conditionRows(this, rows, offered, this.names, `stop-${place}`), empty];
  }

  stepAdder() {
    const { h, t, language } = this;
    const pick = (kind) => {
      const what = this.words.steps.find(({ do: name }) => name === kind);
      const step = kind === 'wait' ? { wait: { days: 3 } } : kind === 'stop_if' ? { stop_if: {} } : { [kind]: FIRST_WORDS[kind](this.suited(), this.words.offers, what.sources) };
      if (kind === 'send_email' && step.send_email.message === 'apology') step.send_email.apology = true;
      this.form.do.push(step);
      if (kind === 'stop_if') this.stops.set(step, []);
      const place = this.form.do.length - 1;
      this.redraw(kind === 'stop_if' ? `stop-${place}-add` : `step-${place}-first`);
    };
    return menu(h, { key: 'add-step', label: t.addStep, groups: () => [['', this.words.steps.map((one) => [one.do, one.title[language]])]], pick });
  }

  // The stored messages, what suits the trigger first.
  suited() {
    const wanted = { 'survey.answered': 'apology', 'review.published': 'apology', 'contract.ending': 'renewal', 'onboarding.day': 'welcome_check' }[this.form.when.fact];
    return [...this.words.messages].sort((one, other) => (other.id === wanted) - (one.id === wanted));
  }
}

// A text that is missing in one language is that of the other.
function filled(step) {
  const texts = (given) => {
    const has = (one) => [given[one]].flat().some((text) => text?.trim?.());
    const other = { de: 'en', en: 'de' };
    return Object.fromEntries(['de', 'en'].map((one) => [one, has(one) ? given[one] : given[other[one]]]));
  };
  const walk = (given) => {
    if (given === null || typeof given !== 'object' || Array.isArray(given)) return given;
    if ('de' in given || 'en' in given) return texts(given);
    return Object.fromEntries(Object.entries(given).map(([name, one]) => [name, walk(one)]));
  };
  return walk(step);
}
