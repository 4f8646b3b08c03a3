"""What is formatted both ways: records, and what is asked of them."""
import itertools
import re


KEYS = [
    {"name": "projects/p1/locations/global/keyRings/r1/cryptoKeys/k1", "purpose": "ENCRYPT_DECRYPT",
     "createTime": "2026-01-01T10:20:30.123456789Z", "rotationPeriod": "7776000s", "labels": {"c": "d", "a": "b"},
     "versionTemplate": {"algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION", "protectionLevel": "SOFTWARE"},
     "primary": {"name": "projects/p1/locations/global/keyRings/r1/cryptoKeys/k1/cryptoKeyVersions/1",
                 "state": "ENABLED", "importOnly": True}},
    {"name": "projects/p1/locations/global/keyRings/r1/cryptoKeys/k2", "purpose": "ASYMMETRIC_SIGN",
     "createTime": "2026-01-03T00:00:00Z", "versionTemplate": {"algorithm": "EC_SIGN_P256_SHA256"}, "labels": {}},
    {"name": "projects/p1/locations/us/keyRings/a/cryptoKeys/Ké", "purpose": "MAC", "importOnly": False,
     "createTime": "2025-12-01T00:00:00Z", "labels": {"env": "prod", "a": "x, y", "q": 'say "hi"'},
     "selfLink": "https://kms.example/v1/k3"},
]
KEYS_TABLE = ("table(name, purpose, version_template.algorithm, version_template.protection_level, labels.list(),"
              " primary.name.segment(9):label=PRIMARY_ID, primary.state:label=PRIMARY_STATE)")
THINGS = [
    {"n": 3, "f": 1.5, "s": "three words here", "b": True, "z": None, "e": "", "l": ["u", "v", None, 4, ""],
     "d": {"k": {"deep": [1, 2]}, "x": None}, "m": [{"a": 1, "b": "one"}, {"a": 2, "c": "two"}], "wide": "日本語"},
    {"n": 10, "f": 1e20, "s": "two\nlines", "b": False, "e": " ", "l": [], "d": {}, "m": [], "wide": "e\u0301"},
    {"n": -2, "f": 0.000012345, "s": "tab\tand 'quote'", "l": [None], "m": [{"b": "only"}], "wide": "😀 x"},
    {"n": 3.0, "f": 123456789.125, "s": "A", "l": [[1, 2], [3]], "d": {"k": None}, "wide": "plain"},
]
META = [{"name": "vm", "metadata": {"items": [{"key": "ssh-keys", "value": "{\"u\": [1]}"}, {"key": "x", "value": "y"}]},
         "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}], "width": 3, "height": 4}]
LONG = ("word " * 40).strip()
YAML = [{"a": {"b": [LONG, "x: " + LONG, "it's: " + LONG, "tab\t" + LONG, "two\nlines", "end\n", "end\n\n", " lead\nx",
                     "\nlead", "tr \nx", "a\tb\nc", [LONG, [1, ["x\ny"]]], {"k": LONG, "z": ["p", {"q": "x\ny"}]}, {},
                     [], {"l": [{"m": 1}]}, ["one", "two"], [["deep"]], [{"x": 1, "y": 2}]]},
         "lit": "two\nlines", "ué": "é😀 \u200b", "k: y": 1, "x" * 122: "v", "x" * 123: "v", "x" * 130 + "y": {"d": 1},
         "x" * 130 + "z": [1, 2], "long": "a" * 100 + " " + "b" * 100 + " c", "": "empty", "1": "num", "q": "'",
         "dq": '"', "bs": "\\x: '", "sp": "a  " + "w  " * 40, "nl\nkey": 1, "nel": "a\u0085b", "ls": "a\u2028b",
         "nelq": "'a\u0085b", "del": "\x7f", "bom": "\ufeffx", "c1": "\x81", "ctl": "\x01\n", "nlq": "a: b\n'x'",
         "true": "x", "esc": "\x1b[0m é😀\ta" + LONG, "trail": "x ", "null": None, "f": 1.0, "g": 1e-7, "i": 10 ** 15}]
WORDS = ["1", "-1", "+1", "1.5", ".5", "1.", "1e3", "1e+3", ".5e3", ".5e+3", "0x1F", "0b1", "0o7", "0o8", "08", "1_000",
         "_1", "+_", "true", "True", "tRue", "null", "NULL", "~", "yes", "no", "on", "off", "y", "=", "==", "<<", "<",
         "2026-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "2026-1-1 1:00:00 +1", "2026-01-01 00:00", "12:30:45", "1:2",
         "a#b", "a #b", "#a", "-", "- a", "-a", "--", "---", "---a", "...", "..", "?", "? a", "?a", ":", ": a", ":a",
         "a:", "a: b", "a:b", "*a", "@a", "%a", "&a", "!a", "[a", "]a", "{a", "}a", "|a", ">a", "`a", "'a", '"a', ",a",
         "a,b", "a[b]", "a{b}", " a", "a ", "a\tb", "it's", 'say "hi"', "it's: x", "600s", ".inf", "-.INF", ".nan",
         ".NaN", "inf", "nan", "é", "😀", "\u00a0", "\ud7ff", "\ufffd", "\u2028", "\x85", "a\x00b", "\\", "\\n: '", "''"]

CASES = []


def ask(records, *formats, **more):
    for format in formats:
        CASES.append(dict(records=records, format=format, **more))


def keep(records, *filters, **more):
    for filter in filters:
        CASES.append(dict(records=records, format=more.pop("format", "value(name,n,s)"), filter=filter, **more))


# Every format, with and without keys, over everything; lists, single resources, nothing.
WHOLE = ["json", "yaml", "default", "flattened", "text", "list", "list[compact]", "config", "config[export]", "config[unset]",
         "object", "none", "json[no-undefined]", "yaml[no-undefined]", "yaml[null=nothing]", "flattened[no-pad]", "disable",
         "flattened[separator='=']", "config[title=Hello]", "list[title=T]", "json[json-decode]", "yaml[json-decode]"]
for records in (KEYS, THINGS, META, YAML, [], [{}], ["a", 5, None, True, 1.5, {"a": None}, [1, None], []], [[1, [2]], [[]]]):
    ask(records, *WHOLE)
for record in (KEYS[0], THINGS[0], META[0], {}, "text", 5, "two\nlines", " lead\nx\n\n", "x: y", LONG, None, True):
    ask(record, *WHOLE)
KEYED = ["%s(name,labels)", "%s(n,s,l,d)", "%s(primary.state,labels.a,nope)", "%s(m.a,m[0].b,m[].b,l[0],l[-1])",
         "%s(d.k.deep,wide,e,z)", "%s(version_template.protectionLevel,create_time)", "%s(labels.list(),purpose.lower())",
         "%s(name.basename(),primary.name.segment(9))", "%s(.)", "%s(f,b)", "%s(name:label=KEY,purpose:alias=p)",
         "%s(name,name.basename(),name.segment(0))", "%s(firstof(nope,name,s))", "%s()", "%s(m,metadata.items[0].key)"]
for name in ("json", "yaml", "csv", "value", "get", "table", "table[box]", "flattened", "list", "config", "object"):
    for keys in KEYED:
        for records in (KEYS, THINGS):
            ask(records, keys % name)
    ask(KEYS[0], KEYED[0] % name, KEYED[2] % name)
ask(META, "value(metadata.ssh-keys,metadata.ssh-keys.u,metadata.x,metadata.ssh_keys[])", "value(tags.a,tags.key,tags.nope)",
    "json(tags.key)", "value(tags.key.b.value,tags[1].value,tags[].value,tags[].nope)", "value(resolution(),name[0],name[-1])",
    "csv(name[9],name[],metadata.items[].key)", "json(metadata.items[1],tags[0].key)", "yaml(tags[])", "json(tags[-1].value)",
    "value('metadata'.\"items\"[0].value)", "value(resolution(transpose=true))")

# Attributes of formats and keys.
ask(KEYS, "value[separator=' | '](name.basename(),purpose)", "value[delimiter=','](labels)", "value[terminator=';'](purpose)",
    "value[quote](labels,purpose)", "value[quote,separator=_](purpose)", "csv[no-heading](purpose,labels)",
    "csv[separator=';'](purpose,labels)", "csv[no-quote](purpose,labels)", "csv[separator='\\t',terminator='|\\n'](purpose,labels)",
    "csv[delimiter='\\n'](labels)", "table[no-heading](purpose)", "table[title=T](purpose)", "table[title='A long title over it all'](purpose)",
    "table[box,title='A very long title over all of it'](purpose:label=P)", "table[box,title=T](purpose)", "table[pad=5](purpose,labels)",
    "table[box,pad=5](purpose,labels.a)", "table[all-box](purpose,primary.state)", "table[all-box,no-heading,title=X](purpose)",
    "table[box,no-heading](purpose)", "table[ascii,box](purpose)", "table[unknown=1](purpose)", "table [ box ] ( purpose , labels.a )",
    "table(purpose:label=)", "table(purpose:label=,labels.a:label='')", "table(purpose:label='Two words':align=right,labels.a:align=center)",
    "table[box](purpose:align=right,labels.a:align=center)", "table(purpose:width=20,labels.a:width=3)", "table(purpose:optional,labels.nope:optional)",
    "table(labels.nope:optional)", "table(purpose:sort=1)", "table(purpose:sort=1:reverse)", "table(purpose:reverse,name)",
    "table(labels.a:sort=2,purpose:sort=1)", "table(createTime:sort=1:reverse,purpose:sort=2)", "table(purpose):(createTime:sort=1)",
    "table(purpose):(purpose:label=X)", "table(purpose:no-reverse,name:no-optional)", "json(name):(purpose:sort=1)",
    "csv(purpose):(createTime:sort=1)", "value(purpose):(createTime:sort=1)", "list(purpose,name):(createTime:sort=1)",
    "table(purpose:alias=p,p.lower())", "table(name.basename():label=N,N.upper())", "table(primary.name:label=N) table(N.basename())",
    "table(name, primary.name, versionTemplate.name, name.name)", "table(name.map().list():label=L)",
    "json[transforms](name.basename())", "value[no-transforms](name.basename())", "yaml[no-transforms](name.basename())",
    "get(name.basename(),labels.list())", "get(name.always().basename())", "none(name)", "json value(name)", "table[box] value(name)",
    "table(name) json", "table(name.basename()) json(name)", "table(name.always().basename()) json(name)", "json(name.basename()) yaml",
    "table[box](name) table(name)", "value(name) table[box]", "json(labels.a.upper())", "json(labels.list())", "yaml(name,purpose) json(labels)")
ask(THINGS, "table(s:wrap,n)", "table(n,s:wrap,wide)", "table(wide,n)", "table[box](wide,s)", "table(n:sort=1)", "table(n:sort=1:reverse)",
    "table(f:sort=1)", "table(s:sort=1)", "table(b:sort=1,n:sort=2)", "table[all-box](s,n)", "csv[terminator=';'](s,e)", "table(l,d)",
    "value(l,d,f,b)", "csv(l,d,m)", "value(m[].a,m.a,l[].x)", "table(m:format='table(a,b)')", "table(n,m:format='table[box](a,b)')",
    "table[box](n,m:format='table(a,b)')", "table(n,m:format=json)", "table(n,m:format='value(a)',f)", "table(n,m:format=yaml,d:format=json)",
    "table(m:format='csv(a,b)',l:format=json)", "multi(n:format=json,m:format='table(a,b)')", "multi[separator='--\\n'](n:format=json,s:format=yaml)",
    "multi[terminator='==\\n'](d:format=flattened,l:format='value(.)')", "multi(n)", "multi(n:format=bogus)", "multi(m:format=table)",
    "json(l[1])", "json(l[-1])", "json(l[])", "json(m[].a)", "json(m[0].a,m[0].b)", "yaml(m.a)", "json(d.k)", "json(d.k.deep[1])")
for width in (20, 30, 40, 60):
    ask([{"a": LONG, "b": "x" * 15, "c": "one two three four five"}, {"a": "short", "b": "", "c": "line\nbreak and more words"}],
        "table(a:wrap,b)", "table(b,a:wrap)", "table(a:wrap,b:wrap)", "table(b,a:wrap=15,c:wrap)", "table[box](a:wrap,c)",
        "table[margin=5](b,a:wrap)", "table[title='A title wider than all of it'](b,c:wrap)", "table(a)", "table[width=25](b,a:wrap)",
        width=width)

# A command's own format beside an explicit one.
for format in (None, "table(purpose,primary.state)", "value(name,labels)", "get(name,labels)", "json(labels)", "csv(PRIMARY_ID,name)", "[box]",
               "[no-heading]", "json", "yaml(name)", "value(PRIMARY_STATE,labels)", "value(labels.keys())", "(name)", "table(name,labels)",
               "csv[no-heading](primary.name.segment(9),primary.name)", "value(format('{0}|{1}',labels,PRIMARY_ID))", "list(primary.state)", "",
               "flattened(primary.state)", ":(name:sort=1)", "value(algorithm)", "table(version_template.algorithm:label=A,A)", "[box]:(name:label=X)"):
    for records in (KEYS, [], KEYS[0]):
        ask(records, format, default=KEYS_TABLE)
for default in ("none", "yaml", "json", "disable", "default", "", "value(name)", "table[box](name,purpose)", "list"):
    for records in (KEYS[:1], [], KEYS[0]):
        ask(records, None, "json", default=default)

# Sorting, cutting off, flattening, addresses.
for keys in ("name", "~name", "purpose,~name", "createTime", "~createTime,name", "labels.a", "nope", "~nope", "create_time"):
    for format in ("value(name.basename())", "table(name.basename())", "json(name)", "json", "csv(name,purpose)", "list(purpose)", None):
        ask(KEYS, format, sort_by=keys, default=KEYS_TABLE)
for keys in ("n", "~n", "f", "s", "b,n", "~b,~n", "l[]", "d.k", "m[].a", "m.a"):
    ask(THINGS, "value(n,s)", "table(n,b)", "table(n)", "yaml(n)", sort_by=keys)
ask(KEYS, "value(purpose)", limit=2, sort_by="~purpose")
ask(KEYS, "json(purpose)", limit=1, filter="labels:*")
ask(KEYS, "json", limit=0)
for keys in ("m[]", "m", "l[]", "l", "d.k.deep[]", "n", "m[],l[]", "m[].a", "l[][]"):
    ask(THINGS[:1], "json", "value(n,m,l)", "yaml", flatten=keys)
ask(THINGS[0], "yaml(n,m)", flatten="m[]")
ask(KEYS, None, "json", "value(.)", "csv(.)", uri=True, default=KEYS_TABLE)
ask(KEYS, "value(uri())", "value(name.uri(),selfLink.uri())", "value(uri(undefined=none))")
ask(KEYS, "value(name)", flatten="labels[]")

# Transforms.
T = [{"name": "projects/p1/topics/t1", "url": "https://x.example/v1/projects/p1/regions/us/zones/a%20b", "win": "C:\\dir\\file",
      "list": ["b", "a", "c", "a", None], "dict": {"z": 1, "a": [1, 2], "n": None}, "size": 1536, "big": 123456789012, "zero": 0,
      "float": 3.14159265, "text": "hello", "upper": "MiXed", "b64": "aGVsbG8td29ybGQ_", "bad64": "!!!x", "time": "2026-01-01T10:20:30.987654Z",
      "offset": "2026-01-01T10:20:30+02:00", "stamp": 1767225600, "stampms": "1767225600123", "dur": "2592000s", "secs": 93784.5, "iso": "P1Y2M3DT4H5M6.5S",
      "end": "2026-01-04T09:20:30Z", "parts": {"year": 2026, "month": 2, "day": 3, "hour": 4, "minute": 5, "second": 6, "millisecond": 7},
      "nested": [[1, 2], [3], []], "maps": [{"k": "b", "v": 2}, {"k": "a", "v": 1}, {"v": None}], "true": True, "false": False, "empty": "",
      "res": {"width": 3, "height": 4}, "date": "2026-01-05", "past": "2024-02-29T00:00:00Z", "json": "{\"a\": 1}", "unit": "2048", "neg": -5}]
CALLS = """
name.basename() win.basename() empty.basename(undefined=x) list.basename() size.basename() nope.basename() url.basename()
name.segment() name.segment(1) name.segment(-2) name.segment(99) name.segment(99,undefined=u) nope.segment() url.segment(-1)
url.scope() url.scope(projects) url.scope(nope) name.scope() name.scope(projects) nope.scope() text.scope()
text.upper() upper.lower() size.upper() nope.lower() upper.lower().upper() list.map().upper() list.*upper() nested.map(2).len() nested.**len()
list.list() dict.list() dict.list(show=keys) dict.list(show=values) list.list(separator='|') text.list() nope.list(undefined=u) size.list() zero.list()
dict.flatten() nested.flatten() maps.flatten() list.flatten() dict.flatten(show=keys) dict.flatten(show=values) nope.flatten() maps.flatten(separator=';')
list.join() list.join('|') text.join('-') dict.join() nope.join(undefined=u) size.join() nested.join(',')
name.split() name.split('p1') nope.split() list.split() empty.split(undefined=u) name.split().join('!') text.split('')
list.len() dict.len() text.len() size.len() nope.len() list.count() text.count() name.split().count() nope.count() nested.count()
list.sort() text.sort() nope.sort() maps.sort(v)
list.slice(1:) list.slice(:2) list.slice(-1:) list.slice(0) list.slice(-1) list.slice(99) list.slice('::-1') text.slice(1:3) nope.slice(0) dict.slice(0) list.slice(x) list.slice(1:2:3:4) list.slice(::0)
list.notnull() text.notnull() nope.notnull() maps.extract(k) dict.extract(z,a,n) extract(name,size,nope) nope.extract(x)
firstof(nope,name) firstof(nope,nix) name.firstof(x) dict.firstof(q,z) firstof(zero,name) firstof(false,name)
list.group() maps.group(k) maps.group(k,v) nope.group() maps.group(k,v,nope)
size.size() big.size() zero.size() zero.size(zero=none) nope.size() size.size(precision=3) big.size(units_out=G) size.size(units_in=K) size.size(min=2000) text.size() unit.size() size.size(units_out=2) neg.size() float.size() size.size(units_in=k,units_out=m)
float.float() float.float(3) float.float(2,spec=f) float.float(spec=e) text.float() text.float(undefined=u) big.float() size.float() stamp.float() nope.float() zero.float(spec=g) float.float(precision=1) float.float(spec=F)
true.yesno() false.yesno() text.yesno(yes=Y,no=N) nope.yesno(no='-') zero.yesno(yes=Y) list.yesno(yes=Y) empty.yesno() dict.yesno()
text.sub(l,L) text.sub(l,L,1) text.sub('(h)(e)','\\2\\1') text.sub('(?P<x>h)','<\\g<x>>') upper.sub(MIX,x) upper.sub(MIX,x,ignorecase=false) text.sub('[',x) text.sub('l+$|o',_) text.sub(zzz,y) text.sub('e','\\n')
text.regex(h) text.regex(e) text.regex('.*o') text.regex(h,yes) text.regex(e,yes,no) text.regex(h,does_match=y,nomatch=n) nope.regex(h) size.regex(1) empty.regex(x,nomatch=n)
text.trailoff(4) text.trailoff(5) text.trailoff(6) text.trailoff(3) text.trailoff(x) name.trailoff(10)
text.encode(base64) text.encode(utf-8) nope.encode(base64) size.encode(base64) text.encode(nope) b64.decode(base64) bad64.decode(base64,undefined=u) text.decode(utf-8) empty.decode(base64) b64.decode(base64).upper()
time.date() time.date('%Y-%m-%d') time.date('%Y-%m-%d',tz=UTC) time.date(tz=America/New_York) time.date(format='%c|%x|%X|%e|%j|%p|%I|%A|%B|%y|%%|%k|%U|%u|%w|%V|%G|%h|%D|%F|%T|%R|%r|%q|%n|%t') time.date('%3f|%1f|%6f|%f|%9f|%z|%Ez|%Oz|%Z|%s') offset.date('%z|%Ez|%Oz|%Z|%s|%H') offset.date(tz=UTC) offset.date('%H %Z %z',tz=America/New_York) stamp.date() stamp.date('%z|%Z|%s|%Ez') stamp.date(tz=America/New_York) stamp.date(tz_default=America/New_York) stampms.date(unit=1000) stampms.date('%3f',unit=1000) parts.date() parts.date('%3f') res.date() text.date() text.date(undefined=u) nope.date(undefined=u) date.date() date.date('%Ez') date.date('%H %z',tz=America/New_York) date.date('%H %z',tz_default=America/New_York) date.date(tz=America/New_York,tz_default=UTC) iso.date() big.date() dur.date() true.date() time.date(tz=Nowhere/Else) past.date('%j %d %b')
time.iso() offset.iso() stamp.iso() nope.iso() date.iso() text.iso(undefined=u)
dur.duration() dur.duration(unit=1) secs.duration() secs.duration(parts=2) secs.duration(parts=1) secs.duration(parts=0) secs.duration(precision=0) secs.duration(calendar=false) secs.duration(unit=1000) iso.duration() iso.duration(parts=9) iso.duration(parts=2) time.duration() date.duration() past.duration() end.duration() duration(start=time,end=end) duration(start=time) duration(start=nope) duration(start=time,end=nope) text.duration() text.duration(undefined=u) nope.duration(undefined=u) zero.duration() size.duration() neg.duration() big.duration() true.duration() duration(start=past,end=time) duration(start=past,end=time,parts=9,calendar=false) secs.duration(parts=x,undefined=u)
format('{0}={1}',name,size) format('{0:>8}|{1:.2f}|{2:05d}',text,float,size) name.format('<{0}>') list.format('{0}-{1}') nope.format('<{0}>') format('{1}{0}{{}}',text,size) format('{0}',dict) format('{0}',list.list()) format('{0!r}',text) format('{0}{1}',nope,true) format('{}-{}',text,size) format('{0:,}',big) format('{0:x}|{0:+d}|{0:<8}|{0:^8}|{0:*>8}',size) format('{0[z]}',dict) format('{0:e}|{0:g}|{0:%}|{0:.3}',float) format('{0:.2}|{0:10.2}|',text) format("{0:6}|",true)
list.color(red=a) text.color(red=ell) nope.color() res.resolution() res.resolution(transpose=true) name.resolution(undefined=u) nope.resolution()
name.collection() name.collection(undefined=u) text.enum(x) text.enum(x,undefined=u) text.if(x) text.if(NOT x) text.if('NOT x AND NOT y') if(x) name.always() name.always().basename()
maps.filter(k=a) maps.filter('v>1').len() text.filter(x) nope.filter(k=a) list.filter(a) maps.filter("k:*")
synthesize((name:up,res),(name=text)) dict.synthesize((q:lit),(w=a)) synthesize(name) list.map().basename().join() maps.map().extract(k) maps.map().firstof(k).list() nested.map().list() nested.map(3).len() text.map().upper() dict.map().upper() list.map().color()
""".split("\n")
for line in CALLS:
    calls, call, depth, quote = [], "", 0, ""
    for letter in line:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        depth += {"(": 1, ")": -1}.get(letter, 0) if not quote else 0
        if letter == " " and not depth and not quote:
            calls, call = calls + [call], ""
        else:
            call += letter
    for call in filter(None, calls + [call]):
        ask(T, "value(%s)" % call, "table(%s)" % call, "json(%s)" % call)
ask(T, "value(text.error())", "value(text.error('not this'))", "value(name.error(message=no))", "value(text.fatal())")

# What is wrong.
for format in ("bogus", "table", "value", "csv", "get", "csv[no-heading]", "value(name", "value(", "value[x", "value[x=", "value(name)x", "value(name))", "5",
               "value(name.nope())", "value(name.basename().nope())", "value(name.basename(", "value(name.basename()", "value(name:label", "value(name:label)",
               "value(name:bogus=1)", "value(name:sort)", "value(name:reverse=1)", "value(name:align=up)", "value(name:alias=)", "value(a..b)", "value(a.)",
               "value(.a)", "value(a b)", "value(a,)", "value(,a)", "value(a;b)", "value('a)", "value(a[)", "value(a[0)", "value(a])", "value(a[b].c)", "value[a b](x)",
               "value(name.basename(a b,c))", "value(name.list(,))", "value(name.list(a,))", "value(if(a,b))", "value(name.basename.x())", "value(name.a.b())",
               "value(name.basename().x)", "(name)", "[box]", ":(name:sort=1)", "value()x()", "v4l(name)", "value(name):(", "value(*name)", "value(a*b)",
               "value(**)", "value(name:label=a:)", "value(name:)", "multi(name)", "value(a[1][2][][-1])", "value([0])", "value([])", "value(\"\")", "table(name:wrap=x)",
               "json(", "json()", "json()json", "yaml[", "table[box,](name)", "table[,](name)", "value(name.list(separator=','))", "value(name.synthesize(x))"):
    ask(KEYS, format)
    ask(KEYS, format, default="yaml")

# Filters.
F = [{"name": "projects/p1/topics/t1", "n": 3, "s": "three", "f": 1.5, "b": True, "labels": {"env": "prod", "n": "3"}, "tags": ["a", "B"], "z": None, "e": "",
      "createTime": "2026-01-01T00:00:00Z", "zone": "https://x/zones/us-a", "nums": [1, 2], "mixed": "10", "html": "<b>Bold</b> word", "acc": "Café", "ml": "one\ntwo", "el": [], "ed": {}, "deep": {"a": [{"b": "x"}, {"b": "y"}]}},
     {"name": "projects/p1/topics/t2", "n": 10, "s": "Ten", "f": 2.0, "b": False, "labels": {"env": "dev"}, "tags": [], "createTime": "2026-01-03T12:30:00.5+01:00",
      "zone": "us-a", "nums": [3], "mixed": "9", "acc": "cafe", "_hidden": "secret"},
     {"name": "other", "s": "", "n": 0, "labels": {}, "mixed": "abc", "zone": "us-b"}]
OPERATORS = ["=", "!=", ":", "<", "<=", ">", ">=", "~", "!~"]
OPERANDS = ["3", "10", "3.0", "t1", "T1", "projects/p1/topics/t1", "PROJECTS/P1/topics/T1", "true", "false", "ten", "Ten", "prod", "a", "b", "\"\"", "null", "e", "us-a", "topics", "us", "1e1", "0"]
for key in ("name", "n", "s", "f", "b", "labels", "labels.env", "tags", "z", "e", "zone", "nums", "mixed", "nope", "el", "ed", "deep.a.b", "labels.n"):
    for operator, operand in itertools.product(OPERATORS, OPERANDS):
        keep(F, key + operator + operand)
for operator in OPERATORS:
    keep(F, *["createTime%s%s" % (operator, operand) for operand in (
        "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-03T11:30:00.5Z", "2026-01-02", "-P2W", "-P3D", "P1D", "2026", "'Jan 2 2026'", "2026-01", "2026-01-01T01:00+01:00", "01/02/2026",
        "10am", "'2026-01-02 10:00 EST'", "20260102", "2026-01-02T10", "'5 January 2026 10:30 PM'", "-5h", "foo")])
keep(F, "name:*", "-name:*", "nope:*", "-nope:*", "e:*", "tags:*", "labels:*", "ed:*", "el:*", "z:*", "n:*", "name:pro*", "name:*t1", "name:p*1", "name:top*", "name:*top*", "name:**", "s:t*e",
     "name:(t1 t2)", "name=(other x)", "n=(3 10)", "n:(0,10)", "s:(three OR Ten)", "name=()", "name=(", "name:(a", "name!=(a)", "name=(a 'b c')", "tags:(a b)", "labels.env=(prod)",
     "t1", "T1", "prod", "secret", "topics/t1", "3", "1.5", "true", "nothing here", "'one two'", "\"projects/p1\"", "a.b", "env", "p1 t2", "-t1", "NOT t1", "bold", "<b>",
     "name:t1 OR name:t2", "name:t1 AND n=3", "name:t1 n=3", "name:t1 OR n=10 s:*", "name:t1 AND n=3 OR n=10", "name:t1 OR n=10 AND n=3", "(name:t1 OR n=10) AND s:Ten", "NOT name:t1", "NOT (name:t1)",
     "-(name:t1)", "-name:t1 -name:t2", "NOT name:t1 AND NOT name:t2", "name:t1 or name:t2", "name:t1 and n=3", "(((name:t1)))", "()", "", " ", "name:t1 ()", "AND", "OR", "NOT", "name AND", "AND name", "name OR OR x",
     "name:", "name=", "name", "=x", ":x", "name:t1)", "(name:t1", "name:t1 AND", "name:t1 AND )", "name==t1", "name=~t", "name=!t", "name:=x", "name<>x", "name~'['", "name~'(t'", "name~'t[12]$'", "name~T1", "name~'(?i)T1'",
     "name.basename()=t1", "name.basename():t*", "name.segment(0)=projects", "name.nope()=x", "name.basename(", "name.basename()", "name.basename() t1", "firstof(nope,s)=three", "firstof(nope,nix)", "firstof(nope,name)",
     "name.len()>10", "labels.list():env", "tags.len()=2", "n.size()=x", "nope()", "'quoted'=x", "\"name\":t1", "labels.'env'=prod", "name = other", "name : t1", "name != other", "n > 2 AND n < 5", "n>=3 n<=3", "n>-1", "n<1e1", "n=+3",
     "html:bold", "html:b", "html=\"Bold word\"", "acc:cafe", "acc=CAFÉ", "acc:é", "ml:two", "ml=one", "ml:o*", "ml~^two", "name AND OR", "name:AND", "name:\"AND\"", "name=AND", "deep.a[0].b=x", "deep.a[].b=y", "deep.a.b:(x z)", "createTime.date('%Y')=2026",
     "labels.env:prod AND (n=3 OR n=10)", "labels.env:prod AND n=3 OR n=10", "nums>2", "nums=2", "nums!=1", "tags!=a", "tags=b", "f=1.50", "f:1.5", "f=2", "mixed>8", "mixed<10", "b=True", "b:false", "b=1", "region:x", "zone=us-a", "zone:us", "labels=prod", "labels!=prod", "labels=env", "*", "a*", "x:y:z", "x.y.z:1",
     "name:t1 AND nope.a:1 AND nix:2", "a(b", "n>(3)", "name:a\\*b", "(a b", "name:((a)", "[x]:1", "name[0]=p", "createTime:*", "-createTime:*", "createTime=(2026-01-01 2026-01-10)", "s<t", "s>T", "s<=three", "nope<x", "nope>x", "nope>5", "nope<5", "nope<=\"\"", "z<x")
for filter in ("PRIMARY_STATE=ENABLED", "PRIMARY_ID:1", "algorithm:GOOGLE*", "name.basename():k1", "ALGORITHM:*EC*", "labels.list():a"):
    keep(KEYS, filter, format="value(name)", default=KEYS_TABLE)
    keep(KEYS, filter, format=None, default=KEYS_TABLE)
keep([], "name:x", "", format="json")
keep(KEYS[0], "name:k1", "name:k9", format="yaml(name)")
for text in WORDS:
    ask([{"w": text}], "yaml", "csv(w)")
    ask(text, "yaml")
for text in WORDS:
    CASES.append(dict(records=[{text: [text]}], format="yaml"))



def says(name, pattern):
    return lambda case: re.search(pattern, case.get(name) or "") is not None


# Where gcloud crashes, or says what nobody can mean.
ON_PURPOSE = [
    (says("format", r"decode\(base64\)") , "decoded bytes are text everywhere; gcloud prints b'…' or crashes unless they go straight to value or csv"),
    (says("format", r"(list|maps)\.(sort|count)"), "nulls and mixed types sort; gcloud crashes or prints null"),
    (says("format", r"json\(\w+\.color"), "colours are text everywhere; gcloud crashes"),
    (says("format", r"name\.resolution|text\.fatal"), "gcloud crashes"),
    (says("format", r"basename\(a b,c\)|synthesize\(x\)|label=a:\)|name:\)"), "wrong arguments are told, with the place; gcloud crashes"),
    (says("format", r"wrap=x"), "not a number: told at once; gcloud crashes when the table is too wide"),
    (says("format", r"format\(.*PRIMARY_ID"), "a function headed by a label does not take the label away; gcloud never ends"),
    (says("filter", r"createTime(=|!=|:|~|!~)(2026-01|foo|\*)|createTime!?~"), "times also match as text; gcloud matches Python's notation of them or refuses the operand"),
    (says("filter", r"createTime=\("), "lists of times; gcloud crashes"),
    (says("filter", r"^name~'[\[(]"), "the reason is our regular expressions' own"),
    (says("filter", r"^-\("), "told, with the place; gcloud crashes"),
]
