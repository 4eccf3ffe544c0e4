// In Zendesk's sidebar: the requester of the ticket in view. https://developer.zendesk.com/api-reference/apps/

import { Frame, person, setup } from './frame.js';
import { loadScript } from './sdk.js';

const NAME = 'Zendesk';
const ANSWER_MS = 8000;
const PATHS = ['ticket.id', 'ticket.requester', 'currentUser.locale'];
const frame = new Frame({ shared: false, expired: 'reload' });

const within = (promise) => Promise.race([promise, new Promise((_, reject) => setTimeout(reject, ANSWER_MS))]);

async function look(client) {
  let found;
  try {
    found = await within(client.get(PATHS));
  } catch {
    return frame.say('noAnswer', { about: NAME, search: true });
  }
  frame.speak(found['currentUser.locale']);
  const { id, email, identities } = found['ticket.requester'] ?? {};
  const phone = (Array.isArray(identities) ? identities : []).find((one) => /phone/i.test(one?.type))?.value;
  const whom = person({ id, email: email ?? undefined, phone });
  if (!Object.keys(whom).length) return frame.say('nobody', { search: true });
  const ticket = found['ticket.id'];
  return frame.show(ticket ? { interaction: `zendesk:${ticket}`, ...whom } : whom);
}

async function start() {
  await frame.begin();
  if (setup.problem) return;
  const origin = new URLSearchParams(location.search).get('origin');
  const client = (await loadScript(setup.sdk)) && origin ? window.ZAFClient?.init() : undefined;
  if (!client) return frame.say(origin ? 'noScript' : 'noAnswer', { about: NAME, search: true });
  frame.on('insert', async ({ text }) => {
    try {
      await client.invoke('comment.appendText', text);
    } catch {
      frame.remark('notInserted');
    }
  });
  frame.on('height', (height) => client.invoke('resize', { width: '100%', height: `${height}px` })?.catch?.(() => {}));
  client.on('ticket.requester.id.changed', () => look(client));
  client.on('app.activated', () => look(client));
  return look(client);
}

start();
