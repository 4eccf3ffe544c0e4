// A button that offers things to add. A list box would take the first one at the first press of an arrow key.

const QUIET_MS = 700;

export function menu(h, { key, label, groups, pick, open: opens = () => {} }) {
  let typed = '';
  let last = 0;
  const button = h('button', { type: 'button', class: 'add', 'data-k': key, 'aria-haspopup': 'menu', 'aria-expanded': 'false', onclick: () => flip(list.hidden) }, label);
  const list = h('ul', { class: 'menu-list', role: 'menu', 'aria-label': label, hidden: true });
  const node = h('div', { class: 'menu-box' }, button, list);
  const items = () => [...list.querySelectorAll('[role=menuitem]')];

  function flip(show) {
    if (show) {
      opens();
      fill();
    }
    list.hidden = !show;
    button.setAttribute('aria-expanded', String(show));
    if (show) {
      const room = window.innerHeight - button.getBoundingClientRect().bottom;
      list.classList.toggle('above', room < Math.min(list.scrollHeight, 340) && button.getBoundingClientRect().top > room);
      items()[0]?.focus();
    }
  }

  function fill() {
    list.replaceChildren(...groups().flatMap(([name, some]) => [
      name && some.length ? h('li', { class: 'menu-head', role: 'presentation' }, name) : '',
      ...some.map(([value, text]) => h('li', { role: 'none' }, h('button', { type: 'button', role: 'menuitem', tabindex: '-1', 'data-value': value, onclick: () => take(value) }, text)))]));
  }

  function take(value) {
    flip(false);
    button.focus();
    pick(value);
  }

  function move(event) {
    const all = items();
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all[to % all.length].focus();
    else if (event.key === 'Escape') (flip(false), button.focus());
    else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      typed = event.timeStamp - last < QUIET_MS ? typed + event.key : event.key;
      last = event.timeStamp;
      if (typed === ' ') return;
      all.find((one) => one.textContent.toLowerCase().startsWith(typed.toLowerCase()))?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  list.addEventListener('keydown', move);
  button.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown') return;
    event.preventDefault();
    flip(true);
  });
  node.addEventListener('focusout', (event) => !node.contains(event.relatedTarget) && !list.hidden && flip(false));
  return node;
}
