(component
  (import "a:b/store@2.0.0" (instance $store (export "get" (func))))
  (import "run" (func $f))
  (export "f" (func $f)))
