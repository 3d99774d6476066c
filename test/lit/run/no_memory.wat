;; A module that exports no memory: what needs none works, what needs it says so.
;; RUN: %wjit run %s; test $? = 7
;; RUN: %wjit run --invoke yield %s | FileCheck %s --check-prefix=YIELD
;; YIELD: 0
;; RUN: %wjit run --invoke time %s 2>%t; test $? = 134
;; RUN: FileCheck %s <%t
;; CHECK: clock_time_get: the module exports no memory `memory`
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (memory (export "mem") 1)
  (func (export "_start") i32.const 7 call $exit)
  (func (export "yield") (result i32) call $yield)
  (func (export "time") (result i32) (call $time (i32.const 0) (i64.const 0) (i32.const 0))))
