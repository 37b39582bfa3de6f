"""Makes the page's template: fetches the chart library with npm into the build folder, joins our scripts to one, and writes all of it as C++.

Usage: build.py --out page_template.cpp --work FOLDER --mode auto|enabled|disabled --charts NAME...
Nothing is fetched twice: the library stays in FOLDER until the lock file changes. Without it (no npm, no network) the template is empty and
says why; with --mode enabled that is an error. Same sources, same bytes: nothing here looks at a clock or at names of folders.
"""
import argparse
import base64
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
LIBRARY = ["node_modules/uplot/dist/uPlot.iife.min.js", "node_modules/uplot/dist/uPlot.min.css", "node_modules/uplot/LICENSE"]
FETCH_LIMIT_S = 240


class Missing(Exception):
    """The chart library is not to be had here; the text says why."""


def fetch(work):
    """The folder with node_modules in it. Throws Missing."""
    manifest = [HERE / "package.json", HERE / "package-lock.json"]
    wanted = hashlib.sha256(b"".join(f.read_bytes() for f in manifest)).hexdigest()
    stamp = work / "fetched"
    if stamp.exists() and stamp.read_text() == wanted and all((work / f).exists() for f in LIBRARY):
        return work
    npm = shutil.which("npm")
    if npm is None:
        raise Missing("npm is not on this machine")
    work.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    for f in manifest:
        shutil.copyfile(f, work / f.name)
    log = work / "npm.log"
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1", "--loglevel=error"]
    try:
        with open(log, "w") as out:
            code = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=FETCH_LIMIT_S).returncode
    except subprocess.TimeoutExpired:
        raise Missing(f"npm could not fetch it within {FETCH_LIMIT_S} s") from None
    except OSError as e:
        raise Missing(f"npm cannot be started: {e.strerror}") from None
    absent = [f for f in LIBRARY if not (work / f).exists()]
    if code != 0 or absent:
        print(log.read_text(errors="replace")[-2000:], file=sys.stderr)
        raise Missing("npm could not fetch it (npm ci ended with %d)" % code if code else "the package lacks " + ", ".join(absent))
    stamp.write_text(wanted)
    return work


IMPORT = re.compile(r'^import\s+(?P<what>[^"]+?)\s+from\s+"(?P<name>[^"]+)";\n', re.M)
EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?(?:function|const|class)\s+([A-Za-z_]\w*))", re.M)


class Scripts:
    """ES modules of src/ as functions of one script, each after those that it imports."""

    def __init__(self, charts):
        self.charts, self.done, self.text = charts, [], []

    def add(self, name):
        if name in self.done:
            return
        source = (HERE / "src" / (name + ".js")).read_text(encoding="utf-8")

        def imported(match):
            what, of = match["what"], match["name"]
            if of == "uplot":
                return ""
            if of == "charts":
                for chart in self.charts:
                    self.add(chart)
                return "const %s = { %s };\n" % (what, ", ".join(f"{c}: module_{c}.draw" for c in self.charts))
            self.add(pathlib.PurePosixPath(of).stem)
            return "const %s = module_%s;\n" % (what.removeprefix("* as "), pathlib.PurePosixPath(of).stem)

        source = IMPORT.sub(imported, source)
        exported = EXPORT.findall(source)
        source = EXPORT.sub("", source)
        if re.search(r"^\s*(?:import|export)\b", source, re.M):
            raise SystemExit(f"{name}.js: an import or export that build.py cannot join; see reports/web/README.md")
        if name in self.charts and "draw" not in exported:
            raise SystemExit(f"{name}.js: a chart exports draw(element, data, page)")
        self.text.append("const module_%s = (() => {\n%sreturn { %s };\n})();\n" % (name, source, ", ".join(exported)))
        self.done.append(name)


def template(work, charts):
    scripts = Scripts(charts)
    scripts.add("main")
    library, styles, licence = [(work / f).read_text(encoding="utf-8").strip() for f in LIBRARY]
    # Neither is a minifier's concern, but an HTML parser would stop there.
    script = '"use strict";\n(() => {\n' + library + "\n" + "".join(scripts.text) + "})();\n"
    if re.search(r"</script|<!--", script, re.I):
        raise SystemExit("a script holds </script or <!--, which ends or hides it in a page")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = (HERE / "page.html").read_text(encoding="utf-8")
    parts = {"script": script, "script_hash": "sha256-" + digest, "styles": styles + "\n" + (HERE / "styles.css").read_text(encoding="utf-8").strip(),
             "licences": "The charts are drawn with uPlot:\n" + licence.replace("--", "- -")}
    text = re.sub(r"@(script|script_hash|styles|licences)@", lambda m: parts[m[1]], text)
    for mark in ("@title@", "@body@", "@data@"):
        if text.count(mark) != 1:
            raise SystemExit(f"the template has {text.count(mark)} places {mark}, not one")
    return text


def as_cpp(text, missing):
    """A translation unit that defines page_template() and page_template_missing() of reports/page/page_template.h."""
    def literal(value):
        # Pieces: compilers need not take a literal of any length.
        data, lines = value.encode(), []
        for i in range(0, len(data), 4000):
            piece = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else "\\%03o" % b for b in data[i:i + 4000])
            lines.append('  "%s"' % piece)
        return "\n".join(lines) or '  ""'

    return ('#include "reports/page/page_template.h"\n\nnamespace weft::reports {\n\n'
            "std::string_view page_template() {\n  static constexpr std::string_view text =\n%s;\n  return text;\n}\n\n"
            "std::string_view page_template_missing() {\n  static constexpr std::string_view text =\n%s;\n  return text;\n}\n\n}  // namespace weft::reports\n"
            % (literal(text), literal(missing)))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--out", required=True, type=pathlib.Path)
    a.add_argument("--work", type=pathlib.Path)
    a.add_argument("--mode", choices=["auto", "enabled", "disabled"], default="auto")
    a.add_argument("--charts", nargs="*", default=[])
    args = a.parse_args()
    try:
        if args.mode == "disabled":
            raise Missing("it was configured with -Dreport=disabled")
        text, missing = template(fetch(args.work), args.charts), ""
        if args.work:
            (args.work / "missing").unlink(missing_ok=True)
    except Missing as e:
        if args.work:   # the launchers look for it, and have it tried again
            args.work.mkdir(parents=True, exist_ok=True)
            (args.work / "missing").write_text(str(e) + "\n")
        if args.mode == "enabled":
            raise SystemExit(f"build.py: the chart library of the page (Meson feature report): {e}") from None
        text, missing = "", str(e)
    args.out.write_text(as_cpp(text, missing))


if __name__ == "__main__":
    main()
