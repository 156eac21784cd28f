#!/bin/sh
# version.sh VERSION FLAGS   print build/<kind>/version.h: what the run file says about the program that wrote it.
set -eu
revision=$(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
compiler=$("${CC:-mpicc}" --version 2>/dev/null | head -n 1)
printf '#define OURO_VERSION "%s"\n#define OURO_REVISION "%s"\n#define OURO_COMPILER "%s"\n#define OURO_FLAGS "%s"\n' \
  "$1" "$revision" "$compiler" "$2"
