(component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (instance $store (export "get" (func $f)))
  (export "a:b/store@1.0.0" (instance $store))
  (export "run" (func $f)))
