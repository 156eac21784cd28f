#!/bin/bash
# probe.sh   compile and link against every library; print a Makefile fragment with the flags that worked.
# What is missing goes to stderr with its remedy, and the exit status is 1.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc=${CC:-mpicc}
missing=0
cppflags=
libs=

assert= # of what a library must be, in C

# probe NAME HEADERS FUNCTION DEBIAN-PACKAGE CANDIDATE...   each candidate is "cppflags | libs".
probe() {
  local name=$1 headers=$2 function=$3 package=$4 candidate flags link header
  shift 4
  {
    for header in $headers; do echo "#include <$header>"; done
    [ -z "$assert" ] || echo "_Static_assert($assert, \"\");"
    if [ -n "$headers" ] && [ "$function" = "-" ]; then echo 'int main(void) { return 0; }'
    elif [ -n "$headers" ]; then echo "int main(void) { return (void *)$function == 0; }"
    else echo "void $function(void); int main(void) { $function(); return 0; }"; fi
  } > "$work/p.c"
  for candidate in "$@"; do
    flags=${candidate%%|*}
    link=${candidate#*|}
    # shellcheck disable=SC2086 # both are lists of flags
    if $cc -w $cppflags $flags "$work/p.c" $link $libs -o "$work/p" 2> "$work/err"; then
      cppflags="$cppflags $flags"
      libs="$link $libs"
      echo "# found $name: $flags $link"
      return 0
    fi
  done
  echo "ouro: cannot build against $name (Debian: $package)" >&2
  missing=1
  return 1
}

# optional PROBE...   as probe, but what is missing is only noted.
optional() {
  local before=$missing
  probe "$@" 2> /dev/null || echo "# not found $1 (Debian: $4)"
  missing=$before
}

# pkg NAME   flags of a pkg-config module as a candidate; a name that is not known gives an empty one.
pkg() { printf '%s | %s' "$(pkg-config --cflags "$1" 2>/dev/null)" "$(pkg-config --libs "$1" 2>/dev/null)"; }

if ! command -v "$cc" > /dev/null; then
  echo "ouro: no MPI compiler '$cc' (Debian: libopenmpi-dev openmpi-bin)" >&2
  missing=1
else
  probe MPI mpi.h MPI_Init libopenmpi-dev ' | '
  probe BLAS '' dgemm_ libopenblas-dev "$(pkg openblas)" ' | -lopenblas' ' | -lblas'
  probe LAPACK '' dposv_ liblapacke-dev ' | ' ' | -llapack'
  probe ScaLAPACK '' pdgemm_ libscalapack-openmpi-dev ' | -lscalapack-openmpi' "$(pkg scalapack)" ' | -lscalapack'
  probe HDF5 'mpi.h hdf5.h' H5Pset_fapl_mpio libhdf5-openmpi-dev "$(pkg hdf5-openmpi)" "$(pkg hdf5)" ' | -lhdf5'
  probe HDF5-HL 'hdf5.h hdf5_hl.h' H5DSattach_scale libhdf5-openmpi-dev ' | -lhdf5_openmpi_hl' ' | -lhdf5_hl'
  probe zlib zlib.h compress2 zlib1g-dev "$(pkg zlib)" ' | -lz'
  probe METIS metis.h METIS_PartGraphKway libmetis-dev ' | -lmetis'
  # Debian has PT-Scotch once for each width of its numbers, under one file name: 64 bits are found here by their folder.
  folder=$(realpath -m "$(dirname "$($cc -print-file-name=scotch-int64/libptscotch.so)")")
  assert='sizeof(SCOTCH_Num) == 8'
  optional PT-Scotch 'stdio.h stdint.h mpi.h ptscotch.h' SCOTCH_dgraphPart libptscotch-dev \
    "-DOURO_PTSCOTCH -I/usr/include/scotch-int64 | -L$folder -Wl,-rpath,$folder -lptscotch -lscotch -lptscotcherr" \
    '-DOURO_PTSCOTCH | -lptscotch -lscotch -lptscotcherr'
  assert=
  probe libyaml yaml.h yaml_parser_parse libyaml-dev "$(pkg yaml-0.1)" ' | -lyaml'
  probe libcyaml cyaml/cyaml.h cyaml_load_data libcyaml-dev "$(pkg libcyaml)" ' | -lcyaml'
  probe Random123 Random123/threefry.h - librandom123-dev ' | '
fi
echo "OURO_CPPFLAGS := $cppflags"
echo "OURO_LIBS := $libs"
echo 'OURO_TEST_LIBS := -lcmocka'
if [ $missing -ne 0 ]; then
  echo 'ouro: run scripts/bootstrap.sh: it installs what is missing, or says how to get it on a cluster' >&2
  exit 1
fi
