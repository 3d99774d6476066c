(module (func (export "f") (loop (br 0))))
(invoke "f")
