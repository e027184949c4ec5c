-- The style sheet of report.html: one column, light or dark by the reader's setting, black on white in print. Whatever a colour
-- means is also said by a word.

return [[
:root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#1f2328;--soft:#5d646e;--faint:#e6e3dc;--line:#d8d4cb;
--accent:#2a5f8f;--good:#2c6b4a;--bad:#a33a2a;--open:#80631a;--plain:#5d646e;--good-bg:#e5f0e9;--bad-bg:#f8e6e2;
--open-bg:#f5eed9;--plain-bg:#eeece7;--note:#fdf3d9;--note-line:#d9b54a;--mark:#ffe08a;
--s1:#2a6fb0;--s2:#c2571a;--s3:#2f7d4f;--s4:#8a4fb3;--s5:#a8324e;--s6:#6b6f1e;--gold:#8b8f96}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1b1f24;--ink:#e4e6e9;--soft:#9aa3ae;--faint:#272c33;
--line:#343a43;--accent:#7fb4e3;--good:#84cba3;--bad:#f0998a;--open:#e0c06a;--plain:#9aa3ae;
--good-bg:#1d3328;--bad-bg:#3d2420;--open-bg:#36301c;--plain-bg:#262b32;--note:#33290f;--note-line:#8a6d1f;--mark:#6b5510;
--s1:#7fb4e3;--s2:#f0a06b;--s3:#84cba3;--s4:#c9a3ea;--s5:#f091a8;--s6:#cfd26a;--gold:#7d838c}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 Inter,ui-sans-serif,system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",Arial,sans-serif;font-feature-settings:"tnum","cv05"}
main{max-width:70rem;margin:0 auto;padding:3rem 1.5rem 4rem}
h1{font-size:clamp(1.7rem,4vw,2.5rem);line-height:1.15;letter-spacing:-.02em;font-weight:680;margin:.2rem 0 .5rem;
text-wrap:balance}
h2{font-size:1.25rem;letter-spacing:-.01em;font-weight:650;margin:3.2rem 0 .35rem}
h3{font-size:1rem;font-weight:620;margin:1.6rem 0 .4rem}
p{margin:.4rem 0;max-width:46rem}
.kicker{color:var(--accent);font-weight:600;font-size:.82rem;letter-spacing:.08em;text-transform:uppercase;margin:0}
.question{font-size:1.15rem;color:var(--soft);max-width:44rem}
.meta,.hint,figcaption,caption{color:var(--soft);font-size:.88rem}
.hint{margin-top:0}
nav{margin:1.1rem 0 0;font-size:.9rem;display:flex;flex-wrap:wrap;gap:.25rem 1.1rem}
a{color:var(--accent);text-underline-offset:.2em;text-decoration-thickness:1px}
.banner{border-left:4px solid var(--note-line);background:var(--note);border-radius:0 .5rem .5rem 0;
padding:.75rem 1.1rem;margin:1.3rem 0}
.banner p{max-width:none;margin:.1rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:.9rem;padding:1.1rem 1.4rem;margin:1.4rem 0}
.verdicts{padding:.35rem 1.4rem}
.verdict{display:grid;grid-template-columns:11rem 10rem 1fr;gap:.2rem 1.2rem;padding:.85rem 0;align-items:baseline;
border-bottom:1px solid var(--faint)}
.verdict:last-child{border-bottom:0}
.verdict .name{font-weight:620}
.verdict .size{display:block;color:var(--soft);font-size:.88rem}
.chip{display:inline-block;border-radius:99px;padding:.1rem .7rem;font-size:.82rem;font-weight:600;
white-space:nowrap;border:1px solid transparent}
.chip.good{color:var(--good);background:var(--good-bg)}.chip.bad{color:var(--bad);background:var(--bad-bg)}
.chip.open{color:var(--open);background:var(--open-bg)}.chip.plain{color:var(--plain);background:var(--plain-bg)}
.checks{margin:.9rem 0 0;color:var(--soft);font-size:.92rem}
.scroll{overflow-x:auto;margin:.9rem 0}
table{border-collapse:collapse;width:100%;font-size:.93rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.5rem .8rem .5rem 0;border-bottom:1px solid var(--faint);vertical-align:middle}
th{color:var(--soft);font-weight:550;font-size:.82rem;vertical-align:bottom;border-bottom-color:var(--line)}
th.num,td.num{text-align:right}
td .range{display:block;color:var(--soft);font-size:.82rem;white-space:nowrap}
td{white-space:nowrap}td.wrap{white-space:normal;min-width:14rem}td.wrap .range{white-space:normal}
tr>:last-child{padding-right:0}
td.heat .range{white-space:normal}td.heat,tr>td.heat:last-child{padding-right:.7rem}td.heat{background:color-mix(in srgb,var(--bad) var(--rate),transparent)}
td.name{white-space:normal;max-width:22rem;font-weight:600;position:sticky;left:0;background:var(--paper)}
figure{margin:1rem 0}
svg{display:block;max-width:100%;height:auto;font-family:inherit}
svg.forest{width:180px;min-width:150px}
svg.chart{width:100%;max-width:42rem}
svg.map,svg.strip{width:100%;max-width:42rem}
svg .tick,svg .label,svg .axis-title{font-size:12px;fill:var(--soft)}
svg .tick{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
svg .label{fill:var(--ink);font-weight:600;font-size:13px;paint-order:stroke;stroke:var(--paper);stroke-width:5px;
stroke-linejoin:round}
svg .grid{stroke:var(--faint)}svg .axis{stroke:var(--line)}svg .zero{stroke:var(--soft);stroke-opacity:.55}
svg .reference{stroke:var(--soft);stroke-dasharray:4 4}
svg .margin{fill:var(--good);fill-opacity:.11}
svg .whisker{stroke-width:2}svg .whisker.good{stroke:var(--good)}svg .whisker.bad{stroke:var(--bad)}
svg .whisker.open{stroke:var(--open)}svg .whisker.plain{stroke:var(--plain)}
svg .dot.good,svg .bar.good{fill:var(--good)}svg .dot.bad,svg .bar.bad{fill:var(--bad)}
svg .dot.open{fill:var(--open)}svg .dot.plain{fill:var(--plain)}
svg .dot.hollow{fill:var(--paper);stroke:var(--plain);stroke-width:1.6}
svg .cell{fill:var(--accent)}
.prompt>.hint{margin:.4rem 0 0;max-width:none}
svg .front{fill:none;stroke:var(--soft);stroke-width:1.2;stroke-dasharray:2 3}
svg .curve{fill:none;stroke-width:2.2;stroke-linejoin:round}svg .dashed{stroke-dasharray:6 4}
svg .s0{stroke:var(--ink)}svg .fill.s0{fill:var(--ink)}svg .spot.s0{fill:var(--ink)}.key.s0::before{border-color:var(--ink)}
svg .s1{stroke:var(--s1)}svg .s2{stroke:var(--s2)}svg .s3{stroke:var(--s3)}svg .s4{stroke:var(--s4)}
svg .s5{stroke:var(--s5)}svg .s6{stroke:var(--s6)}
svg .fill{stroke:none}svg .fill.s1{fill:var(--s1)}svg .fill.s2{fill:var(--s2)}svg .fill.s3{fill:var(--s3)}
svg .fill.s4{fill:var(--s4)}svg .fill.s5{fill:var(--s5)}svg .fill.s6{fill:var(--s6)}svg .fill.gold{fill:var(--gold)}
svg .hatched{fill-opacity:.35;stroke:currentColor;stroke-dasharray:3 3}
svg .again{stroke-dasharray:1.5 4;stroke-linecap:round}svg .fill.again{fill-opacity:.55}
svg .spot{stroke-width:2}svg .spot.s1{fill:var(--s1)}svg .spot.s2{fill:var(--s2)}svg .spot.s3{fill:var(--s3)}
svg .spot.s4{fill:var(--s4)}svg .spot.s5{fill:var(--s5)}svg .spot.s6{fill:var(--s6)}
svg .spot.again{fill-opacity:.4;stroke-dasharray:none}svg .spot.hollow{fill:var(--paper)}
svg .corner{fill:none;stroke:var(--soft);stroke-width:1.6}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:.2rem 0 .3rem}
.key::before{content:"";display:inline-block;width:1.3rem;border-top:3px solid;margin-right:.4rem;vertical-align:.25em}
.key.dashed::before{border-top-style:dashed}.key.again::before{border-top-style:dotted}
figure h4{margin:.2rem 0 .4rem;font-size:.95rem;font-weight:620}figure ul{margin:.3rem 0;padding-left:1.1rem;
color:var(--soft);font-size:.85rem}
.key.s1::before{border-color:var(--s1)}.key.s2::before{border-color:var(--s2)}.key.s3::before{border-color:var(--s3)}
.key.s4::before{border-color:var(--s4)}.key.s5::before{border-color:var(--s5)}.key.s6::before{border-color:var(--s6)}
.key.gold::before{border-color:var(--gold)}
.filled .key::before{width:.7rem;border-top-width:.7rem;vertical-align:-.05em}
.filled .key.again::before{border-top-style:solid;opacity:.5}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(27rem,100%),1fr));gap:.6rem 2rem;align-items:start}
.pair figure{margin:.6rem 0}.pair details{grid-column:auto;margin:0}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));gap:1.2rem 2rem}
.maps figure{margin:.4rem 0}
.maps figcaption{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.3rem 1rem;margin-bottom:.3rem}
.maps figcaption b{color:var(--ink)}
.ramp{display:inline-flex;align-items:center;gap:0}.ramp i{width:.85rem;height:.7rem;background:var(--accent)}
.ramp span:first-child{margin-right:.45rem}.ramp span:last-child{margin-left:.45rem}
.prompt{margin:1.8rem 0 0}
.prompt>.ask{font-weight:600;max-width:56rem;white-space:pre-wrap;overflow-wrap:anywhere}
.prompt>.kind{color:var(--soft);font-size:.82rem}
.answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15rem,100%),1fr));gap:.8rem;margin-top:.6rem}
.answer{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:.8rem 1rem}
.answer h4{margin:0;font-size:.88rem;font-weight:620}
.answer .about{color:var(--soft);font-size:.8rem;min-height:1.2em}
.answer .out{margin:.5rem 0 0;font-size:.92rem;white-space:pre-wrap;overflow-wrap:anywhere}
.prompt details .out{white-space:pre-wrap;font-size:.9rem;color:var(--soft)}.prompt details{margin:.2rem 0}
.answer .same{color:var(--soft)}
mark{background:var(--mark);color:inherit;border-radius:.2rem;padding:0 .12rem}
.defs{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:1rem;margin-top:1rem}
.defs .card{margin:0}.defs h3{margin:.1rem 0 .5rem}
dl{display:grid;grid-template-columns:fit-content(45%) 1fr;gap:.25rem 1rem;margin:0;font-size:.9rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
pre,code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.88rem}
pre{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.8rem 1rem;overflow-x:auto}
details{margin:.8rem 0}summary{cursor:pointer;color:var(--accent);font-size:.9rem}
section>details{border-top:1px solid var(--faint);padding:.5rem 0 0}
footer{margin-top:4rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem}
@media (max-width:44rem){main{padding:1.6rem 1.1rem 3rem}.verdict{grid-template-columns:1fr auto}
.verdict .name{order:-1}
.verdict>:last-child{grid-column:1/-1}
svg.chart .tick,svg.chart .axis-title{font-size:15px}svg.chart .label{font-size:16px}
svg.map .tick,svg.map .axis-title{font-size:17px}
table.rows thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.rows,table.rows tbody,table.rows tr{display:block}
table.rows tr{padding:.6rem 0;border-bottom:1px solid var(--line)}
table.rows td,table.rows td.wrap,tr>td.heat:last-child{display:flex;justify-content:space-between;gap:.2rem 1rem;border:0;
padding:.12rem 0;white-space:normal;text-align:right;min-width:0;align-items:baseline;flex-wrap:wrap;overflow-wrap:anywhere}
table.rows td::before{content:attr(data-head);color:var(--soft);font-size:.82rem;text-align:left;margin-right:auto}
table.rows td.wrap:not([data-head=""]){display:block;text-align:left}table.rows td.wrap::before{display:block}
table.rows td.name,table.rows td[data-head=""]{display:block;text-align:left;position:static}
table.rows td.name::before{content:none}table.rows td:empty{display:none}
table.rows td.heat{padding:.3rem .5rem;border-radius:.3rem;flex-wrap:nowrap}table.rows td .range{white-space:normal}
table.rows svg.forest{width:100%;max-width:22rem;margin:.2rem auto}
h2{margin-top:2.4rem}.card,.verdicts{padding-left:1rem;padding-right:1rem}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--faint:#ddd;--line:#bbb;--accent:#1d4e7a;
--good:#1f5a3b;
--bad:#8f2c1d;--open:#6b5210;--good-bg:#fff;--bad-bg:#fff;--open-bg:#fff;--plain-bg:#fff;--note:#fff;--mark:#eee}
body{font-size:10.5pt}main{max-width:none;padding:0}nav{display:none}.chip{border-color:currentColor}
.card,.answer,figure,tr,.verdict,.prompt{break-inside:avoid}h2,h3{break-after:avoid}.scroll{overflow:visible}
a{color:inherit;text-decoration:none}table{font-size:8pt}th{font-size:7.5pt}th,td{padding-right:.45rem}
td,td .range{white-space:normal}td .range{font-size:7pt}td.num .range{white-space:nowrap}td.heat .range{white-space:normal}td.wrap{min-width:0}
td.name{position:static}svg.forest{width:120px;min-width:0}.chip{padding:.05rem .4rem;font-size:7.5pt}
summary{color:inherit}details:not([open]){display:none}}
]]
