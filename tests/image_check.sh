#!/usr/bin/env bash
# Build the image, with BUILD_ARGS, and check it by container_checks.sh, where an image builder is at hand.
set -euo pipefail
cd "$(dirname "$0")/.."

builder=${ECG12_SHARED:-../shared}/tools/container.sh
if [ ! -e "$builder" ]; then
  echo "image: not built, there is no $builder (ECG12_SHARED names its folder)"
elif [ "$(id -u)" != 0 ]; then
  echo "image: not built, $builder needs root"
else
  bash "$builder" . bash tests/container_checks.sh
fi
