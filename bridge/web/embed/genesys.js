// A widget beside a Genesys conversation. Only the conversation's id arrives, as part of the address; whose it is, the
// look-up of the flow has said. https://developer.genesys.cloud/platform/integrations/client-apps

import { Frame } from './frame.js';

const PLACEHOLDER = /^\s*\{\{.*\}\}\s*$/;
const ID = /^[A-Za-z0-9_-]{8,64}$/;
const frame = new Frame();
const given = Object.fromEntries([...new URLSearchParams(location.search)].map(([name, value]) => [name.toLowerCase(), value]));
const conversation = given.conversationid ?? '';

if (given.lang && !PLACEHOLDER.test(given.lang)) frame.speak(given.lang);
if (PLACEHOLDER.test(conversation)) frame.say('unsubstituted', { about: conversation.trim(), first: true });
else if (ID.test(conversation)) frame.show({ interaction: conversation });
else frame.say('noConversation', { first: true });
frame.begin();
