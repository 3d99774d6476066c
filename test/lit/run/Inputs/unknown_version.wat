(component (import "wasi:cli/stdout@1.0.0" (instance (export "f" (func)))))
