#!/usr/bin/env bash
# All that a machine with an NVIDIA GPU can tell, in under eight minutes and without a network: builds for its GPU, runs
# the tests marked `cuda` and the benchmarks, and writes bench/results/<device>.json and the end of bench/RESULTS.md.
#
#   bench/gpu/check.sh [PYTHON]
#
# PYTHON (python3 by default) has torch, pytest, hypothesis and the packages of the build: pybind11, scikit-build-core,
# cmake, ninja. Nothing is installed into it: the build goes to build/gpu_check.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${1:-python3}
site=$PWD/build/gpu_check

echo '== build'
rm -rf "$site"
CUDAARCHS=${CUDAARCHS:-native} timeout 240 "$python" -m pip --disable-pip-version-check --quiet install \
  --no-build-isolation --no-deps --no-index --config-settings=build-dir=build/gpu_check-cmake \
  --config-settings=cmake.define.BCL_CUDA=ON --target "$site" .
export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH}

failed=0
echo '== tests'
BCL_REQUIRE_CUDA=1 timeout 180 "$python" -m pytest -q -p no:cacheprovider -m cuda \
  tests/losses/test_ball_loss_op_cuda.py tests/training/test_step_and_batches.py || failed=1

# Small cases, for these tools slow a kernel down a hundredfold.
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    echo "== compute-sanitizer $tool"
    BCL_REQUIRE_CUDA=1 timeout 60 compute-sanitizer --tool "$tool" --error-exitcode 9 \
      "$python" -m pytest -q -p no:cacheprovider tests/losses/test_ball_loss_op_cuda.py -k '(equals_reference or same_bits_as_on) and (33 or 130)' || {
      status=$?
      echo "compute-sanitizer $tool ended with $status (124: out of time; 9: it found something)" >&2
      [ $status = 124 ] || failed=1
    }
  done
fi

echo '== benchmarks'
timeout 330 "$python" -m bench.gpu.measure || failed=1
"$python" -m bench.gpu.report
exit $failed
