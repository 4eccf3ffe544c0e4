// A desktop that holds one page of the bridge, and speaks to it as the vendor's own does. `play` says which one.

const { play, address, token, about = {} } = window.setup;
window.heard = [];
window.about = about;

document.querySelector('header b').textContent = { zendesk: 'Zendesk', genesys: 'Genesys Cloud', amazon_connect: 'Amazon Connect', chatwoot: 'Chatwoot' }[play] ?? 'Desk';

const frame = document.createElement('iframe');
frame.name = 'card';
frame.title = 'Retention Bridge';
const origin = new URL(address).origin;
const send = (data) => frame.contentWindow.postMessage(data, origin);
const json = (data) => send(JSON.stringify(data));
window.send = send;

// As Zendesk's app framework answers: strings of JSON; every request has an id.
function zendesk(data) {
  const message = JSON.parse(data);
  if (message.key === 'iframe.handshake') return json({ key: 'zaf.app.registered', message: { metadata: {}, context: { location: 'ticket_sidebar' } } });
  if (message.request === 'get') return json({ id: message.id, result: { errors: {}, ...Object.fromEntries(message.params.map((path) => [path, window.about[path]])) } });
  if (message.request === 'invoke') {
    const [[what, given]] = Object.entries(message.params);
    if (what === 'resize') frame.style.blockSize = given[0].height;
    if (what === 'comment.appendText') document.querySelector('#reply').value += given[0];
    return json({ id: message.id, result: { [what]: null } });
  }
  return undefined;
}
window.changed = (about) => {
  window.about = about;
  if (play === 'zendesk') json({ key: 'zaf.ticket.requester.id.changed', message: {} });
  if (play === 'chatwoot') json({ event: 'appContext', data: about });
};

// As Chatwoot does it: on being asked, a string of JSON for whomever it may concern.
function chatwoot(data) {
  if (data === 'chatwoot-dashboard-app:fetch-info') frame.contentWindow.postMessage(JSON.stringify({ event: 'appContext', data: window.about }), '*');
}

function amazonConnect(data) {
  if (data?.type === 'connect-hello') send({ type: 'connect-create', contactId: window.about.contactId });
}

function iframe(data) {
  if (data?.type === 'retention-bridge:height') frame.style.blockSize = `${data.height}px`;
  if (data?.type === 'retention-bridge:insert') document.querySelector('#reply').value += data.text;
}

const plays = { zendesk, chatwoot, amazon_connect: amazonConnect, iframe };
window.addEventListener('message', ({ source, origin: from, data }) => {
  if (source !== frame.contentWindow) return;
  window.heard.push({ from, data });
  plays[play]?.(data);
});

window.open_ = () => {
  document.querySelector('aside').replaceChildren(frame);
  if (play === 'zendesk') {
    const form = document.createElement('form');
    Object.assign(form, { method: 'POST', action: address, target: 'card' });
    const field = document.createElement('input');
    Object.assign(field, { type: 'hidden', name: 'token', value: token });
    form.append(field);
    document.body.append(form);
    form.submit();
    form.remove();
  } else {
    frame.src = address;
  }
};
window.open_();
