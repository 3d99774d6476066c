;; With a seed a host function may have finished before its caller knows: who cancels it then gets the result (2: returned).
;; RUN: for s in 0 1 2 3 4 5 6 7; do %wjit run --deterministic --seed $s --invoke 'resolve()' %s || exit 1; done | FileCheck %s
;; CHECK-COUNT-8: {{^2$}}
(component
  (import "wasi:sockets/types@0.3.0" (instance $types
    (type $v4 (tuple u8 u8 u8 u8))
    (export "ipv4-address" (type $ipv4 (eq $v4)))
    (type $v6 (tuple u16 u16 u16 u16 u16 u16 u16 u16))
    (export "ipv6-address" (type $ipv6 (eq $v6)))
    (type $address (variant (case "ipv4" $ipv4) (case "ipv6" $ipv6)))
    (export "ip-address" (type (eq $address)))))
  (alias export $types "ip-address" (type $ip-address))
  (import "wasi:sockets/ip-name-lookup@0.3.0" (instance $lookup
    (alias outer 1 $ip-address (type $outer))
    (export "ip-address" (type $address (eq $outer)))
    (type $error (variant (case "access-denied") (case "invalid-argument") (case "name-unresolvable")
      (case "temporary-resolver-failure") (case "permanent-resolver-failure") (case "other" (option string))))
    (export "error-code" (type $code (eq $error)))
    (export "resolve-addresses" (func async (param "name" string) (result (result (list $address) (error $code)))))))
  (alias export $lookup "resolve-addresses" (func $resolve))
  (core module $Memory
    (memory (export "memory") 1)
    (data (i32.const 0) "127.0.0.1")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $memory (instantiate $Memory))
  (core func $lowered (canon lower (func $resolve) async (memory $memory "memory") (realloc (func $memory "realloc"))))
  (core func $cancel (canon subtask.cancel))
  (core module $M
    (import "" "resolve" (func $resolve (param i32 i32 i32) (result i32)))
    (import "" "cancel" (func $cancel (param i32) (result i32)))
    (func (export "resolve") (result i32)
      (local $status i32)
      (local.set $status (call $resolve (i32.const 0) (i32.const 9) (i32.const 64)))
      (if (i32.shr_u (local.get $status) (i32.const 4)) (then
        (local.set $status (call $cancel (i32.shr_u (local.get $status) (i32.const 4))))))
      (local.get $status)))
  (core instance $m (instantiate $M (with "" (instance
    (export "resolve" (func $lowered)) (export "cancel" (func $cancel))))))
  (func (export "resolve") async (result u32) (canon lift (core func $m "resolve"))))
