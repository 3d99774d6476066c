;; An import that the host does not have: the message names it, and what the host has in its place.
;; RUN: %wjit run %s 2>%t; test $? = 1
;; RUN: FileCheck %s <%t
;; CHECK: wasi:cli/stdowt@0.3.0
;; CHECK: wasi:cli/{{stdout|.*}}
;; RUN: %wjit run %S/Inputs/unknown_version.wat 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=VERSION <%t
;; VERSION: wasi:cli/stdout@1.0.0
;; VERSION: 0.3.0
;; RUN: %wjit run %S/Inputs/unknown_function.wat 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=FUNCTION <%t
;; FUNCTION: get-random-byte
;; RUN: %wjit run %S/Inputs/unknown_core.wat 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=CORE <%t
;; CORE: unknown import `env` `log`
;; CORE-SAME: wasi_snapshot_preview1
;; RUN: %wjit run %S/Inputs/preview0.wat 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=PREVIEW0 <%t
;; PREVIEW0: `wasi_unstable` `proc_exit`: WASI's preview 0 is not supported; preview 1 (wasi_snapshot_preview1) is
(component
  (import "wasi:cli/stdowt@0.3.0" (instance (export "f" (func)))))
