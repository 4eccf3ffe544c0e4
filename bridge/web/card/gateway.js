// The way to the gateway: one ticket, renewed when it has ended; answers or a plain reason; events as they come.

export class Trouble extends Error {
  // reason: 'network' | 'expired' | 'failed' | 'refused'
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

const SILENCE_MS = 40000; // the gateway says something every 15 seconds
export const LONGEST_PAUSE_MS = 15000;

export class Gateway {
  #ticket = '';
  #renewing = null;

  // `renew` gives a ticket (a text, or a promise of one), or nothing when there is none to be had.
  constructor(base, renew) {
    this.base = base.replace(/\/$/, '');
    this.renew = renew;
  }

  // A text, or one promise for all who ask meanwhile.
  #renew(expired) {
    if (this.#renewing) return this.#renewing;
    const given = this.renew({ expired });
    if (typeof given === 'string') return given;
    this.#renewing = Promise.resolve(given).catch(() => '').finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  async #fetch(path, body, { headers = {}, signal, keepalive } = {}, again = false) {
    if (!this.#ticket || again) {
      const given = this.#renew(again);
      const ticket = typeof given === 'string' ? given : await given; // a text at hand costs no turn
      if (!ticket || (again && ticket === this.#ticket)) throw new Trouble('expired');
      this.#ticket = ticket;
    }
    let answer;
    try {
      answer = await fetch(this.base + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#ticket}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal,
        keepalive,
        credentials: 'omit',
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
      });
    } catch (problem) {
      if (signal?.aborted) throw problem;
      throw new Trouble('network');
    }
    if (answer.status === 401 && !again) return this.#fetch(path, body, { headers, signal, keepalive }, true);
    if (answer.status === 401) throw new Trouble('expired');
    if (answer.status === 403 || answer.status === 409 || answer.status === 404 || answer.status === 400) throw new Trouble('refused');
    if (!answer.ok) throw new Trouble(answer.status >= 502 ? 'network' : 'failed');
    return answer;
  }

  async ask(path, body, options) {
    const answer = await this.#fetch(path, body, options);
    try {
      return await answer.json();
    } catch (problem) {
      if (options?.signal?.aborted) throw problem;
      throw new Trouble('network');
    }
  }

  // Calls `on.event(name, data)` and `on.state(connected)` until `signal` is aborted; comes back by itself.
  async listen(path, seen, signal, on) {
    let pause = 500;
    while (!signal.aborted) {
      const quiet = new AbortController();
      const stop = () => quiet.abort();
      signal.addEventListener('abort', stop, { once: true });
      let timer = setTimeout(stop, SILENCE_MS);
      try {
        const headers = { accept: 'text/event-stream', 'last-event-id': seen() };
        const answer = await this.#fetch(path, {}, { headers, signal: quiet.signal });
        on.state(true);
        pause = 500;
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let rest = '';
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          clearTimeout(timer);
          timer = setTimeout(stop, SILENCE_MS);
          const blocks = (rest + value).split('\n\n');
          rest = blocks.pop();
          for (const block of blocks) this.#tell(block, on);
        }
      } catch (problem) {
        if (signal.aborted) return;
        if (problem.reason === 'expired') return on.expired();
        if (problem.reason === 'refused') return;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
      }
      on.state(false);
      await sleep(pause * (0.75 + Math.random() / 2), signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  #tell(block, on) {
    const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2)));
    if (fields.event === 'card') on.card(JSON.parse(fields.data));
  }
}

// Ends early when the browser is online again, or the page is looked at again.
function sleep(ms, signal) {
  return new Promise((resolve) => {
    const ends = new AbortController();
    const end = () => {
      clearTimeout(timer);
      ends.abort();
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { signal: ends.signal });
    window.addEventListener('online', end, { signal: ends.signal });
    document.addEventListener('visibilitychange', () => document.hidden || end(), { signal: ends.signal });
  });
}
