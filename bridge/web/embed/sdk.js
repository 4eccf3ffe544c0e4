// A host's own script, from the one address that this page's policy allows.

export function loadScript(address, most = 8000) {
  return new Promise((resolve) => {
    const script = document.createElement('script');
    const timer = setTimeout(() => resolve(false), most);
    const end = (loaded) => {
      clearTimeout(timer);
      resolve(loaded);
    };
    script.addEventListener('load', () => end(true));
    script.addEventListener('error', () => end(false));
    script.src = address;
    document.head.append(script);
  });
}
