#!/bin/bash
# Trains on two machines with four GPUs each. Change what a line of yours says otherwise, then:
#
#   sbatch examples/train_slurm.sh
#
# If a rank fails, torchrun starts all again from the last checkpoint, three times at most. If the
# job is put back into the queue, it goes on, too. The folder that it is started in has to be one
# that both machines see under the same path: the run is in runs/ there. Not run on GPUs so far.

#SBATCH --job-name=newt
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --signal=TERM@600
#SBATCH --output=newt-%j.log

set -euo pipefail

RUN=all-tasks
GPUS=4

# Ten minutes before its time is over, Slurm sends SIGTERM to the tasks; the run is then saved.
export MASTER_ADDR
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)

if [ -e "runs/$RUN/config.yaml" ]; then
  what=(--run "$RUN" --resume)
else
  what=(--run "$RUN" --tasks all --preset paper)
fi

srun torchrun \
  --nnodes="$SLURM_JOB_NUM_NODES" \
  --nproc-per-node="$GPUS" \
  --rdzv-id="$SLURM_JOB_ID" \
  --rdzv-backend=c10d \
  --rdzv-endpoint="$MASTER_ADDR:29500" \
  --max-restarts=3 \
  -m -- newt_cli train "${what[@]}"
