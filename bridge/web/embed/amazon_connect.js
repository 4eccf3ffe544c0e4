// An app of the Amazon Connect agent workspace, one for each contact.
// https://docs.aws.amazon.com/agentworkspace/latest/devguide/integrate-with-contact-data.html

import { Frame, setup } from './frame.js';
import { loadScript } from './sdk.js';

const NAME = 'Amazon Connect';
const ANSWER_MS = 8000;
const frame = new Frame();

async function start() {
  const begun = frame.begin();
  const app = (await loadScript(setup.sdk)) ? (window.AmazonConnectSDK ?? window).AmazonConnectApp : undefined;
  await begun;
  if (!app?.init) return frame.say('noScript', { about: NAME, search: true });
  const timer = setTimeout(() => frame.say('noAnswer', { about: NAME, search: true }), ANSWER_MS);
  app.init({
    onCreate: async (event) => {
      clearTimeout(timer);
      const id = event?.context?.scope?.contactId;
      if (typeof id === 'string' && id) frame.show({ interaction: id });
      else frame.say('idle');
    },
    onDestroy: async () => frame.say('idle'),
  });
  return undefined;
}

start();
