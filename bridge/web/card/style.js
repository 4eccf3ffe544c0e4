// One ink, one quiet surface, one accent, one warning scale; system fonts; a grid of 4 px.
// A host may set any --retention-* variable; what it leaves out follows the theme.

const LIGHT = `
  --ink: var(--retention-ink, #16202b); --ink-2: var(--retention-ink-2, #505c69); --ink-3: var(--retention-ink-3, #5e6975);
  --paper: var(--retention-paper, #fff); --wash: var(--retention-wash, #f4f6f8); --line: var(--retention-line, #e3e7ec);
  --line-2: var(--retention-line-2, #c9d0d8); --accent: var(--retention-accent, #1f5fd6); --on-accent: var(--retention-on-accent, #fff);
  --accent-wash: var(--retention-accent-wash, #edf3fd);
  --calm: var(--retention-calm, #23774a); --watch: var(--retention-watch, #8a5a00); --high: var(--retention-high, #b93a08);
  --critical: var(--retention-critical, #b3123b); color-scheme: light;`;

const DARK = `
  --ink: var(--retention-ink, #e8edf2); --ink-2: var(--retention-ink-2, #a9b4c0); --ink-3: var(--retention-ink-3, #8d99a6);
  --paper: var(--retention-paper, #141a21); --wash: var(--retention-wash, #1c242d); --line: var(--retention-line, #28323d);
  --line-2: var(--retention-line-2, #3d4956); --accent: var(--retention-accent, #7fb0ff); --on-accent: var(--retention-on-accent, #0b1420);
  --accent-wash: var(--retention-accent-wash, #182437);
  --calm: var(--retention-calm, #6cc493); --watch: var(--retention-watch, #e0b04a); --high: var(--retention-high, #f39366);
  --critical: var(--retention-critical, #ff8aa3); color-scheme: dark;`;

export const STYLE = `
:host { ${LIGHT}
  display: block; container: card / inline-size; min-inline-size: 280px; color: var(--ink);
  font: 14px/1.45 var(--retention-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  -webkit-font-smoothing: antialiased; text-size-adjust: 100%; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { :host(:not([theme="light"])) { ${DARK} } }
:host([theme="dark"]) { ${DARK} }
:host([hidden]) { display: none; }
*, ::before, ::after { box-sizing: border-box; }
h2, h3, h4, p, ul, ol, dl, dd { margin: 0; padding: 0; }
ul, ol { list-style: none; }
[hidden] { display: none !important; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: var(--retention-radius, 14px); overflow: clip;
  min-block-size: var(--retention-card-min-height, 0); }
.body > *, .column > * { padding: 16px; }
.body > * + *, .column > * + * { border-block-start: 1px solid var(--line); }
.body > .columns { padding: 0; }
.columns > * + * { border-block-start: 1px solid var(--line); }
.columns > .risk { padding: 16px; }

.eyebrow { font-size: 11px; line-height: 16px; font-weight: 600; letter-spacing: .05em; text-transform: uppercase; color: var(--ink-3);
  margin-block-end: 8px; }
.who { position: relative; }
.name { display: flex; gap: 12px; align-items: flex-start; justify-content: space-between; }
h2 { font-size: 17px; line-height: 24px; font-weight: 600; letter-spacing: -.012em; }
.sub { color: var(--ink-2); font-size: 12px; line-height: 18px; margin-block-start: 2px; }
.tier { flex: none; white-space: nowrap; font-size: 12px; line-height: 18px; font-weight: 600; font-variant-numeric: tabular-nums;
  border: 1px solid var(--line); border-radius: 999px; padding: 2px 9px; background: var(--wash); margin-block-start: 1px; }
.facts { display: flex; flex-wrap: wrap; gap: 2px 12px; color: var(--ink-2); font-size: 12px; line-height: 18px; margin-block-start: 10px; }
.facts .open { color: var(--ink); font-weight: 600; }
.facts .matters { color: var(--ink); }
.needs { margin-block-start: 12px; padding: 8px 12px; border-radius: 8px; background: var(--wash); font-size: 13px; line-height: 18px; }
.needs b { font-weight: 600; }

.level { display: flex; align-items: baseline; justify-content: space-between; gap: 8px; font-size: 12px; color: var(--ink-2); }
.level > * { white-space: nowrap; }
.level strong { font-size: 22px; line-height: 28px; font-weight: 600; letter-spacing: -.02em; color: var(--band);
  font-variant-numeric: tabular-nums; }
.bar { block-size: 6px; border-radius: 3px; background: var(--wash); box-shadow: inset 0 0 0 1px var(--line); margin-block: 8px 10px;
  position: relative; }
.bar i { position: absolute; inset-block: 0; inset-inline-start: 0; inline-size: var(--share); background: var(--band); border-radius: 3px;
  transition: inline-size .3s ease-out; }
.bar u { position: absolute; inset-inline-start: var(--usual); inset-block: -3px; inline-size: 2px; border-radius: 1px; background: var(--ink-2);
  box-shadow: 0 0 0 1.5px var(--paper); }
.critical { --band: var(--critical) } .high { --band: var(--high) } .medium { --band: var(--watch) } .low { --band: var(--calm) }
.unknown { --band: var(--ink-2) }
.reasons li + li { border-block-start: 1px solid var(--line); }
.reason { display: grid; grid-template-columns: 1fr auto 12px; gap: 0 8px; align-items: start; inline-size: calc(100% + 16px); margin-inline: -8px;
  padding: 8px; border: 0; border-radius: 8px; background: none; color: inherit; font: inherit; text-align: start; cursor: pointer; }
.reason small { display: block; color: var(--ink-2); font-size: 12px; line-height: 16px; margin-block-start: 1px; }
.points { font-variant-numeric: tabular-nums; color: var(--ink-2); font-size: 12px; line-height: 20px; }
.reason::after { content: ""; inline-size: 6px; block-size: 6px; margin: 5px 2px 0 0; justify-self: end; border: solid var(--ink-3);
  border-width: 0 1.5px 1.5px 0; transform: rotate(45deg); transition: transform .15s ease-out; }
.reason[aria-expanded="true"]::after { transform: translateY(3px) rotate(225deg); }
.evidence { display: grid; grid-template-columns: max-content 1fr; gap: 4px 12px; margin: 0 0 10px; padding: 10px 12px; border-radius: 8px;
  background: var(--wash); font-size: 12px; line-height: 18px; }
.evidence dt { color: var(--ink-2); }
.evidence .helps { font-weight: 600; }
.link { border: 0; background: none; padding: 4px 0; margin-block-start: 4px; color: var(--accent); font: inherit; font-size: 12px; font-weight: 600;
  cursor: pointer; border-radius: 4px; }
.link:hover { text-decoration: underline; text-underline-offset: 3px; }
.alike { color: var(--ink-3); font-size: 12px; line-height: 16px; margin-block-start: 8px; text-wrap: pretty; }
h4 { font-size: 12px; line-height: 16px; font-weight: 600; color: var(--ink-2); margin-block: 12px 2px; }

.say { background: var(--accent-wash); }
.title { font-size: 14px; line-height: 20px; font-weight: 600; margin-block-end: 6px; }
.first { font-size: 13px; line-height: 19px; color: var(--ink-2); margin-block-end: 4px; text-wrap: pretty; hanging-punctuation: first; }
.line { font-size: 15px; line-height: 23px; text-wrap: pretty; hanging-punctuation: first; }
.steps { counter-reset: step; font-size: 12px; line-height: 18px; color: var(--ink-2); }
.steps li, .not li { padding-inline-start: 16px; position: relative; }
.steps li + li, .not li + li { margin-block-start: 4px; }
.steps li::before { counter-increment: step; content: counter(step); position: absolute; inset-inline-start: 0; color: var(--ink-3);
  font-variant-numeric: tabular-nums; }
.not { margin-block-start: 12px; font-size: 12px; line-height: 18px; color: var(--ink-2); }
.not h4 { margin-block: 0 2px; }
.say > .link { margin-block: 12px 0; padding-block: 2px; }
.steps { margin-block-start: 6px; }
.also { font-size: 12px; line-height: 18px; color: var(--ink-2); }
.also li + li { margin-block-start: 4px; }
.not li::before { content: "\\00d7"; position: absolute; inset-inline-start: 1px; color: var(--high); font-weight: 600; }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; margin-block-start: 16px; align-items: center; }
.buttons .key { padding-inline: 10px; }

button.key { font: inherit; font-size: 13px; line-height: 18px; font-weight: 600; border-radius: 8px; border: 1px solid var(--line-2);
  background: var(--paper); color: var(--ink); padding: 7px 12px; cursor: pointer; min-block-size: 34px; white-space: nowrap; }
button.key small { font-size: 11px; font-weight: 400; color: var(--ink-2); margin-inline-start: 6px; font-variant-numeric: tabular-nums; }
button.key:hover { border-color: var(--ink-3); }
button.key.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button.key.main:hover { filter: brightness(1.08); }
button.key:active { transform: translateY(.5px); }
button.key[disabled] { opacity: .55; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.reason:hover, .reason:focus-visible { background: var(--wash); }
.reason:focus-visible { outline-offset: -2px; }

.terms { display: flex; justify-content: space-between; align-items: baseline; gap: 12px; }
.terms span::first-letter { text-transform: uppercase; }
.terms b { font-size: 16px; font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums; }
.sum { color: var(--ink-2); font-size: 12px; line-height: 17px; margin-block-start: 4px; }

.grant form { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin-block-start: 8px; }
.grant label { display: flex; align-items: center; gap: 4px; }
.grant input, .grant select { font: inherit; font-size: 13px; line-height: 18px; color: inherit; background: var(--paper); padding: 7px 8px;
  min-block-size: 34px; border: 1px solid var(--line-2); border-radius: 8px; }
.grant input { text-align: end; font-variant-numeric: tabular-nums; }
.grant .link { margin: 0; }
.granted { font-size: 12px; line-height: 18px; color: var(--ink-2); margin-block-start: 4px; }
.granted::first-letter { text-transform: uppercase; }
.bad { color: var(--high); font-size: 12px; line-height: 18px; }

.results { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px; }
.results .key { display: flex; justify-content: space-between; align-items: center; gap: 4px; padding-inline: 10px; }
.results .key[aria-pressed="true"] { border-color: var(--accent); background: var(--accent-wash); box-shadow: inset 0 0 0 1px var(--accent); }
kbd { font: 11px/16px ui-monospace, "SF Mono", Menlo, monospace; color: var(--ink-2); border: 1px solid var(--line); border-radius: 4px;
  padding: 0 4px; background: var(--wash); }
.body > .outcome { position: sticky; inset-block-end: 0; background: var(--paper); padding-block: 12px 14px; z-index: 1; }
.outcome .top { display: flex; justify-content: space-between; align-items: baseline; gap: 12px; min-block-size: 24px; }
.after { display: flex; flex-wrap: wrap; justify-content: end; gap: 0 8px; font-size: 12px; line-height: 18px; color: var(--ink-2); text-align: end; }
.after .link { padding: 0; margin: 0; }
.after .bad { color: var(--high); }
textarea { display: block; inline-size: 100%; min-block-size: 36px; max-block-size: 160px; field-sizing: content; resize: none;
  margin-block-start: 8px; padding: 7px 10px; font: inherit; font-size: 13px; line-height: 20px; color: inherit; background: var(--paper);
  border: 1px solid var(--line-2); border-radius: 8px; }
textarea::placeholder { color: var(--ink-3); opacity: 1; }
textarea:focus-visible { outline-offset: -1px; }

.foot { color: var(--ink-3); font-size: 12px; line-height: 18px; }
.body > .foot { padding-block: 10px 12px; }
.foot ul { display: flex; flex-wrap: wrap; gap: 2px 12px; }
.foot .stale { color: var(--watch); }
.dot { display: inline-block; inline-size: 6px; block-size: 6px; border-radius: 50%; background: var(--calm); margin-inline-end: 6px;
  vertical-align: 1px; }

.notice { padding: 24px 20px; }
.body > .notice { padding: 24px 20px; }
.notice h2 { font-size: 16px; }
.notice p { color: var(--ink-2); margin-block-start: 6px; max-inline-size: 44ch; text-wrap: pretty; }
.notice .facts { margin-block-start: 12px; }
.notice .key { margin-block-start: 16px; }
.body > .quiet { background: var(--wash); padding: 14px 16px; }
.quiet h2 { font-size: 14px; line-height: 20px; }
.quiet p { font-size: 13px; line-height: 19px; margin-block-start: 2px; }

.bone { display: block; border-radius: 4px; background: var(--line); opacity: .7; animation: breathe 1.6s ease-in-out infinite; }
.say .bone { background: var(--line-2); }
.fresh { animation: settle 2.4s ease-out; }
@keyframes breathe { 50% { opacity: .35; } }
@keyframes settle { from { box-shadow: inset 3px 0 0 var(--accent); } 70% { box-shadow: inset 3px 0 0 var(--accent); } to { box-shadow: inset 3px 0 0 transparent; } }
.unseen { position: absolute; inline-size: 1px; block-size: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

@container card (inline-size < 400px) {
  kbd { display: none; }
  .results .key { justify-content: center; padding-inline: 4px; }
  .buttons { gap: 6px; }
  .buttons .key { padding-inline: 8px; font-size: 12px; }
  .buttons small { margin-inline-start: 4px; }
}
@container card (inline-size < 330px) {
  .name { flex-wrap: wrap; gap: 4px 12px; }
  .level strong { font-size: 19px; }
}
@container card (inline-size >= 600px) {
  .columns { display: grid; grid-template: "risk say" auto "offer say" 1fr / 1fr 1fr; }
  .column { display: contents; }
  .risk { grid-area: risk; }
  .columns .say { grid-area: say; border-inline-start: 1px solid var(--line); }
  .columns .offer { grid-area: offer; }
}
@media (prefers-reduced-motion: reduce) { *, ::before, ::after { animation: none !important; transition: none !important; } }
@media (prefers-contrast: more) { :host { --ink-2: var(--ink); --ink-3: var(--ink); --line: var(--ink-3); --line-2: var(--ink); } }
@media (forced-colors: active) {
  .bar { border: 1px solid CanvasText; } .bar i { background: CanvasText; forced-color-adjust: none; }
  .bar u { background: Highlight; forced-color-adjust: none; } .results .key[aria-pressed="true"] { outline: 2px solid Highlight; }
  .bone { border: 1px solid GrayText; }
}
`;
