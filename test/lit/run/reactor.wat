;; A reactor: `_initialize` runs, and that is all; with --invoke it runs first. A module is no command and reactor at once.
;; RUN: %wjit run %s | FileCheck %s
;; CHECK: initialized
;; CHECK-NOT: {{.}}
;; RUN: %wjit run --invoke state %s | FileCheck %s --check-prefix=INVOKE
;; INVOKE: initialized
;; INVOKE-NEXT: 1
;; RUN: %wjit run %S/Inputs/exit_in_initialize.wat; test $? = 255
;; RUN: %wjit run %S/Inputs/both.wat 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=BOTH <%t
;; RUN: %wjit run --invoke nothing %S/Inputs/both.wat 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=BOTH <%t
;; BOTH: both.wat exports both `_start` and `_initialize`
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\0c\00\00\00")
  (data (i32.const 16) "initialized\n")
  (global $state (mut i32) (i32.const 0))
  (func (export "_initialize")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (global.set $state (i32.const 1)))
  (func (export "state") (result i32) (global.get $state)))
