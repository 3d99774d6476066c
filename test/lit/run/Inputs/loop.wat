(module (func (export "f") (loop (br 0))))
