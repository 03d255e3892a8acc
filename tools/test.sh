#!/usr/bin/env bash
# Sets torchpot up (tools/setup.sh), builds everything and runs the tests with ctest.
#
# usage: tools/test.sh [-R REGEX] [-j N] [--sanitize]
#   -R REGEX     only tests whose names match
#   -j N         N tests at once, default 2
#   --sanitize   the tests of core and trainer, compiled in build-asan with the address, leak and
#                undefined-behavior sanitizers
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

sanitize=no
regex=.
jobs=2
while [ $# -gt 0 ]; do
  case $1 in
    --sanitize) sanitize=yes ;;
    -R) regex=${2:?-R wants a regular expression}; shift ;;
    -j) jobs=${2:?-j wants a number}; shift ;;
    -h | --help) print_help "${BASH_SOURCE[0]}"; exit 0 ;;
    *) give_up "test.sh: unknown option $1; known: -R REGEX, -j N, --sanitize, --help" ;;
  esac
  shift
done

set_up
if [ "$sanitize" = yes ]; then
  folder=$root/build-asan
  # libtorch, LAMMPS and MPI are not compiled with sanitizers: what they never free is not ours
  export LSAN_OPTIONS="suppressions=$root/tools/lsan.supp:print_suppressions=0"
  # allocations that fail are errors that tests look at
  export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
  ASAN_OPTIONS+=:allocator_may_return_null=1
  export UBSAN_OPTIONS=print_stacktrace=1
  configure "$folder" -D TORCHPOT_SANITIZE=address,undefined
  # the build asks each test program for the names of its tests, no more
  ASAN_OPTIONS=detect_leaks=0 compile "$folder" "5 to 10 min" unit_tests
  only=(-L 'core|fit')
else
  folder=$build
  only=()
fi

# the tests find plugin and programs by themselves, whatever the caller's environment names
unset LAMMPS_PLUGIN_PATH
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
cd "$folder"
"$build/venv/bin/ctest" -j "$jobs" --output-on-failure --no-tests=error -R "$regex" \
  ${only[@]+"${only[@]}"}
