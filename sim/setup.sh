# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by ./weft and ./check: finds missing Debian packages, configures the build and builds.
# Everything that it says goes to stderr: stdout belongs to the program. Needs: here (the checkout), build (the build folder).

# What each package is for; ./check also wants the second list.
readonly build_packages=(g++ meson ninja-build pkg-config python3 libboost-dev libfmt-dev nlohmann-json3-dev libcli11-dev libeigen3-dev zlib1g-dev)
readonly test_packages=(doctest-dev librapidcheck-dev libsimgrid-dev chromium)

say() { printf '%s\n' "weft: $*" >&2; }
die() { local code=$1; shift; say "$@"; exit "$code"; }

# missing_packages NAME...: those that are not installed, one a line.
missing_packages() {
  local installed name
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for name in "$@"; do
    grep -qxF "$name installed" <<<"$installed" || printf '%s\n' "$name"
  done
}

# install_packages YES WHY NAME...: installs what is missing, after saying so. YES is 1 when nobody is to be asked.
install_packages() {
  local yes=$1 why=$2 missing answer command
  shift 2
  if ! command -v dpkg-query >/dev/null; then
    say "this is no Debian system; needed here: $*"
    return
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  local sudo=() terminal=0
  [ -t 0 ] && [ -t 2 ] && terminal=1
  command="apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    command="sudo $command"
    sudo=(sudo)
    [ "$terminal" = 1 ] || sudo+=(-n)
  fi
  say "Debian packages are missing for $why: ${missing[*]}"
  if [ ${#sudo[@]} -gt 0 ] && ! { command -v sudo >/dev/null && { [ "$terminal" = 1 ] || sudo -n true 2>/dev/null; }; }; then
    die 77 "installing them takes rights that this shell has not; run: $command"
  fi
  if [ "$terminal" = 1 ] && [ "$yes" = 0 ]; then
    read -r -p "weft: install them now with '$command'? [Y/n] " answer >&2 || answer=n
    case $answer in ''|[Yy]*) ;; *) die 77 "nothing was installed; run: $command" ;; esac
  fi
  local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  say "installing them (log: $build/packages.log)"
  : >"$build/packages.log"
  if ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
    "${apt[@]}" update </dev/null >>"$build/packages.log" 2>&1 || true
  fi
  local install=("${apt[@]}" install -y --no-install-recommends "${missing[@]}")
  "${install[@]}" </dev/null >>"$build/packages.log" 2>&1 && return
  # Old lists name versions that the archive no longer has.
  if ! { "${apt[@]}" update && "${install[@]}"; } </dev/null >>"$build/packages.log" 2>&1; then
    tail -n 15 "$build/packages.log" >&2
    die 1 "the packages could not be installed; try: $command"
  fi
}

# install_npm YES: npm fetches the chart library of `weft report`. Without it weft is built all the same, so a "no" is asked for once and kept.
install_npm() {
  if command -v npm >/dev/null || [ -e "$build/without-npm" ]; then return 0; fi
  (install_packages "$1" "the page of weft report" npm) && return
  : >"$build/without-npm"
  say "going on without npm: weft report will not draw pages (install npm and remove $build/without-npm to have them)"
}

make_build_folder() {
  mkdir -p "$build" 2>/dev/null || true
  [ -w "$build" ] || die 1 "cannot write $build; set WEFT_BUILD to a folder that can be written"
}

# Removes a configuration that cannot work here any more: the checkout has moved, or ccache is gone.
drop_stale_configuration() {
  [ -e "$build/build.ninja" ] || return 0
  local owner
  owner=$(sed -n 's/.*"source": "\([^"]*\)".*/\1/p' "$build/meson-info/meson-info.json" 2>/dev/null || true)
  if [ "$owner" = "$here" ]; then
    if command -v ccache >/dev/null || ! grep -q 'command = .*ccache' "$build/build.ninja"; then return 0; fi
  elif [ -n "$owner" ] && [ -e "$owner/meson.build" ]; then
    die 1 "$build belongs to the checkout $owner; set WEFT_BUILD to another folder"
  fi
  say "configuring $build anew"
  rm -rf "$build/meson-private" "$build/meson-info" "$build/build.ninja"
}

# Meson looks for SimGrid when it configures: an option that changes when the package comes makes it look again.
simgrid_option() {
  if [ -e /usr/include/simgrid/s4u.hpp ]; then printf '%s' -Dsimgrid=enabled; else printf '%s' -Dsimgrid=auto; fi
}

# configure OPTION...: runs Meson once, and again when an option is another one than last time.
configure() {
  set -- "$@" "$(simgrid_option)"
  local wanted="$*"
  drop_stale_configuration
  if [ -e "$build/build.ninja" ] && [ "$(cat "$build/weft-options" 2>/dev/null)" = "$wanted" ]; then
    return
  fi
  # A compiler that is named but not there would only give Meson's long answer.
  if [ -n "${CXX:-}" ] && ! command -v "${CXX%% *}" >/dev/null; then
    say "CXX=$CXX is not on this machine; using the default compiler"
    unset CXX
  fi
  local again=()
  [ ! -e "$build/build.ninja" ] || again=(--reconfigure)
  if ! meson setup "${again[@]}" "$@" "$build" "$here" </dev/null >"$build/configure.log" 2>&1; then
    tail -n 20 "$build/configure.log" >&2
    die 1 "Meson could not configure the build (log: $build/configure.log)"
  fi
  printf '%s\n' "$wanted" >"$build/weft-options"
}

# compile TARGET...: quiet unless it fails. What npm could not fetch last time it tries again.
compile() {
  [ ! -e "$build/reports/web/npm/missing" ] || rm -f "$build/reports/web/page_template.cpp"
  if ! ninja -C "$build" -j "$(nproc)" "$@" </dev/null >"$build/build.log" 2>&1; then
    grep -A 20 -m 3 -E '^FAILED|error:' "$build/build.log" | tail -n 40 >&2 || tail -n 40 "$build/build.log" >&2
    die 1 "the build failed (log: $build/build.log)"
  fi
}
