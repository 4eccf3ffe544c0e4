// What the console asks of the gateway. Who asks is in a cookie that this code cannot read.

export class Problem extends Error {
  constructor(status, code, text) {
    super(text);
    Object.assign(this, { status, code, text });
  }
}

const HEADERS = { 'x-console': '1' };

async function request(method, path, { query, body, headers: more, signal } = {}) {
  const asked = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const address = asked.length ? `${path}?${new URLSearchParams(asked)}` : path;
  const headers = { ...HEADERS, ...(body !== undefined && { 'content-type': 'application/json' }), ...more };
  let answer;
  try {
    answer = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, cache: 'no-store', credentials: 'same-origin' });
  } catch (trouble) {
    if (trouble.name === 'AbortError') throw trouble;
    throw new Problem(0, 'unreachable', '');
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, told.error?.code ?? 'unknown', told.error?.message ?? '');
}

export class Service {
  // Called when a session has ended, whatever was asked.
  constructor(ended) {
    this.ended = ended;
  }

  async #ask(method, path, options) {
    try {
      return await request(method, path, options);
    } catch (problem) {
      if (problem.status === 401) this.ended();
      throw problem;
    }
  }

  async #json(method, path, options) {
    const answer = await this.#ask(method, path, options);
    return answer.status === 204 ? null : answer.json();
  }

  get(path, query, signal) {
    return this.#json('GET', path, { query, signal });
  }

  post(path, body = {}, signal) {
    return this.#json('POST', path, { body, signal });
  }

  put(path, body) {
    return this.#json('PUT', path, { body });
  }

  remove(path) {
    return this.#json('DELETE', path, {});
  }

  async table(path, query) {
    return (await this.#ask('GET', path, { query })).blob();
  }

  // The session: null where nobody is signed in.
  async session() {
    return (await request('GET', '/console/session')).json();
  }

  // By an access key, by a link, or, in demo mode, as whom one likes.
  async signIn({ key, link, role }) {
    const body = { ...(link && { link }), ...(role && { role }) };
    return (await request('POST', '/console/session', { body, headers: key && { authorization: `Bearer ${key}` } })).json();
  }

  signOut() {
    return request('DELETE', '/console/session');
  }
}
