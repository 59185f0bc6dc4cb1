#!/usr/bin/env bash
# Build the wheel, install it into a fresh environment and use it from another folder.
#   bash tests/install_check.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=${1:-$(command -v python3.11 || command -v python3)}
place=$(mktemp -d "${TMPDIR:-/var/tmp}/ecg12.XXXXXX")
trap 'rm -rf "$place"' EXIT

"$python" -m venv "$place/env"
pip=("$place/env/bin/python" -m pip --quiet --disable-pip-version-check)
"${pip[@]}" wheel --no-deps --wheel-dir "$place/wheel" .
rm -rf build
wheel=$(echo "$place"/wheel/ecg12-*.whl)
"${pip[@]}" install --constraint constraints.txt "$wheel"

cd "$place"
ecg12=$place/env/bin/ecg12
"$ecg12" --version
echo "not a table of weights" >weights.csv # an installed package does not look here
"$ecg12" synth data -n 4 --seed 1 2>/dev/null
"$ecg12" check data 2>/dev/null | head -1
if "$ecg12" predict data --model "$root/tests/fixtures/model_format_1" >missing.txt 2>&1; then
  echo "predict without TensorFlow should have failed" >&2
  exit 1
fi
grep -q "ecg12\[train\]" missing.txt
test "$(grep -c Traceback missing.txt)" = 0
"${pip[@]}" install --constraint "$root/constraints.txt" "$wheel[train,report]"
"$ecg12" plot data/S00000.hea -o drawn.png
test -s drawn.png
"$ecg12" predict data --model "$root/tests/fixtures/model_format_1" --format csv -o answers.csv 2>/dev/null
test "$(cut -d, -f1 answers.csv | sort -u | wc -l)" = 5 # the heading and four recordings
"$place/env/bin/python" - <<'PYTHON'
import ecg12

record = ecg12.read_record("data/S00000.hea")
assert len(record.leads) == 12
assert "site-packages" in ecg12.__file__
PYTHON

# Without TensorFlow: an exported model and the extra onnx.
"${pip[@]}" install --constraint "$root/constraints.txt" "$wheel[export]"
"$ecg12" export "$root/tests/fixtures/model_format_1" -o exported 2>/dev/null
"$python" -m venv "$place/small"
"$place/small/bin/python" -m pip --quiet --disable-pip-version-check install \
  --constraint "$root/constraints.txt" "$wheel[onnx]"
if "$place/small/bin/python" -c "import tensorflow" 2>/dev/null; then
  echo "the extra onnx should not bring TensorFlow" >&2
  exit 1
fi
"$place/small/bin/ecg12" predict data --model exported --format csv -o small.csv 2>log.txt
grep -q "onnxruntime" log.txt
"$place/env/bin/python" - <<'PYTHON'
import csv

def rows(path):
    return [row for row in csv.DictReader(open(path)) if row["score"]]

answers, small = rows("answers.csv"), rows("small.csv")
assert len(answers) == len(small) == 4 * 24
assert max(abs(float(a["score"]) - float(b["score"])) for a, b in zip(answers, small)) < 2e-5
PYTHON

# The service, with its page, without TensorFlow.
"$place/small/bin/python" -m pip --quiet --disable-pip-version-check install \
  --constraint "$root/constraints.txt" "$wheel[web]"
"$place/small/bin/ecg12" serve --port 0 2>serve.txt &
served=$!
trap 'kill $served; rm -rf "$place"' EXIT
until grep -qs '"event": "start"' serve.txt; do
  kill -0 $served
  sleep 0.2
done
"$place/small/bin/python" - <<'PYTHON'
import re
import time
import urllib.request

[address] = re.findall(r"http://127[^\"]*", open("serve.txt").read())
for path in ("", "static/page.js", "static/page.css", "docs"):
    for _ in range(600):
        try:
            assert len(urllib.request.urlopen(address + path).read()) > 500
            break
        except ConnectionError:
            time.sleep(0.1)
    else:
        raise SystemExit(f"{address}{path} does not answer")
PYTHON
kill $served
wait $served
trap 'rm -rf "$place"' EXIT
echo "install check: passed"
