// What was said of groups of customers, and what became of them, on two equal axes. The table beside it has the figures.

const SIZE = 240;
const EDGE = { left: 38, bottom: 30, top: 8, right: 18 };
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25];

export function drawCalibration(s, groups, { percent, said, left }) {
  const most = Math.max(0.02, ...groups.flatMap((one) => [one.said, one.high]));
  const step = STEPS.find((one) => most / one <= 5) ?? 0.25;
  const top = Math.min(1, Math.ceil(most / step - 1e-9) * step);
  const x = (share) => EDGE.left + (Math.min(share, top) / top) * (SIZE - EDGE.left - EDGE.right);
  const y = (share) => SIZE - EDGE.bottom - (Math.min(share, top) / top) * (SIZE - EDGE.bottom - EDGE.top);
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, place) => place * step);
  return s('svg', { class: 'calibration', viewBox: `0 0 ${SIZE} ${SIZE}`, width: SIZE, height: SIZE, 'aria-hidden': 'true', focusable: 'false' },
    ticks.map((tick) => [
      s('line', { class: 'tick', x1: x(0), x2: x(top), y1: y(tick), y2: y(tick) }),
      s('text', { x: EDGE.left - 5, y: y(tick) + 4, 'text-anchor': 'end' }, percent(tick)),
      s('text', { x: x(tick), y: SIZE - EDGE.bottom + 13, 'text-anchor': 'middle' }, percent(tick)),
    ]),
    s('line', { class: 'true', x1: x(0), x2: x(top), y1: y(0), y2: y(top) }),
    s('text', { class: 'axis', x: (x(0) + x(top)) / 2, y: SIZE - 3, 'text-anchor': 'middle' }, said),
    s('text', { class: 'axis', x: EDGE.left + 4, y: EDGE.top + 8 }, left),
    groups.map((one) => s('g', { class: one.verdict }, s('line', { x1: x(one.said), x2: x(one.said), y1: y(one.low), y2: y(one.high) }), s('circle', { cx: x(one.said), cy: y(one.left), r: 3.5 }))));
}
