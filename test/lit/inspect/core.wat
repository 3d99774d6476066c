;; RUN: %wjit inspect %s | FileCheck %s
;; CHECK: import{{.*}}env{{.*}}log
;; CHECK: export{{.*}}memory
(module (import "env" "log" (func (param i32))) (memory (export "memory") 1 2))
