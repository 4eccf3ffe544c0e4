// One automation: its head with what can be done about it, its blocks or its history, and the preview beside them.

import { Flow } from './automations_blocks.js';
import { drawEffect } from './automations_effect.js';
import { drawForm, drawRuns, drawVersions } from './automations_history.js';
import { LookBack } from './automations_preview.js';

const LETTERS = { ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss' };

// A name for addresses and files, out of a title.
function idOf(title, taken) {
  const plain = title.toLowerCase().replace(/[äöüß]/g, (one) => LETTERS[one]).normalize('NFD').replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 32) || 'automation';
  let id = plain;
  for (let n = 2; taken.has(id); n += 1) id = `${plain}_${n}`;
  return id;
}

export function openBuilder(place, context, t, words, shown) {
  const { h, service, may, ask, say, go, busy, numbers, language } = context;
  const editable = may('supervisor');
  let { entry, form, versions } = shown;
  let dirty = false;
  let view = 'build';
  let working = false; // something is being saved: a second click does nothing
  let named = Boolean(form.title?.de || form.title?.en);
  const taken = new Set(['new', 'vocabulary', 'preview', 'pause', 'resume', 'message_preview']);
  const head = h('div', { class: 'top builder-head' });
  const state = h('p', { class: 'state' });
  const body = h('div', { class: 'build' });
  const undo = h('div', { class: 'undo', role: 'status', 'aria-live': 'polite' });
  const look = new LookBack(context, t, words);
  const forget = () => undo.replaceChildren();
  const flow = new Flow({ context, t, words, editable, form, changed: touch, removed, forget });
  context.guard(() => dirty);

  function touch() {
    dirty = true;
    if (!named) form.title = flow.titles();
    title.placeholder = form.title[language] || t.title;
    if (!named) title.value = form.title[language];
    tell();
    look.later(flow);
  }

  function removed(text, bring) {
    const back = () => {
      const place = bring();
      forget();
      flow.redraw(place);
    };
    undo.replaceChildren(h('span', {}, text), h('button', { type: 'button', class: 'quiet', 'data-k': 'undo', onclick: back }, t.undo));
  }

  function rename(event) {
    const given = event.target.value.replace(/\s+/g, ' ').trim();
    named = given !== '';
    const auto = flow.titles();
    const own = shown.entry?.title ?? {};
    form.title = named ? { ...auto, ...own, [language]: given } : auto;
    dirty = true;
    tell();
  }

  // A field of several lines, so that a long name is read whole on a narrow page; it has no lines of its own.
  const title = h('textarea', { class: 'title', rows: 1, 'data-k': 'title', 'aria-label': t.title, maxlength: 120, disabled: !editable, oninput: rename, onkeydown: (event) => event.key === 'Enter' && event.preventDefault() });
  title.value = form.title?.[language] ?? '';
  title.placeholder = t.title;

  function tell() {
    const what = !entry ? [t.draft, t.notSaved] : [
      entry.mode === 'on' ? [t.live(numbers.instant(entry.live_since)), entry.roll_out < 1 ? t.onFor(entry.roll_out) : ''] : entry.mode === 'dry' ? t.dry : [t.draft, t.off],
      dirty ? t.unsaved : t.changedAt(numbers.instant(entry.updated_at), entry.updated_by)].flat();
    state.textContent = [what].flat(2).filter(Boolean).join(' · ');
  }

  // Whether it could be saved; else the first open place has the focus.
  function whole() {
    const problems = flow.check();
    if (!problems) return true;
    say(t.mend(problems), 'bad');
    if (view !== 'build') show('build');
    body.querySelector('[aria-invalid="true"], .adding .add')?.focus();
    return false;
  }

  async function save() {
    if (!whole()) return false;
    if (!form.title?.[language]) form.title = flow.titles();
    if (!entry) for (const one of (await service.get('/v1/automations')).automations) taken.add(one.id);
    const id = entry?.id ?? idOf(form.title.en, taken);
    try {
      take(await service.put(`/v1/automations/${id}`, { automation: flow.written(), version: entry?.version ?? null }));
    } catch (problem) {
      if (problem.status === 401) return false;
      say(problem.status === 409 ? t.elsewhere : problem.status === 400 ? t.wrongAt(problem.text) : context.explain(problem), 'bad');
      if (problem.status === 400) flow.blame(problem.text);
      return false;
    }
    return true;
  }

  function take(told) {
    ({ entry, versions } = told);
    shown = told;
    dirty = false;
    named = true;
    form = flow.take(told.form);
    context.moved(`/console/automations/${entry.id}`);
    forget();
    drawHead();
    if (view !== 'build') show(view);
  }

  // One thing at a time: a double click must not save a new automation twice.
  async function once(work) {
    if (working) return;
    working = true;
    try {
      await busy(work());
    } finally {
      working = false;
    }
  }

  async function saveOnly() {
    if (await save()) say(t.saved);
  }

  async function switchTo(mode, rollOut, question, done) {
    if (dirty || !entry) if (!whole()) return;
    if (question && !(await ask(question))) return;
    if ((dirty || !entry) && !(await save())) return;
    const told = await service.post(`/v1/automations/${entry.id}/mode`, { mode, ...(mode !== 'off' && { version: entry.version }), ...(rollOut !== undefined && { roll_out: rollOut }) });
    take(told);
    say(done);
    head.querySelector('.buttons [data-k]')?.focus();
  }

  async function remove() {
    if (!(await ask({ title: t.removeTitle, text: t.removeText, confirm: t.remove, danger: true }))) return;
    await service.remove(`/v1/automations/${entry.id}`);
    dirty = false;
    say(t.removed);
    go('/console/automations');
  }

  function drawHead() {
    tell();
    const button = (key, text, press, kind) => h('button', { type: 'button', 'data-k': key, class: kind, onclick: () => once(press) }, text);
    const focused = head.contains(document.activeElement) && document.activeElement.dataset.k;
    const reached = () => (look.reached === null ? null : numbers.count(look.reached));
    const on = entry?.mode === 'on';
    const buttons = editable ? [
      entry && !on && entry.origin === 'console' && button('remove', t.remove, remove, 'quiet'),
      entry?.mode !== 'dry' && !on && button('dry', t.tryDry, () => switchTo('dry', undefined, null, t.isDry)),
      entry && entry.mode !== 'off' && button('off', t.switchOff, () => switchTo('off', undefined, null, t.isOff)),
      button('save', t.save, saveOnly),
      !on && button('on', t.switchOn, () => switchTo('on', 0.1, { title: t.onTitle, text: [t.onText(reached()), flow.without && t.onWithout].filter(Boolean).join(' '), confirm: t.onYes }, t.isOn), 'main'),
      on && entry.roll_out < 1 && button('widen', t.widen, () => switchTo('on', 1, { title: t.allTitle, text: t.allText, confirm: t.onYes }, t.isAll), 'main')] : [h('p', { class: 'hint' }, t.readOnly)];
    head.replaceChildren(h('div', { class: 'named' }, h('h1', { class: 'unseen' }, form.title?.[language] || t.add), title, state), h('div', { class: 'buttons' }, buttons.filter(Boolean)));
    if (focused) head.querySelector(`[data-k="${CSS.escape(focused)}"]`)?.focus();
    tabs.replaceChildren(...(entry ? [context.choice(t.view, Object.entries(t.views), view, show)] : [context.choice(t.view, ['build', 'form'].map((one) => [one, t.views[one]]), view, show)]));
  }

  const tabs = h('div', { class: 'tabs' });

  function show(name) {
    view = name;
    drawHead();
    tabs.querySelector(`[data-k="choice-${name}"]`)?.focus();
    if (name === 'build') {
      body.replaceChildren(h('div', { class: 'grid' }, h('div', {}, flow.node, undo), look.node));
      return undefined;
    }
    if (name === 'runs') return drawRuns(body, context, t, words, entry);
    if (name === 'effect') return drawEffect(body, context, entry);
    if (name === 'versions') return drawVersions(body, context, t, { entry, versions, editable, take, dirty: () => dirty });
    return drawForm(body, context, t, words, { form: flow.written(), editable, use: (given) => {
      form = flow.take(given);
      named = Boolean(form.title?.[language]);
      title.value = form.title?.[language] ?? '';
      touch();
      show('build');
    } });
  }

  place.append(h('p', { class: 'back' }, h('a', { href: '/console/automations' }, `← ${t.back}`)), head, tabs, body);
  show('build');
  if (!entry) setTimeout(() => flow.node.querySelector('[data-k="trigger"]')?.focus());
  if (form.when.fact) look.later(flow, 0);
  return () => look.stop();
}
