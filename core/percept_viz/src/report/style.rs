//! The look of a report, light or dark as the reader's system is.

pub(super) const CSS: &str = "\
:root { --paper: #ffffff; --ground: #f4f6f9; --ink: #1d2330; --pale: #667085; --edge: #e1e5ec; --accent: #0072b2;
  --bar: #cfe4f3; --good: #0b8a5c; --warning: #b26a00; --bad: #c62828; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --paper: #161b24; --ground: #0d1017; --ink: #e6eaf2; --pale: #96a1b5;
  --edge: #2a3140; --accent: #56beff; --bar: #1d4a68; --good: #3fd29a; --warning: #ffb020; --bad: #ff6b6b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; }
header, main { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 32px; }
h1 { font-size: 26px; margin: 0; letter-spacing: -0.01em; }
header p { margin: 4px 0 20px; color: var(--pale); }
h2 { font-size: 17px; margin: 0 0 14px; }
section { background: var(--paper); border: 1px solid var(--edge); border-radius: 10px; padding: 20px 22px;
  margin-bottom: 18px; }
section:has(> .tiles) { background: none; border: 0; padding: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 14px; }
.tile { background: var(--paper); border: 1px solid var(--edge); border-top: 3px solid var(--accent);
  border-radius: 10px; padding: 14px 16px; display: flex; flex-direction: column; }
.tile span { color: var(--pale); font-size: 13px; }
.tile strong { font-size: 27px; line-height: 1.25; font-variant-numeric: tabular-nums; letter-spacing: -0.01em; }
.tile small { color: var(--pale); font-size: 12.5px; min-height: 1.5em; }
.tile.good { border-top-color: var(--good); } .tile.warning { border-top-color: var(--warning); }
.tile.bad { border-top-color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: 7px 12px; text-align: right; border-bottom: 1px solid var(--edge); white-space: nowrap; }
th:first-child { text-align: left; } thead th { color: var(--pale); font-weight: 500; font-size: 13px; }
tbody th { font-weight: 600; } tbody tr:last-child > * { border-bottom: 0; }
table.ap { table-layout: fixed; min-width: 720px; } .ap th:first-child { width: 16%; }
th.group { text-align: center; border-left: 1px solid var(--edge); color: var(--ink); }
td.none { color: var(--pale); } td.text { text-align: left; white-space: normal; width: 70%; color: var(--pale); }
td.bar { background: linear-gradient(90deg, var(--bar) var(--fill), transparent var(--fill)) no-repeat 6px 50%
  / calc(100% - 12px) 62%; }
tr.total > * { border-top: 2px solid var(--edge); font-weight: 600; }
tr.good td:nth-child(2) { color: var(--good); } tr.warning td:nth-child(2) { color: var(--warning); font-weight: 600; }
tr.bad td:nth-child(2) { color: var(--bad); font-weight: 600; }
.histogram svg { display: block; margin-left: auto; } .histogram rect { fill: var(--accent); opacity: .75; }
.histogram path { stroke: var(--ink); stroke-width: 1.2; fill: none; }
.histogram path.base { stroke: var(--edge); } .histogram path.p99 { stroke: var(--bad); stroke-dasharray: 3 2; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(330px, 1fr)); gap: 12px; }
figure { margin: 0; } .plot { width: 100%; height: auto; }
.plot text { fill: var(--ink); font-size: 12px; } .plot .tick { fill: var(--pale); font-size: 11px; }
.plot .title { font-weight: 600; font-size: 14px; } .plot .mid { text-anchor: middle; } .plot .end { text-anchor: end; }
.plot path { fill: none; } .plot .grid { stroke: var(--edge); } .plot .axis { stroke: var(--pale); }
.plot .line { stroke-width: 2; stroke-linejoin: round; } .plot .faint { stroke-width: 1; opacity: .3; }
@media (prefers-color-scheme: dark) { .plot .line, .plot .faint { filter: brightness(1.35); } }
.strip { display: flex; gap: 12px; overflow-x: auto; padding-bottom: 8px; }
.strip figure { flex: none; } .strip img { height: 300px; border-radius: 6px; display: block; background: #0d1017; }
figcaption { color: var(--pale); font-size: 12.5px; margin-top: 5px; max-width: 300px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 22px; margin: 0; font-size: 14px; }
dt { color: var(--pale); } dd { margin: 0; font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: 13px;
  overflow-wrap: anywhere; }
";
