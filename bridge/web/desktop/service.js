// What the page asks of the gateway: a ticket, calls, and what the phone system was told.

export class Service {
  ticket = '';
  demo = false;

  // A ticket of the example, or "" where a sign-in is needed. Throws when the gateway cannot be reached.
  async admit() {
    const answer = await fetch('/desktop/ticket', { method: 'POST', cache: 'no-store' });
    if (answer.status === 404) return '';
    if (!answer.ok) throw new Error(String(answer.status));
    this.demo = true;
    this.ticket = (await answer.json()).ticket;
    return this.ticket;
  }

  async callers() {
    return (await this.#ask('/desktop/callers', {})).callers;
  }

  async ring(phone) {
    return this.#ask('/desktop/ring', { phone });
  }

  async #ask(path, body, again = false) {
    const answer = await fetch(path, {
      method: 'POST',
      cache: 'no-store',
      headers: { authorization: `Bearer ${this.ticket}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (answer.status === 401 && !again) {
      await this.admit();
      return this.#ask(path, body, true);
    }
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }
}
