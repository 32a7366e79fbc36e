"""How pages look: light and dark, one column or two."""

from __future__ import annotations

# the browser is told to load and to run nothing, whatever a label or a file name may hold; sound and pictures are in
# the page itself
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"

_LIGHT = (
    "--paper:#fff; --raised:#f8fafc; --ink:#111827; --quiet:#4b5563; --faint:#6b7280; --line:#e5e7eb; --link:#1d4ed8; "
    "--right:#2563eb; --wrong:#dc2626; --third:#d97706; --fourth:#059669; --fifth:#7c3aed; --mark:#fef3c7;"
)
_DARK = (
    "--paper:#0f141b; --raised:#171e27; --ink:#e5e9ef; --quiet:#aeb7c4; --faint:#8f9aaa; --line:#2b3542; "
    "--link:#8ab4ff; --right:#5b9bff; --wrong:#ff6b66; --third:#f0a53c; --fourth:#3fc08e; --fifth:#b08cff; "
    "--mark:#4a3b12;"
)

#: Colours, for whatever stands on a page of its own or in a notebook.
COLOURS = f"""
.aft {{ color-scheme: light; {_LIGHT} }}
@media (prefers-color-scheme: dark) {{ .aft {{ color-scheme: dark; {_DARK} }} }}
"""

#: What stands for a colour of the page in a picture of matplotlib, which knows no others.
IN_PICTURES = {
    "#ffffff": "var(--paper)",
    "#000000": "var(--ink)",
    "#6b7280": "var(--faint)",
    "#9ca3af": "var(--faint)",
    "#e5e7eb": "var(--line)",
    "#2563eb": "var(--right)",
    "#dc2626": "var(--wrong)",
    "#d97706": "var(--third)",
    "#059669": "var(--fourth)",
    "#7c3aed": "var(--fifth)",
}

#: What a report looks like wherever it is shown.
PARTS = """
.aft { color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
.aft.piece { background: var(--paper); padding: 8px 14px; border-radius: 8px; }
.aft * { box-sizing: border-box; }
.aft p { margin: 4px 0; color: var(--quiet); overflow-wrap: anywhere; }
.aft .said { font-size: 19px; line-height: 1.4; margin: 10px 0; color: var(--ink); font-weight: 600; }
.aft p.caution { color: var(--ink); background: var(--mark); border-radius: 10px; padding: 10px 16px; margin: 12px 0; }
.aft a { color: var(--link); }
.aft a:focus-visible, .aft summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.aft .tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 16px 0 0; }
.aft .tile { border: 1px solid var(--line); border-radius: 10px; padding: 10px 16px; min-width: 140px;
  background: var(--raised); }
.aft .tile.main { border-color: var(--right); border-width: 2px; }
.aft .tile b { display: block; font-size: 24px; line-height: 1.3; font-variant-numeric: tabular-nums; }
.aft .tile small { display: block; color: var(--quiet); font-variant-numeric: tabular-nums; }
.aft .scroll { overflow-x: auto; }
.aft table { border-collapse: collapse; font-size: 14px; margin: 0; color: var(--ink); background: none; }
.aft th, .aft td { padding: 4px 11px 4px 0; text-align: left; border: 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; background: none; white-space: normal; max-width: 28em; }
.aft thead th { color: var(--quiet); font-weight: 600; overflow-wrap: normal; white-space: nowrap; }
.aft tbody th { font-weight: 400; min-width: 9em; }
.aft .beside { display: flex; flex-wrap: wrap; gap: 16px 32px; align-items: flex-start; }
.aft .beside > * { max-width: 100%; }
.aft td.n, .aft th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.aft .bar { display: inline-block; width: 48px; height: 9px; margin-right: 8px; border-radius: 3px;
  background: var(--line); overflow: hidden; }
.aft .bar i { display: block; height: 100%; background: var(--right); }
.aft .none { color: var(--faint); white-space: nowrap; }
.aft svg text { fill: var(--ink); }
.aft svg.matrix { display: block; font-family: inherit; }
.aft svg.matrix text.name { fill: var(--quiet); }
.aft svg.matrix text.over { fill: var(--paper); }
.aft svg.matrix a:focus-visible rect, .aft svg.matrix a:hover rect { stroke: var(--ink); stroke-width: 2; }
.aft audio { display: block; width: 230px; height: 34px; }
.aft img.seen { display: block; width: 180px; height: 54px; border-radius: 4px; }
"""

PAGE = """
body { margin: 0; background: var(--paper); }
.aft main, .aft header { margin: 0 auto; max-width: 1720px; padding: 0 24px; }
.aft header { padding-top: 28px; }
.aft main { padding-bottom: 64px; display: grid; gap: 0 40px; grid-template-columns: minmax(0, 1fr); }
.aft h1 { font-size: 24px; line-height: 1.3; margin: 0 0 4px; overflow-wrap: anywhere; }
.aft h2 { font-size: 18px; margin: 32px 0 12px; padding-top: 16px; border-top: 1px solid var(--line); }
.aft h3 { font-size: 15px; margin: 20px 0 6px; }
.aft .pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 16px; }
.aft .tall { max-height: 640px; overflow-y: auto; }
.aft li { color: var(--quiet); overflow-wrap: anywhere; }
.aft summary { cursor: pointer; color: var(--link); padding: 4px 0; }
.aft .mistakes tbody:target > tr:first-child > th, .aft tr:target > * { background: var(--mark); }
.aft .mistakes tbody > tr:first-child > th { padding-top: 18px; font-weight: 600; max-width: none; }
.aft nav { margin-top: 14px; }
.aft nav a { margin-right: 18px; }
.aft .mistakes, .aft .mistakes tbody { width: 100%; }
.aft .mistakes td, .aft .mistakes th { vertical-align: middle; padding: 5px 10px 5px 0; }
.aft .mistakes td { width: 1px; }
.aft .mistakes td.scores { white-space: nowrap; font-variant-numeric: tabular-nums; }
@media (min-width: 1380px) {
  .aft main { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .aft section.wide { grid-column: 1 / -1; }
  /* a group of mistakes beside another; each is a table of its own then, of columns as wide as the next one's */
  .aft .mistakes { display: block; columns: 2; column-gap: 40px; }
  .aft .mistakes tbody { display: table; }
  .aft .mistakes tr { break-inside: avoid; }
  .aft .mistakes thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
}
@media (max-width: 700px) {
  .aft main, .aft header { padding-left: 14px; padding-right: 14px; }
  .aft .tile { flex: 1 1 130px; padding: 8px 12px; min-width: 120px; }
  .aft .mistakes thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .aft .mistakes, .aft .mistakes tbody, .aft .mistakes tr, .aft .mistakes th { display: block; }
  .aft .mistakes td, .aft .mistakes th { display: block; border: 0; padding: 2px 0; width: auto; }
  .aft .mistakes tr { border-bottom: 1px solid var(--line); padding: 8px 0; }
}
@media print { .aft .tall { max-height: none; } .aft audio { display: none; } }
"""


def document(title: str, head: str, body: str) -> str:
    """A page that needs no other file; `title` is escaped, `head` and `body` are HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{COLOURS}{PARTS}{PAGE}</style>\n</head>\n"
        f'<body class="aft">\n<header>\n{head}</header>\n<main>\n{body}</main>\n</body>\n</html>\n'
    )


def fragment(body: str) -> str:
    """A piece of a notebook, with all that it needs to look right, on paper of its own: notebooks have themes."""
    return f'<div class="aft piece"><style>{COLOURS}{PARTS}</style>{body}</div>'
