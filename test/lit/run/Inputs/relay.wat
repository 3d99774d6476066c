;; Calls functions of streams_0_2.wat.
(component
  (import "asking" (func $asking (param "times" u32)))
  (import "waiting" (func $waiting))
  (core func $asking (canon lower (func $asking)))
  (core func $waiting (canon lower (func $waiting)))
  (core module $M
    (import "" "asking" (func $asking (param i32)))
    (import "" "waiting" (func $waiting))
    (func (export "relay") (param $asks i32)
      (if (local.get $asks) (then (call $asking (i32.const 20))) (else (call $waiting)))))
  (core instance $m (instantiate $M (with "" (instance (export "asking" (func $asking)) (export "waiting" (func $waiting))))))
  (func (export "relay") (param "asks" bool) (canon lift (core func $m "relay"))))
