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

say '3/5 the same agent acting by its policy alone, at each step where its planning was evaluated'
mkdir -p "$folder/policy/eval"
by_policy() { # STEP CHECKPOINT
  local shown=$folder/policy/eval/$1.json
  "$newt" eval "$2" --episodes 5 --policy-only --json > "$shown.part"
  mv "$shown.part" "$shown"
}
by_policy 0 "$folder/pretraining/checkpoints/last.pt"
for checkpoint in "$folder"/checkpoints/step_*.pt; do
  step=${checkpoint##*step_}
  by_policy "$((10#${step%.pt}))" "$checkpoint"
done

say '4/5 videos'
"$newt" render "$folder/checkpoints/last.pt" --tasks "$filmed" --video

say '5/5 the picture and the page'
.venv/bin/python scripts/plot_runs.py "$folder=planning near the policy" \
  "$folder/policy=the policy alone" --random "$folder/random.json" --out "$folder/scores.png"
"$newt" report "$run"
say "done: $folder/scores.png and $folder/report.html"
