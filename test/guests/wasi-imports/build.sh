#!/bin/sh
# Builds all-0.2.wasm and all-0.3.wasm: components that do nothing but import every interface of wasi:cli/imports, with all
# functions, those of unstable features included. test/unit/wasi_link_test.cpp links them. Needed: wasm-tools in PATH, and
# the WASI definitions (WIT, by default ../shared/wit beside the repository). The results are committed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
WIT=$(cd "${WIT:-$here/../../../../shared/wit}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 0.2.12 0.3.0; do
  mkdir -p "$work/$version/deps"
  for package in cli clocks filesystem io random sockets; do
    [ ! -d "$WIT/$version/$package" ] || cp -r "$WIT/$version/$package" "$work/$version/deps/$package"
  done
  chmod -R u+w "$work/$version"
  printf 'package wjit:all;\nworld all {\n  include wasi:cli/imports@%s;\n}\n' "$version" >"$work/$version/all.wit"
  wasm-tools component embed --dummy --world all --all-features "$work/$version" -o "$work/core.wasm"
  wasm-tools component new "$work/core.wasm" -o "$work/all.wasm"
  wasm-tools strip --all "$work/all.wasm" -o "$here/all-${version%.*}.wasm"
done
