// The window around this page. It is believed to be one of the configured origins only where the browser says so.

import { setup } from './frame.js';

let met = '';

// The origin to post to; "" while it cannot be known for sure.
function origin() {
  if (met) return met;
  const named = location.ancestorOrigins?.[0] ?? (document.referrer && new URL(document.referrer).origin);
  if (named && setup.origins.includes(named)) return named;
  return !named && setup.origins.length === 1 ? setup.origins[0] : '';
}

export function tellParent(message) {
  const to = origin();
  if (to && window.parent !== window) window.parent.postMessage(message, to);
}

// Calls `hear(data)` for what the window around us says, and for nothing else.
export function hearParent(hear) {
  window.addEventListener('message', ({ source, origin: from, data }) => {
    if (source !== window.parent || source === window || !setup.origins.includes(from)) return;
    met = from;
    hear(data);
  });
}
