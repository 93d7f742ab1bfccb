/** The report page's style, for both colour schemes, for phones and for paper. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b636e; --paper: #fff; --panel: #f6f7f9; --line: #dde1e6; --accent: #2456c4;
  --good: #17714a; --bad: #b3261e; --gain: #1f6fd1; --loss: #c4560b; --s1: #a8580c; --s2: #17714a; --s3: #8438ad; --s4: #b3261e; --s5: #0b7285; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #a3abb5; --paper: #14171a; --panel: #1c2024; --line: #343a41;
  --accent: #86aefb; --good: #63cd98; --bad: #f28b82; --gain: #79b0f7; --loss: #f0a35e; --s1: #f0b36a; --s2: #63cd98; --s3: #d3a1ee;
  --s4: #f28b82; --s5: #67d0e3; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 6rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 68rem; margin: 0 auto; padding: 1.75rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { position: sticky; top: 2.4rem; z-index: 2; margin: 2.75rem 0 .5rem; padding: .35rem 0; font-size: 1.2rem; background: var(--paper);
  border-bottom: 1px solid var(--line); }
h3 { margin: 1.5rem 0 .25rem; font-size: .95rem; }
p { margin: .35rem 0; max-width: 60rem; overflow-wrap: anywhere; } .note { color: var(--soft); font-size: .88rem; }
.ending { margin: .6rem 0; padding-left: .75rem; border-left: 3px solid var(--accent); }
nav { position: sticky; top: 0; z-index: 3; display: flex; gap: 1.1rem; overflow-x: auto; margin: 1.25rem 0 0; padding: .5rem 0;
  background: var(--paper); font-size: .9rem; white-space: nowrap; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
.badge { display: inline-block; padding: 0 .5em; border: 1px solid currentColor; border-radius: 1em; font-size: .72rem; font-weight: 600;
  line-height: 1.6; vertical-align: middle; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .soft { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .75rem; margin: 1.25rem 0; padding: 0; list-style: none; }
.cards li { display: flex; flex-direction: column; padding: .8rem 1rem; background: var(--panel); border: 1px solid var(--line);
  border-radius: .6rem; }
.cards span, .cards small { color: var(--soft); font-size: .8rem; overflow-wrap: anywhere; }
  .cards strong { font-size: 1.65rem; line-height: 1.35; font-weight: 650; }
dl { display: grid; grid-template-columns: fit-content(16rem) 1fr; gap: .2rem 1.25rem; margin: .5rem 0; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow: auto; max-height: 80vh; margin: .5rem 0; } table { border-collapse: collapse; font-size: .86rem; }
th { color: var(--soft); font-weight: 600; } thead th { position: sticky; top: 0; z-index: 1; background: var(--paper); white-space: nowrap; }
th, td { padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td { min-width: 2rem; max-width: 32rem; overflow-wrap: break-word; } .num, .whole { white-space: nowrap; } .num { text-align: right; }
td.given { min-width: 9rem; overflow-wrap: anywhere; white-space: pre-line; }
tbody tr:hover { background: var(--panel); }
code { font-size: .85em; overflow-wrap: anywhere; }
details { margin: .4rem 0; } summary { color: var(--accent); font-size: .88rem; cursor: pointer; } td details { margin: .1rem 0 0; }
.iteration { margin: .75rem 0; padding: .1rem 1rem; background: var(--panel); border: 1px solid var(--line); border-radius: .6rem; }
.iteration > summary { padding: .6rem 0; color: var(--ink); font-size: 1rem; } .iteration thead th { background: var(--panel); }
.iteration tbody tr:hover { background: var(--paper); }
.plot { display: block; width: 100%; height: auto; margin-top: .75rem; } .plot text { fill: var(--soft); font-size: 11px; }
  .grid { stroke: var(--line); }
.line { fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-linejoin: round; } path.line { opacity: .55; }
.interval { stroke: var(--accent); stroke-width: 3; opacity: .35; stroke-linecap: round; }
.target { stroke: var(--good); stroke-dasharray: 5 4; } .plot .target-label { fill: var(--good); }
.champion circle, .promoted circle { fill: var(--accent); } .champion .ring { fill: none; stroke: var(--accent); stroke-width: 2; }
.refused circle { fill: var(--paper); stroke: var(--soft); stroke-width: 2; } .refused .interval { stroke: var(--soft); }
.test rect { fill: var(--loss); } .test .interval { stroke: var(--loss); }
.series-0 { color: var(--s5); } .series-1 { color: var(--s1); } .series-2 { color: var(--s2); } .series-3 { color: var(--s3); }
.series-4 { color: var(--s4); } .series-5 { color: var(--soft); } .champion-line { color: var(--accent); stroke-width: 2.5; }
polyline.line { stroke: currentColor; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .25rem 0 1rem; padding: 0; list-style: none; font-size: .8rem; }
.legend li::before { content: ''; display: inline-block; width: .7em; height: .7em; margin-right: .45em; border-radius: 50%;
  background: currentColor; }
.legend li { color: var(--soft); } .legend .series-0::before { background: var(--s5); } .legend .series-1::before { background: var(--s1); }
.legend .series-2::before { background: var(--s2); } .legend .series-3::before { background: var(--s3); }
  .legend .series-4::before { background: var(--s4); }
.legend .champion-line::before, .legend .key-promoted::before { background: var(--accent); }
.legend .key-champion::before { margin-left: 4px; background: var(--accent); outline: 2px solid var(--accent); outline-offset: 2px; }
.legend .key-refused::before { background: none; border: 2px solid var(--soft); }
  .legend .key-line::before { height: 2px; vertical-align: middle; background: var(--accent); }
.legend .key-test::before { border-radius: 0; transform: rotate(45deg) scale(.85); background: var(--loss); }
.mark { display: block; width: 10rem; height: 1.15rem; color: var(--soft); } .mark circle, .mark rect { fill: currentColor; }
.mark .whisker { stroke: currentColor; stroke-width: 2; } .mark .zero, .mark line.track { stroke: var(--line); }
  .mark rect.track { fill: var(--line); }
.mark .ring { fill: var(--paper); stroke: currentColor; stroke-width: 1.5; } .gain { color: var(--gain); } .loss { color: var(--loss); }
  .bar { color: var(--accent); width: 7rem; }
.confusion th, .confusion td { padding: .2rem .4rem; border: 1px solid var(--line); } .confusion td { min-width: 2.2rem; text-align: right; }
.confusion thead th { max-height: 9rem; vertical-align: bottom; } .confusion thead .column { writing-mode: vertical-rl; transform: rotate(180deg); }
.confusion tbody th { position: sticky; left: 0; background: var(--paper); white-space: nowrap; }
  .confusion .none { color: var(--soft); opacity: .45; }
.hit { background: color-mix(in srgb, var(--gain) calc(var(--share) * 60%), transparent); }
.miss { background: color-mix(in srgb, var(--loss) calc(var(--share) * 75%), transparent); }
@media (max-width: 40rem) { main { padding: 1rem .9rem 3rem; } h1 { font-size: 1.35rem; } dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .4rem; }
  .scroll table { min-width: max-content; } td { max-width: 17rem; } .cards { grid-template-columns: 1fr 1fr; } .cards strong { font-size: 1.3rem; }
  .iteration { padding: .1rem .7rem; } .plot text { font-size: 17px; } }
@media print { nav { display: none; } h2 { position: static; } .scroll { max-height: none; } }
`;
