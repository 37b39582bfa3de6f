"""A small checkout of its own, with stand-ins for apt-get, sudo, Meson and ninja: the launchers are tried, nothing is installed."""
import os

import house

# Each stand-in appends what it was asked to $CALLS.
STAND_INS = {
    # Packages count as installed once apt-get has "installed" them.
    "dpkg-query": 'for p in $INSTALLED $(cat "$CALLS.installed" 2>/dev/null); do echo "$p installed"; done',
    "apt-get": 'echo "apt-get $*" >>"$CALLS"\n'
               'case " $* " in *" install "*) for a in "$@"; do case $a in -*|install) ;; *) echo "$a" >>"$CALLS.installed" ;; esac; done ;; esac\n'
               'case " $* " in *" install "*) exit "${APT_FAILS:-0}" ;; esac',
    "sudo": 'echo "sudo $*" >>"$CALLS"\n[ -z "${NO_SUDO:-}" ] || exit 1\n[ "$1" != -n ] || shift\nexec "$@"',
    "id": 'echo "${FAKE_UID:-0}"',
    "meson": 'echo "meson $*" >>"$CALLS"\n[ "$1" != test ] || { echo "golden=${WEFT_UPDATE_GOLDEN:-0}"; exit "${TESTS_FAIL:-0}"; }\n[ -z "${MESON_FAILS:-}" ] || { echo "ERROR: no compiler"; exit 1; }\n'
             'here=${@: -1} build=${@: -2:1}\nmkdir -p "$build/meson-info"; : >"$build/build.ninja"\n'
             'printf \'{"directories": {"source": "%s", "build": "%s"}}\' "$here" "$build" >"$build/meson-info/meson-info.json"',
    "ninja": 'echo "ninja $*" >>"$CALLS"; echo "[1/1] noise"\n[ -z "${NINJA_FAILS:-}" ] || { echo "a.cpp:3: error: no such thing"; exit 1; }\n'
             'sleep "${NINJA_TAKES:-0}"\nmkdir -p "$2/sim/cli"\nprintf \'#!/bin/bash\\necho "program $*"\\ncat\\nexit 5\\n\' >"$2/sim/cli/new"\n'
             'chmod +x "$2/sim/cli/new"; mv "$2/sim/cli/new" "$2/sim/cli/weft"',
}
ALL = "g++ meson ninja-build pkg-config python3 libboost-dev libfmt-dev nlohmann-json3-dev libcli11-dev libeigen3-dev zlib1g-dev"


class SmallCheckout(house.HouseTest):
    def setUp(self):
        super().setUp()
        for name in ("weft", "check", "sim/setup.sh"):
            copy = self.plant("checkout/" + name, (house.ROOT / name).read_text(encoding="utf-8"))
            copy.chmod(0o755)
        self.plant("checkout/meson.build", "project('weft')\n")
        self.source = self.plant("checkout/sim/core/a.cpp", "int a;\n")
        for name, body in STAND_INS.items():
            self.plant("bin/" + name, "#!/bin/bash\n" + body + "\n").chmod(0o755)
        self.calls = self.folder / "calls"
        self.checkout = self.folder / "checkout"

    def environment(self, **more):
        keep = {k: v for k, v in os.environ.items() if k not in ("CI", "WEFT_BUILD", "CXX")}
        return {**keep, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "CALLS": str(self.calls), "INSTALLED": ALL, **more}

    def start(self, *arguments, program="weft", **more):
        return house.run(self.checkout / program, *arguments, env=self.environment(**more))

    def called(self, tool):
        text = self.calls.read_text(encoding="utf-8") if self.calls.exists() else ""
        return [line for line in text.split("\n") if line.startswith(tool + " ")]
