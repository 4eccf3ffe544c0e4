// Elements are made, never parsed.

function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(3).filter((child) => child !== undefined && child !== null && child !== false && child !== ''));
  return node;
}

export const h = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => make(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

// One of a few, side by side.
export function choice(label, options, current, choose) {
  return h('div', { class: 'choice', role: 'group', 'aria-label': label },
    options.map(([value, text]) => h('button', { type: 'button', 'data-k': `choice-${value}`, 'aria-pressed': String(value === current), onclick: () => choose(value) }, text)));
}
