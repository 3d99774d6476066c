;; The text parses, the module is not valid: the first error, with its place.
;; RUN: %wjit run %s 2>%t; test $? = 1
;; RUN: FileCheck %s <%t
;; CHECK: invalid.wat{{.*}}: invalid at offset 0x{{[0-9a-f]+}}: {{.*}}type mismatch
(module (func (export "f") (result i32) (i64.const 1)))
