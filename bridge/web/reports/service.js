// What the page asks of the gateway. The key is held here and nowhere else: not in a URL, not in any storage.

export class Refused extends Error {}

export class Service {
  demo = false;
  #key = '';

  // The report of the example, which needs no key, or for who is signed in at the console; null for anybody else.
  // Throws when the gateway cannot be reached.
  async open() {
    const answer = await this.#fetch({}, true);
    if (answer.status === 404) {
      const told = await this.#fetch({}, false);
      return told.ok ? told.json() : null;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    this.demo = true;
    return answer.json();
  }

  signIn(key) {
    this.#key = key;
  }

  async report(asked) {
    return (await this.#ask(asked)).json();
  }

  async table(asked, lang) {
    return (await this.#ask({ ...asked, format: 'csv', lang })).blob();
  }

  async #ask(asked) {
    const answer = await this.#fetch(asked, this.demo);
    if (answer.status === 401 || answer.status === 403) throw new Refused();
    if (!answer.ok) throw new Error(String(answer.status));
    return answer;
  }

  #fetch(asked, example) {
    const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
    const headers = this.#key ? { authorization: `Bearer ${this.#key}` } : { 'x-console': '1' };
    const credentials = example || this.#key ? 'omit' : 'same-origin';
    return fetch(`${example ? '/reports/example' : '/v1/reports/uplift'}?${query}`, { cache: 'no-store', credentials, headers: example ? {} : headers });
  }
}
