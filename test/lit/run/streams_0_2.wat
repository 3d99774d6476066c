;; wasi:io at 0.2: what traps, and what an error can be asked.
;; RUN: rm -rf %t.dir; mkdir %t.dir
;; A permit: no write without check-write, none beyond what it said, several within it, none while a flush is under way.
;; RUN: not %wjit run --invoke 'write(false, 1)' %s 2>&1 | FileCheck %s --check-prefix=PERMIT
;; RUN: not %wjit run --invoke 'write(true, 65537)' %s 2>&1 | FileCheck %s --check-prefix=PERMIT
;; RUN: not %wjit run --invoke 'twice(60000, 6000)' %s 2>&1 >/dev/null | FileCheck %s --check-prefix=PERMIT
;; PERMIT: output-stream: {{[0-9]+}} bytes written, more than check-write permitted
;; RUN: %wjit run --invoke 'write(true, 65536)' %s | wc -c | FileCheck %s --check-prefix=WRITTEN
;; RUN: %wjit run --invoke 'twice(60000, 5535)' %s | wc -c | FileCheck %s --check-prefix=WRITTEN
;; WRITTEN: {{^6553[56]$}}
;; Up to 4096 bytes are written and waited for.
;; RUN: %wjit run --invoke 'blocking(4096)' %s | wc -c | FileCheck %s --check-prefix=BLOCKING
;; BLOCKING: {{^8192$}}
;; RUN: not %wjit run --invoke 'blocking(4097)' %s 2>&1 >/dev/null | FileCheck %s --check-prefix=BEYOND
;; BEYOND: output-stream: a blocking write of 4097 bytes, more than 4096
;; RUN: not %wjit run --invoke 'poll-nothing()' %s 2>&1 | FileCheck %s --check-prefix=NOTHING
;; NOTHING: poll: the list of pollables is empty
;; The first error is told, once; then the stream is closed. An error of a file is none of a network.
;; RUN: %wjit run --invoke 'fail()' %s 2>/dev/full | FileCheck %s --check-prefix=FAIL
;; FAIL: "last-operation-failed: No space left on device, file 23, network none; then closed"
;; RUN: %wjit run --invoke 'at-end()' %s </dev/null | FileCheck %s --check-prefix=END
;; END: "open, closed, closed, closed"
;; Who asks whether there is room and never waits is answered in time: into a pipe, a file, nothing.
;; RUN: %wjit run --invoke 'asking(20)' %s | wc -c | FileCheck %s --check-prefix=ASKING
;; RUN: %wjit run --io epoll --invoke 'asking(20)' %s | wc -c | FileCheck %s --check-prefix=ASKING
;; RUN: %wjit run --invoke 'asking(20)' %s >%t.out
;; RUN: wc -c <%t.out | FileCheck %s --check-prefix=ASKING
;; RUN: %wjit run --io epoll --invoke 'asking(20)' %s >%t.out
;; RUN: wc -c <%t.out | FileCheck %s --check-prefix=ASKING
;; RUN: %wjit run --deterministic --seed 3 --invoke 'asking(20)' %s | wc -c | FileCheck %s --check-prefix=ASKING
;; ASKING: {{^1310720$}}
;; Also from within a call of another component, whose caller stands on the worker's stack.
;; RUN: %wjit run --plug %s --invoke 'relay(true)' %S/Inputs/relay.wat | wc -c | FileCheck %s --check-prefix=ASKING
;; RUN: %wjit run --plug %s --invoke 'relay(true)' %S/Inputs/relay.wat >%t.out
;; RUN: wc -c <%t.out | FileCheck %s --check-prefix=ASKING
;; RUN: %wjit run --io epoll --plug %s --invoke 'relay(true)' %S/Inputs/relay.wat | wc -c | FileCheck %s --check-prefix=ASKING
;; RUN: %wjit run --deterministic --seed 3 --plug %s --invoke 'relay(true)' %S/Inputs/relay.wat | wc -c | FileCheck %s --check-prefix=ASKING
;; RUN: %wjit run --trace=%t.json --plug %s --invoke 'relay(true)' %S/Inputs/relay.wat | wc -c | FileCheck %s --check-prefix=ASKING
;; Nobody reads any more while it waits for something else: that ends it, and what it waited for is not told.
;; RUN: bash -c '%wjit run --invoke "waiting()" %s | sleep 0.1; test ${PIPESTATUS[0]} = 141'
;; RUN: bash -c '%wjit run --plug %s --invoke "relay(false)" %S/Inputs/relay.wat | sleep 0.1; test ${PIPESTATUS[0]} = 141'
;; RUN: bash -c '%wjit run --io epoll --plug %s --invoke "relay(false)" %S/Inputs/relay.wat | sleep 0.1; test ${PIPESTATUS[0]} = 141'
;; Nor when it has ended with bytes on their way; and where these cannot be written, that is said.
;; RUN: bash -c '%wjit run --invoke "leaving()" %s | sleep 0.1; test ${PIPESTATUS[0]} = 141'
;; RUN: not %wjit run --invoke 'hasty()' %s 2>&1 >/dev/full | FileCheck %s --check-prefix=LOST
;; RUN: not %wjit run --io epoll --invoke 'hasty()' %s 2>&1 >/dev/full | FileCheck %s --check-prefix=LOST
;; LOST: what it wrote last is lost: No space left on device
(component
  (import "wasi:io/error@0.2.12" (instance $error
    (export "error" (type $e (sub resource)))
    (export "[method]error.to-debug-string" (func (param "self" (borrow $e)) (result string)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/poll@0.2.12" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))
    (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.12" (instance $clock
    (alias outer 1 $pollable (type $p'))
    (export "pollable" (type $p (eq $p')))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (import "wasi:io/streams@0.2.12" (instance $streams
    (alias outer 1 $error-type (type $e'))
    (export "error" (type $e (eq $e')))
    (export "output-stream" (type $o (sub resource)))
    (export "input-stream" (type $i (sub resource)))
    (type $failure' (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $failure (eq $failure')))
    (export "[method]output-stream.check-write"
      (func (param "self" (borrow $o)) (result (result u64 (error $failure)))))
    (export "[method]output-stream.write"
      (func (param "self" (borrow $o)) (param "contents" (list u8)) (result (result (error $failure)))))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $o)) (param "contents" (list u8)) (result (result (error $failure)))))
    (export "[method]output-stream.blocking-write-zeroes-and-flush"
      (func (param "self" (borrow $o)) (param "len" u64) (result (result (error $failure)))))
    (export "[method]output-stream.blocking-flush"
      (func (param "self" (borrow $o)) (result (result (error $failure)))))
    (export "[method]input-stream.blocking-read"
      (func (param "self" (borrow $i)) (param "len" u64) (result (result (list u8) (error $failure)))))))
  (alias export $streams "output-stream" (type $output))
  (alias export $streams "input-stream" (type $input))
  (import "wasi:cli/stdout@0.2.12" (instance $stdout
    (alias outer 1 $output (type $o'))
    (export "output-stream" (type $o (eq $o')))
    (export "get-stdout" (func (result (own $o))))))
  (import "wasi:cli/stderr@0.2.12" (instance $stderr
    (alias outer 1 $output (type $o'))
    (export "output-stream" (type $o (eq $o')))
    (export "get-stderr" (func (result (own $o))))))
  (import "wasi:cli/stdin@0.2.12" (instance $stdin
    (alias outer 1 $input (type $i'))
    (export "input-stream" (type $i (eq $i')))
    (export "get-stdin" (func (result (own $i))))))
  (import "wasi:filesystem/types@0.2.12" (instance $files
    (alias outer 1 $error-type (type $e'))
    (export "error" (type $e (eq $e')))
    (type $code' (enum "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota" "exist"
      "file-too-large" "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io" "is-directory" "loop"
      "too-many-links" "message-size" "name-too-long" "no-device" "no-entry" "no-lock" "insufficient-memory"
      "insufficient-space" "not-directory" "not-empty" "not-recoverable" "unsupported" "no-tty" "no-such-device"
      "overflow" "not-permitted" "pipe" "read-only" "invalid-seek" "text-file-busy" "cross-device"))
    (export "error-code" (type $code (eq $code')))
    (export "filesystem-error-code" (func (param "err" (borrow $e)) (result (option $code))))))
  (import "wasi:sockets/network@0.2.12" (instance $network
    (alias outer 1 $error-type (type $e'))
    (export "error" (type $e (eq $e')))
    (type $code' (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory" "timeout"
      "concurrency-conflict" "not-in-progress" "would-block" "invalid-state" "new-socket-limit"
      "address-not-bindable" "address-in-use" "remote-unreachable" "connection-refused" "connection-reset"
      "connection-aborted" "datagram-too-large" "name-unresolvable" "temporary-resolver-failure"
      "permanent-resolver-failure"))
    (export "error-code" (type $code (eq $code')))
    (export "network-error-code" (func (param "err" (borrow $e)) (result (option $code))))))

  (core module $Libc
    (memory (export "memory") 4)
    (global $free (mut i32) (i32.const 131072))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $free)
      (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 15)) (i32.const -16)))))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $debug (canon lower (func $error "[method]error.to-debug-string") (memory (core memory $memory)) (realloc (core func $realloc))))
  (core func $poll-list (canon lower (func $poll "poll") (memory (core memory $memory)) (realloc (core func $realloc))))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $after (canon lower (func $clock "subscribe-duration")))
  (core func $check (canon lower (func $streams "[method]output-stream.check-write") (memory (core memory $memory))))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory (core memory $memory))))
  (core func $blocking (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory (core memory $memory))))
  (core func $zeroes (canon lower (func $streams "[method]output-stream.blocking-write-zeroes-and-flush") (memory (core memory $memory))))
  (core func $flush (canon lower (func $streams "[method]output-stream.blocking-flush") (memory (core memory $memory))))
  (core func $read (canon lower (func $streams "[method]input-stream.blocking-read") (memory (core memory $memory)) (realloc (core func $realloc))))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $get-stderr (canon lower (func $stderr "get-stderr")))
  (core func $get-stdin (canon lower (func $stdin "get-stdin")))
  (core func $file-code (canon lower (func $files "filesystem-error-code") (memory (core memory $memory))))
  (core func $network-code (canon lower (func $network "network-error-code") (memory (core memory $memory))))

  (core module $M
    (import "" "memory" (memory 4))
    (import "" "debug" (func $debug (param i32 i32)))
    (import "" "poll" (func $poll (param i32 i32 i32)))
    (import "" "block" (func $block (param i32)))
    (import "" "after" (func $after (param i64) (result i32)))
    (import "" "check" (func $check (param i32 i32)))
    (import "" "write" (func $write (param i32 i32 i32 i32)))
    (import "" "blocking" (func $blocking (param i32 i32 i32 i32)))
    (import "" "zeroes" (func $zeroes (param i32 i64 i32)))
    (import "" "flush" (func $flush (param i32 i32)))
    (import "" "read" (func $read (param i32 i64 i32)))
    (import "" "stdout" (func $stdout (result i32)))
    (import "" "stderr" (func $stderr (result i32)))
    (import "" "stdin" (func $stdin (result i32)))
    (import "" "file-code" (func $file-code (param i32 i32)))
    (import "" "network-code" (func $network-code (param i32 i32)))
    ;; Results lie at 0, text is put together from 1024 on, constants lie at 512.
    (data (i32.const 512) "last-operation-failed: , file , network none; then closed")
    (data (i32.const 600) "open, closed")
    (global $end (mut i32) (i32.const 1024))
    (func $say (param $from i32) (param $size i32)
      (memory.copy (global.get $end) (local.get $from) (local.get $size))
      (global.set $end (i32.add (global.get $end) (local.get $size))))
    (func $text (result i32)
      (i32.store (i32.const 16) (i32.const 1024))
      (i32.store (i32.const 20) (i32.sub (global.get $end) (i32.const 1024)))
      (i32.const 16))
    (func (export "write") (param $checks i32) (param $size i32)
      (local $out i32)
      (local.set $out (call $stdout))
      (if (local.get $checks) (then (call $check (local.get $out) (i32.const 0))))
      (call $write (local.get $out) (i32.const 4096) (local.get $size) (i32.const 0))
      (call $flush (local.get $out) (i32.const 0)))
    (func (export "twice") (param $first i32) (param $second i32)
      (local $out i32)
      (local.set $out (call $stdout))
      (call $check (local.get $out) (i32.const 0))
      (call $write (local.get $out) (i32.const 4096) (local.get $first) (i32.const 0))
      (call $write (local.get $out) (i32.const 4096) (local.get $second) (i32.const 0))
      (call $flush (local.get $out) (i32.const 0)))
    (func $fill
      (local $out i32)
      (local.set $out (call $stdout))
      (loop $again
        (call $check (local.get $out) (i32.const 0))
        (if (i32.load8_u (i32.const 0)) (then unreachable))
        (call $write (local.get $out) (i32.const 4096) (i32.load (i32.const 8)) (i32.const 0))
        (br_if $again (i64.eq (i64.load (i32.const 8)) (i64.const 65536)))))
    (func (export "waiting") (call $fill) (call $block (call $after (i64.const 30000000000))))
    (func (export "leaving") (call $fill))
    (func (export "hasty")
      (local $out i32)
      (local.set $out (call $stdout))
      (call $check (local.get $out) (i32.const 0))
      (call $write (local.get $out) (i32.const 4096) (i32.const 5) (i32.const 0)))
    (func (export "asking") (param $times i32)
      (local $out i32)
      (local.set $out (call $stdout))
      (loop $again
        (loop $ask
          (call $check (local.get $out) (i32.const 0))
          (if (i32.load8_u (i32.const 0)) (then unreachable))
          (br_if $ask (i64.ne (i64.load (i32.const 8)) (i64.const 65536))))
        (call $write (local.get $out) (i32.const 4096) (i32.const 65536) (i32.const 0))
        (if (i32.load8_u (i32.const 0)) (then unreachable))
        (local.set $times (i32.sub (local.get $times) (i32.const 1)))
        (br_if $again (local.get $times))))
    (func (export "blocking") (param $size i32)
      (local $out i32)
      (local.set $out (call $stdout))
      (call $zeroes (local.get $out) (i64.const 4096) (i32.const 0))
      (call $blocking (local.get $out) (i32.const 4096) (local.get $size) (i32.const 0)))
    (func (export "poll-nothing")
      (call $poll (i32.const 0) (i32.const 0) (i32.const 0)))
    (func (export "fail") (result i32)
      (local $out i32)
      (local.set $out (call $stderr))
      (call $blocking (local.get $out) (i32.const 4096) (i32.const 1) (i32.const 0))
      (if (i32.or (i32.eqz (i32.load8_u (i32.const 0))) (i32.load8_u (i32.const 4))) (then unreachable))
      (call $debug (i32.load (i32.const 8)) (i32.const 32))
      (call $say (i32.const 512) (i32.const 23))
      (call $say (i32.load (i32.const 32)) (i32.load (i32.const 36)))
      (call $file-code (i32.load (i32.const 8)) (i32.const 32))
      (if (i32.eqz (i32.load8_u (i32.const 32))) (then unreachable))
      (i32.store8 (i32.const 40) (i32.add (i32.const 48) (i32.div_u (i32.load8_u (i32.const 33)) (i32.const 10))))
      (i32.store8 (i32.const 41) (i32.add (i32.const 48) (i32.rem_u (i32.load8_u (i32.const 33)) (i32.const 10))))
      (call $say (i32.const 535) (i32.const 7))
      (call $say (i32.const 40) (i32.const 2))
      (call $network-code (i32.load (i32.const 8)) (i32.const 32))
      (if (i32.load8_u (i32.const 32)) (then unreachable))
      (call $blocking (local.get $out) (i32.const 4096) (i32.const 1) (i32.const 0))
      (if (i32.eqz (i32.and (i32.load8_u (i32.const 0)) (i32.load8_u (i32.const 4)))) (then unreachable))
      (call $check (local.get $out) (i32.const 0))
      (if (i32.eqz (i32.and (i32.load8_u (i32.const 0)) (i32.load8_u (i32.const 8)))) (then unreachable))
      (call $say (i32.const 542) (i32.const 27))
      (call $text))
    ;; Reads of 0, 1, 1 and 0 bytes.
    (func $one (param $in i32) (param $size i64)
      (call $read (local.get $in) (local.get $size) (i32.const 0))
      (if (i32.load8_u (i32.const 0))
        (then
          (if (i32.eqz (i32.load8_u (i32.const 4))) (then unreachable))
          (call $say (i32.const 604) (i32.const 8)))
        (else (call $say (i32.const 600) (i32.const 4)))))
    (func (export "at-end") (result i32)
      (local $in i32)
      (local.set $in (call $stdin))
      (call $one (local.get $in) (i64.const 0))
      (call $one (local.get $in) (i64.const 1))
      (call $one (local.get $in) (i64.const 1))
      (call $one (local.get $in) (i64.const 0))
      (call $text)))
  (core instance $m (instantiate $M (with "" (instance
    (export "memory" (memory $memory)) (export "debug" (func $debug)) (export "poll" (func $poll-list))
    (export "block" (func $block)) (export "after" (func $after)) (export "check" (func $check)) (export "write" (func $write)) (export "blocking" (func $blocking))
    (export "zeroes" (func $zeroes)) (export "flush" (func $flush)) (export "read" (func $read))
    (export "stdout" (func $get-stdout)) (export "stderr" (func $get-stderr)) (export "stdin" (func $get-stdin))
    (export "file-code" (func $file-code)) (export "network-code" (func $network-code))))))
  (func (export "write") (param "checks" bool) (param "size" u32) (canon lift (core func $m "write")))
  (func (export "twice") (param "first" u32) (param "second" u32) (canon lift (core func $m "twice")))
  (func (export "waiting") (canon lift (core func $m "waiting")))
  (func (export "hasty") (canon lift (core func $m "hasty")))
  (func (export "leaving") (canon lift (core func $m "leaving")))
  (func (export "asking") (param "times" u32) (canon lift (core func $m "asking")))
  (func (export "blocking") (param "size" u32) (canon lift (core func $m "blocking")))
  (func (export "poll-nothing") (canon lift (core func $m "poll-nothing")))
  (func (export "fail") (result string) (canon lift (core func $m "fail") (memory (core memory $memory))))
  (func (export "at-end") (result string) (canon lift (core func $m "at-end") (memory (core memory $memory)))))
