#!/usr/bin/env bash
# `make test-gpu`: what this version does on a real GPU, on a host without network whose Python holds Keras' backends.
#   PYTHON   that interpreter (with torch, JAX or TensorFlow)      WHEELS  folder of wheels that it lacks (keras, rich, msgspec, ...)
#   DATA     folder with data sets (synthetic data without it)     OUT     where the record goes: at most 8 files, 16 MiB
#   LIMIT    seconds for all of it                                 DEVICE  cpu rehearses it       SMALL=1  the least amounts
# Stages write at once and have limits of their own: what was done stays when the time is up.
set -u
cd "$(dirname "$0")/../.."
REPO=$PWD PYTHON=${PYTHON:-python3} WHEELS=${WHEELS:-.whl} OUT=${OUT:-results/test-gpu} DATA=${DATA:-}
LIMIT=${LIMIT:-440} DEVICE=${DEVICE:-gpu} SMALL=${SMALL:-} BEGIN=$(date +%s) FAILED=0
left() { echo $((LIMIT - $(date +%s) + BEGIN)); }
mkdir -p "$OUT"; OUT=$(cd "$OUT" && pwd); WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
exec > >(tee "$OUT/log.txt") 2>&1

echo "== the host"
uname -a; nproc; "$PYTHON" -V || exit 2
nvidia-smi -q >"$OUT/nvidia-smi.txt" 2>&1; nvidia-smi -L

echo "== an environment over that interpreter ($(left) s left)"
"$PYTHON" -m venv --without-pip "$WORK/venv" || exit 2
SITE=$("$WORK/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$PYTHON" - >"$SITE/base.pth" <<'EOF'
import site, sysconfig
for place in dict.fromkeys([*site.getsitepackages(), sysconfig.get_path("purelib")]):
    print(f"import site; site.addsitedir({place!r})")
EOF
for wheel in "$WHEELS"/*.whl; do [ -e "$wheel" ] && { "$PYTHON" -m zipfile -e "$wheel" "$SITE" || exit 2; }; done
PY=$WORK/venv/bin/python
"$PY" -m compileall -q "$SITE" >/dev/null 2>&1 # jobs run without writing compiled files: Keras would be compiled by each
export PYTHONPATH=$REPO XDG_CACHE_HOME=$WORK/cache XDG_STATE_HOME=$WORK/state REPO PY WORK OUT DEVICE SMALL DATA
mkdir -m 700 -p "$WORK/cache" "$WORK/state"
"$PY" -c 'import click, jinja2, msgspec, numpy, rich, yaml' || { echo "the core's packages are not all there: put their wheels into $WHEELS"; exit 2; }

echo "== what the driver does ($(left) s left)"
[ "$DEVICE" = cpu ] || timeout 110 "$PY" -m tests.gpu.probe >"$OUT/probe.json" || echo "the probe ended early"
timeout 60 "$PY" -m orchestrator doctor --python "$PY" --device "$DEVICE" >"$OUT/doctor.txt" 2>&1; echo "doctor: exit $?"; tail -n 30 "$OUT/doctor.txt"

echo "== the five workloads ($(left) s left)"
Q=timestamp,utilization.gpu,utilization.memory,power.draw,power.draw.average,power.draw.instant,clocks.sm,clocks.mem,memory.used,memory.reserved,temperature.gpu
nvidia-smi --query-gpu=$Q --format=csv,noheader,nounits -lms 200 >"$WORK/nvidia-smi.csv" 2>/dev/null &
timeout --signal INT "$(($(left) - 130))" "$PY" -m tests.gpu.stages suite || FAILED=1
kill %1 2>/dev/null

echo "== equal steps and products ($(left) s left)"
timeout --signal INT "$(($(left) > 120 ? $(left) - 50 : 70))" "$PY" -m tests.gpu.stages equal || FAILED=1
echo "== sampling on and off ($(left) s left)"
[ "$DEVICE" = cpu ] || timeout --signal INT "$(($(left) > 40 ? $(left) - 20 : 20))" "$PY" -m tests.gpu.stages sampling || FAILED=1
echo "== beside nvidia-smi ($(left) s left)"
[ "$DEVICE" = cpu ] || "$PY" -m tests.gpu.stages compare || FAILED=1
echo "== precisions, batches, compilers, calls and tokens ($(left) s left)"
[ "$(left)" -gt 40 ] && { timeout --signal INT "$(($(left) - 15))" "$PY" -m tests.gpu.stages questions || FAILED=1; }

[ -d "$WORK/questions" ] && tar cJf "$OUT/questions.tar.xz" -C "$WORK/questions" .
tar cJf "$OUT/run.tar.xz" -C "$WORK/suite" . 2>/dev/null # `orchestrate report` draws it at home
[ -s "$WORK/nvidia-smi.csv" ] && xz -c "$WORK/nvidia-smi.csv" >"$OUT/nvidia-smi.csv.xz"
ls -l "$OUT"
echo "== $([ $FAILED = 0 ] && echo "all went well" || echo "something went wrong, see above"), $(left) s left"
exit $FAILED
