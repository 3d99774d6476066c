;; Values that a root imports come from --value; the ones that it exports are printed by --invoke.
;; RUN: %wjit run --value port=8080 --value 'tags=["a", "b"]' --invoke port %s | FileCheck %s --check-prefix=PORT
;; PORT: 16160
;; RUN: %wjit run --value port=8080 --value 'tags=["a", "b"]' --invoke tags %s | FileCheck %s --check-prefix=TAGS
;; TAGS: ["a", "b"]
;; RUN: %wjit run --value port=8080 --value 'tags=[]' --invoke 'next(1)' %s | FileCheck %s --check-prefix=NEXT
;; NEXT: 2
;; RUN: %wjit run --value port=8080 --invoke port %s 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=MISSING <%t
;; MISSING: import `tags` is a value (list<string>), which --value tags=... gives
;; RUN: %wjit run --value port=80800 --value tags=[] --invoke port %s 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=RANGE <%t
;; RANGE: --value port (u16): 80800 does not fit
;; RUN: %wjit run --value port=1 --value port=2 --value tags=[] --invoke port %s | FileCheck %s --check-prefix=LAST
;; LAST: 4
;; RUN: %wjit run --value port=1 --value tag=[] --invoke port %s 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=UNKNOWN <%t
;; UNKNOWN: wjit: --value tag: {{.*}}values.wat imports no such value; it imports port, tags
;; RUN: %wjit run --value a=1 --invoke 'sum(1, 2)' %examples/calc.wat 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=NONE <%t
;; RUN: %wjit run --value a=1 --invoke 'swap(1, 2)' %S/invoke.wat 2>%t; test $? = 1
;; RUN: FileCheck %s --check-prefix=NONE <%t
;; NONE: imports no such value; it imports none
;; RUN: %wjit parse %s | %wjit print - | %wjit parse - -o %t.wasm
;; RUN: %wjit run --value port=1 --value 'tags=[]' --invoke port %t.wasm | FileCheck %s --check-prefix=AGAIN
;; AGAIN: 2
;; RUN: echo '(component (value (export "port") u16 4) (value (export "tags") (list string) (list "p")))' >%t.wat
;; RUN: %wjit compose %s --plug %t.wat -o %t.wasm
;; RUN: %wjit run --invoke port %t.wasm | FileCheck %s --check-prefix=PLUG
;; PLUG: 8
;; RUN: %wjit run --plug %t.wat --invoke tags %s | FileCheck %s --check-prefix=PLUGGED
;; PLUGGED: ["p"]
(component
  (import "port" (value $port u16))
  (import "tags" (value $tags (list string)))
  (core module $M
    (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func (export "next") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
  (core instance $m (instantiate $M))
  (func $double (param "n" u16) (result u16) (canon lift (core func $m "double")))
  (start $double (value $port) (result (value $twice)))
  (export "port" (value $twice))
  (export "tags" (value $tags))
  (func (export "next") (param "n" u32) (result u32) (canon lift (core func $m "next"))))
