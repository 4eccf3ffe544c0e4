// The company's own page: it knows who is signed in, gets a ticket for them, and hands it to the page that opened it.
const { ticket } = await (await fetch('/ticket')).json();
const origin = new URLSearchParams(location.search).get('origin');
window.opener.postMessage({ type: 'retention-bridge:ticket', ticket }, origin);
