// What is asked before something is done with a loop: one dialog each, with what is missing said beside its field.

let number = 0;

// Fields → a dialog that answers with their values, or null. A field: {name, label, kind, options, hint, needed, value}.
export function form({ h }, t, { title, fields, confirm }) {
  return new Promise((answer) => {
    const id = `form-${(number += 1)}`;
    const inputs = fields.map((field) => [field, input(h, field, `${id}-${field.name}`)]);
    const notice = h('p', { class: 'problem', role: 'alert' });
    let values = null;
    const send = (event) => {
      event.preventDefault();
      const missing = inputs.filter(([field, node]) => field.needed && !node.value.trim());
      for (const [, node] of inputs) node.removeAttribute('aria-invalid');
      for (const [, node] of missing) node.setAttribute('aria-invalid', 'true');
      if (missing.length) {
        notice.textContent = t.missing;
        return missing[0][1].focus();
      }
      values = Object.fromEntries(inputs.map(([field, node]) => [field.name, field.kind === 'check' ? node.checked : node.value.trim()]));
      dialog.close();
    };
    const dialog = h('dialog', { class: 'ask loops-form', 'aria-labelledby': id, onclose: () => (dialog.remove(), answer(values)) },
      h('form', { onsubmit: send, novalidate: true }, h('h2', { id }, title),
        inputs.map(([field, node]) => (field.kind === 'check'
          ? h('label', { class: 'check' }, node, h('span', {}, field.label))
          : h('div', { class: 'field' }, h('label', { for: node.id }, field.label), node, field.hint && h('p', { class: 'hint', id: `${node.id}-hint` }, field.hint)))),
        notice,
        h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: () => dialog.close() }, t.cancel), h('button', { class: 'main' }, confirm))));
    document.body.append(dialog);
    dialog.showModal();
    inputs[0][1].focus();
  });
}

function input(h, field, id) {
  const said = { id, 'aria-required': field.needed && 'true', 'aria-describedby': field.hint && `${id}-hint` };
  if (field.kind === 'choose') {
    return h('select', said, field.options.map(([value, text]) => h('option', { value, selected: value === field.value }, text)));
  }
  if (field.kind === 'check') return h('input', { id, type: 'checkbox', checked: field.value === true });
  if (field.kind === 'text') {
    const area = h('textarea', { ...said, rows: '4', maxlength: '4000' });
    area.value = field.value ?? '';
    return area;
  }
  return h('input', { ...said, type: field.kind ?? 'text', value: field.value, min: field.min, maxlength: field.kind ? undefined : '200' });
}

const LOCAL_DAY = (days) => new Date(Date.now() + days * 86_400_000).toLocaleDateString('sv');

// One function for each act that the buttons of a loop offer.
export function askFor(context, t, { found, causes, nameOf, owners, act }) {
  const { language, service } = context;
  const text = (label, more = {}) => ({ name: 'text', label, kind: 'text', needed: true, ...more });
  const make = (words, fields, confirm = t.save) => form(context, t, { title: words.title, fields, confirm });
  const options = [['', t.close.choose], ...causes.map((one) => [one.code, one.title[language]])];
  // Asked again, with what was written, as long as it could not be kept.
  const until = async (words, fields, send, confirm) => {
    let said = {};
    do {
      said = await make(words, fields.map((field) => ({ ...field, value: said[field.name] ?? field.value })), confirm);
    } while (said && !(await send(said)));
  };
  return {
    reply: () => until(t.reply, [text(t.reply.text), { name: 'waits', label: t.reply.waits, kind: 'check' }], (said) => act('reply', said, t.reply.done)),
    note: () => until(t.note, [text(t.note.text)], (said) => act('note', said, t.note.done)),
    assign: () => {
      const others = owners.filter((one) => one !== found.loop.owner).map((one) => [one, nameOf(one)]);
      const current = [found.loop.owner, nameOf(found.loop.owner)];
      const send = (said) => said.owner === found.loop.owner || act('assign', said, t.assign.done);
      return until(t.assign, [{ name: 'owner', label: t.assign.text, kind: 'choose', options: [current, ...others], value: found.loop.owner, needed: true }], send, t.acts.assign);
    },
    snooze: () => {
      const fields = [text(t.snooze.text), { name: 'until', label: t.snooze.until, kind: 'date', value: LOCAL_DAY(7), min: LOCAL_DAY(1), needed: true }];
      return until(t.snooze, fields, (said) => act('snooze', { text: said.text, until: new Date(`${said.until}T09:00`).toISOString() }, t.snooze.done));
    },
    resume: () => act('snooze', { until: new Date(0).toISOString() }, t.resumed),
    reopen: () => until(t.reopen, [text(t.reopen.text)], (said) => act('reopen', said, t.reopen.done), t.acts.reopen),
    close: async () => {
      const learnt = (await context.busy(service.get('/v1/lessons', { limit: 50 })))?.lessons ?? [];
      const waits = found.waits_for_tickets.length;
      const lessons = [['', t.close.noLesson], ...learnt.map((one) => [one.id, one.text.slice(0, 80)])];
      await until(t.close, [
        { name: 'done', label: t.close.text, kind: 'text', needed: true, hint: t.close.hint },
        { name: 'cause', label: t.close.cause, kind: 'choose', options, value: found.loop.cause, needed: true },
        learnt.length > 0 && { name: 'lesson', label: t.close.lesson, kind: 'choose', options: lessons },
        waits > 0 && { name: 'although_open', label: t.close.open(waits), kind: 'check' },
      ].filter(Boolean), (said) => act('close', said, t.close.done), t.acts.close);
    },
  };
}
