// In any page of the company's own, by messages (docs/HOSTS.md): in come show, clear and ticket, out go hello, ready,
// insert, outcome, height and renew.

import { Frame, whomOf } from './frame.js';
import { hearParent, tellParent } from './parent.js';

const PREFIX = 'retention-bridge:';
const frame = new Frame();
const tell = (name, detail) => tellParent({ ...detail, type: PREFIX + name });

const ACTS = {
  show: ({ lang, theme, external_id: external, ...whom }) => {
    const found = whomOf({ ...whom, 'external-id': external });
    frame.speak(lang);
    frame.theme(theme);
    if (Object.keys(found).length) frame.show(found);
  },
  clear: () => frame.say('idle'),
  ticket: ({ ticket }) => frame.take(ticket),
};

hearParent((message) => {
  const { type } = Object(message);
  if (typeof type === 'string' && type.startsWith(PREFIX)) ACTS[type.slice(PREFIX.length)]?.(message);
});

for (const name of ['ready', 'insert', 'outcome', 'renew']) frame.on(name, (detail) => tell(name, detail));
frame.on('height', (height) => tell('height', { height }));
frame.say('idle');
tell('hello');
frame.begin();
