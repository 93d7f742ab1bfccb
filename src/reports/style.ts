/** The report page's style, for both colour schemes. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --paper: #fff; --line: #d9dce1; --accent: #2563c9; --good: #1a7f4b;
  --bad: #b3261e; --s1: #b45309; --s2: #1a7f4b; --s3: #8b3fb8; --s4: #b3261e; --s5: #0e7490; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a5abb3; --paper: #16181b; --line: #363b42; --accent: #7aa7f7;
  --good: #5fcb94; --bad: #f28b82; --s1: #f0b36a; --s2: #5fcb94; --s3: #d3a1ee; --s4: #f28b82; --s5: #67d0e3; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere; } h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; }
.status { font-weight: 600; margin: .25rem 0 1rem; } .status-COMPLETED { color: var(--good); } .status-FAILED { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; margin: .75rem 0; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td { min-width: 3rem; max-width: 22rem; overflow-wrap: anywhere; }
code { font-size: .85em; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 11px; } .grid { stroke: var(--line); }
.line { fill: none; stroke: var(--accent); stroke-width: 1.5; } .interval { stroke: var(--accent); stroke-width: 3; opacity: .4; }
.target { stroke: var(--good); stroke-dasharray: 5 4; } .point { fill: var(--paper); stroke: var(--accent); stroke-width: 2; }
.champion { fill: var(--accent); stroke: var(--accent); } .series-1 { stroke: var(--s1); } .series-2 { stroke: var(--s2); }
.series-3 { stroke: var(--s3); } .series-4 { stroke: var(--s4); } .series-5 { stroke: var(--s5); }
.confusion td { text-align: right; } .hit { background: color-mix(in srgb, var(--good) calc(var(--share) * 55%), transparent); }
.miss { background: color-mix(in srgb, var(--bad) calc(var(--share) * 70%), transparent); }
`;
