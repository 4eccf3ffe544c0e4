// The agent's ticket: in this page's memory and nowhere else. It is renewed before it ends, for as long as the gateway
// goes along; pages of the same host that are open beside each other share one sign-in.

const SHARE = 0.6; // of a ticket's life is over when a new one is asked for
const SOONEST_MS = 1000;
const AGAIN_MS = 10000;
const SIBLINGS_MS = 150;
const MESSAGE = 'retention-bridge:ticket';

// What a ticket says of itself; null for what is none. Whether it is good is for the gateway to say.
export function readTicket(text) {
  try {
    const [, payload, signature] = text.split('.');
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (one) => one.charCodeAt(0));
    const { aud, sub, iat, exp } = JSON.parse(new TextDecoder().decode(bytes));
    return signature && Number.isFinite(exp - iat) ? { text, origin: aud, agent: sub, life: (exp - iat) * 1000, exp } : null;
  } catch {
    return null;
  }
}

export class Session {
  #ticket = null;
  #given = '';
  #timer = 0;
  #channel = null;
  #popup = null;
  #stop = null;

  // `changed()` is called when there is a ticket, or none any more.
  constructor({ host, signIn, shared, changed }) {
    Object.assign(this, { host, signIn, changed });
    if (shared) {
      this.#channel = new BroadcastChannel(`retention-bridge:${host}`);
      this.#channel.addEventListener('message', ({ data }) => this.#heard(data));
    }
  }

  get open() {
    return this.#ticket !== null;
  }

  // For the card: the ticket, or a new one where that has ended; "" for none.
  async give({ expired }) {
    if (expired && this.#ticket?.text === this.#given) await this.#renew();
    const text = this.#ticket?.text ?? '';
    if (expired && text === this.#given) this.#end();
    else this.#given = text;
    return this.#ticket?.text ?? '';
  }

  // What was wrong with a ticket that was handed over, or "" where it was taken.
  take(text, { tell = true } = {}) {
    const ticket = typeof text === 'string' ? readTicket(text) : null;
    if (!ticket) return 'broken';
    if (ticket.origin !== location.origin) return 'foreign';
    this.#ticket = ticket;
    this.#later(Math.max(SOONEST_MS, ticket.life * SHARE));
    if (tell) this.#channel?.postMessage({ ticket: text });
    this.changed();
    return '';
  }

  // Ask the pages beside this one, for a moment.
  find() {
    if (!this.#channel || this.open) return Promise.resolve();
    this.#channel.postMessage({ ask: true });
    return new Promise((resolve) => setTimeout(resolve, SIBLINGS_MS));
  }

  // Opens the company's own page, which knows who is signed in and posts a ticket back. `done(problem)`.
  ask(done) {
    this.#stop?.abort();
    const address = new URL(this.signIn);
    address.searchParams.set('origin', location.origin);
    this.#popup = window.open(address.href, `retention-bridge-${this.host}`, 'popup,width=480,height=640');
    if (!this.#popup) return done('blocked');
    this.#stop = new AbortController();
    const hear = ({ source, origin, data }) => {
      if (source !== this.#popup || origin !== address.origin || data?.type !== MESSAGE) return;
      this.#stop.abort();
      this.#popup.close();
      done(this.take(data.ticket));
    };
    window.addEventListener('message', hear, { signal: this.#stop.signal });
    return undefined;
  }

  #heard(data) {
    if (data?.ask && this.#ticket) this.#channel.postMessage({ ticket: this.#ticket.text });
    const theirs = typeof data?.ticket === 'string' ? readTicket(data.ticket) : null;
    if (!theirs || (this.#ticket && (theirs.agent !== this.#ticket.agent || theirs.exp <= this.#ticket.exp))) return;
    this.take(data.ticket, { tell: false });
  }

  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#renew(), ms);
  }

  async #renew() {
    const before = this.#ticket;
    if (!before) return;
    let answer;
    try {
      answer = await fetch(`/embed/${this.host}/ticket`, {
        method: 'POST',
        headers: { authorization: `Bearer ${before.text}` },
        credentials: 'omit',
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
      });
      if (answer.ok && this.#ticket === before) this.take((await answer.json()).ticket);
    } catch {
      answer = undefined; // not reached: the ticket may live long enough for another attempt
    }
    if (this.#ticket === before && (!answer || answer.status >= 500)) this.#later(AGAIN_MS);
  }

  #end() {
    clearTimeout(this.#timer);
    this.#ticket = null;
    this.changed();
  }
}
