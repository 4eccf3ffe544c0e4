// A page of another origin beside ours: it posts whatever its own window is told to.
window.addEventListener('message', ({ data }) => window.parent.frames.card.postMessage(data, '*'));
window.parent.postMessage('intruder', '*');
