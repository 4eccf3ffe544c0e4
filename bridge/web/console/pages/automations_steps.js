// What a step needs to be told: messages in two languages with a preview, short texts, sources, choices.

import { menu } from './automations_menu.js';

const RARE = ['apology', 'preferred_only', 'after', 'queue', 'owner', 'due'];

const empty = (given) => !given || ![given].flat().some((text) => typeof text === 'string' && text.trim());
const lines = (given) => [given ?? []].flat().join('\n');
const listed = (text) => {
  const some = text.split('\n').map((one) => one.trim()).filter(Boolean);
  return some.length > 1 ? some : some[0] ?? '';
};
const unsaid = (texts) => empty(texts?.de) && empty(texts?.en);

// Whether anything is missing in a step before it can be saved.
export function lackingIn(step, flow) {
  if ('stop_if' in step) return !flow.stops.get(step)?.length;
  if ('wait' in step) return !(Object.values(step.wait)[0] > 0);
  const [kind] = Object.keys(step);
  return flow.words.steps.find(({ do: name }) => name === kind).parameters.some((one) => missingIn(one, step[kind]));
}

function missingIn(parameter, form) {
  const given = form[parameter.name];
  if (parameter.kind === 'message') return typeof given === 'string' ? !given : unsaid(given?.subject) || unsaid(given?.lines);
  if (!parameter.required) return false;
  if (parameter.kind === 'texts') return unsaid(given);
  return given === '' || given === undefined || given === null;
}

export function stepEditor(flow, step, kind, what, place) {
  const { h, t } = flow;
  const form = step[kind];
  let first = true;
  const made = what.parameters.map((one) => {
    const key = first ? `step-${place}-first` : `step-${place}-${one.name}`;
    const editor = parameterEditor(flow, form, one, what, key, kind);
    if (!editor) return null;
    first = false;
    const wrong = flow.checked && missingIn(one, form);
    const text = { texts: t.textMissing, message: t.textMissing, number: t.numberMissing }[one.kind] ?? t.choiceMissing;
    return [one, h('div', { class: 'parameter' }, editor, wrong && h('p', { class: 'problem' }, text))];
  }).filter(Boolean);
  const rare = made.filter(([one]) => RARE.includes(one.name));
  const set = rare.some(([one]) => form[one.name] !== undefined && !(one.name === 'apology' && kind === 'send_email'));
  return [...made.filter(([one]) => !RARE.includes(one.name)).map(([, node]) => node),
    rare.length > 0 && h('details', { class: 'rare', open: set }, h('summary', { 'data-k': `step-${place}-rare` }, t.rare), h('div', { class: 'rare-in' }, rare.map(([, node]) => node)))];
}

function parameterEditor(flow, form, one, what, key, kind) {
  const { h, t, language, changed, words } = flow;
  const label = one.title[language];
  const wrong = flow.checked && missingIn(one, form) ? 'true' : null;
  const labelled = (control) => h('label', { class: 'field' }, h('span', {}, label), control);
  const set = (value) => {
    if (value === '' && !one.required) delete form[one.name];
    else form[one.name] = value;
    changed();
  };
  if (one.kind === 'message') return messageEditor(flow, form, key);
  if (one.kind === 'texts') return textsEditor(flow, (form[one.name] ??= {}), { label, key, wrong, hint: t.textHint, single: one.name === 'subject' });
  if (one.kind === 'flag') return h('label', { class: 'check' }, h('input', { type: 'checkbox', 'data-k': key, checked: form[one.name] === true, onchange: (event) => (event.target.checked ? (form[one.name] = true) : delete form[one.name], changed()) }), label);
  if (one.kind === 'choice') return labelled(h('select', { 'data-k': key, onchange: (event) => set(event.target.value) }, one.values.map(({ value, title }) => h('option', { value, selected: (form[one.name] ?? (one.name === 'priority' ? 'normal' : 'email')) === value }, title[language]))));
  if (one.kind === 'offer') return labelled(h('select', { 'data-k': key, onchange: (event) => set(event.target.value) }, words.offers.map(({ id, title }) => h('option', { value: id, selected: form.id === id }, title[language]))));
  if (one.kind === 'source') {
    if (what.sources.length < 2 && !(form.through && !what.sources.includes(form.through)) && !one.required) return null;
    const options = [...new Set([...what.sources, form.through].filter(Boolean))];
    return labelled(h('select', { 'data-k': key, 'aria-invalid': wrong, onchange: (event) => set(event.target.value) }, !one.required && h('option', { value: '' }, t.sourceAny), options.map((name) => h('option', { value: name, selected: form.through === name }, name))));
  }
  if (one.kind === 'span') return labelled(h('span', { class: 'line' }, h('input', { type: 'number', class: 'short', min: 0, 'data-k': key, 'aria-label': `${label}: ${t.units.days}`, value: form[one.name]?.days ?? '', oninput: (event) => (Number.isInteger(event.target.valueAsNumber) && event.target.valueAsNumber > 0 ? (form[one.name] = { ...form[one.name], days: event.target.valueAsNumber }) : delete form[one.name], changed()) }), t.units.days));
  if (one.kind === 'number' && one.name === 'amount' && !words.offers.find(({ id }) => id === form.id)?.amount) return null;
  const number = one.kind === 'number';
  const read = (event) => (number ? (Number.isNaN(event.target.valueAsNumber) ? '' : event.target.valueAsNumber) : event.target.value.trim());
  if (kind === 'schedule_callback' && one.name === 'queue' && !form.queue) return null;
  return labelled(h('input', { type: number ? 'number' : 'text', class: number ? 'short' : null, min: 0, 'data-k': key, 'aria-invalid': wrong, value: form[one.name] ?? '', oninput: (event) => set(read(event)) }));
}

// One text in both languages; where one is missing the other is taken.
function textsEditor(flow, texts, { label, key, wrong, hint, single }) {
  const { h, t, language, changed } = flow;
  const order = language === 'de' ? ['de', 'en'] : ['en', 'de'];
  const warning = h('div', { class: 'warns' });
  const tell = () => {
    const other = { de: 'en', en: 'de' };
    const missing = order.filter((one) => empty(texts[one]) && !empty(texts[other[one]]));
    warning.replaceChildren(...missing.map((one) => h('p', { class: 'warn' }, t.missingIn(t.languages[one], flow.counts[one], t.languages[other[one]]))));
  };
  const fields = order.map((one, at) => {
    const area = h('textarea', { rows: single ? 1 : Math.min(8, Math.max(2, [texts[one] ?? []].flat().length + 1)), lang: one, 'data-k': at ? `${key}-${one}` : key, 'aria-invalid': at ? null : wrong, oninput: (event) => ((texts[one] = listed(event.target.value)), tell(), changed()) });
    area.value = lines(texts[one]);
    return h('label', { class: 'field' }, h('span', {}, `${label}, ${t.languages[one]}`), area);
  });
  tell();
  flow.telling.add(tell);
  return h('div', { class: 'texts' }, h('div', { class: 'pair' }, fields), inserter(flow, fields, key), warning, hint && !single && h('p', { class: 'hint' }, hint));
}

// Puts a word where the cursor was last.
function inserter(flow, fields, key) {
  const { h, t, language } = flow;
  const areas = fields.map((one) => one.querySelector('textarea'));
  let last = areas[0];
  for (const area of areas) area.addEventListener('focus', () => (last = area));
  const pick = (word) => {
    last.setRangeText(`{{ ${word} }}`, last.selectionStart, last.selectionEnd, 'end');
    last.dispatchEvent(new Event('input'));
    last.focus();
  };
  return menu(h, { key: `${key}-insert`, label: t.insert, groups: () => [['', (flow.trigger?.words ?? []).map((one) => [one.value, one.title[language]])]], pick });
}

function messageEditor(flow, form, key) {
  const { h, t, language, words, changed, redraw, opened } = flow;
  const stored = words.messages.find((one) => one.id === form.message) ?? words.messages.find((one) => typeof form.message === 'object' && JSON.stringify(one.form) === JSON.stringify(form.message));
  const own = !stored;
  const isOpen = opened.has(form);
  const choose = (event) => {
    const id = event.target.value;
    form.message = id || { subject: { de: '', en: '' }, lines: { de: '', en: '' } };
    if (id === 'apology' && 'apology' in form === false) form.apology = true;
    opened[id ? 'delete' : 'add'](form);
    redraw(id ? key : `${key}-subject`);
  };
  const flip = () => {
    if (isOpen) opened.delete(form);
    else opened.add(form);
    redraw(`${key}-open`);
  };
  const change = () => {
    form.message = structuredClone(stored.form);
    opened.add(form);
    redraw(`${key}-subject`);
  };
  const title = (one) => [one.form.subject[language]].flat().at(-1);
  const pick = h('label', { class: 'field wide-field' }, h('span', { class: 'unseen' }, t.ownMessage), h('select', { 'data-k': key, 'aria-label': `${t.subject}`, onchange: choose }, words.messages.map((one) => h('option', { value: one.id, selected: stored === one }, title(one))), h('option', { value: '', selected: own }, own && !empty(form.message?.subject?.[language]) ? [form.message.subject[language]].flat().at(-1) : t.ownMessage)));
  const open = isOpen || (flow.checked && own && (unsaid(form.message?.subject) || unsaid(form.message?.lines)));
  const toggle = h('button', { type: 'button', class: 'quiet', 'data-k': `${key}-open`, 'data-reads': '', 'aria-expanded': String(open), onclick: flip }, open ? t.hideMessage : t.showMessage);
  if (!open) return [h('div', { class: 'line' }, pick, toggle)];
  const page = h('div', { class: 'reads', 'aria-live': 'polite' });
  const newest = { asked: 0 };
  const show = () => read(flow, form, page, newest);
  let waiting = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 500);
  };
  const inner = { ...flow, trigger: flow.trigger, changed: () => (changed(), later()) };
  const edit = own || typeof form.message === 'object';
  show();
  return [h('div', { class: 'line' }, pick, toggle, !edit && h('button', { type: 'button', class: 'quiet', 'data-k': `${key}-edit`, onclick: change }, t.editMessage)),
    edit && [textsEditor(inner, (form.message.subject ??= {}), { label: t.subject, key: `${key}-subject`, single: true }), textsEditor(inner, (form.message.lines ??= {}), { label: t.lines, key: `${key}-lines`, hint: t.linesHint })], page];
}

// How it reads for an example, as the gateway writes it; an answer that comes after a newer question is dropped.
async function read(flow, form, page, newest) {
  const { h, t, language, context } = flow;
  const mine = (newest.asked += 1);
  const fact = flow.trigger?.fact ?? 'survey.answered';
  const { message } = form;
  try {
    const told = await context.service.post('/v1/automations/message_preview', { fact, ...(typeof message === 'string' ? { message } : { subject: clean(message.subject), lines: clean(message.lines) }) });
    if (mine !== newest.asked) return;
    Object.assign(flow.counts, { de: told.de.customers, en: told.en.customers });
    for (const tell of flow.telling) tell();
    const order = language === 'de' ? ['de', 'en'] : ['en', 'de'];
    const other = { de: 'en', en: 'de' };
    const said = (name) => flow.trigger?.words.find(({ value }) => value === name)?.title[language] ?? name;
    page.replaceChildren(h('h4', {}, t.readsAs), h('div', { class: 'pair' }, order.map((one) => {
      const { subject, text, missing, customers, left_out: left } = told[one];
      return h('article', { lang: missing ? other[one] : one }, h('h5', {}, t.languages[one]), missing && h('p', { class: 'warn' }, t.missingIn(t.languages[one], customers, t.languages[other[one]])), h('b', {}, subject), h('p', { class: 'letter' }, text), left.length > 0 && h('p', { class: 'hint' }, t.leftOut(left.map(said).join(', '))));
    })));
  } catch (problem) {
    if (mine === newest.asked && problem.status !== 401) page.replaceChildren(h('p', { class: 'warn' }, problem.status === 400 ? t.wrongAt(problem.text) : context.explain(problem)));
  }
}

const clean = (texts) => Object.fromEntries(Object.entries(texts ?? {}).filter(([, one]) => !empty(one)));
