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
  h('i', { class: 'bone', style: { 'inline-size': width, 'block-size': `${height}px`, 'margin-block-end': `${gap}px` } });

// What will be there, in grey, at the same places: a name, three reasons, a line with its buttons, an offer. Its unseen
// line has the browser fetch both faces of the font while the answer is on its way.
export function skeleton(label) {
  const block = (name, ...bones) => h('div', { class: `${name} wait` }, bones);
  const heading = bone('26%', 11, 13);
  return h(
    'div',
    { class: 'body', 'aria-busy': 'true', role: 'group', 'aria-label': label },
    block('who', bone('52%', 17, 11), bone('82%', 12, 16), bone('40%', 12, 8), bone('64%', 12, 4)),
    h('div', { class: 'columns' },
      block('risk', heading.cloneNode(), bone('46%', 22, 12), bone('100%', 6, 20),
        [1, 2, 3].map(() => [bone('72%', 14, 7), bone('38%', 12, 21)]), bone('30%', 12, 8)),
      h('div', { class: 'column' },
        block('say', heading.cloneNode(), bone('58%', 14, 12), ['100%', '96%', '98%', '54%'].map((width) => bone(width, 15, 8)),
          bone('24%', 11, 22), bone('88%', 12, 8), bone('76%', 12, 20), bone('78%', 34, 20), bone('36%', 12, 4)),
        block('offer', heading.cloneNode(), bone('84%', 15, 10), bone('60%', 15, 8), bone('90%', 11, 6)))),
    block('outcome', bone('22%', 11, 15), bone('100%', 34, 0)),
    block('foot', bone('62%', 12, 6)),
    h('p', { class: 'unseen', 'aria-hidden': 'true' }, 'Ag', h('b', {}, 'Ag 1')),
  );
}
