// What every section has: a plot, its legend, and the same figures as a table with its file for a spreadsheet.

export function legend({ h }, series) {
  return h('ul', { class: 'legend', 'aria-hidden': 'true' }, series.map(({ kind, title }) => h('li', { class: kind }, h('i', {}), h('span', {}, title))));
}

// `half`: two such sections stand side by side.
export function plot(view, draw, options) {
  const { s, months, wide, half } = view;
  return draw(s, { months, width: options.half ? half : wide, name: view.short, soFar: months.at(-1) === view.all.months.at(-1), ...options });
}

// `rows` are lists of cells, false ones left out; the first `names` of them name the row. `csv` is the table's name.
export function figures(view, csv, title, columns, rows, names = 1) {
  const { h, t, state } = view;
  const id = `${title}`;
  const kept = (cells) => cells.map((cell, place) => [cell, place]).filter(([cell]) => cell !== false);
  const details = h('details', { open: state.open.has(id), ontoggle: () => (details.open ? state.open.add(id) : state.open.delete(id)) },
    h('summary', { 'data-k': `figures-${id}` }, t.table, h('span', { class: 'unseen' }, `: ${title}`)),
    h('div', { class: 'wide', role: 'group', tabindex: '0', 'aria-label': title },
      h('table', { class: 'plain' }, h('caption', { class: 'unseen' }, title),
        h('thead', {}, h('tr', {}, kept(columns).map(([text], place) => h('th', { scope: 'col', class: place >= names && 'number' }, text)))),
        h('tbody', {}, rows.map((cells) => h('tr', {}, kept(cells).map(([cell], place) => (place ? h('td', { class: place >= names && 'number' }, cell) : h('th', { scope: 'row' }, cell)))))))),
    csv && h('p', {}, h('button', { type: 'button', class: 'quiet', 'data-k': `csv-${csv}`, onclick: () => save(view, csv) }, t.csv, h('span', { class: 'unseen' }, `: ${title}`))));
  return details;
}

async function save(view, table) {
  const { h, service, state, language, months, busy } = view;
  const file = await busy(service.table('/v1/metrics', { by: state.by, format: 'csv', table, lang: language, since: months[0] }));
  if (!file) return;
  const address = URL.createObjectURL(file);
  const link = h('a', { href: address, download: `${table}-${view.all.made_at.slice(0, 10)}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// Bars that lie, one a row: [[name, count]].
export function shares(view, rows, kind = 'k0') {
  const { h, numbers } = view;
  const most = Math.max(...rows.map(([, count]) => count), 1);
  return h('ul', { class: 'shares' }, rows.map(([name, count]) => {
    const bar = h('span', {});
    bar.style.setProperty('inline-size', `${(100 * count) / most}%`);
    return h('li', {}, h('span', {}, name), h('span', { class: `track ${kind}`, 'aria-hidden': 'true' }, bar), h('b', {}, numbers.count(count)));
  }));
}

// Sums of `customers` by what `key` says, the most frequent first.
export function summed(rows, key) {
  const sums = new Map();
  for (const row of rows) sums.set(key(row), (sums.get(key(row)) ?? 0) + row.customers);
  return [...sums].sort(([one, few], [other, many]) => many - few || one.localeCompare(other));
}
