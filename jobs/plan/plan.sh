#!/bin/sh
# What 10^9 feeds take on 10,000 ranks of an assumed cluster (cluster.machine), by assumptions that each plan prints:
# nothing is simulated. From the top of the repository: make plan, or jobs/plan/plan.sh [RANKS]
set -eu
ranks=${1:-10000}
ouro=${OURO:-build/release/ouro}
here=$(dirname "$0")
last=$((ranks - 1))

plan() {
  printf '\n== %s\n' "$*"
  "$ouro" plan "$@" --ranks "$ranks" --machine "$here/cluster.machine"
}

# The ring: 0.001 from anywhere, 40 of 10^9 / RANKS at the two ends; 10^6 / RANKS of them come in and as many go out.
near=$(awk "BEGIN { print 0.001 + 40 * $ranks / 1e9 }")
many=$(awk "BEGIN { k = int(2e6 / $ranks) + 2; print k < $last ? k : $last }")
# R-MAT: without looking.
all=$(awk "BEGIN { print $last / $ranks }")
for sampling in rows statistics limit; do
  plan "$here/small-world.yaml" --cut "$near" --neighbours "$many" --set learning.sampling=$sampling
  plan "$here/r-mat.yaml" --cut "$all" --neighbours "$last" --set learning.sampling=$sampling
done
