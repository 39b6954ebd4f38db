"""A small writer of workbooks for the tests: the parts that ECMA-376 asks for, zipped by hand."""
import re, zipfile
from xml.sax.saxutils import escape

def letters(i):
    name = ""
    while True:
        name = chr(65 + i % 26) + name; i = i // 26 - 1
        if i < 0: return name

def write(path, rows, inline=False, references=True, method=zipfile.ZIP_DEFLATED, sheet="xl/worksheets/sheet1.xml", extra="", prefix=""):
    """rows: lists of str, float, bool or None. extra: markup before <sheetData>."""
    texts, body = [], ""
    for r, row in enumerate(rows, 1):
        if row is None: continue
        cells = ""
        for c, v in enumerate(row):
            if v is None:
                if not references: cells += "<c/>"
                continue
            at = f' r="{letters(c)}{r}"' if references else ""
            if isinstance(v, bool): cells += f'<c{at} t="b"><v>{int(v)}</v></c>'
            elif isinstance(v, (int, float)): cells += f"<c{at}><v>{v!r}</v></c>"
            elif inline: cells += f'<c{at} t="inlineStr"><is><t xml:space="preserve">{escape(v)}</t></is></c>'
            else:
                if v not in texts: texts.append(v)
                cells += f'<c{at} t="s"><v>{texts.index(v)}</v></c>'
        body += f'<row r="{r}">{cells}</row>'
    half = lambda t: f"<si><r><t>{escape(t[:1])}</t></r><r><t>{escape(t[1:])}</t></r><rPh><t>not this</t></rPh></si>"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with zipfile.ZipFile(path, "w", method) as z:
        z.writestr("[Content_Types].xml", "<Types/>")
        z.writestr("xl/workbook.xml", f'<?xml version="1.0" encoding="UTF-8"?><workbook {main} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Table1" sheetId="1" r:id="rId7"/><sheet name="other" sheetId="2" r:id="rId1"/></sheets></workbook>')
        z.writestr("xl/_rels/workbook.xml.rels", f'<Relationships><Relationship Id="rId1" Target="worksheets/none.xml"/><Relationship Id="rId7" Target="{sheet[3:]}"/></Relationships>')
        if not inline: z.writestr("xl/sharedStrings.xml", f"<sst {main}>" + "".join(half(t) if i % 2 else f"<si><t>{escape(t)}</t></si>" for i, t in enumerate(texts)) + "</sst>")
        z.writestr(sheet, f"<worksheet {main}>{extra}<sheetData>{body}</sheetData></worksheet>")

def read(path):
    """First sheet of a simple workbook as lists of texts (regular expressions, another way than ours)."""
    z = zipfile.ZipFile(path)
    plain = lambda x: "".join(re.findall(r"<t(?: [^>]*)?>([^<]*)</t>", re.sub(r"<rPh.*?</rPh>", "", x, flags=re.S))).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    texts = [plain(x) for x in re.findall(r"<si>(.*?)</si>", z.read("xl/sharedStrings.xml").decode(), re.S)]
    rows = []
    for row in re.findall(r"<row [^>]*?(?:/>|>(.*?)</row>)", z.read("xl/worksheets/sheet1.xml").decode(), re.S):
        cells = {}
        for at, body in re.findall(r'<c r="([A-Z]+)\d+"[^>]*?(?:/>|>(.*?)</c>)', row, re.S):
            v = re.search(r"<v>(.*?)</v>", body or "")
            if v: cells[sum((ord(x) - 64) * 26 ** i for i, x in enumerate(reversed(at))) - 1] = texts[int(v.group(1))]
        rows.append([cells.get(i, "") for i in range(max(cells, default=-1) + 1)])
    return rows
