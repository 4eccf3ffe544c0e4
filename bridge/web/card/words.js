// Numbers, dates and money as the reader's language writes them. Formatters are costly to make: each is made once.

const MADE = new Map();

function made(kind, language, options) {
  const name = kind + language + JSON.stringify(options);
  if (!MADE.has(name)) MADE.set(name, new Intl[kind](language === 'en' ? 'en-GB' : language, options));
  return MADE.get(name);
}

export const number = (value, language, digits = 0) =>
  made('NumberFormat', language, { maximumFractionDigits: digits, minimumFractionDigits: 0 }).format(value);

export const percent = (share, language) =>
  made('NumberFormat', language, { style: 'percent', maximumFractionDigits: 0 }).format(share);

export const signed = (value, language) =>
  made('NumberFormat', language, { signDisplay: 'exceptZero', maximumFractionDigits: 1 }).format(value);

// `money` is { minor, currency }; cents are left out where there are none.
export function money(value, language) {
  const digits = made('NumberFormat', language, { style: 'currency', currency: value.currency }).resolvedOptions().maximumFractionDigits;
  const amount = value.minor / 10 ** digits;
  const shown = Number.isInteger(amount) ? 0 : digits;
  const options = { style: 'currency', currency: value.currency, minimumFractionDigits: shown, maximumFractionDigits: shown };
  return made('NumberFormat', language, options).format(amount);
}

// Money as one speaks of a sum: without cents.
export const round = (value, language) => {
  const digits = made('NumberFormat', language, { style: 'currency', currency: value.currency }).resolvedOptions().maximumFractionDigits;
  const minor = Math.round(value.minor / 10 ** digits) * 10 ** digits;
  return money({ ...value, minor }, language);
};

export const day = (value, language) =>
  made('DateTimeFormat', language, { day: 'numeric', month: language === 'de' ? 'numeric' : 'short', year: 'numeric' })
    .format(new Date(value.length === 10 ? `${value}T12:00:00` : value));

export const clock = (value, language) =>
  made('DateTimeFormat', language, { hour: '2-digit', minute: '2-digit' }).format(value);

export const or = (words, language) => made('ListFormat', language, { type: 'disjunction' }).format(words);

const STEPS = [['day', 86400], ['hour', 3600], ['minute', 60]];

// `seconds` ago: `now` for less than a minute.
export function ago(seconds, language, now) {
  for (const [unit, size] of STEPS) {
    if (seconds >= size) {
      return made('RelativeTimeFormat', language, { numeric: 'auto', style: 'long' }).format(-Math.floor(seconds / size), unit);
    }
  }
  return now;
}

// `helpdesk/ticket/4711` is { source, kind, id }.
export function reference(record) {
  const [source, kind, ...rest] = record.split('/');
  return { source, kind, id: rest.join('/') };
}

// Makes the formatters of `language`, while the answer is on its way: the first of each kind costs milliseconds.
export function warm(language) {
  const euros = { minor: 100, currency: 'EUR' };
  round(euros, language);
  money({ ...euros, minor: 150 }, language);
  number(1, language, 1);
  number(1, language, 3);
  percent(0, language);
  signed(0, language);
  day('2026-01-01', language);
  or(['a', 'b'], language);
  ago(60, language, '');
}
