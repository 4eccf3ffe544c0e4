// What an agent did with a card survives a reload of the page: per tab, per decision or interaction, without a name in it.
// Where a browser keeps nothing for pages in frames, it lasts as long as the page.

const PREFIX = 'retention-card:';
const MOST = 40;
const held = new Map();

export function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + key)) ?? {};
  } catch {
    return held.get(key) ?? {}; // storage is forbidden in this frame, or not ours
  }
}

export function remember(key, state) {
  try {
    const full = PREFIX + key;
    if (sessionStorage.getItem(full) === null) {
      const mine = Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX));
      const at = (name) => recall(name.slice(PREFIX.length)).at ?? 0;
      mine.sort((a, b) => at(a) - at(b));
      for (const name of mine.slice(0, Math.max(0, mine.length - MOST))) sessionStorage.removeItem(name);
    }
    sessionStorage.setItem(full, JSON.stringify({ ...state, at: Date.now() }));
  } catch {
    held.delete(key);
    held.set(key, structuredClone(state));
    if (held.size > MOST) held.delete(held.keys().next().value);
  }
}
