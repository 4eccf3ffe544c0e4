// Elements are made, never parsed: what a vendor's record holds can only ever be text.

export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'style') for (const [property, text] of Object.entries(value)) node.style.setProperty(property, text);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(3).filter((child) => child !== undefined && child !== null && child !== false && child !== ''));
  return node;
}

// A section with its heading, known to screen readers by it.
export function section(name, title, ...children) {
  return h(
    'section',
    { class: name, part: name, 'aria-labelledby': `h-${name}`, 'data-part': name },
    h('h3', { id: `h-${name}`, class: 'eyebrow' }, title),
    children,
  );
}

const bone = (width, height = 14, gap = 8) =>
  h('i', { class: 'bone', style: { inlineSize: width, blockSize: `${height}px`, marginBlockEnd: `${gap}px` } });

// What will be there, in grey, at the same places.
export function skeleton(label) {
  const block = (name, ...bones) => h('div', { class: `${name} wait` }, bones);
  return h(
    'div',
    { class: 'body', 'aria-busy': 'true', role: 'group', 'aria-label': label },
    block('who', bone('56%', 18, 8), bone('78%', 12, 12), bone('64%', 12, 0)),
    h('div', { class: 'columns' },
      block('risk', bone('34%', 11, 10), bone('48%', 22, 12), bone('100%', 6, 16),
        [1, 2, 3].map(() => [bone('70%', 14, 6), bone('44%', 12, 16)])),
      h('div', { class: 'column' },
        block('say', bone('18%', 11, 10), bone('52%', 14, 10), bone('100%'), bone('94%'), bone('60%', 14, 16), bone('72%', 34, 0)),
        block('offer', bone('24%', 11, 10), bone('80%', 16, 8), bone('66%', 12, 0)))),
    block('outcome', bone('20%', 11, 10), bone('100%', 34, 0)),
    block('foot', bone('62%', 12, 0)),
  );
}
