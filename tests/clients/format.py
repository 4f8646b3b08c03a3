"""Our formats beside those of the gcloud on this machine, byte by byte.

usage: format.py SDK RENDER [WORD]   (WORD: show the cases that hold it, equal or not)
"""
import datetime, io, json, os, subprocess, sys, time

sdk, render = sys.argv[1:3]
word = sys.argv[3] if len(sys.argv) > 3 else None
os.environ.update(TZ="UTC", TERM="dumb", CLOUDSDK_CONFIG=os.path.join(os.environ.get("TMPDIR", "/tmp"), "no-gcloud-config"))
time.tzset()
sys.path[:0] = [sdk + "/lib", sdk + "/lib/third_party"]

from googlecloudsdk.calliope import display, display_info
from googlecloudsdk.core import exceptions, log
from googlecloudsdk.core.console import console_attr
from googlecloudsdk.core.util import times

# The same moment as in the example `render`.
now = datetime.datetime(2026, 1, 5, 9, tzinfo=times.UTC)
times.Now = lambda tzinfo=times.LOCAL: now.astimezone(tzinfo) if tzinfo else now.replace(tzinfo=None)


class Flags:
    def __init__(self, case, info):
        split = lambda name: case[name].split(",") if case.get(name) else None
        self.format, self.filter, self.limit = case.get("format"), case.get("filter"), case.get("limit")
        self.sort_by, self.flatten = split("sort_by"), split("flatten")
        self.uri, self.page_size, self.info = case.get("uri", False), None, info

    def GetDisplayInfo(self):
        return self.info

    def IsSpecified(self, name):
        return getattr(self, name) is not None


class Command:
    printed = None

    def Epilog(self, printed):
        self.printed = printed


def gcloud(case):
    out, err = io.StringIO(), io.StringIO()
    log.Reset(stdout=out, stderr=err)
    console_attr.GetConsoleAttr(encoding="utf-8", reset=True)._term_size = (case.get("width", 80), 24)
    info = display_info.DisplayInfo()
    if case.get("default"):
        info.AddFormat(case["default"])
    command, error = Command(), None
    try:
        display.Displayer(command, Flags(case, info), json.loads(json.dumps(case["records"])), info).Display()
    except exceptions.Error as refused:
        error = str(refused)
    except Exception as crash:
        error = "crash: %s: %s" % (type(crash).__name__, crash)
    warnings = [line[len("WARNING: "):] for line in err.getvalue().splitlines() if line.startswith("WARNING: ")]
    return {"out": out.getvalue(), "error": error, "warnings": warnings, "printed": command.printed}


def ours(cases):
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    answer = subprocess.run([render], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in answer.stdout.split("\n") if line]


sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from format_cases import CASES, ON_PURPOSE

same, purposely, different = 0, 0, 0
reasons = {why for _, why in ON_PURPOSE}
for case, mine in zip(CASES, ours(CASES)):
    theirs = gcloud(case)
    equal = mine["error"] == theirs["error"]
    # gcloud has written the records before the one that it stumbles over.
    equal = equal and (mine["error"] or mine["out"] == theirs["out"])
    equal = equal and (mine["error"] or sorted(mine["warnings"]) == sorted(theirs["warnings"]))
    equal = equal and (theirs["printed"] is None or mine["printed"] == theirs["printed"])
    label = " ".join("%s=%s" % (name, value) for name, value in case.items() if name != "records")
    why = next((why for says, why in ON_PURPOSE if says(case)), None)
    if equal:
        same += 1
    elif why:
        purposely += 1
        reasons.discard(why)
    else:
        different += 1
    if not equal and not why or word and word in label:
        print("----", label, "| on purpose: " + why if why else "")
        for who, answer in ("gcloud", theirs), ("ours", mine):
            print("  %s: %s %s" % (who, answer["error"] or "", answer["warnings"] or ""))
            print("".join("    " + line + "\n" for line in answer["out"].splitlines()), end="")
print("%d cases as gcloud has them, %d different on purpose, %d different" % (same, purposely, different))
for why in sorted(reasons):
    print("nothing differs any more where it should: " + why)
sys.exit(different > 0 or bool(reasons))
