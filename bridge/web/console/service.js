// What the console asks of the gateway. Who asks is in a cookie that this code cannot read.

export class Problem extends Error {
  constructor(status, code, text) {
    super(text);
    Object.assign(this, { status, code, text });
  }
}

const HEADERS = { 'x-console': '1' };

async function request(method, path, { query, body, signal } = {}) {
  const asked = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const address = asked.length ? `${path}?${new URLSearchParams(asked)}` : path;
  const headers = body === undefined ? HEADERS : { ...HEADERS, 'content-type': 'application/json' };
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

  async #json(method, path, options) {
    try {
      const answer = await request(method, path, options);
      return answer.status === 204 ? null : await answer.json();
    } catch (problem) {
      if (problem.status === 401) this.ended();
      throw problem;
    }
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
    return (await request('GET', path, { query })).blob();
  }

  // The session: null where nobody is signed in.
  async session() {
    return (await request('GET', '/console/session')).json();
  }

  // By an access key, by a link, or, in demo mode, as whom one likes.
  async signIn({ key, link, role }) {
    const headers = key ? { ...HEADERS, 'content-type': 'application/json', authorization: `Bearer ${key}` } : { ...HEADERS, 'content-type': 'application/json' };
    const answer = await fetch('/console/session', { method: 'POST', headers, body: JSON.stringify({ ...(link && { link }), ...(role && { role }) }), credentials: 'same-origin', cache: 'no-store' });
    if (answer.ok) return answer.json();
    const told = await answer.json().catch(() => ({}));
    throw new Problem(answer.status, told.error?.code ?? 'unknown', told.error?.message ?? '');
  }

  signOut() {
    return request('DELETE', '/console/session');
  }
}
