// What an automation did and why not, its versions, and its form as it is kept.

const KINDS = { sent: 'good', enqueued: '', refused: 'watch', dead: 'bad', uncertain: 'bad', postponed: '', waits: '', stopped: '', would: '' };

export async function drawRuns(body, context, t, words, entry) {
  const { h, service, numbers, language, busy } = context;
  const said = (table, name) => table[name]?.[language] ?? name;
  const list = h('ol', { class: 'runs' });
  const again = h('button', { type: 'button', 'data-k': 'more-runs', hidden: true }, t.more);
  body.replaceChildren(h('section', { class: 'panel', 'aria-label': t.views.runs }, list, again));

  const item = (one) => {
    const title = words.triggers.find(({ fact }) => fact === one.fact)?.title[language] ?? one.fact;
    const steps = one.steps.map((step) => {
      const result = step.sent ?? step.result;
      const name = words.steps.find(({ do: each }) => each === step.do)?.title[language] ?? step.do;
      const parts = [said(words.states, result), step.reason && said(words.reasons, step.reason), step.until && t.until(numbers.instant(step.until)), step.through && t.through(step.through)];
      return h('li', {}, h('span', {}, name), h('span', { class: `badge ${KINDS[result] ?? ''}` }, parts[0]), h('span', { class: 'hint' }, parts.slice(1).filter(Boolean).join(', ')), h('span', { class: 'hint when' }, numbers.instant(step.sent_at ?? step.at)));
    });
    return h('li', {}, h('div', { class: 'line' }, h('b', {}, t.run(title, numbers.instant(one.occurred_at))), h('span', { class: 'badge' }, said(words.states, one.state)), one.reason && h('span', { class: 'hint' }, said(words.reasons, one.reason)), one.customer && h('code', { class: 'hint' }, one.customer)), h('ol', {}, steps));
  };

  const load = async (after) => {
    again.disabled = true; // twice would show them twice
    const told = await busy(service.get(`/v1/automations/${entry.id}/runs`, { after }));
    again.disabled = false;
    if (!told) return;
    list.append(...told.runs.map(item));
    if (!list.children.length) list.replaceWith(h('p', { class: 'empty' }, t.noRuns));
    again.hidden = !told.next;
    again.onclick = () => load(told.next);
  };
  await load();
}

export function drawVersions(body, context, t, { entry, versions, editable, take }) {
  const { h, service, numbers, busy, ask, say, language } = context;
  const back = async (one) => {
    if (!(await ask({ title: t.rollBackTitle, text: t.rollBackText, confirm: t.rollBack }))) return;
    const told = await busy(service.post(`/v1/automations/${entry.id}/rollback`, { version: one.version }));
    if (!told) return;
    take(told);
    say(t.rolledBack);
  };
  body.replaceChildren(h('section', { class: 'panel', 'aria-label': t.views.versions }, h('ol', { class: 'versions' }, versions.map((one) => h('li', {},
    h('div', { class: 'line' }, h('b', {}, one.form.title[language]), one.in_use && h('span', { class: 'badge on' }, t.inUse)),
    h('span', { class: 'hint' }, `${t.by(numbers.instant(one.at), one.by)} · ${one.version.slice(0, 8)}`),
    h('details', {}, h('summary', {}, t.views.form), h('pre', {}, JSON.stringify(one.form, null, 2))),
    editable && !one.in_use && h('button', { type: 'button', onclick: () => back(one) }, t.rollBack))))));
}

export function drawForm(body, context, t, words, { form, editable, use }) {
  const { h } = context;
  const area = h('textarea', { class: 'raw', id: 'raw', spellcheck: 'false', rows: 28, readonly: !editable, 'data-k': 'raw' });
  area.value = JSON.stringify(form, null, 2);
  const problem = h('p', { class: 'problem', role: 'alert' });
  const read = () => {
    try {
      const given = JSON.parse(area.value);
      const object = (one) => one !== null && typeof one === 'object' && !Array.isArray(one);
      if (!object(given) || !object(given.when) || !Array.isArray(given.do)) throw new Error(t.rawWrong);
      const odd = given.do.findIndex((step) => !object(step) || !words.steps.some(({ do: name }) => object(step[name])));
      if (odd >= 0) throw new Error(t.rawStep(odd));
      use({ title: {}, ...given });
    } catch (wrong) {
      problem.textContent = wrong instanceof SyntaxError ? t.rawWrong : wrong.message;
      area.setAttribute('aria-invalid', 'true');
      area.focus();
    }
  };
  body.replaceChildren(h('section', { class: 'panel' }, h('label', { for: 'raw' }, t.views.form), h('p', { class: 'hint' }, t.rawHint), area, problem, editable && h('button', { type: 'button', 'data-k': 'use-raw', onclick: read }, t.rawUse)));
}
