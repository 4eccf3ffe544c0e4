// Plots over months. Each stands above a table with the same figures, so that the drawing is hidden from screen readers;
// what the pointer rests on says its figures too.

const LEFT = 52;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;
const LABEL = 58; // the name of a month needs so much room
const STEPS = [1, 2, 2.5, 5, 10];

// Round ends and steps that hold all of `values`.
export function scale(values, { floor, ceiling, steps = 4 } = {}) {
  const known = values.filter((value) => value !== null && value !== undefined);
  let [low, high] = [floor ?? Math.min(...known, Infinity), ceiling ?? Math.max(...known, -Infinity)];
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [0, 1];
  if (high - low < 1e-9) [low, high] = floor === undefined ? [low - 0.5, high + 0.5] : [low, low + 1];
  const rough = (high - low) / steps;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = STEPS.map((one) => one * power).find((one) => one >= rough - 1e-12);
  const first = Math.floor(low / step + 1e-9) * step;
  const last = Math.max(Math.ceil(high / step - 1e-9) * step, first + step);
  const ticks = [];
  for (let place = 0; first + place * step <= last + step / 1e6; place += 1) ticks.push(first + place * step);
  return { low: first, high: last, ticks };
}

class Frame {
  constructor(s, months, axis, { width = 720, height = 220, write, name, soFar }) {
    Object.assign(this, { s, months, axis, width, height, write, name, soFar });
    this.slot = (width - LEFT - RIGHT) / Math.max(months.length, 1);
  }

  x(place) {
    return LEFT + this.slot * (place + 0.5);
  }

  y(value) {
    const share = (Math.max(this.axis.low, Math.min(this.axis.high, value)) - this.axis.low) / (this.axis.high - this.axis.low);
    return Math.round((this.height - BOTTOM - share * (this.height - TOP - BOTTOM)) * 10) / 10;
  }

  // The drawing, with lines at the ticks and the names of the months below.
  draw(...parts) {
    const { s, months, width, height, axis } = this;
    const every = Math.max(1, Math.ceil(LABEL / this.slot));
    const last = months.length - 1;
    return s('svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true', focusable: 'false' },
      this.soFar && s('rect', { class: 'sofar', x: this.x(last) - this.slot / 2, width: this.slot, y: TOP, height: height - TOP - BOTTOM }),
      axis.ticks.map((tick) => [
        s('line', { class: Math.abs(tick) < 1e-9 ? 'zero' : 'tick', x1: LEFT, x2: width - RIGHT, y1: this.y(tick), y2: this.y(tick) }),
        s('text', { x: LEFT - 8, y: this.y(tick) + 4, 'text-anchor': 'end' }, this.write(tick)),
      ]),
      months.map((month, place) => (last - place) % every === 0 && s('text', { x: this.x(place), y: height - 6, 'text-anchor': 'middle' }, this.name(month))),
      parts);
  }
}

// One line a series: { kind, title, values, low, high }; null is a gap. With `low` and `high` each point has its range.
export function lines(s, { months, series, write, name, soFar, tell, ...rest }) {
  const axis = scale(series.flatMap((one) => [...one.values, ...(one.low ?? []), ...(one.high ?? [])]), rest);
  const frame = new Frame(s, months, axis, { write, name, soFar, ...rest });
  const shift = (index) => (series.some((one) => one.low) ? (index - (series.length - 1) / 2) * Math.min(6, frame.slot / 4) : 0);
  return frame.draw(series.map((one, index) => {
    const at = (place) => frame.x(place) + shift(index);
    let path = '';
    let open = false;
    one.values.forEach((value, place) => {
      if (value !== null) path += `${open ? 'L' : 'M'}${at(place).toFixed(1)} ${frame.y(value)}`;
      open = value !== null;
    });
    return s('g', { class: `line ${one.kind}` },
      one.low && one.values.map((value, place) => value !== null && one.low[place] !== null && s('line', { class: 'whisker', x1: at(place), x2: at(place), y1: frame.y(one.low[place]), y2: frame.y(one.high[place]) })),
      s('path', { d: path }),
      one.values.map((value, place) => value !== null && s('circle', { cx: at(place), cy: frame.y(value), r: 3.2 }, s('title', {}, tell(one, place)))));
  }));
}

// Bars that stand on zero or hang from it, one on the other: { kind, title, values }, negative ones hang.
export function stacks(s, { months, series, write, name, soFar, tell, ...rest }) {
  const sums = months.flatMap((_, place) => [1, -1].map((sign) => series.reduce((sum, one) => sum + Math.max(0, sign * one.values[place]) * sign, 0)));
  const axis = scale([...sums, 0], rest);
  const frame = new Frame(s, months, axis, { write, name, soFar, ...rest });
  const wide = Math.min(34, frame.slot * 0.66);
  return frame.draw(months.map((_, place) => {
    const reach = { 1: 0, '-1': 0 };
    return series.map((one) => {
      const value = one.values[place];
      if (!value) return null;
      const sign = Math.sign(value);
      const [from, to] = [reach[sign], reach[sign] + value];
      reach[sign] = to;
      const [top, bottom] = [frame.y(Math.max(from, to)), frame.y(Math.min(from, to))];
      return s('rect', { class: `bar ${one.kind}`, x: frame.x(place) - wide / 2, width: wide, y: top, height: Math.max(0.8, bottom - top) }, s('title', {}, tell(one, place)));
    });
  }));
}

// A small line without an axis.
export function spark(s, values) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (place) => 2 + (116 * place) / (values.length - 1);
  const y = (value) => 26 - (22 * (value - low)) / (high - low || 1);
  let path = '';
  values.forEach((value, place) => value !== null && (path += `${path ? 'L' : 'M'}${x(place).toFixed(1)} ${y(value).toFixed(1)}`));
  return s('svg', { class: 'spark', viewBox: '0 0 120 30', 'aria-hidden': 'true', focusable: 'false' }, s('path', { d: path }),
    s('circle', { cx: x(values.findLastIndex((value) => value !== null)), cy: y(known.at(-1)), r: 2.6 }));
}
