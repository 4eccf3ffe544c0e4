// Compares what words.js writes with the browser's own formatters. Gives back what differs: [what, ours, theirs].
([code, numbers, shares, amounts, days, ages]) =>
  import(`data:text/javascript,${encodeURIComponent(code)}`).then((w) => {
  const wrong = [];
  const check = (what, ours, theirs) => ours === theirs || wrong.push([what, ours, theirs]);
  for (const language of ['de', 'en']) {
    const locale = language === 'en' ? 'en-GB' : 'de';
    const intl = (options, value) => new Intl.NumberFormat(locale, options).format(value);
    for (const value of numbers) {
      for (const digits of [0, 1, 3]) check(['number', language, value, digits], w.number(value, language, digits), intl({ maximumFractionDigits: digits }, value));
      check(['signed', language, value], w.signed(value, language), intl({ signDisplay: 'exceptZero', maximumFractionDigits: 1 }, value));
    }
    for (const value of shares) check(['percent', language, value], w.percent(value, language), intl({ style: 'percent' }, value));
    for (const currency of ['EUR', 'GBP', 'CHF', 'JPY']) {
      for (const minor of amounts) {
        const size = currency === 'JPY' ? 1 : 100;
        const digits = minor % size ? 2 : 0;
        const style = { style: 'currency', currency };
        check(['money', language, currency, minor], w.money({ minor, currency }, language), intl({ ...style, minimumFractionDigits: digits, maximumFractionDigits: digits }, minor / size));
        check(['round', language, currency, minor], w.round({ minor, currency }, language), intl({ ...style, minimumFractionDigits: 0, maximumFractionDigits: 0 }, minor / size));
      }
    }
    for (const value of days) {
      const options = { day: 'numeric', month: language === 'de' ? 'numeric' : 'short', year: 'numeric' };
      const date = new Date(value.length === 10 ? `${value}T12:00:00` : value);
      check(['day', language, value], w.day(value, language), new Intl.DateTimeFormat(locale, options).format(date));
      check(['clock', language, value], w.clock(date), new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }).format(date));
    }
    for (const words of [['a'], ['a', 'b'], ['a', 'b', 'c']]) check(['or', language, words], w.or(words, language), new Intl.ListFormat(locale, { type: 'disjunction' }).format(words));
    for (const seconds of ages) {
      const [unit, size] = [['day', 86400], ['hour', 3600], ['minute', 60]].find(([, size]) => seconds >= size) ?? [];
      const theirs = unit ? new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-Math.floor(seconds / size), unit) : 'now';
      check(['ago', language, seconds], w.ago(seconds, language, 'now'), theirs);
    }
  }
  return wrong;
})
