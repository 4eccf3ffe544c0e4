// Conditions as sentences. The language's maps become rows (a leaf, a group, or what no row can say), and maps again.

import { menu } from './automations_menu.js';

const COMPARED = ['is', 'at_least', 'at_most', 'more_than', 'less_than', 'one_of', 'not_in', 'contains', 'exists'];

function readLeaf(name, given, band, names) {
  const field = names.get(name);
  if (!field) return null;
  if (field.kind === 'marks') {
    if (given !== null && typeof given === 'object' && !Array.isArray(given)) return null;
    return [{ name, op: 'one_of', value: [given].flat(), band: band === undefined ? [] : [band].flat() }];
  }
  if (given !== null && typeof given === 'object' && !Array.isArray(given)) {
    const entries = Object.entries(given);
    if (!entries.length || entries.some(([op]) => !COMPARED.includes(op))) return null;
    return entries.map(([op, value]) => ({ name, op, value }));
  }
  if (Array.isArray(given)) return [{ name, op: field.kind === 'texts' ? 'contains' : 'one_of', value: given }];
  return [{ name, op: field.kind === 'texts' ? 'contains' : 'is', value: given }];
}

// A condition as rows that all have to hold.
export function readCondition(condition, names) {
  if (condition === null || condition === undefined) return [];
  if (typeof condition !== 'object' || Array.isArray(condition)) return [{ raw: condition }];
  const rows = [];
  for (const [name, given] of Object.entries(condition)) {
    if (name === 'band') continue;
    if (name === 'all' && Array.isArray(given)) rows.push(...given.flatMap((one) => readCondition(one, names)));
    else if (name === 'any' && Array.isArray(given)) rows.push({ join: 'any', rows: given.map((one) => whole(readCondition(one, names))) });
    else if (name === 'not') rows.push({ join: 'not', rows: readCondition(given, names) });
    else rows.push(...(readLeaf(name, given, condition.band, names) ?? [{ raw: { [name]: given, ...(condition.band !== undefined && { band: condition.band }) } }]));
  }
  return rows;
}

const whole = (rows) => (rows.length === 1 ? rows[0] : { join: 'all', rows });

function writeRow(row, names) {
  if ('raw' in row) return row.raw;
  if (row.join === 'not') return { not: writeCondition(row.rows, names) ?? {} };
  if (row.join === 'any') return { any: row.rows.map((one) => writeRow(one, names)) };
  if (row.join) return { all: row.rows.map((one) => writeRow(one, names)) };
  const kind = names.get(row.name)?.kind;
  if (kind === 'marks') {
    const one = (some) => (some.length === 1 ? some[0] : some);
    return { [row.name]: one(row.value), ...(row.band.length > 0 && { band: one(row.band) }) };
  }
  if (row.op === 'is') return { [row.name]: row.value };
  return { [row.name]: { [row.op]: row.value } };
}

// Rows as the condition that they are; undefined for none.
export function writeCondition(rows, names) {
  if (!rows.length) return undefined;
  const made = rows.map((row) => writeRow(row, names));
  if (made.length === 1) return made[0];
  const keys = made.flatMap((one) => (one && typeof one === 'object' ? Object.keys(one) : ['raw', 'raw']));
  const plain = new Set(keys).size === keys.length && !keys.includes('band');
  return plain ? Object.assign({}, ...made) : { all: made };
}

export function emptyRow(field) {
  if (field.kind === 'marks') return { name: field.name, op: 'one_of', value: [field.codes[0].value], band: [] };
  if (field.kind === 'boolean') return { name: field.name, op: 'is', value: true };
  if (field.kind === 'ordered') return { name: field.name, op: 'at_least', value: field.values[Math.min(2, field.values.length - 1)].value };
  if (field.kind === 'choice') return { name: field.name, op: 'is', value: field.values[0].value };
  if (field.kind === 'number') return { name: field.name, op: 'at_least', value: 1 };
  if (field.kind === 'texts') return { name: field.name, op: 'contains', value: [''] };
  return { name: field.name, op: 'is', value: '' };
}

// What is missing in a row, in the words of `t`; "" when it says something.
export function lacking(row, t) {
  if ('raw' in row) return '';
  if (row.join) return row.rows.length ? '' : t.emptyGroup;
  const none = row.value === '' || row.value === null || (typeof row.value === 'number' && Number.isNaN(row.value));
  const some = Array.isArray(row.value) ? row.value.filter((one) => one !== '') : [row.value];
  return none || !some.length || some.some(Number.isNaN) ? t.valueMissing : '';
}

// An editor of rows, drawn into a list. `build` has h, t, language, words (the vocabulary), changed() and redraw(focus).
export function conditionRows(build, rows, offered, names, key) {
  const { h, t, redraw } = build;
  const remove = (place) => {
    const [gone] = rows.splice(place, 1);
    build.removed(t.conditionRemoved, () => (rows.splice(place, 0, gone), `${key}-${place}-remove`));
    redraw(`${key}-add`);
  };
  const items = rows.map((row, place) => {
    const here = `${key}-${place}`;
    const problem = build.checked ? lacking(row, t) : '';
    const bin = h('button', { type: 'button', class: 'bin', 'data-k': `${here}-remove`, 'aria-label': t.removeCondition, title: t.removeCondition, onclick: () => remove(place) }, '×');
    if ('raw' in row) return h('li', { class: 'leaf' }, h('code', {}, JSON.stringify(row.raw)), h('span', { class: 'hint' }, t.asIs), bin);
    if (row.join) return group(build, row, offered, names, here, bin);
    return h('li', { class: 'leaf', 'data-place': here }, ...leaf(build, row, names, here, problem), bin, problem && h('p', { class: 'problem', id: `${here}-problem` }, problem));
  });
  return h('ul', { class: 'conditions' }, items, h('li', { class: 'row' }, adder(build, rows, offered, names, key),
    h('button', { type: 'button', class: 'quiet', 'data-k': `${key}-group`, onclick: () => (rows.push({ join: 'any', rows: [] }), redraw(`${key}-${rows.length - 1}-add`)) }, t.addGroup)));
}

function group(build, row, offered, names, here, bin) {
  const { h, t, redraw } = build;
  const pick = h('select', { 'data-k': `${here}-join`, 'aria-label': t.join, onchange: (event) => ((row.join = event.target.value), redraw(`${here}-join`)) },
    ['all', 'any', 'not'].map((one) => h('option', { value: one, selected: row.join === one }, t.joins[one])));
  return h('li', { class: 'group' }, h('div', { class: 'row' }, pick, bin), conditionRows(build, row.rows, offered, names, here));
}

function adder(build, rows, offered, names, key) {
  const { h, t, language, redraw } = build;
  const pick = (name) => {
    rows.push(emptyRow(names.get(name)));
    redraw(`${key}-${rows.length - 1}-value`);
  };
  return menu(h, { key: `${key}-add`, label: t.addCondition, groups: () => offered.map(([label, some]) => [label, some.map((one) => [one.name, one.title[language]])]), pick });
}

function leaf(build, row, names, here, problem) {
  const { h, t, language, words, changed, redraw } = build;
  const field = names.get(row.name);
  const said = field.title[language];
  if (field.kind === 'boolean') {
    const now = row.op === 'exists' ? (row.value ? 'known' : 'unknown') : String(row.value);
    const set = (event) => {
      const chosen = event.target.value;
      Object.assign(row, chosen === 'true' || chosen === 'false' ? { op: 'is', value: chosen === 'true' } : { op: 'exists', value: chosen === 'known' });
      changed();
    };
    return [h('span', {}, said), h('select', { 'data-k': `${here}-value`, 'aria-label': said, onchange: set }, ['true', 'false', 'known', 'unknown'].map((one) => h('option', { value: one, selected: now === one }, t.booleans[one])))];
  }
  if (field.kind === 'marks') return [h('span', {}, said), ...marks(build, row, field, here)];
  const label = `${said}: ${words.operators[row.op][language]}`;
  const operator = h('select', { 'data-k': `${here}-op`, 'aria-label': `${said}: ${t.operator}`, onchange: (event) => (switchOperator(row, event.target.value, field), redraw(`${here}-op`)) },
    field.operators.map((op) => h('option', { value: op, selected: row.op === op }, words.operators[op][language])));
  return [h('span', {}, said), operator, value(build, row, field, here, label, problem)];
}

function switchOperator(row, op, field) {
  const many = op === 'one_of' || op === 'not_in' || field.kind === 'texts';
  if (op === 'exists') row.value = true;
  else if (row.op === 'exists') row.value = emptyRow(field).value;
  if (op !== 'exists') row.value = many ? [row.value].flat() : [row.value].flat()[0];
  row.op = op;
}

function value(build, row, field, here, label, problem) {
  const { h, t, language, changed } = build;
  const common = { 'data-k': `${here}-value`, 'aria-label': label, 'aria-invalid': problem ? 'true' : null, 'aria-describedby': problem ? `${here}-problem` : null };
  if (row.op === 'exists') return h('select', { ...common, onchange: (event) => ((row.value = event.target.value === 'true'), changed()) }, ['true', 'false'].map((one) => h('option', { value: one, selected: String(row.value) === one }, t.booleans[one])));
  if (field.values.length && Array.isArray(row.value)) {
    const flip = (one) => (event) => ((row.value = event.target.checked ? [...row.value, one] : row.value.filter((each) => each !== one)), changed());
    return h('span', { class: 'several', role: 'group', 'aria-label': label }, field.values.map((one) => h('label', {}, h('input', { type: 'checkbox', checked: row.value.includes(one.value), onchange: flip(one.value) }), one.title[language])));
  }
  if (field.values.length) {
    const compared = !['is', 'one_of', 'not_in'].includes(row.op);
    return h('select', { ...common, onchange: (event) => ((row.value = event.target.value), changed()) }, field.values.filter((one) => !(compared && one.beside)).map((one) => h('option', { value: one.value, selected: row.value === one.value }, one.title[language])));
  }
  if (Array.isArray(row.value)) {
    const numbers = field.kind === 'number';
    const set = (event) => ((row.value = event.target.value.split(',').map((one) => one.trim()).filter((one) => one !== '').map((one) => (numbers ? Number(one) : one))), changed());
    return h('input', { ...common, value: row.value.join(', '), placeholder: t.severalHint, oninput: set });
  }
  const type = { number: 'number', day: 'date' }[field.kind] ?? 'text';
  const set = (event) => ((row.value = field.kind === 'number' ? event.target.valueAsNumber : event.target.value), changed());
  return h('input', { ...common, type, step: 'any', class: type === 'number' ? 'short' : null, value: row.value ?? '', oninput: set });
}

function marks(build, row, field, here) {
  const { h, t, language, redraw, changed } = build;
  const codes = row.value.length > 1
    ? h('span', {}, row.value.map((one) => field.codes.find((code) => code.value === one)?.title[language] ?? one).join(', '))
    : h('select', { 'data-k': `${here}-value`, 'aria-label': field.title[language], onchange: (event) => (Object.assign(row, { value: [event.target.value], band: [] }), redraw(`${here}-value`)) },
      field.codes.map((one) => h('option', { value: one.value, selected: row.value[0] === one.value }, one.title[language])));
  const bands = field.codes.filter((one) => row.value.includes(one.value)).flatMap((one) => one.bands).filter((one, place, all) => all.findIndex((other) => other.value === one.value) === place);
  const flip = (band) => (event) => ((row.band = event.target.checked ? [...row.band, band] : row.band.filter((one) => one !== band)), changed());
  return [codes, bands.length > 1 && h('span', { class: 'several', role: 'group', 'aria-label': t.bands }, bands.map((one) => h('label', {}, h('input', { type: 'checkbox', checked: row.band.includes(one.value), onchange: flip(one.value) }), one.title[language])))];
}
