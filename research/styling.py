"""Dress the page: one style sheet, fonts of the reader's system, nothing loaded from elsewhere."""

CSS = """
:root { --ink: #1d2430; --soft: #5a6372; --line: #d9dde3; --paper: #ffffff; --wash: #f5f6f8; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--wash); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 0 0 4px; }
.kicker, .span { margin: 0; color: var(--soft); }
.kicker { font-size: 13px; letter-spacing: .04em; }
.banner { margin: 0 0 18px; padding: 10px 16px; background: #1d2430; color: #fff; font-weight: 700;
  letter-spacing: .03em; border-radius: 6px; }
.verdict { margin: 18px 0; padding: 14px 18px; background: var(--paper); border: 1px solid var(--line);
  border-left: 6px solid #b57700; border-radius: 6px; font-size: 17px; }
.verdict.profit { border-left-color: #00795c; }
.verdict.loss, .verdict.invalid { border-left-color: #b3261e; }
.verdict p { margin: 0; }
.verdict .level { font-weight: 700; margin-bottom: 2px; }
.verdict .classes { margin-top: 8px; font-size: 14px; color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 12px; margin: 0; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 6px; padding: 10px 14px; }
.card dt { color: var(--soft); font-size: 13px; }
.card dd { margin: 2px 0; font-size: 19px; font-weight: 600; font-variant-numeric: tabular-nums; }
.card p { margin: 0; font-size: 12.5px; color: var(--soft); }
section { margin-top: 20px; padding: 18px 20px; background: var(--paper); border: 1px solid var(--line);
  border-radius: 6px; }
section > p { margin: 0 0 10px; color: var(--soft); max-width: 100ch; }
section > .empty { margin: 0; max-width: none; padding: 12px 14px; background: var(--wash); border-radius: 4px; color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 6px 10px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; font-size: 12.5px; vertical-align: bottom; }
tbody tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.word { overflow-wrap: anywhere; }
details { margin-top: 12px; }
summary { cursor: pointer; color: var(--soft); }
ul { margin: 0; padding-left: 20px; }
@media print { body { background: #fff; } section, .card { break-inside: avoid; } }
"""
