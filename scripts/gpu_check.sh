#!/usr/bin/env bash
# Measures Newt on a borrowed GPU machine, which need not have a network: whether the GPU computes
# what a CPU does, how fast plans, updates and whole steps are, and what a run of 100M steps takes.
#
#   bash scripts/gpu_check.sh --out DIR [--seconds 500] [--wheels DIR] [--device cuda] [--quick]
#
# DIR/gpu-check.json is whole at every moment; run the same command again and it goes on where it
# stopped. --wheels names a folder of wheels that the machine's Python lacks; they go into an
# environment in DIR, which sees the machine's own packages, too. PYTHON names another interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$(date +%s)

fail() { printf 'gpu_check: %s\n' "$*" >&2; exit 2; }

out='' wheels='' seconds=500 rest=()
while [ $# -gt 0 ]; do
  case $1 in
    --out | --wheels | --seconds | --device)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case $1 in
        --out) out=$2 ;;
        --wheels) wheels=$2 ;;
        --seconds) seconds=$2 ;;
        *) rest+=("$1" "$2") ;;
      esac
      shift 2
      ;;
    --quick) rest+=("$1"); shift ;;
    *) fail "there is no option '$1'; see the first lines of scripts/gpu_check.sh" ;;
  esac
done
[ -n "$out" ] || fail '--out DIR is missing: where the results go'
[[ $seconds =~ ^[0-9]+$ ]] || fail "--seconds is '$seconds': it must be a whole number"
[ -z "$wheels" ] || [ -d "$wheels" ] || fail "there is no folder '$wheels'"

python=${PYTHON:-}
if [ -z "$python" ]; then
  python=python3
  [ ! -x .venv/bin/python ] || python=.venv/bin/python
fi
command -v "$python" > /dev/null || fail "there is no '$python' here: name one with PYTHON=…"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$("$python" --version) is too old: Newt needs 3.11 or 3.12, named with PYTHON=…"

mkdir -p "$out"
out=$(cd "$out" && pwd)
if [ -n "$wheels" ]; then
  if [ ! -e "$out/environment/.complete" ]; then
    rm -rf "$out/environment"
    "$python" -m venv --system-site-packages "$out/environment" ||
      fail "$python cannot make an environment in $out"
    "$out/environment/bin/python" -m pip install --quiet --no-index --no-deps \
      "$wheels"/*.whl || fail "the wheels of $wheels cannot be installed, see above"
    touch "$out/environment/.complete"
  fi
  python=$out/environment/bin/python
fi

# What a compiler keeps between starts stays beside the results.
export TORCHINDUCTOR_CACHE_DIR="$out/inductor" PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
left=$((seconds - ($(date +%s) - started)))
exec "$python" -m benchmarks.gpu_check --out "$out" --seconds "$left" ${rest[@]+"${rest[@]}"}
