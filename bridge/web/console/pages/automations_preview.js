// Whom it would have reached, kept up to date while somebody builds.

const PAUSE_MS = 350;
const SHOWN = 6;
const PEOPLE = 3; // named before one asks for more

export class LookBack {
  constructor(context, t, words) {
    Object.assign(this, { context, t, words, reached: null });
    const { h } = context;
    this.big = h('div', { class: 'big' });
    this.live = h('p', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
    this.about = h('p', { class: 'hint' }, t.noPreview);
    this.more = h('div', { class: 'more' });
    this.money = h('section', { class: 'panel', 'aria-labelledby': 'p-cost', hidden: true });
    this.people = h('section', { class: 'panel', 'aria-labelledby': 'p-people', hidden: true });
    this.all = new Set(); // lists of people that somebody opened
    this.node = h('aside', { class: 'stack lookback' },
      h('section', { class: 'panel', 'aria-labelledby': 'p-reached' }, h('h2', { id: 'p-reached', class: 'eyebrow' }, t.reached), this.big, this.live, this.about, this.more), this.money, this.people);
  }

  // Look again when nothing has been changed for a moment; what was asked before is dropped.
  later(flow, pause = PAUSE_MS) {
    clearTimeout(this.timer);
    this.abort?.abort();
    if (!flow.ready()) {
      this.node.classList.remove('stale');
      return this.none(this.t.noPreview);
    }
    this.node.classList.add('stale');
    if (this.reached === null) this.about.replaceChildren(this.t.reckoning);
    this.timer = setTimeout(() => this.look(flow), pause);
    return undefined;
  }

  stop() {
    clearTimeout(this.timer);
    this.abort?.abort();
  }

  none(text) {
    this.reached = null;
    this.big.replaceChildren();
    this.about.replaceChildren(text);
    this.more.replaceChildren();
    this.money.hidden = true;
    this.people.hidden = true;
  }

  async look(flow) {
    const { context, t } = this;
    const abort = new AbortController();
    this.abort = abort;
    try {
      const told = await context.service.post('/v1/automations/preview', { automation: { id: flow.form.id ?? 'new', ...flow.written(), title: flow.titles() } }, abort.signal);
      if (abort === this.abort) this.show(told);
    } catch (problem) {
      if (problem.name === 'AbortError' || problem.status === 409) return;
      this.none(problem.status === 400 ? t.wrongAt(problem.text) : t.noFigures);
    } finally {
      if (abort === this.abort) this.node.classList.remove('stale');
    }
  }

  show(told) {
    const { context: { h, numbers, language }, t, words } = this;
    const reason = (one) => words.reasons[one]?.[language] ?? one;
    this.reached = told.reached || told.acted_for;
    const figure = `${numbers.count(this.reached)} ${t.customers(this.reached)}`;
    this.big.textContent = figure;
    this.live.textContent = `${t.reached}: ${figure}`;
    const abouts = [told.estimated && t.estimated(numbers.count(told.looked_at)), this.reached === 0 && told.matched === 0 && t.nobody].filter(Boolean);
    this.about.replaceChildren(abouts.join(' · '));
    const acting = told.steps.filter((one) => one.do !== 'wait' && one.do !== 'stop_if');
    const name = (one) => words.steps.find(({ do: each }) => each === one.do)?.title[language];
    const left = acting.flatMap((one) => one.refused.map((why) => [acting.length > 1 ? t.refusedStep(name(one), reason(why.reason)) : t.refused(reason(why.reason)), why.customers]));
    const pairs = [...left.sort((one, other) => other[1] - one[1]).slice(0, SHOWN), ...told.not_begun.slice(0, 3).map((one) => [t.refused(reason(one.reason)), one.customers]), ...told.postponed.slice(0, 3).map((one) => [t.postponed(reason(one.reason)), one.customers])];
    const notes = [...new Set(told.notes.map(({ code }) => t.notes[code]).filter(Boolean))];
    this.more.replaceChildren(
      h('dl', { class: 'pairs' }, pairs.flatMap(([text, count]) => [h('dt', {}, text), h('dd', {}, numbers.count(count))])),
      told.weeks.some((one) => one.begun) ? this.bars(told.weeks) : '',
      ...notes.map((one) => h('p', { class: 'hint' }, one)));
    this.name(told);
    const { cost, break_even: even } = told;
    const money = (value) => (value > 0 && value < 100 ? numbers.cents(value) : numbers.money(value));
    const lines = [[t.costQuarter, money(cost.total)]];
    if (cost.total) lines.push([t.costMonth, money(cost.per_month)]);
    if (even.one_in !== null) lines.push([t.breakEven, t.oneIn(numbers.count(even.one_in))]);
    else if (even.value_each !== null && even.cost_each > 0) lines.push([t.breakEven, t.never]);
    if (even.value_each !== null) lines.push([t.valueEach, money(even.value_each)]);
    this.money.hidden = false;
    this.money.replaceChildren(h('h2', { id: 'p-cost', class: 'eyebrow' }, t.cost), h('dl', { class: 'pairs' }, lines.flatMap(([text, value]) => [h('dt', {}, text), h('dd', {}, value)])),
      cost.exhausted_periods > 0 ? h('p', { class: 'warn' }, t.exhausted) : '',
      ...(told.conflicts.length ? [h('h3', { class: 'eyebrow' }, t.conflicts), ...told.conflicts.map((one) => h('p', { class: 'hint' }, t.conflict(one.title[language] ?? one.automation, numbers.count(one.takes), numbers.count(one.loses))))] : []));
  }

  // Who it would have been, and what kept it from whom; only those who work with customers get names.
  name(told) {
    const { context: { h, numbers, language }, t, words } = this;
    const said = (step) => words.steps.find(({ do: name }) => name === step.do)?.title[language] ?? step.do;
    const why = (one) => words.reasons[one]?.[language] ?? one;
    const line = (step) => {
      if (step.do === 'wait' && step.result === 'waits') return null;
      const result = step.result === 'stopped' ? t.stoppedHere : step.result === 'done' ? said(step) : `${said(step)}: ${step.result === 'postponed' ? t.postponed(why(step.reason)) : why(step.reason)}`;
      return h('li', { class: step.result }, h('span', {}, result), h('span', { class: 'at' }, numbers.day(step.result === 'postponed' ? step.until : step.at)));
    };
    const person = (one) => h('li', {}, h('div', { class: 'person' }, h('b', {}, one.name || t.unnamed), h('span', { class: 'at' }, numbers.day(one.at))),
      one.steps.length ? h('ul', {}, one.steps.filter((step, place) => step.result !== 'postponed' || !one.steps.slice(place + 1).some((later) => later.step === step.step)).map(line)) : h('p', { class: 'hint' }, why(one.reason)));
    const list = (key, title, some) => {
      if (!some.length) return '';
      const whole = this.all.has(key);
      const open = () => {
        this.all.add(key);
        this.name(told);
        this.people.querySelector(`[data-list="${key}"] li:nth-child(${PEOPLE + 1}) b`)?.focus();
      };
      return [h('h3', { class: 'eyebrow' }, title), h('ol', { class: 'people', 'data-list': key }, some.slice(0, whole ? some.length : PEOPLE).map(person)),
        !whole && some.length > PEOPLE && h('button', { type: 'button', class: 'quiet', 'data-k': `all-${key}`, onclick: open }, t.showAll(numbers.count(some.length)))];
    };
    const lists = [list('examples', t.metBy, told.examples), list('spared', t.sparedBy, told.spared)].flat().filter(Boolean);
    this.people.hidden = lists.length === 0;
    this.people.replaceChildren(h('h2', { id: 'p-people', class: 'eyebrow' }, t.examples), ...lists);
  }

  bars(weeks) {
    const { context: { h, s, numbers }, t } = this;
    const most = Math.max(...weeks.map((one) => one.begun), 1);
    const step = 288 / weeks.length;
    return h('figure', {}, h('figcaption', { class: 'hint' }, t.perWeek),
      s('svg', { viewBox: '0 0 288 64', preserveAspectRatio: 'none', role: 'img', 'aria-label': t.perWeek }, weeks.map((one, at) => {
        const height = Math.round((one.begun / most) * 60);
        return s('rect', { class: 'bar', x: (at * step + 1).toFixed(1), width: (step - 3).toFixed(1), y: 64 - height, height }, s('title', {}, t.week(numbers.day(one.begins), numbers.count(one.begun))));
      })));
  }
}
