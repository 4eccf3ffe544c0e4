// Figures as they are written in the language of the page.

const LOCALES = { de: 'de-DE', en: 'en-GB' };
const MINUS = '\u2212';

export class Numbers {
  constructor(language, currency) {
    const locale = LOCALES[language];
    const proper = (format) => (value) => format.format(value).replace('-', MINUS);
    this.count = proper(new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }));
    this.money = proper(new Intl.NumberFormat(locale, { style: 'currency', currency, maximumFractionDigits: 0 }));
    this.cents = proper(new Intl.NumberFormat(locale, { style: 'currency', currency }));
    this.percent = proper(new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }));
    const tenths = proper(new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }));
    this.hundred = (share) => tenths(share * 100 + 0);
    const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
    this.day = (text) => day.format(new Date(text));
    const instant = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
    this.instant = (text) => instant.format(new Date(text));
  }
}
