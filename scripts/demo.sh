#!/usr/bin/env bash
# What `make demo` does once everything is installed: the paper's recipe in small. One agent learns
# from demonstrations and then by interaction, in six tasks of three domains; it is evaluated beside
# random actions, filmed, and its run becomes a page and a picture.
#
# Run it again and it goes on where it stopped; remove runs/demo to start afresh.
set -euo pipefail
cd "$(dirname "$0")/.."
newt=.venv/bin/newt

# Four tasks of DMControl, a game of MiniArcade and a robot of Meta-World.
tasks=cartpole-balance,cartpole-balance-sparse,cartpole-swingup,pendulum-swingup,pygame-cowboy,mw-button-press
filmed=pygame-cowboy
run=demo
preset=demo
folder=runs/$run

say() { printf '\n== %s\n' "$*"; }

say "1/5 one agent learns $tasks: first from demos/, then by itself"
if [ -e "$folder" ]; then
  "$newt" train --run "$run" --resume
else
  "$newt" train --preset "$preset" --tasks "$tasks" --demos demos --run "$run"
fi

say '2/5 what uniformly random actions score on the same tasks'
"$newt" eval random --tasks "$tasks" --episodes 5 --json > "$folder/random.json"

say '3/5 the trained agent, acting by its policy alone; the page has what it reaches by planning'
"$newt" eval "$folder/checkpoints/last.pt" --episodes 2 --policy-only

say '4/5 videos'
"$newt" render "$folder/checkpoints/last.pt" --tasks "$filmed" --video

say '5/5 the picture and the page'
.venv/bin/python scripts/plot_runs.py "$folder" --random "$folder/random.json" \
  --out "$folder/scores.png"
"$newt" report "$run"
say "done: $folder/scores.png and $folder/report.html"
