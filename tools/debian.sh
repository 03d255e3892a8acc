# The C++ libraries that torchpot needs. On Debian and its relatives those that are not installed
# are downloaded by apt, which checks their signatures, and unpacked into build/deps, without root.
# Used by tools/setup.sh.

libraries=(libhdf5-dev nlohmann-json3-dev libcli11-dev libhwy-dev libgtest-dev libssl-dev
  libxxhash-dev libeigen3-dev)
headers=(hdf5.h nlohmann/json.hpp CLI/CLI.hpp hwy/highway.h gtest/gtest.h openssl/evp.h xxhash.h
  Eigen/Core)
names=(HDF5 "nlohmann json" CLI11 Highway GoogleTest OpenSSL xxHash Eigen)

have_apt() { command -v apt-get > /dev/null && command -v dpkg > /dev/null; }

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]
}

# has_header NAME: whether the compiler or CMAKE_PREFIX_PATH has it
has_header() {
  local prefix places=()
  for prefix in ${CMAKE_PREFIX_PATH:+${CMAKE_PREFIX_PATH//:/ }}; do
    places+=(-I "$prefix/include" -I "$prefix/include/hdf5/serial" -I "$prefix/include/eigen3")
  done
  printf '#include <%s>\n' "$1" |
    "$compiler" -std=c++17 -x c++ ${places[@]+"${places[@]}"} -I /usr/include/hdf5/serial \
      -I /usr/include/eigen3 -E - > /dev/null 2>&1
}

# Which libraries have to be fetched; where there is no apt they must be there already.
find_libraries() {
  local i absent=()
  wanted=()
  for i in "${!libraries[@]}"; do
    if have_apt && is_installed "${libraries[i]}"; then continue; fi
    if [ -n "$compiler" ] && has_header "${headers[i]}"; then continue; fi
    if have_apt; then wanted+=("${libraries[i]}"); else absent+=("${names[i]} (${headers[i]})"); fi
  done
  [ ${#absent[@]} -eq 0 ] ||
    missing+=("these C++ libraries, which are fetched by themselves only where there is apt-get:"
      "${absent[@]/#/    }"
      "  Install them, or put the folders they are in into the variable CMAKE_PREFIX_PATH.")
}

# apt FOLDER ARGUMENTS...: apt-get with lists and caches in FOLDER, none of the system's hooks, and
# the installed packages only read
private_apt() {
  local folder=$1
  shift
  mkdir -p "$folder/lists/partial" "$folder/archives/partial"
  cat > "$folder/apt.conf" << EOF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
Debug::NoLocking "true";
APT::Sandbox::User "";
APT::Get::Assume-Yes "true";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
Acquire::Retries "3";
Acquire::Languages "none";
Dir::Cache "$folder";
Dir::Cache::archives "$folder/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Log "$folder";
EOF
  if [ -d "$folder/lists/auxfiles" ]; then    # made by an update: use these lists
    echo "Dir::State::lists \"$folder/lists\";" >> "$folder/apt.conf"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get -c "$folder/apt.conf" "$@"
}

# the C library and the compiler's own libraries stay the system's
belongs_to_system() {
  case ${1##*/} in
    libc6*_* | libc-*_* | libstdc++*_* | libgcc-*_* | gcc-*_* | linux-libc-dev_*) return 0 ;;
  esac
  return 1
}

# fetch_packages PREFIX PACKAGES...: download packages with all that they need and that is not
# installed, and unpack them into PREFIX
fetch_packages() {
  local prefix=$1 apt=$1.apt file
  shift
  rm -rf "$prefix" "$apt"
  # the system's package lists first; where they are absent or too old, lists of our own
  if ! private_apt "$apt" install --download-only "$@"; then
    mkdir -p "$apt/lists/auxfiles"
    private_apt "$apt" update || echo "Some package lists could not be read; going on without them."
    private_apt "$apt" install --download-only "$@"
  fi
  mkdir -p "$prefix"
  for file in "$apt"/archives/*.deb; do
    belongs_to_system "$file" || dpkg -x "$file" "$prefix"
  done
  rm -rf "$apt"
}

set_up_libraries() {
  local stamp
  stamp="$build/deps: ${wanted[*]-}"
  if is_stamped "$build/deps/stamp" "$stamp"; then
    done_already "C++ libraries"
    return
  fi
  if [ ${#wanted[@]} -eq 0 ]; then
    say "==> C++ libraries: all installed"
    rm -rf "$build/deps"
    mkdir -p "$build/deps"
  else
    step libraries "Fetch ${wanted[*]} into build/deps" "10 s, downloads 20 MB" \
      fetch_packages "$build/deps" "${wanted[@]}"
  fi
  printf '%s\n' "$stamp" > "$build/deps/stamp"
}
