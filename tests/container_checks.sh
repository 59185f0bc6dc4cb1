#!/usr/bin/env bash
# Run the image as the challenge's organizers do: no network, no GPU, 2 CPUs, 13 GB, no capabilities, a read-only root,
# read-only data and, for inference, a read-only model. IMAGE names the image; `podman` must reach it.
#
#   IMAGE=ecg12 bash tests/container_checks.sh
#
# Ends at the first check that fails, with its log. BUILD_ARGS are those that the image was built with.
set -euo pipefail
: "${IMAGE:?names the image to check}"
ROOT=$(cd "$(dirname "$0")/.." && pwd)
PLACE=$(mktemp -d "${TMPDIR:-/var/tmp}/ecg12.XXXXXX")
trap 'podman rm -f ecg12-written >/dev/null 2>&1; podman rmi -f ecg12-changed ecg12-predict >/dev/null 2>&1; rm -rf "$PLACE"' EXIT
LOG=$PLACE/log
mkdir -p "$PLACE"/{made,models,model_2020,model_2021,out,out_many,out_2020,out_2021,scores}

LIMITS=(--network none --cap-drop all --security-opt no-new-privileges -m 13g --cpus 2 -e ECG12_RECIPE=smoke)
box() { podman run --rm "${LIMITS[@]}" --read-only --read-only-tmpfs=false --tmpfs /tmp "$@"; }
at() { echo "-v" "$PLACE/$1:/physionet/$2"; }
over() { # over YEAR FILE...: the organizers' files, over ours
  local file
  for file in "${@:2}"; do echo "-v" "$ROOT/tests/standins/$1/$file:/physionet/$file:ro"; done
}

fail() { printf 'FAILED: %s\n' "$*"; cat "$LOG"; exit 1; }
check() { # check WHAT COMMAND [ARG ...]: it must succeed, and no library may complain
  local start=$SECONDS
  "${@:2}" >"$LOG" 2>&1 || fail "$1: exit status $?"
  # Our own lines begin with time and level; a table has a column of warnings.
  ! grep -vE '^[0-9:]{8} (INFO|WARNING|ERROR) |^recording,codes,' "$LOG" |
    grep -E '^[IWEF][0-9]{4} |[Ww]arning|WARNING|[Mm]atplotlib|Traceback' >/dev/null || fail "$1: noise"
  printf '%4d s  %s\n' $((SECONDS - start)) "$1"
}
logged() { grep -qE "$1" "$LOG" || fail "the log does not say: $1"; }
answered() { # answered OUT TEST: one file of four lines and 27 columns per header
  local header file
  [ "$(ls "$PLACE/$1" | wc -l)" = "$(ls "$PLACE/$2"/*.hea | wc -l)" ] || fail "$1: not one file per recording of $2"
  for header in "$PLACE/$2"/*.hea; do
    file=$PLACE/$1/$(basename "$header" .hea).csv
    awk -F, 'NR > 1 && NF != 27 {bad = 1} END {exit bad || NR != 4}' "$file" || fail "$file: not an output"
  done
}

# shellcheck disable=SC2046  # the functions print lists of words
{
synth() { box $(at made made) "$IMAGE" python -m ecg12 synth "$@"; }
check "synthetic recordings, 12 and 6" synth made/train -n 12 --seed 1
check "synthetic recordings of dialect B" synth made/test -n 6 --seed 2 --dialect B
cp -r "$PLACE/made/test" "$PLACE/made/stress"
printf 'BROKEN 12 500 5000\n' >"$PLACE/made/stress/BROKEN.hea"
printf 'not a recording' >"$PLACE/made/stress/BROKEN.mat"

check "train_model.py, into a folder that does not exist yet" \
  box $(at made/train training_data:ro) $(at models models) "$IMAGE" python train_model.py training_data models/new
[[ $(head -1 "$LOG") == ??:??:??" INFO "*"on tensorflow on CPU (no usable GPU)" ]] || fail "the first line does not name the device"
check "driver.py, read-only model, one broken recording" \
  box $(at models/new model:ro) $(at made/stress test_data:ro) $(at out test_outputs) "$IMAGE" \
  python driver.py model test_data test_outputs
[[ $(head -1 "$LOG") == ??:??:??" INFO "*"on CPU (no usable GPU)" ]] || fail "the first line does not name the device"
logged "7 recordings, 1 of them without a prediction"
answered out made/stress
check "synthetic recordings, 1,000" synth made/many -n 1000 --seed 3
check "driver.py, 1,000 recordings, which processes prepare" \
  box $(at models/new model:ro) $(at made/many test_data:ro) $(at out_many test_outputs) "$IMAGE" \
  python driver.py model test_data test_outputs
logged "1000 recordings, 0 of them without a prediction"
answered out_many made/many
check "evaluate_model.py, to files" \
  box $(at made/stress labels:ro) $(at out outputs:ro) $(at scores scores) "$IMAGE" \
  python evaluate_model.py labels outputs scores/scores.csv scores/class_scores.csv
[[ $(head -1 "$PLACE/scores/scores.csv") == AUROC,*,"Challenge metric" ]] || fail "scores.csv: no scores"

check "2020: train_model.py" \
  box $(over 2020 train_model.py) $(at made/train input_training_directory:ro) \
  $(at model_2020 output_training_directory) "$IMAGE" \
  python train_model.py input_training_directory/ output_training_directory/
check "2020: driver.py" \
  box $(over 2020 driver.py) $(at model_2020 output_training_directory:ro) $(at made/test input_directory:ro) \
  $(at out_2020 output_directory) "$IMAGE" \
  python driver.py output_training_directory/ input_directory/ output_directory/
answered out_2020 made/test
check "2021: train_model.py" \
  box $(over 2021 train_model.py helper_code.py) $(at made/train training_data:ro) $(at model_2021 model) "$IMAGE" \
  python train_model.py training_data model
check "2021: test_model.py" \
  box $(over 2021 test_model.py helper_code.py) $(at model_2021 model:ro) $(at made/test test_data:ro) \
  $(at out_2021 test_outputs) "$IMAGE" python test_model.py model test_data test_outputs
answered out_2021 made/test

rm -rf "$PLACE"/models/new "$PLACE"/out/*
check "training and inference with a writable root" \
  podman run --name ecg12-written "${LIMITS[@]}" $(at made/train training_data:ro) $(at made/test test_data:ro) \
  $(at models models) $(at out test_outputs) "$IMAGE" sh -c \
  'python train_model.py training_data models/new && python driver.py models/new test_data test_outputs'
}
podman diff ecg12-written >"$LOG"
mounted='training_data|test_data|models|test_outputs' # Keras writes its settings
! grep -qvE "^C /(etc|physionet|tmp)$|^A /physionet/($mounted)$|^A /tmp/keras(/keras.json)?$" "$LOG" ||
  fail "written outside the mounted folders"

mkdir "$PLACE/context"
git -C "$ROOT" ls-files -z | (cd "$ROOT" && xargs -0 cp -p --parents -t "$PLACE/context")
echo '# changed' >>"$PLACE/context/ecg12/runtime/files.py"
# shellcheck disable=SC2086  # BUILD_ARGS is a list of words
check "build after a change of code" podman build --pull=never ${BUILD_ARGS:-} -t ecg12-changed "$PLACE/context"
grep -A 1 'RUN sed' "$LOG" | grep -q 'Using cache' || fail "a change of code installs the requirements again"

# The image that predicts and serves: without TensorFlow, not as root, with a read-only root.
podman build --pull=never --target predict -t ecg12-predict "$PLACE/context" >"$LOG" 2>&1 ||
  fail "build of the image to predict"
small() { podman run --rm --network none --cap-drop all --security-opt no-new-privileges -m 2g --cpus 2 --read-only --read-only-tmpfs=false --tmpfs /tmp "$@"; }
chmod -R a+rX "$PLACE/made"
chmod a+x "$PLACE"
check "predict, without TensorFlow" small -v "$PLACE/made/test:/data:ro" ecg12-predict predict /data --format csv --quiet
[ "$(grep -c '^/data/' "$LOG")" = $((6 * 24)) ] || fail "predict: not 24 rows for each of 6 recordings"
! small --entrypoint python ecg12-predict -c 'import tensorflow' >"$LOG" 2>&1 || fail "the image has TensorFlow"
check "serve, asked by a program in the same container" small -e ECG12_TOKEN=0123456789abcdef --entrypoint sh ecg12-predict -c '
  ecg12 serve --host 0.0.0.0 & served=$!
  python - <<PYTHON
import json, time, urllib.request
for _ in range(600):
    try:
        print(json.load(urllib.request.urlopen("http://localhost:8000/health"))["status"])
        break
    except OSError:
        time.sleep(0.1)
PYTHON
  kill $served; wait $served'
grep -qx ok "$LOG" || fail "serve: /health does not answer ok"
podman image inspect --format '{{.Size}}' ecg12-predict | awk '{printf "        the image to predict: %.0f MB\n", $1 / 1e6}'
printf '%4d s  all\n' "$SECONDS"
