// A question that needs an answer, and a line that says what happened.

import { h } from '../reports/nodes.js';

// Whether the person agreed. `danger` colours what cannot be taken back, and Enter alone does not do it.
export function ask({ title, text, confirm, danger = false }, t) {
  return new Promise((answer) => {
    const dialog = h('dialog', { class: 'ask', 'aria-labelledby': 'ask-title', 'aria-describedby': text && 'ask-text', onclose: () => (dialog.remove(), answer(dialog.returnValue === 'yes')) },
      h('form', { method: 'dialog' },
        h('h2', { id: 'ask-title' }, title), text && h('p', { id: 'ask-text' }, text),
        h('div', { class: 'buttons' },
          h('button', { value: 'no', autofocus: danger }, t.cancel),
          h('button', { value: 'yes', class: danger ? 'danger' : 'main', autofocus: !danger }, confirm))));
    document.body.append(dialog);
    dialog.showModal();
  });
}

export class Says {
  // `node` is a live region; what goes wrong stays until it is closed.
  constructor(words) {
    this.words = words;
    this.node = h('div', { class: 'says', role: 'status', 'aria-live': 'polite' });
  }

  say(text, kind = 'good') {
    const line = h('div', { class: `say ${kind}` }, h('span', {}, text),
      h('button', { type: 'button', 'aria-label': this.words().close, onclick: () => line.remove() }, '×'));
    this.node.replaceChildren(line);
    if (kind !== 'bad') setTimeout(() => line.remove(), 6000);
  }
}
