// What Zendesk's script offers to an app, as far as apps like ours use it.
window.ZAFClient = {
  init() {
    const query = new URLSearchParams(location.search);
    const origin = query.get('origin');
    const appGuid = query.get('app_guid');
    if (!origin || !appGuid) return false;
    const waiting = new Map();
    const handlers = new Map();
    let id = 0;
    let ready;
    const registered = new Promise((resolve) => (ready = resolve));
    const post = (message) => window.parent.postMessage(JSON.stringify({ ...message, appGuid, instanceGuid: appGuid }), origin);
    const ask = async (request, params) => {
      await registered;
      return new Promise((resolve, reject) => {
        id += 1;
        waiting.set(id, { resolve, reject });
        post({ id, request, params });
      });
    };
    window.addEventListener('message', (event) => {
      if (event.origin !== origin || event.source !== window.parent || typeof event.data !== 'string') return;
      const data = JSON.parse(event.data);
      if (waiting.has(data.id)) return void waiting.get(data.id)[data.error ? 'reject' : 'resolve'](data.error ?? data.result);
      const name = String(data.key).replace(/^zaf\./, '');
      if (name === 'app.registered') ready();
      for (const act of handlers.get(name) ?? []) act(data.message);
    });
    post({ key: 'iframe.handshake', message: { version: '2.0' } });
    return {
      get: (paths) => ask('get', [paths].flat()),
      invoke: (name, ...given) => ask('invoke', { [name]: given }),
      on: (name, act) => handlers.set(name, [...(handlers.get(name) ?? []), act]),
    };
  },
};
