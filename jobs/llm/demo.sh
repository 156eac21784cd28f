#!/bin/sh
# demo.sh   the main job: what happens to language models that train on one another, with their human-written data and
# without. Simulates and predicts three cases on two ranks and draws them; results go to build/demo/.
# OURO: the program (build/release/ouro). PYTHON: one with h5py, matplotlib and networkx (/usr/bin/python3).
set -eu
cd "$(dirname "$0")/../.."
ouro=${OURO:-build/release/ouro}
python=${PYTHON:-/usr/bin/python3}
jobs=jobs/llm
out=build/demo
mkdir -p "$out"

# show NAME MODELS TITLE   one case: its verdict, its simulation beside theory, its pictures
show() {
  printf '\n=== %s (%s/%s.yaml)\n\n' "$3" "$jobs" "$1"
  scripts/mpi.sh 2 "$ouro" verdict "$jobs/llm-feeds.tsv" --real "$jobs/$2" --samples 50 --real-samples 50
  printf '\n'
  scripts/mpi.sh 2 "$ouro" run "$jobs/$1.yaml" --set "output.file=$out/$1.h5"
  "$python" scripts/plot.py "$out/$1.h5" -o "$out/$1"
}

show as-published llm-models.tsv 'As published'
show deepseek-withdrawn llm-models-deepseek-withdrawn.tsv 'Human-written data withdrawn from DeepSeek-V3'
show no-human-data llm-models-no-human-data.tsv 'No human-written data at all'

printf '\nPictures: who collapses, and how the errors grow (dashed: theory)\n'
for name in as-published deepseek-withdrawn no-human-data; do
  printf '  %s-graph.png  %s-trajectories.png\n' "$out/$name" "$out/$name"
done
