;; Exit codes that are no statuses of the system's are 255, by each way to get there: _start, a start function, _initialize,
;; --invoke.
;; RUN: %wjit run %s; test $? = 255
;; RUN: %wjit run --invoke 'exit(0)' %s
;; RUN: %wjit run --invoke 'exit(254)' %s; test $? = 254
;; RUN: %wjit run --invoke 'exit(256)' %s; test $? = 255
;; RUN: %wjit run --invoke 'exit(2147483648)' %s; test $? = 255
;; RUN: %wjit run %S/Inputs/exit_in_start.wat; test $? = 255
;; RUN: %wjit run --invoke nothing %S/Inputs/exit_in_initialize.wat; test $? = 255
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start") (call $exit (i32.const 256)))
  (func (export "exit") (param i32) (call $exit (local.get 0))))
