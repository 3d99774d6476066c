;; --invoke of a core module whose function reads, writes and sleeps; traps and exits in it.
;; RUN: printf 'ab' | %wjit run --invoke 'echo(3)' %s >%t
;; RUN: FileCheck %s --match-full-lines <%t
;; CHECK: ababab
;; CHECK-NEXT: 2
;; RUN: %wjit run --io epoll --invoke 'sleep(1000000)' %s | FileCheck %s --check-prefix=SLEEP --match-full-lines
;; RUN: %wjit run --deterministic --seed 3 --invoke 'sleep(3600000000000)' %s | FileCheck %s --check-prefix=SLEEP --match-full-lines
;; SLEEP: 1
;; RUN: %wjit run --invoke 'exit(7)' %s; test $? = 7
;; RUN: %wjit run --invoke 'trap()' %s 2>%t; test $? = 134
;; RUN: FileCheck %s --check-prefix=TRAP <%t
;; TRAP: wjit: {{.*}}invoke_io.wat: wasm trap: unreachable
;; TRAP-NEXT: trap at
;; RUN: %wjit run --trace %t.json --invoke 'sleep(1)' %s | FileCheck %s --check-prefix=SLEEP --match-full-lines
;; RUN: %check_trace %t.json >%t
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  ;; Reads once and writes that so often, and a line's end; the number of bytes read.
  (func (export "echo") (param $times i32) (result i32) (local $length i32)
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 64))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (local.tee $length (i32.load (i32.const 8))))
    (loop $again
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (i32.store8 (i32.const 64) (i32.const 10))
    (i32.store (i32.const 4) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (local.get $length))
  ;; So many nanoseconds; the number of events.
  (func (export "sleep") (param $ns i64) (result i32)
    (i32.store (i32.const 144) (i32.const 1))
    (i64.store (i32.const 152) (local.get $ns))
    (drop (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
  (func (export "exit") (param $status i32) (call $exit (local.get $status)))
  (func (export "trap") unreachable))
