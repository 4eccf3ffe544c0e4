// A dashboard app of Chatwoot. What it posts is signed by nobody: it says whom to look up, and the agent's own ticket
// decides whether that is done. https://www.chatwoot.com/hc/user-guide/articles/1677691702-how-to-use-dashboard-apps

import { Frame, person } from './frame.js';
import { hearParent, tellParent } from './parent.js';

const frame = new Frame();
const ask = () => tellParent('chatwoot-dashboard-app:fetch-info');
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

// The context in a message, null for what other scripts post.
function contextOf(message) {
  if (typeof message !== 'string') return null;
  try {
    const { event, data } = JSON.parse(message);
    return event === 'appContext' && isObject(data) ? data : null;
  } catch {
    return null;
  }
}

hearParent((message) => {
  const context = contextOf(message);
  if (!context) return;
  const conversation = isObject(context.conversation) ? context.conversation : {};
  const sender = isObject(context.contact) ? context.contact : conversation.meta?.sender ?? {};
  const whom = person({ id: sender.id, email: sender.email || undefined, phone: sender.phone_number || undefined });
  if (!Object.keys(whom).length) return void frame.say('nobody', { search: true });
  const id = [conversation.account_id, conversation.id].filter(Number.isInteger).join('-');
  frame.show(id ? { interaction: `chatwoot:${id}`, ...whom } : whom);
});

frame.say('idle');
frame.begin();
ask();
window.addEventListener('focus', ask); // another conversation may have been chosen meanwhile
document.addEventListener('visibilitychange', () => document.hidden || ask());
