// What Amazon's script offers to an app of the agent workspace, as far as apps like ours use it.
window.AmazonConnectSDK = {
  AmazonConnectApp: {
    init({ onCreate, onDestroy }) {
      window.addEventListener('message', (event) => {
        if (event.source !== window.parent) return;
        const { type, contactId } = Object(event.data);
        if (type === 'connect-create') onCreate({ context: { appInstanceId: 'a-1', appConfig: {}, scope: contactId ? { type: 'contact', contactId } : undefined } });
        if (type === 'connect-destroy') onDestroy({});
      });
      window.parent.postMessage({ type: 'connect-hello' }, '*');
      return { provider: {} };
    },
  },
};
