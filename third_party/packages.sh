# Sourced by ./assay. Knows which Debian or Ubuntu packages the build needs, finds the missing ones and installs them.
# The names are the same in Debian 12 and Ubuntu 22.04 and 24.04. wheels.sh is for the wheels.

# PACKAGE=PROBE. The package is there if its probe exists. A probe with a slash or the ending .h is a header, any other a command.
# If a probe has alternatives, separated by |, one of them is enough.
package_probes=(
  g++=g++ cmake=cmake ninja-build=ninja pkg-config=pkg-config
  liblua5.4-dev=lua5.4/lauxlib.h libboost-dev=boost/dll.hpp nlohmann-json3-dev=nlohmann/json.hpp
  libcli11-dev=CLI/CLI.hpp libpcre2-dev=pcre2.h libutf8proc-dev=utf8proc.h zlib1g-dev=zlib.h
  libedit-dev=histedit.h libssl-dev=openssl/evp.h 'catch2=catch2/catch.hpp|catch2/catch_all.hpp'
)

# Succeeds if one of the alternatives exists.
probe() {
  local name folder
  local IFS='|'
  for name in $1; do
    if [[ $name != */* && $name != *.h ]]; then
      command -v "$name" >/dev/null && return
      continue
    fi
    for folder in /usr/include /usr/local/include /usr/include/x86_64-linux-gnu; do
      [[ -e $folder/$name ]] && return
    done
  done
  return 1
}

# Prints the packages that are missing; pip too, if wheels must be downloaded.
missing_packages() {
  local entry
  for entry in "${package_probes[@]}"; do
    probe "${entry#*=}" || printf '%s ' "${entry%%=*}"
  done
  if ! wheels_complete && ! python3 -m pip --version >/dev/null 2>&1; then printf 'python3-pip '; fi
}

# Installs the missing packages as root or through sudo. If neither works, prints the command to run and ends with exit code 2.
install_packages() {
  local missing as_root='' log=$build/packages.log
  missing=$(missing_packages)
  missing=${missing% }
  [[ -n $missing ]] || return 0
  if ! command -v apt-get >/dev/null; then
    fail 2 "there is no apt-get here, and what these Debian packages contain is missing: $missing. Install it by other means, then start again"
  fi
  if ((EUID != 0)); then
    as_root='sudo -n'
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      say "some system packages are missing. Run this, then start again:"
      printf '  sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n' "$missing" >&2
      exit 2
    fi
  fi
  say "installing system packages: $missing"
  if ! $as_root apt-get -q update >"$log" 2>&1 ||
    ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing >>"$log" 2>&1; then
    grep -E '^(E|W|Err)' "$log" | tail -n 8 >&2
    fail 1 "apt-get failed (log: $log). If it could not reach its servers, look at the network, then start again"
  fi
  missing=$(missing_packages)
  [[ -z $missing ]] || fail 1 "apt-get installed the packages, yet these are not found: $missing"
}
