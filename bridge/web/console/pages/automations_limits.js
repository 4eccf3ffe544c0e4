// What holds for the whole of an automation: purpose, limits, budget, comparison group.

export function settingsBlock(flow) {
  const { h, t, form, changed } = flow;
  const field = (label, control, hint) => h('label', { class: 'field' }, h('span', {}, label), control, hint && h('span', { class: 'hint' }, hint));
  const pick = (name, options, fallback) => h('select', { 'data-k': `set-${name}`, onchange: (event) => ((form[name] = event.target.value), changed()) }, Object.entries(options).map(([value, text]) => h('option', { value, selected: (form[name] ?? fallback) === value }, text)));
  const number = (key, value, set, { min = 0, max, step = 1, placeholder } = {}) => h('input', { type: 'number', class: 'short', min, max, step, 'data-k': `set-${key}`, placeholder, value: value ?? '', oninput: (event) => (set(Number.isNaN(event.target.valueAsNumber) ? undefined : event.target.valueAsNumber), changed()) });
  const part = (name) => (given) => (form[name] = given === undefined ? undefined : Math.round(given) / 100);
  const limit = (name, fallback) => (given) => {
    if (name === 'times' && given === undefined) delete form.at_most;
    else form.at_most = { ...(form.at_most ?? { times: 1, days: 90 }), [name]: given ?? fallback };
  };
  let every = form.budget?.every ?? 'month';
  const budget = (given, of = every) => {
    every = of;
    if (given === undefined || given <= 0) delete form.budget;
    else form.budget = { ...form.budget, amount: given, every };
  };
  const details = h('details', { class: 'panel settings', open: flow.settingsOpen, ontoggle: (event) => (flow.settingsOpen = event.target.open) }, h('summary', { 'data-k': 'settings' }, t.settings), h('div', { class: 'fields' },
    field(t.purpose, pick('purpose', t.purposes, 'advertising')),
    field(t.open, pick('while_ticket_open', t.opens, 'wait')),
    field(t.maxAge, number('max-age', form.max_age ? form.max_age.days : 2, (given) => (form.max_age = given ? { days: given } : undefined), { min: 1 })),
    field(t.window, number('window', form.window ?? 30, (given) => (form.window = given), { min: 1 })),
    field(t.times, number('times', form.at_most?.times ?? (form.at_most ? 1 : undefined), limit('times', 1), { min: 1, placeholder: t.noBudget })),
    field(t.timesDays, number('times-days', form.at_most?.days ?? (form.at_most ? 90 : undefined), limit('days', 90), { min: 1 })),
    field(t.budget, h('span', { class: 'line' }, number('budget', form.budget?.amount, budget, { placeholder: t.noBudget }), h('span', {}, `${flow.words.currency} ${t.every}`), h('select', { 'aria-label': t.every, 'data-k': 'set-every', onchange: (event) => (budget(form.budget?.amount, event.target.value), changed()) }, Object.entries(t.periods).map(([value, text]) => h('option', { value, selected: every === value }, text))))),
    field(t.holdOut, number('hold-out', Math.round((form.hold_out ?? 0) * 100), part('hold_out'), { max: 50 }), t.holdOutHint),
    field(t.rollOut, number('roll-out', Math.round((form.roll_out ?? 1) * 100), part('roll_out'), { max: 100 }))));
  return details;
}
