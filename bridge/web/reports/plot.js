// An estimate with its range, drawn on one axis for all rows. The same figures stand in the table beside it, so that the
// drawing itself is hidden from screen readers.

import { s } from './nodes.js';

export const WIDTH = 300;
const EDGE = 10;
const BEYOND = 90; // lines run through rows of any height; the cell cuts them off
const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

export class Axis {
  // `figures` are what has to find room; with `zero`, none is part of it. Ranges that go very far are cut off.
  constructor(figures, { zero = true, furthest = 0.35 } = {}) {
    const points = figures.map(({ value }) => value);
    const reach = Math.max(...points.map(Math.abs), 0.02) + furthest * 0.4;
    const within = (value) => (zero ? Math.max(-reach, Math.min(reach, value)) : value);
    const ends = figures.flatMap(({ low, high }) => [within(low), within(high)]);
    const all = zero ? [...ends, 0, 0.01] : ends;
    const [least, most] = [Math.min(...all), Math.max(...all)];
    const step = STEPS.find((one) => (most - least) / one <= 6) ?? 1;
    this.low = Math.floor(least / step + 1e-9) * step;
    this.high = Math.max(Math.ceil(most / step - 1e-9) * step, this.low + step);
    this.ticks = [];
    for (let place = 0; this.low + place * step <= this.high + 1e-9; place += 1) this.ticks.push(this.low + place * step);
  }

  x(value) {
    const share = (Math.max(this.low, Math.min(this.high, value)) - this.low) / (this.high - this.low);
    return Math.round((EDGE + share * (WIDTH - 2 * EDGE)) * 10) / 10;
  }
}

const frame = (height, ...children) =>
  s('svg', { class: 'plot', viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, 'aria-hidden': 'true', focusable: 'false' }, children);

export function drawTicks(axis, write) {
  return frame(18, axis.ticks.map((tick) => s('text', { x: axis.x(tick), y: 13, 'text-anchor': 'middle' }, write(tick))));
}

// `matters` is the width around none within which a difference is as good as none.
export function drawRange(axis, figure, { matters = 0, kind = '', height = 34 } = {}) {
  const middle = height / 2;
  const parts = axis.ticks.map((tick) => s('line', { class: Math.abs(tick) < 1e-9 ? 'zero' : 'tick', x1: axis.x(tick), x2: axis.x(tick), y1: -BEYOND, y2: height + BEYOND }));
  if (matters) parts.unshift(s('rect', { class: 'nothing', x: axis.x(-matters), width: axis.x(matters) - axis.x(-matters), y: -BEYOND, height: height + 2 * BEYOND }));
  if (figure) {
    const [low, high] = [axis.x(figure.low), axis.x(figure.high)];
    const cap = (at, cut) => !cut && s('line', { x1: at, x2: at, y1: middle - 5, y2: middle + 5 });
    parts.push(s('g', { class: `range ${kind}` },
      s('line', { x1: low, x2: high, y1: middle, y2: middle }),
      cap(low, figure.low < axis.low), cap(high, figure.high > axis.high),
      figure.low < axis.low && s('path', { d: `M${low + 6} ${middle - 5}L${low} ${middle}l6 5` }),
      figure.high > axis.high && s('path', { d: `M${high - 6} ${middle - 5}L${high} ${middle}l-6 5` }),
      s('circle', { cx: axis.x(figure.value), cy: middle, r: 5 })));
  }
  return frame(height, parts);
}
