#!/bin/bash
# bootstrap.sh   install what ouro needs and this machine lacks (Debian and Ubuntu, as root or by sudo).
# Where it may not install it prints what is missing and how a cluster user gets it, and fails.
set -eu

build='gcc libc6-dev make libopenmpi-dev openmpi-bin libscalapack-openmpi-dev libhdf5-openmpi-dev hdf5-tools libmetis-dev
  libptscotch-dev libopenblas-dev liblapacke-dev libcyaml-dev libyaml-dev zlib1g-dev librandom123-dev libcmocka-dev pkg-config'
python='python3 python3-h5py python3-matplotlib python3-numpy python3-networkx python3-scipy python3-pandas'
quality='clang-format-14 shellcheck valgrind'

# installed PACKAGE
installed() { dpkg-query -W -f '${Status}' "$1" 2> /dev/null | grep -q 'ok installed'; }

missing=
# shellcheck disable=SC2086 # lists of words
for package in $build $python $quality; do
  if command -v dpkg-query > /dev/null && installed "$package"; then continue; fi
  missing="$missing $package"
done
[ -n "$missing" ] || exit 0

# Elsewhere than on Debian only building is required, and the probe is what decides.
cluster() {
  echo "ouro: this machine lacks:$missing"
  cat << 'TEXT'
ouro: these could not be installed from here. On a cluster, one of
  modules:  module load gcc openmpi openblas scalapack hdf5/parallel metis python
            (names vary; PT-Scotch may be left out; libcyaml, libyaml and Random123 are rarely modules, see below)
  Spack:    spack install openmpi openblas netlib-scalapack ^openmpi hdf5+mpi+hl zlib metis libyaml random123 cmocka \
              py-h5py py-matplotlib py-networkx && spack load openmpi openblas netlib-scalapack hdf5 zlib metis libyaml random123 cmocka
  libcyaml: git clone https://github.com/tlsa/libcyaml && make -C libcyaml install PREFIX=$HOME/.local
            then PKG_CONFIG_PATH=$HOME/.local/lib/pkgconfig make
  `make` then says which library it still cannot compile and link against.
TEXT
}

if ! command -v apt-get > /dev/null; then
  if CC="${CC:-mpicc}" "$(dirname "$0")/probe.sh" > /dev/null 2>&1; then exit 0; fi
  cluster >&2
  exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
  as_root=
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
  as_root='sudo -n'
elif command -v sudo > /dev/null && [ -t 0 ]; then
  as_root=sudo
else
  cluster >&2
  exit 1
fi

echo "ouro: installing$missing"
log=$(mktemp)
# shellcheck disable=SC2086 # lists of words
if ! { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing; } > "$log" 2>&1; then
  tail -n 5 "$log" >&2
  cluster >&2
  exit 1
fi
rm -f "$log"
