#!/usr/bin/env bash
# What `make demo` does once everything is installed: one agent learns several DMControl tasks
# at once, is evaluated beside a random one, and its scores are drawn into one picture.
#
# Run it again and it goes on where it stopped; remove runs/demo to start afresh.
set -euo pipefail
cd "$(dirname "$0")/.."
newt=.venv/bin/newt

# Two bodies with two tasks each, that rise within the minutes two cores have.
tasks=cartpole-balance,cartpole-swingup,walker-stand,walker-walk
run=demo
preset=demo
folder=runs/$run

say() { printf '\n== %s\n' "$*"; }

say "1/4 training one agent on $tasks"
if [ -e "$folder" ]; then
  "$newt" train --run "$run" --resume
else
  "$newt" train --preset "$preset" --tasks "$tasks" --run "$run"
fi

say '2/4 what uniformly random actions score on the same tasks'
"$newt" eval random --tasks "$tasks" --episodes 10 --json > "$folder/random.json"

say '3/4 the trained agent'
"$newt" eval "$folder/checkpoints/last.pt" --episodes 2

say '4/4 the picture'
.venv/bin/python scripts/plot_runs.py "$folder" --random "$folder/random.json" \
  --out "$folder/scores.png"
say "done: $folder/scores.png"
