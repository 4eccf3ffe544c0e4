// Numbers, dates and money as German and English write them.
//
// By hand, because the first formatter of the browser's own costs a fresh page 14 to 25 ms on the agent's clock. The
// browser's formatters stay for what is rare (currencies other than the euro and the pound) and as the judge in the tests.

const WAYS = {
  de: {
    decimal: ',', thousands: '.', percent: '\u00a0%', or: ' oder ',
    money: (sign, amount, symbol) => `${sign}${amount}\u00a0${symbol}`,
    day: (date) => `${date.getDate()}.${date.getMonth() + 1}.${date.getFullYear()}`,
    days: { 1: 'gestern', 2: 'vorgestern' },
    ago: (count, [one, many]) => `vor ${count} ${count === 1 ? one : many}`,
    units: { day: ['Tag', 'Tagen'], hour: ['Stunde', 'Stunden'], minute: ['Minute', 'Minuten'] },
  },
  en: {
    decimal: '.', thousands: ',', percent: '%', or: ' or ',
    money: (sign, amount, symbol) => `${sign}${symbol}${amount}`,
    day: (date) => `${date.getDate()} ${MONTHS[date.getMonth()]} ${date.getFullYear()}`,
    days: { 1: 'yesterday' },
    ago: (count, [one, many]) => `${count} ${count === 1 ? one : many} ago`,
    units: { day: ['day', 'days'], hour: ['hour', 'hours'], minute: ['minute', 'minutes'] },
  },
};
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sept', 'Oct', 'Nov', 'Dec'];
const SYMBOLS = { EUR: '€', GBP: '£' };

const sign = (value) => (value < 0 ? '-' : '');

// `value` without its sign, rounded half away from zero; at least `least` digits are shown after the point.
function plain(value, language, digits, least = 0) {
  const way = WAYS[language];
  const [whole, rest = ''] = Number(`${Math.round(`${Math.abs(value)}e${digits}`)}e-${digits}`).toFixed(digits).split('.');
  let fraction = rest;
  while (fraction.length > least && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  return whole.replace(/\B(?=(\d{3})+$)/g, way.thousands) + (fraction && way.decimal + fraction);
}

export const number = (value, language, digits = 0) => sign(value) + plain(value, language, digits);

export const percent = (share, language) => number(share * 100, language) + WAYS[language].percent;

export function signed(value, language) {
  const text = plain(value, language, 1);
  return text === '0' ? text : (value < 0 ? '-' : '+') + text;
}

// `money` is { minor, currency }; cents are left out where there are none, or where `whole` asks for it.
export function money({ minor, currency }, language, whole = false) {
  const symbol = SYMBOLS[currency];
  if (!symbol) return foreign(minor, currency, language, whole);
  const cents = !whole && minor % 100 ? 2 : 0;
  return WAYS[language].money(sign(minor), plain(minor / 100, language, cents, cents), symbol);
}

// How many digits the minor unit of a currency has.
export const digitsOf = (currency) =>
  SYMBOLS[currency] ? 2 : new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits;

function foreign(minor, currency, language, whole) {
  const locale = language === 'en' ? 'en-GB' : language;
  const style = { style: 'currency', currency };
  const digits = digitsOf(currency);
  const amount = minor / 10 ** digits;
  const shown = whole || Number.isInteger(amount) ? 0 : digits;
  return new Intl.NumberFormat(locale, { ...style, minimumFractionDigits: shown, maximumFractionDigits: shown }).format(amount);
}

// Money as one speaks of a sum: without cents.
export const round = (value, language) => money(value, language, true);

// From one sum to another of the same currency, which is named once: `310–720 €`, `£310–720`.
export function span(low, high, language) {
  const [first, last] = [round(low, language), round(high, language)];
  const bare = ({ minor, currency }) => number(minor / 10 ** digitsOf(currency), language);
  if (first === last) return first;
  return last.endsWith(bare(high)) ? `${first}–${bare(high)}` : `${bare(low)}–${last}`;
}

export const day = (value, language) => WAYS[language].day(new Date(value.length === 10 ? `${value}T12:00:00` : value));

export function clock(value) {
  const date = new Date(value);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
}

export const or = (words, language) => [words.slice(0, -1).join(', '), ...words.slice(-1)].filter(Boolean).join(WAYS[language].or);

const STEPS = [['day', 86400], ['hour', 3600], ['minute', 60]];

// `seconds` ago: `now` for less than a minute.
export function ago(seconds, language, now) {
  const way = WAYS[language];
  for (const [unit, size] of STEPS) {
    const count = Math.floor(seconds / size);
    if (count) return (unit === 'day' && way.days[count]) || way.ago(count, way.units[unit]);
  }
  return now;
}

// `helpdesk/ticket/4711` is { source, kind, id }.
export function reference(record) {
  const [source, kind, ...rest] = record.split('/');
  return { source, kind, id: rest.join('/') };
}
