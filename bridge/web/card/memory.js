// What an agent did with a card survives a reload of the page: per tab, per decision or interaction, without a name in it.

const PREFIX = 'retention-card:';
const MOST = 40;

export function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + key)) ?? {};
  } catch {
    return {}; // storage is forbidden in this frame, or not ours
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
    // without storage the card works, and forgets with the page
  }
}
