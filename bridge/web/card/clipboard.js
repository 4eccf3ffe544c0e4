import { h } from './nodes.js';

// The clipboard may be closed to frames; then the old way, from a text field that nobody sees.
export async function copy(text, root) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = h('textarea', { class: 'unseen', 'aria-hidden': 'true', tabindex: '-1' });
    field.value = text;
    const before = root.activeElement;
    root.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    before?.focus();
    return done;
  }
}
