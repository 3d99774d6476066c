;; RUN: %wjit validate %s 2>%t; test $? = 1
;; RUN: FileCheck %s <%t
;; CHECK: invalid_component.wat{{.*}}: invalid at offset 0x
(component
  (core module $M (func (export "f") (param i64)))
  (core instance $m (instantiate $M))
  (func (export "f") (param "x" u32) (canon lift (core func $m "f"))))
