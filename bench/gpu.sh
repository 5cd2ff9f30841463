#!/usr/bin/env bash
# All that needs an accelerator, in one call of under nine minutes on one data-centre GPU; about as much on a processor
# without one, where the quick forms run in its place.
#
#   bench/gpu.sh [CIFAR-10]
#
# CIFAR-10 is a path in any form that `quartic reproduce --data` reads; $QUARTIC_CIFAR10 unless given, and synthetic
# images without either. Results go to $OUT, or to the folder gpu/ here. A stage that is stopped at its limit, or killed,
# goes on where it was when the script is run again with the same $OUT.
#
# Exit status: 0 all stages ran on the accelerator, 1 a stage failed or ran into its limit, 3 there is no accelerator and
# the quick forms ran.
set -uo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-gpu}
mkdir -p "$OUT" || exit 1
[ $# -eq 0 ] || export QUARTIC_CIFAR10=$1
PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python)}
status=0

# stage NAME SECONDS COMMAND…: the command's words go to the screen and to $OUT/NAME.txt.
stage() {
  local name=$1 limit=$2 start=$SECONDS code
  shift 2
  printf '\n== %s (at most %s s)\n' "$name" "$limit"
  timeout "$limit" "$@" 2>&1 | tee "$OUT/$name.txt"
  code=${PIPESTATUS[0]}
  printf -- '-- %s: %s s, exit status %s\n' "$name" "$((SECONDS - start))" "$code" | tee -a "$OUT/$name.txt"
  [ "$code" -eq 0 ] || status=1
}

{
  date -u +%Y-%m-%dT%H:%MZ
  uname -srm
  grep -m1 'model name' /proc/cpuinfo || true
  nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>/dev/null || echo 'no nvidia-smi'
  "$PYTHON" -c 'import platform, torch; print("Python", platform.python_version(), "torch", torch.__version__, "CUDA", torch.version.cuda)'
  echo "images: ${QUARTIC_CIFAR10:-synthetic}"
} 2>&1 | tee "$OUT/machine.txt"

reproduce=("$PYTHON" -m verify.command.cli reproduce --out "$OUT")
if "$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  stage gpu-tests 30 "$PYTHON" -m pytest -q -m gpu tests/verify/networks tests/verify/routes/training
  stage fig2-resnet 150 "${reproduce[@]}" fig2-resnet
  stage fig2-vit 100 "${reproduce[@]}" fig2-vit
  stage fig4 190 "${reproduce[@]}" fig4
  stage last-layer 50 "$PYTHON" bench/last_layer.py
  exit "$status"
fi
cat <<'TEXT'

!! NO ACCELERATOR: torch sees no CUDA device. NOT RUN: the tests marked gpu; Fig. 2 for ResNet-18 and ViT at full size;
!! Fig. 4 at full size. What follows are the quick forms, with narrow networks, on the processor.
TEXT
for figure in fig2-resnet fig2-vit fig4; do
  stage "$figure-quick" 1800 "${reproduce[@]}" "$figure" --quick
done
[ "$status" -eq 0 ] && exit 3
exit "$status"
